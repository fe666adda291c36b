"""Secrets of our own making, and where they turn up: in clear, in part, and as URLs and base64 write them."""

import base64
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from roadworthy.traffic.tokens import new_token

HIDDEN = "[secret]"
LONG_ENOUGH = 12
EXCERPT = 160


@dataclass(frozen=True)
class Secret:
    """One secret to look for. ``parts`` are pieces of it that give it away and occur nowhere else."""

    name: str
    value: str
    parts: tuple[str, ...] = ()

    def forms(self) -> Iterator[tuple[str, str]]:
        """Yield how it can be written: the name of the form and the text, the whole secret before its parts."""
        raw = self.value.encode("utf-8", "surrogateescape")
        yield "plain", self.value
        for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
            yield from (("url-encoded", each) for each in (encoded, _lower(encoded)) if each != self.value)
        for escaped in (json.dumps(self.value)[1:-1], html.escape(self.value)):
            if escaped != self.value:
                yield "escaped", escaped
        yield from (("base64", each) for each in _base64(raw))
        for part in self.parts:
            yield from (("half of it", each) for each in (part, *_base64(part.encode())))


@dataclass(frozen=True)
class Hit:
    """A secret in a text: which, in which form, and at which character."""

    secret: Secret
    form: str
    offset: int


class Finder:
    """Looks for secrets in texts."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        """Compile what to look for."""
        self._forms = [(secret, form, text) for secret in secrets for form, text in dict.fromkeys(secret.forms())]
        self._any = re.compile("|".join(re.escape(text) for _, _, text in self._forms) or r"(?!)")

    def find(self, text: str) -> list[Hit]:
        """Return the first place of each secret that the text holds, in the most telling form."""
        if self._any.search(text) is None:
            return []
        found: dict[Secret, Hit] = {}
        for secret, form, written in self._forms:
            at = text.find(written)
            if at >= 0:
                found.setdefault(secret, Hit(secret, form, at))
        return list(found.values())

    def excerpt(self, text: str, offset: int) -> str:
        """Return what is around this place, without any secret in any form."""
        around = text[max(offset - 2 * EXCERPT, 0) : offset + 4 * EXCERPT]
        start = min(offset, 2 * EXCERPT)
        before = self._any.sub(HIDDEN, around[:start])
        after = self._any.sub(HIDDEN, around[start:])
        return f"{before[-EXCERPT // 2 :]}{after[:EXCERPT]}".replace("\n", " ")


def new_secret(name: str) -> Secret:
    """Make up a secret, with characters that URLs and some JSON escape, between two halves that nothing escapes."""
    first, second = new_token(), new_token()
    return Secret(name, f"{first}+/{second}", (first, second))


def is_telling(value: str) -> bool:
    """Whether a value is so long and so unlike a word that it is surely itself where it is found."""
    return len(value) >= LONG_ENOUGH and not value.isalpha() and not value.isdigit()


def _lower(encoded: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)


def _base64(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of it wherever it begins within other bytes, without the characters that these share."""
    for shift, shared in ((0, 0), (1, 2), (2, 3)):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(bytes(shift) + raw).decode()
            rest = (shift + len(raw)) % 3
            yield text.rstrip("=")[shared : -1 if rest else None]
