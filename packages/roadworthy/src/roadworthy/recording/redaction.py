"""Secrets never reach a recording: everything written goes through a redactor that knows them."""

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

SECRET_NAME = re.compile(
    r"^(?!(OLD)?PWD$).*(secret|token|passw|pwd|credential|private|signing|api_?key|access_?key|(^|_)key$|auth|cookie|dsn|salt)",
    re.IGNORECASE,
)
SHORTEST = 5
_AUTH_HEADERS = re.compile(r"^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|.*token.*)$", re.IGNORECASE)


class Redactor:
    """Replaces every known secret in a text by ``[redacted:NAME]``, also where it is URL- or base64-encoded."""

    def __init__(self) -> None:
        """Know no secret yet."""
        self._known: dict[str, str] = {}

    def learn(self, name: str, value: str) -> None:
        """Remember a secret. Values under five characters are not secrets: hiding them would hide everything."""
        if len(value) < SHORTEST:
            return
        for form in {value, quote(value, safe=""), base64.b64encode(value.encode()).decode().rstrip("=")}:
            self._known[form] = name

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Remember the values whose names say that they are secret, and the passwords inside URLs."""
        for name, value in environment.items():
            if "://" in value:
                try:
                    password = urlsplit(value).password
                except ValueError:
                    password = None
                if password:
                    self.learn(name, password)
            elif SECRET_NAME.search(name):
                self.learn(name, value)

    def learn_headers(self, headers: Mapping[str, str]) -> None:
        """Remember the values of credentials sent with requests, with and without their scheme."""
        for name, value in headers.items():
            if not _AUTH_HEADERS.match(name):
                continue
            self.learn(name, value)
            _, _, credential = value.partition(" ")
            self.learn(name, credential)
            if value.lower().startswith("basic "):
                self._learn_basic(name, credential)

    def _learn_basic(self, name: str, credential: str) -> None:
        try:
            decoded = base64.b64decode(credential, validate=True).decode()
        except ValueError:
            return
        self.learn(name, decoded.partition(":")[2])

    def clean(self, text: str) -> str:
        """Return the text without the secrets, the longest replaced first."""
        for value in sorted(self._known, key=len, reverse=True):
            if value in text:
                text = text.replace(value, f"[redacted:{self._known[value]}]")
        return text
