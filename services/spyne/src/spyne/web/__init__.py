"""The web page: files that the application serves, with a strict security policy.

All but the page itself lie under a name that changes with them, and are kept by browsers: another visit asks for the
page only, which leaves the caller's requests a minute for questions.
"""

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(
        ("page.js", "api.js", "answer.js", "chart.js", "element.js", "side.js"), "text/javascript; charset=utf-8"
    ),
}
_HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
_FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


def _serve(path: str, content: bytes, kind: str, caching: str) -> None:
    async def file() -> Response:
        return Response(content, media_type=kind, headers={**_HEADERS, "Cache-Control": caching})

    router.add_api_route(path, file, methods=["GET", "HEAD"])


def _add_all() -> None:
    static = files(__name__).joinpath("static")
    contents = {name: static.joinpath(name).read_bytes() for name in _KINDS}
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:12]
    for name, content in contents.items():
        _serve(f"/web/{digest}/{name}", content, _KINDS[name], _FOR_GOOD)
    page = static.joinpath("index.html").read_bytes().replace(b'"/web/', f'"/web/{digest}/'.encode())
    _serve("/", page, "text/html; charset=utf-8", "no-cache")


_add_all()
