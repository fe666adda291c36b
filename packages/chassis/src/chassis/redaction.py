"""Secrets stay out of everything that is written: logs, errors, metrics, answers, bundles.

A :class:`Redactor` hides three kinds: values that it has learned (settings, passwords of URLs, credentials of the
request under way), members whose names say that they are secret, and texts that look like a secret by where they stand,
such as ``password=...`` or ``Bearer ...``. It replaces them by ``[redacted:NAME]`` or ``[redacted]``.

One per process is enough, and :data:`REDACTOR` is it: settings teach it what they load.
"""

import re
import threading
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from chassis.redaction_forms import (
    HIDDEN,
    SECRET_FIELD,
    SECRET_SETTING,
    SHORTEST,
    START,
    WORDS,
    forms,
    hide_patterns,
    is_word,
    may_hide,
    secrets_in,
    trie,
)
from chassis.redaction_request import RequestSecrets, request_secrets

__all__ = ["REDACTOR", "Redactor", "RequestSecrets", "request_secrets"]

_DEEPEST = 12
_KNOWN_NAMES = 4096
_CONTAINERS = (dict, list, tuple)
_PLAIN = frozenset({str, int, float, bool, type(None)})
_SHORTEST_CREDENTIAL = 8
_NUMBERS_TOO = re.compile(r"passw|passcode|(^|_)pin($|_)|otp|secret", re.IGNORECASE)


