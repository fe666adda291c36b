"""Secrets at rest: what is stored about databases is encrypted with a key made from RCA_SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

_PURPOSE = b"spyne: locations of databases, version 1"


class UnreadableSecretError(Exception):
    """What is stored was encrypted with another key, or was changed."""


class Vault:
    """Encrypts and decrypts (Fernet: AES-128-CBC and HMAC-SHA256, keys by HKDF-SHA256).

    Args:
        key: encrypts, and decrypts; 32 characters or more.
        previous: decrypts what an earlier key encrypted; None for none.
    """

    def __init__(self, key: SecretStr, previous: SecretStr | None = None) -> None:
        """Derive the keys; the texts that they come from are not kept."""
        self._ciphers = MultiFernet([Fernet(_derived(each)) for each in (key, previous) if each is not None])

    def encrypt(self, text: str) -> str:
        """Encrypt a text; each time differently."""
        return self._ciphers.encrypt(text.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """Decrypt what `encrypt` made.

        Raises:
            UnreadableSecretError: it was encrypted with another key, or was changed.
        """
        try:
            return self._ciphers.decrypt(stored.encode()).decode()
        except InvalidToken:
            raise UnreadableSecretError(
                "a stored secret cannot be read: RCA_SECRET_KEY is another one than when it was stored. "
                "Set RCA_PREVIOUS_SECRET_KEY to the earlier key, or save the database again"
            ) from None


def _derived(key: SecretStr) -> bytes:
    made = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.get_secret_value().encode())
    return base64.urlsafe_b64encode(made)
