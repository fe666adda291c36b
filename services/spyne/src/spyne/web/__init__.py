"""The web page: files that the application serves as they are, with a strict security policy."""

from importlib.resources import files

from fastapi import APIRouter, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(
        ("page.js", "api.js", "answer.js", "chart.js", "element.js", "side.js"), "text/javascript; charset=utf-8"
    ),
}
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}

router = APIRouter(include_in_schema=False)


def _serve(path: str, name: str) -> None:
    content = files(__name__).joinpath("static", name).read_bytes()

    async def file() -> Response:
        return Response(content, media_type=_KINDS[name], headers=_HEADERS)

    router.add_api_route(path, file, methods=["GET", "HEAD"])


_serve("/", "index.html")
for _name in _KINDS:
    _serve(f"/web/{_name}", _name)
