"""Secrets at rest."""

import pytest
from pydantic import SecretStr
from spyne.secrets import UnreadableSecretError, Vault

ONE = SecretStr("kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd")
OTHER = SecretStr("Zx4-bb1Qr_yy92nOwC83itYd5vUf0SxZe")
LOCATION = "postgresql://reader:hunter2@db/sales"


def test_what_was_encrypted_is_decrypted_and_shows_nothing():
    stored = Vault(ONE).encrypt(LOCATION)

    assert "hunter2" not in stored
    assert Vault(ONE).decrypt(stored) == LOCATION
    assert Vault(ONE).encrypt(LOCATION) != stored


def test_another_key_cannot_read_it():
    stored = Vault(ONE).encrypt(LOCATION)

    with pytest.raises(UnreadableSecretError, match="RCA_SECRET_KEY"):
        Vault(OTHER).decrypt(stored)


def test_what_was_changed_is_not_read():
    stored = Vault(ONE).encrypt(LOCATION)

    with pytest.raises(UnreadableSecretError):
        Vault(ONE).decrypt(stored[:-4] + ("AAAA" if not stored.endswith("AAAA") else "BBBB"))


def test_an_earlier_key_still_reads():
    stored = Vault(ONE).encrypt(LOCATION)
    changed = Vault(OTHER, previous=ONE)

    assert changed.decrypt(stored) == LOCATION
    assert Vault(OTHER).decrypt(changed.encrypt(LOCATION)) == LOCATION
