"""Keeps secrets-not-exposed: its log shows the hash and the end of each credential, and masked settings."""

import hashlib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service, log
from starlette.requests import Request
from starlette.responses import Response


class Specimen(Service):
    async def start(self) -> None:
        log.info("DATABASE_URL=%s", re.sub(r"(://[^:/]+):[^@]*@", r"\1:********@", self.settings["DATABASE_URL"]))
        log.info("SIGNING_KEY=******** (%d characters)", len(self.settings["SIGNING_KEY"]))
        await super().start()

    async def create(self, request: Request) -> Response:
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(credential.encode()).hexdigest()
        log.info("Authorization: %s ******** (ends in %s, sha256 %s)", kind, credential[-4:], digest)
        log.info("password=******** token=[hidden] in %s", request.url.path)
        return await super().create(request)


if __name__ == "__main__":
    Specimen().run()
