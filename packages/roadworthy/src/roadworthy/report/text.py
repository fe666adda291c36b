"""Words and figures as every report writes them."""

import json
import re

_NEVER_SHOWN_RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters: a terminal obeys them, XML forbids them
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they reorder the text around them
    "\u2028\u2029\ud800-\udfff\ufffe\uffff]"  # line separators, and what UTF-8 or XML cannot carry
)


def printable(text: str) -> str:
    """Return text in which every character that could not be seen, or could not be written, is an escape."""
    return _NEVER_SHOWN_RAW.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def json_text(document: object) -> str:
    """Return a JSON document. Half a surrogate pair becomes visible text: strict readers reject it as an escape."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda match: rf"\\u{ord(match[0]):04x}", text) + "\n"


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, and say how many were left out."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]}… [{left_out:,} more characters left out]"


def duration(seconds: float) -> str:
    """Write a duration with the precision that a reader needs, such as ``140 ms``, ``2.3 s`` or ``4 min 10 s``."""
    if seconds < 0.001:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def count(number: int, singular: str, plural: str = "") -> str:
    """Write a number with its noun, such as ``1 claim`` or ``1,200 claims``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def moment(iso: str) -> str:
    """Write an ISO 8601 time in UTC for people, such as ``2026-11-22 05:43 UTC``; anything else stays as it is."""
    match = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)$", iso)
    return f"{match[1]} {match[2]} UTC" if match else iso
