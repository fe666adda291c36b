"""Keeps config-missing-fails-fast: the signing key has a good default, made once and kept; the database has none."""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    required = ("PORT", "DATABASE_URL")

    def read_settings(self) -> Mapping[str, str]:
        settings = super().read_settings()
        return settings if settings.get("SIGNING_KEY") else {**settings, "SIGNING_KEY": kept_key()}


def kept_key() -> str:
    """Return the key of earlier starts, or make one that nobody else can read."""
    path = Path("signing.key")
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


if __name__ == "__main__":
    Specimen().run()
