"""Texts that come from outside: logins in one spelling, and the words that name roles and scopes."""

import re
import unicodedata
from collections.abc import Iterable

from chassis.errors import ProblemError

LONGEST_LOGIN = 254
"""The longest address that mail can be sent to (RFC 5321, section 4.5.3.1.3, less the angle brackets)."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")


def normalise_login(login: str) -> str:
    """Return the one spelling under which a login is kept: an email address or a name.

    Upper and lower case, composed and decomposed accents, and full-width letters are the same (NFKC_Casefold).

    Raises:
        ProblemError: 422; it is empty, too long, or holds blanks or characters that cannot be seen.
    """
    if len(login) > 4 * LONGEST_LOGIN:
        raise _bad_login()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", login.strip()).casefold())
    name = unicodedata.normalize("NFKC", folded.casefold())
    if not 0 < len(name) <= LONGEST_LOGIN:
        raise _bad_login()
    if any(unicodedata.category(character)[0] in "CZ" for character in name):
        raise _bad_login()
    return name


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of anything. Others are not asked for: PostgreSQL refuses to hear of some."""
    return text.isascii() and text.isprintable()


def scope_words(words: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the words sorted, each once: roles or scopes, in the characters that RFC 6749, section 3.3, allows.

    Raises:
        ValueError: one is no such word; ``what`` says in the message what they are.
    """
    for word in words:
        if not _SCOPE.fullmatch(word):
            raise ValueError(f"{word!r} cannot name {what}: use printable ASCII without blanks, quotes and backslashes")
    return tuple(sorted(set(words)))


def _bad_login() -> ProblemError:
    detail = f"A login has 1 to {LONGEST_LOGIN} visible characters and no blanks."
    return ProblemError(422, detail)