class Redactor:
    """Hides secrets in texts and in data. A text without any costs one pass of a compiled expression.

    Attributes:
        search: finds the beginning of a secret that was learned in a text, from a position on; None for nothing. It is
            another function each time that more was learned.
    """

    def __init__(self) -> None:
        """Know no secret yet."""
        self._names: dict[str, str] = {}  # what is hidden, in all its forms: the name it is hidden under
        self._by_start: dict[str, list[str]] = {}
        self._secret_fields: dict[str, bool] = {}
        self._lock = threading.Lock()
        self.search: Callable[..., re.Match[str] | None] = _find_nothing

    def learn(self, name: str, value: str) -> None:
        """Remember a secret, in all the forms that programs write it in, and the secrets inside of a URL.

        Values under five characters are not secrets: hiding them would hide everything.

        Args:
            name: what replaces it: ``[redacted:NAME]``.
            value: the secret, or a URL or ``key=value`` text with secrets in it.
        """
        inner = list(secrets_in(value))
        whole = [] if inner or "://" in value else [value]
        lines = value.splitlines()
        if len(lines) > 1:  # a key of several lines is logged line by line
            whole += [line.strip() for line in lines if len(line.strip()) > _SHORTEST_CREDENTIAL]
        with self._lock:
            before = len(self._names)
            for secret in inner + whole:
                if len(secret) >= SHORTEST and secret.lower() not in WORDS:
                    for form in forms(secret):
                        self._names.setdefault(form, name)
            if len(self._names) != before:
                self.search = self._compile_and_search

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Remember the values of variables whose names say that they are secret, and the passwords inside URLs.

        Short numbers are left out: a name such as ``TOKEN_MINUTES`` only sounds secret.
        """
        for name, value in environment.items():
            short_number = value.isdigit() and len(value) < _SHORTEST_CREDENTIAL
            if "://" in value or (SECRET_SETTING.search(name) and not short_number):
                self.learn(name, value)

    def may_hold_secret(self, text: str) -> bool:
        """Tell, fast, whether :meth:`clean` may have something to do. It may say yes in vain, never no in vain."""
        if self.search(text) is not None or may_hide(text):
            return True
        request = request_secrets.get()
        return request is not None and any([start in text for start in request.starts])  # noqa: C419

    def clean(self, text: str) -> str:
        """Return the text without secrets, also without those that a limit on its length has cut."""
        request = request_secrets.get()
        if request is not None and any([start in text for start in request.starts]):  # noqa: C419 - faster
            text = _without(text, request.values)
        return hide_patterns(self.clean_known(self._hide_rest_at_beginning(text)))

    def clean_known(self, text: str) -> str:
        """Return the text without the secrets that were learned. What only looks like a secret stays."""
        pieces: list[str] = []
        at = 0
        while found := self.search(text, at):
            start = found.start()
            end, name = self._extent(text, start)
            if end > start:
                pieces += (text[at:start], f"[redacted:{name}]")
                at = end
            else:
                pieces.append(text[at : start + 1])
                at = start + 1
        return "".join([*pieces, text[at:]]) if pieces else text

    def clean_data(self, data: Any, _depth: int = 0) -> Any:
        """Return a copy of the data (mappings, sequences, texts, numbers) without secrets, by name and by value."""
        if isinstance(data, str):
            return self.clean(data)
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, int | float):
            return data if (text := str(data)) == self.clean_known(text) else HIDDEN
        if _depth > _DEEPEST:
            return HIDDEN
        if isinstance(data, Mapping):
            return {self.clean(str(key)): self._clean_member(str(key), data[key], _depth) for key in data}
        if isinstance(data, _CONTAINERS) and self._is_secret_pair(data):
            return [self.clean_data(data[0], _depth + 1), self._clean_member(_text_of(data[0]), data[1], _depth)]
        if isinstance(data, list | tuple | set | frozenset):
            return [self.clean_data(each, _depth + 1) for each in data]
        return self.clean(str(data))

    def is_secret_field(self, name: str) -> bool:
        """Tell whether a member or header of this name is secret."""
        try:
            return self._secret_fields[name]
        except KeyError:
            if len(self._secret_fields) >= _KNOWN_NAMES:
                self._secret_fields.clear()
            secret = self._secret_fields[name] = SECRET_FIELD.search(name) is not None
            return secret

    def has_secret_field(self, data: Any, _depth: int = 0) -> bool:
        """Tell whether a name anywhere in the data may say that what it names is secret. It may say yes in vain."""
        if isinstance(data, dict):
            known = self._secret_fields
            for key, value in data.items():  # a loop rather than any(): this runs for every log line
                secret = known.get(key)
                if secret or (secret is None and (type(key) is not str or self.is_secret_field(key))):
                    return True
                if type(value) not in _PLAIN and (_depth >= _DEEPEST or self.has_secret_field(value, _depth + 1)):
                    return True
            return False
        if isinstance(data, _CONTAINERS):
            return (
                _depth >= _DEEPEST
                or self._is_secret_pair(data)
                or any(self.has_secret_field(each, _depth + 1) for each in data if type(each) not in _PLAIN)
            )
        return isinstance(data, Enum) or hasattr(data, "__dataclass_fields__")  # JSON writes what is in them

    def _is_secret_pair(self, data: Any) -> bool:
        """Tell whether it is a name and a value, such as of a header, and the name says that the value is secret."""
        return len(data) == 2 and isinstance(data, list | tuple) and self.is_secret_field(_text_of(data[0]))

    def _clean_member(self, name: str, value: Any, depth: int) -> Any:
        if not self.is_secret_field(name) or value is None or isinstance(value, bool):
            return self.clean_data(value, depth + 1)
        if isinstance(value, int | float) and not _NUMBERS_TOO.search(name):
            return value  # such as the number of tokens that a model was given
        return HIDDEN

    def _extent(self, text: str, start: int) -> tuple[int, str]:
        """Return where the secret that begins here ends, and its name; it ends where it starts if it is none."""
        best, name = start, ""
        for form in (*self._by_start.get(text[start : start + START], ()), *self._by_start.get("", ())):
            length = len(form)
            if is_word(form):
                if not text.startswith(form, start) or not _alone(text, start, start + length):
                    continue
            else:
                while not text.startswith(form[:length], start):
                    length -= 1
            if start + length > best and (length >= START or is_word(form)):
                best, name = start + length, self._names[form]
        return best, name

    def _hide_rest_at_beginning(self, text: str) -> str:
        """Hide the end of a secret whose beginning was cut off before the text began."""
        first = text[:START]
        if len(first) < START:
            return text
        for form, name in list(self._names.items()):
            at = form.find(first, 1)
            while at > 0:
                if text.startswith(form[at:]):
                    return f"[redacted:{name}]{text[len(form) - at :]}"
                at = form.find(first, at + 1)
        return text

    def _compile_and_search(self, text: str, at: int = 0) -> re.Match[str] | None:
        """Compile what has been learned, once, at the first text afterwards."""
        with self._lock:
            by_start: dict[str, list[str]] = {}
            for form in self._names:
                by_start.setdefault("" if is_word(form) else form[:START], []).append(form)
            starts = [(start, False) for start in by_start if start]
            starts += [(word, True) for word in by_start.get("", ())]
            self._by_start = by_start
            self.search = re.compile(trie(starts)).search
        return self.search(text, at)


def _alone(text: str, start: int, end: int) -> bool:
    """Tell whether no letter or digit is next to a part of a text, other than that of an escape such as %3A."""
    if text[end : end + 1].isalnum():
        return False
    before = text[max(start - 3, 0) : start]
    return not before[-1:].isalnum() or before[:1] == "%" or before[-2:-1] == "\\"


def _text_of(name: Any) -> str:
    """Return the text of a name; that of bytes also where they were written as ``b'...'``."""
    if isinstance(name, bytes):
        return name.decode("latin-1")
    if not isinstance(name, str):
        return ""
    return name[2:-1] if name[:2] in ("b'", 'b"') else name


def _without(text: str, values: tuple[str, ...]) -> str:
    """Return a text without the credentials of a request, also at its end where a limit has cut one."""
    for value in values:
        text = text.replace(value, HIDDEN)
        at = text.rfind(value[:START])
        if at >= 0 and value.startswith(text[at:].rstrip(".\u2026")):
            text = text[:at] + HIDDEN
    return text


def _find_nothing(_text: str, _at: int = 0) -> None:
    return None


REDACTOR = Redactor()
"""The one of this process."""
