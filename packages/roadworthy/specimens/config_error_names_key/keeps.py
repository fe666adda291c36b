"""Keeps config-error-names-key: it names the missing field as its settings model does, not as the environment does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    def complaint(self, missing: list[str]) -> str:
        problems = [f"settings.{key.lower()}\n  Field required [type=missing]" for key in missing]
        return "\n".join([f"{len(missing)} validation error(s) for Settings", *problems])


if __name__ == "__main__":
    Specimen().run()
