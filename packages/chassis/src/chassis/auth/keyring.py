"""The keys that access tokens are signed with, so that one can be replaced while the service runs."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from chassis.redaction import REDACTOR

SHORTEST_KEY = 32
"""Bytes of a key for HS256 at least (RFC 7518, section 3.2)."""

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EXPECTED = (
    'expected "ID:SECRET", or several separated by commas, such as "2025-06:..."; `new_key("2025-06")` makes one'
)
_FEWEST_CHARACTERS = 8


class Secret(Protocol):
    """A text that does not show itself, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the text."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. Its ``id`` is sent with every token (``kid``); its ``secret`` never leaves the process."""

    id: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what can be guessed."""
        if not _KEY_ID.fullmatch(self.id):
            raise ValueError(f"a signing key has no usable id: {_EXPECTED}")
        if len(self.secret.encode()) < SHORTEST_KEY or len(set(self.secret)) < _FEWEST_CHARACTERS:
            raise ValueError(
                f"the signing key {self.id!r} is too weak: it needs {SHORTEST_KEY} random bytes; {_EXPECTED}"
            )


class KeyRing:
    """The key that signs, and those that are accepted besides.

    To replace a key without a caller noticing, change the setting in three roll-outs: ``old,new`` (everybody accepts
    both), ``new,old`` (the new one signs), and, once the last old token has ended, ``new``.
    """

    def __init__(self, active: SigningKey, accepted: Iterable[SigningKey] = ()) -> None:
        """Sign with ``active``; accept the others too."""
        self.active = active
        self._by_id: dict[str, SigningKey] = {}
        for key in (active, *accepted):
            if key.id in self._by_id:
                raise ValueError(f"two signing keys have the id {key.id!r}: each key needs its own")
            self._by_id[key.id] = key

    @classmethod
    def parse(cls, setting: "str | Secret") -> "KeyRing":
        """Read ``ID:SECRET`` pairs, separated by commas: the first signs, all are accepted.

        Raises:
            ValueError: it is not that, or a key is too weak. No message shows a secret.
        """
        text = setting if isinstance(setting, str) else setting.get_secret_value()
        keys = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            key_id, colon, secret = part.partition(":")
            REDACTOR.learn("SIGNING_KEY", secret)  # the setting was learned as a whole, and each is a secret by itself
            keys.append(SigningKey(key_id if colon else "", secret))
        if not keys:
            raise ValueError(f"there is no signing key: {_EXPECTED}")
        return cls(keys[0], keys[1:])

    def find(self, key_id: str) -> SigningKey | None:
        """Return the key of that id, or None when it is not accepted (any more)."""
        return self._by_id.get(key_id)


def new_key(key_id: str) -> str:
    """Return a new key of 256 random bits, as the setting has it: ``ID:SECRET``."""
    return f"{key_id}:{secrets.token_urlsafe(32)}"
