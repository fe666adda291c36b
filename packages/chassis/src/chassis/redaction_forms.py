"""What secrets look like: the names that they go by, the forms that programs write them in, the texts they hide in."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "[redacted]"
SHORTEST = 5
START = 8
"""So many characters of a secret give it away, and are hidden when a limit has cut off the rest."""
_SHORTEST_STRONG_WORD = 12

SECRET_SETTING = re.compile(
    r"^(?!(OLD)?PWD$).*(secret|token|passw|passphrase|passcode|(^|_)pass($|_)|pwd|(^|_)creds?($|_)|credential|private"
    r"|signing|api_?key|access_?key|(^|_)keys?$|auth(?!or)|cookie|dsn|salt|conn(ection)?_?str)",
    re.IGNORECASE,
)
"""Names of settings and environment variables whose values are secret."""

SECRET_FIELD = re.compile(
    r"secret|token(?!iz|s?_?(count|limit))|passw|passphrase|passcode|(^|[_-])(pass|pwd|pin|otp|dsn|salt|auth)($|[_-])"
    r"|credential|authorization|cookie|session_?id|conn(ection)?_?str|signature$"
    r"|(api|access|secret|private|signing|encryption|jwt|hmac|master|auth\w*)[_-]?keys?($|[_-])",
    re.IGNORECASE,
)
"""Names of members and headers whose values are secret. Narrower: a cache key or an author is no secret."""

WORDS = {"false", "enabled", "disabled", "default", "required", "optional", "localhost"}
"""Values of settings whose names sound secret and which are none: hiding these words would hide a lot."""

_PASSWORD_IN_TEXT = re.compile(r"(?:password|passwd|pwd|accountkey)\s*=\s*('[^']+'|[^\s;&]+)", re.IGNORECASE)
_LONGEST_GUESSABLE_PATH = 16
_SAME_EVERYWHERE = re.compile(r"[A-Za-z0-9._~-]+")
"""Texts that URLs, JSON and HTML have as they are."""
_ESCAPE = re.compile("%[0-9A-F]{2}")

_NAME = r"(?:passw|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|pwd|authorization)[\w-]{0,40}"
_FOLLOWS = (  # what stands between a name and its value; a plain word after a colon and a space is prose
    r"""(?:\\*["']?(?:\s*=\s*|:(?=\S)|\s*:\s+(?!(?!bearer|basic|digest|token)(?-i:[a-z]+)(?:[\s,.;!)]|$)))"""
    r"""|\\*["']\s*,\s*(?=b?\\*["']))(?:b(?=\\*["']))?"""
)
_VALUE = (  # a closing quote may have been cut off
    r"""\\*"(?:[^"\\]|\\.)*(?:"|$)|\\*'(?:[^'\\]|\\.)*(?:'|$)"""
    r"""|(?:bearer|basic|token|digest)\s+[^\s"',;]+|[^\s"',;&}\])]+"""
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # The password of a URL: up to the last @, for it may itself hold : / # and @. A port is no password.
    (re.compile(r"(://[^\s:/@\"'<>]{0,200}:)(?!\d{1,5}[/?#])[^\s\"'<>]{1,500}(?=@)"), rf"\1{HIDDEN}"),
    (re.compile(r"(://)[^\s:/@\"'<>]{16,500}(?=@)"), rf"\1{HIDDEN}"),
    # name=value and "name": value, as in query strings, forms, dumped mappings and JSON.
    (re.compile(rf"(cookie{_FOLLOWS}\\*[\"']?)[^\"'\\\r\n]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"({_NAME}{_FOLLOWS})(?:{_VALUE})", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+(?=\S{0,500}[\d+/=._-])[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{5,500}+\.[\w-]+(\.[\w-]*)?"), HIDDEN),  # a JSON web token
    (
        re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    # Libraries that put what they were given into their messages: pydantic, and SQLAlchemy.
    (re.compile(r"(input_value=)(?:(?:(?!input_value=).)*?(?=, input_type=)|[^\n]*)", re.DOTALL), rf"\1{HIDDEN}"),
    (re.compile(r"(\[parameters: )[^\n]*"), rf"\1{HIDDEN}]"),
)
_HINTS = ("passw", "secret", "token", "_key", "-key", "apikey", "cookie", "authoriz", "bearer", "basic ", "pwd", "eyj",
          "private key", "input_value", "[parameters")  # fmt: skip


def may_hide(text: str) -> bool:
    """Tell, fast, whether :func:`hide_patterns` may find something."""
    if "://" in text and "@" in text:
        return True
    lower = text.lower()
    return any([hint in lower for hint in _HINTS])  # noqa: C419 - a list is faster than a generator here


def hide_patterns(text: str) -> str:
    """Replace what looks like a secret by where it stands: after its name, in a URL, behind ``Bearer``."""
    if may_hide(text):
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
    return text


def is_word(form: str) -> bool:
    """Tell whether a form may well be part of other words or numbers: it is then hidden only where it stands alone."""
    return len(form) < START or (len(form) < _SHORTEST_STRONG_WORD and (form.isalpha() or form.isdigit()))


def forms(value: str) -> Iterator[str]:
    """Yield the ways in which programs write a text: as it is, in URLs, in base64, in JSON, as bytes, and in HTML."""
    raw = value.encode("utf-8", "surrogateescape")
    yield value
    yield from _base64_forms(raw)
    if _SAME_EVERYWHERE.fullmatch(value):
        return
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield from (quoted, _ESCAPE.sub(lambda escape: escape[0].lower(), quoted))
    for quoted in (
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        repr(raw)[2:-1],
    ):
        yield from (quoted, json.dumps(quoted)[1:-1])  # also within a JSON line
    yield from (html.escape(value), html.escape(value, quote=False))


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Yield it by itself, and behind any text, as in ``base64("user:password")``: three bytes are four characters."""
    for write in (base64.b64encode, base64.urlsafe_b64encode):
        yield write(raw).decode().rstrip("=")
        for before, mixed in ((0, 0), (1, 2), (2, 3)):  # characters that hold bits of what stands before
            whole = (before + len(raw)) * 8 // 6
            yield write(bytes(before) + raw).decode()[mixed:whole]


def secrets_in(value: str) -> Iterator[str]:
    """Yield the secrets inside the value of a setting that is a URL, several, or a list of ``key=value``."""
    yield from (password.strip("'") for password in _PASSWORD_IN_TEXT.findall(value))
    scheme, found, rest = value.partition("://")
    if not found:
        return
    yield from _passwords_of_url(rest)
    for another in value.split("://")[2:]:  # of several URLs
        yield from _passwords_of_url(another)
    try:
        query = urlsplit(value).query
    except ValueError:  # such as an unclosed [ of an IPv6 address
        query = rest.partition("?")[2]
    yield from (text for key, text in parse_qsl(query) if SECRET_SETTING.search(key))
    path = rest.partition("/")[2]
    if "@" not in rest and scheme.startswith("http") and len(path) > _LONGEST_GUESSABLE_PATH:
        yield path  # such as the address of a web hook


def _passwords_of_url(rest: str) -> Iterator[str]:
    """Yield what may be the password: up to the first @, and up to the last, for an odd one itself holds @, / or #."""
    for login in {rest.partition("@")[0], rest.rpartition("@")[0]} if "@" in rest else ():
        user, colon, password = login.partition(":")
        if not colon and len(user) >= _LONGEST_GUESSABLE_PATH:
            password = user  # a token in place of a user, as in https://TOKEN@host
        if password != user or not colon:
            yield from (password, unquote(password))


Node = dict[str, "Node"]
_END, _ALONE = "end", "alone"  # longer than one character: no edge of the trie


def trie(texts: Iterable[tuple[str, bool]]) -> str:
    """Write a regular expression that finds any of these texts, faster than alternatives side by side would.

    Args:
        texts: each text, and whether it counts only when no letter or digit follows it.
    """
    root: Node = {}
    for text, alone in texts:
        node = root
        for character in text:
            node = node.setdefault(character, {})
        node[_ALONE if alone else _END] = {}
    return _alternatives(root) if root else r"(?!)"


def _alternatives(node: Node) -> str:
    if _END in node:
        return ""
    branches = [re.escape(edge) + _alternatives(below) for edge, below in sorted(node.items()) if edge != _ALONE]
    if _ALONE in node:
        branches.append(r"(?![A-Za-z0-9])")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
