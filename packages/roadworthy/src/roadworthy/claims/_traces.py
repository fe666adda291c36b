"""Stack traces, as the usual languages and debuggers print them, found in the body of an answer."""

import html
import re
from dataclasses import dataclass

_ENOUGH_FRAMES = 2

# Every pattern starts with a literal or a line start, and bounds what it repeats: bodies are hostile, and up to 64 KiB.
_FRAMES: dict[str, re.Pattern[str]] = {
    "Python": re.compile(r'File "[^"\n]{1,500}", line \d+(?:, in \S{1,200})?'),
    "JavaScript": re.compile(
        r"\bat (?:[^\n()]{1,200} \()?(?:[^\s()]{1,500}\.[cm]?[jt]sx?|node:[\w/.-]{1,200}|<anonymous>):\d+:\d+\)?"
    ),
    "Java": re.compile(
        r"\bat [\w$.<>/@-]{1,300}\("
        r"(?:[\w$-]{1,200}\.(?:java|kt|kts|scala|groovy|clj)(?::\d+)?|Native Method|Unknown Source)\)"
    ),
    "Go": re.compile(r"^\t[^\s:]{1,500}\.go:\d+(?: \+0x[0-9a-f]+)?", re.MULTILINE),
    "Ruby": re.compile(r"\.rb:\d+:in ['`\u2018\"][^\n'\"\u2019]{1,200}"),
    "PHP": re.compile(r"#\d+ [^\n]{1,500}?\.php\(\d+\)"),
    ".NET": re.compile(
        r"^[ \t\xa0]{1,8}at [\w`<>\[\]+|]{1,200}(?:\.[\w`<>\[\]+|]{1,200}){1,20}\([^)\n]{0,500}\)"
        r"(?: in [^\n]{1,500}:line \d+)?[ \r]*$",
        re.MULTILINE,
    ),
    "Rust": re.compile(r"\bat [^\s:]{1,500}\.rs:\d+(?::\d+)?"),
    "structured": re.compile(
        r'"(?:file|filename|fileName)": ?"[^"\n]{1,500}\.(?:py|rb|php|js|ts|java|kt|go|cs)",'
        r'\s{0,40}"(?:line|lineno|lineNumber)": ?\d+'
    ),
}

_DEBUGGERS: dict[str, re.Pattern[str]] = {
    "Werkzeug debugger": re.compile(r"// Werkzeug Debugger</title>|debugger caught an exception in your WSGI"),
    "Django debug page": re.compile(r'id="(?:traceback_area|browserTraceback|pastebinTraceback)"'),
    "Starlette debug page": re.compile(r'class="traceback-container"'),
    "Rails debug page": re.compile(r'id="(?:Application|Framework|Full)-Trace(?:-0)?"'),
    "ASP.NET developer page": re.compile(r'id="stackpage"'),
    "Laravel debug page": re.compile(r"window\.ignite\(|class=\"Whoops container\""),
}


@dataclass(frozen=True)
class Trace:
    """A stack trace: whose it is, how many frames were seen, and the first of them as they were sent."""

    language: str
    frames: int
    excerpt: str


def find_trace(body: str) -> Trace | None:
    """Return the stack trace in a body, if there is one: a debugger's page, or at least two frames of one language."""
    for debugger, mark in _DEBUGGERS.items():
        if found := mark.search(body):
            return Trace(debugger, 0, found[0])
    for text in (body, _unescaped(body), _without_tags(body)):
        for language, frame in _FRAMES.items():
            frames = [match[0].strip() for match in frame.finditer(text)]
            if len(frames) >= _ENOUGH_FRAMES:
                return Trace(language, len(frames), " | ".join(frames[:_ENOUGH_FRAMES]))
    return None


def _unescaped(body: str) -> str:
    """Undo the escapes of JSON strings, as if the whole body were in one."""
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), body)
    for escape, character in (("\\r\\n", "\n"), ("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), ("\\/", "/")):
        plain = plain.replace(escape, character)
    return plain


def _without_tags(body: str) -> str:
    """Turn HTML into its text, well enough to find lines in it."""
    lines = re.sub(r"<(?:br|/p|/li|/div|/tr)\s{0,3}/?>", "\n", body, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^<>\n]{1,500}>", "", lines)).replace("\xa0", " ")
