"""Secrets never reach a recording: everything written goes through a redactor that knows them."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

SECRET_NAME = re.compile(
    r"^(?!(OLD)?PWD$).*(secret|token|passw|passphrase|passcode|(^|_)pass($|_)|pwd|(^|_)creds?($|_)|credential|private"
    r"|signing|api_?key|access_?key|(^|_)keys?$|auth|cookie|dsn|salt|conn(ection)?_?str)",
    re.IGNORECASE,
)
SHORTEST = 5
_LINE_OF_A_KEY = 16
_AUTH_HEADERS = re.compile(
    r"^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|.*token.*)$", re.IGNORECASE
)
_PASSWORD_IN_TEXT = re.compile(r"(?:password|passwd|pwd|accountkey)\s*=\s*('[^']+'|[^\s;&]+)", re.IGNORECASE)
_SHORTEST_CUT = 200  # texts are cut at this many characters or more, never at fewer
_REST_OF_A_SECRET = 8
_OPTION = re.compile(r"(-[\w-]+|\w+)$")
_WORDS = {"false", "enabled", "disabled", "default", "required", "optional", "localhost"}
"""Values of settings whose names sound secret and which are none: hiding these words would hide a lot."""


class Redactor:
    """Replaces every known secret in a text by ``[redacted:NAME]``, also where it is URL- or base64-encoded."""

    def __init__(self) -> None:
        """Know no secret yet."""
        self._known: dict[str, str] = {}
        self._longest_first: list[str] = []

    def learn(self, name: str, value: str) -> None:
        """Remember a secret. Values under five characters are not secrets: hiding them would hide everything."""
        if len(value) < SHORTEST:
            return
        for form in _forms(value):
            if len(form) >= SHORTEST:
                self._known.setdefault(form, name)
        lines = value.splitlines()
        for line in lines if len(lines) > 1 else ():  # a key of several lines is logged line by line
            if len(line.strip()) >= _LINE_OF_A_KEY:
                self._known.setdefault(line.strip(), name)

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Remember the values whose names say that they are secret, and the passwords inside URLs and other texts."""
        for name, value in environment.items():
            if "://" in value:
                self._learn_url(name, value)
            elif SECRET_NAME.search(name) and value.lower() not in _WORDS:
                self.learn(name, value)
            for password in _PASSWORD_IN_TEXT.findall(value):
                self.learn(name, password.strip("'"))

    def learn_headers(self, headers: Mapping[str, str], *, every: bool = False) -> None:
        """Remember the values of credentials sent with requests, with and without their scheme.

        ``every`` header is a credential where the user said so; otherwise the names tell.
        """
        for name, value in headers.items():
            if not (every or _AUTH_HEADERS.match(name) or SECRET_NAME.search(name.replace("-", "_"))):
                continue
            self.learn(name, value)
            _, _, credential = value.partition(" ")
            self.learn(name, credential)
            if value.lower().startswith("basic "):
                self._learn_basic(name, credential)

    def learn_arguments(self, arguments: Sequence[str]) -> None:
        """Remember secrets on a command line: passwords in URLs, and what follows an option with a secret's name."""
        previous = ""
        for argument in arguments:
            option, equals, value = argument.partition("=")
            if "://" in argument:
                self._learn_url("command", value if equals and "://" in value else argument)
            elif equals and _is_secret_option(option):
                self._learn_argument(value)
            elif previous.startswith("-") and _is_secret_option(previous) and not argument.startswith("-"):
                self._learn_argument(argument)
            previous = "" if equals else argument
            words = argument.split()
            if len(words) > 1:  # such as what follows sh -c
                self.learn_arguments([word.strip("\"'") for word in words])

    def _learn_argument(self, value: str) -> None:
        if value.lower() not in _WORDS:
            self.learn("command", value)

    def _learn_url(self, name: str, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError:
            if SECRET_NAME.search(name):
                self.learn(name, url)
            return
        for key, value in parse_qsl(parts.query):
            if SECRET_NAME.search(key):
                self.learn(name, value)
        if parts.username and not parts.password and len(parts.username) >= _LINE_OF_A_KEY:
            self.learn(name, parts.username)
            self.learn(name, unquote(parts.username))  # a token in place of a user, as in https://TOKEN@host
        if parts.password:
            self.learn(name, parts.password)
            self.learn(name, unquote(parts.password))
        elif SECRET_NAME.search(name):  # such as the address of a web hook
            self.learn(name, url.partition("://")[2].partition("/")[2])

    def _learn_basic(self, name: str, credential: str) -> None:
        try:
            decoded = base64.b64decode(credential, validate=True).decode()
        except ValueError:
            return
        self.learn(name, decoded)
        self.learn(name, decoded.partition(":")[2])

    def clean(self, text: str) -> str:
        """Return the text without the secrets, the longest replaced first."""
        if len(self._longest_first) != len(self._known):
            self._longest_first = sorted(self._known, key=len, reverse=True)
        for value in self._longest_first:
            if value in text:
                text = text.replace(value, f"[redacted:{self._known[value]}]")
        return self._clean_ends(text) if len(text) >= _SHORTEST_CUT else text

    def _clean_ends(self, text: str) -> str:
        """Replace what a limit on the length of texts has left of a secret, at their end or at their beginning."""
        for value in self._longest_first:
            kept = _overlap(text, value)
            if kept:
                text = f"{text[:-kept]}[redacted:{self._known[value]}]"
            kept = _overlap(value, text)
            if kept:
                text = f"[redacted:{self._known[value]}]{text[kept:]}"
        return text


def _overlap(left: str, right: str) -> int:
    """Return how many characters at the end of one text are the beginning of the other; 0 for fewer than eight."""
    start = left.find(right[:_REST_OF_A_SECRET], max(len(left) - len(right) + 1, 0))
    while start != -1 and len(left) - start >= _REST_OF_A_SECRET:
        if right.startswith(left[start:]):
            return len(left) - start
        start = left.find(right[:_REST_OF_A_SECRET], start + 1)
    return 0


def _is_secret_option(option: str) -> bool:
    """Tell whether a secret follows: after --api-key, and after TOKEN= as in ``env TOKEN=... serve``."""
    return _OPTION.match(option) is not None and SECRET_NAME.search(option.lstrip("-").replace("-", "_")) is not None


def _forms(value: str) -> Iterator[str]:
    """Yield the ways in which programs write a text: as it is, in URLs, in base64, in JSON and in HTML."""
    raw = value.encode("utf-8", "surrogateescape")
    yield value
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="))
    for quoted in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]):
        yield from (quoted, json.dumps(quoted)[1:-1])  # also within a JSON line
    yield from (html.escape(value), html.escape(value, quote=False))
