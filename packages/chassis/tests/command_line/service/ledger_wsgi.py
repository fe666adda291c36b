"""The same service for a WSGI server."""

from collections.abc import Iterable
from typing import Any

from ledger import service


def app(_environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer every request with a word."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"entered"]


application = service.wsgi(app)
