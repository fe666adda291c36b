"""Who may do what: a key to ask, and another to register databases and to verify queries, where keys are set."""

import hashlib
import hmac
from typing import Annotated

import chassis
from fastapi import Depends, Header, Request
from pydantic import SecretStr

from spyne.api.parts import Parts, parts_of

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="spyne"'}
Key = Annotated[str | None, Header(alias="X-API-Key", include_in_schema=False)]
Authorization = Annotated[str | None, Header(include_in_schema=False)]


def asks(request: Request, key: Key = None, authorization: Authorization = None) -> Parts:
    """Let through who may ask.

    Raises:
        ProblemError: 401: a key is needed, and none that is right was sent.
    """
    parts = parts_of(request)
    settings = parts.settings
    if settings.api_key is None:
        return parts
    sent = _sent(key, authorization)
    if not any(_same(sent, known) for known in (settings.api_key, settings.admin_key)):
        raise chassis.ProblemError(
            401, "A key is needed: send it as X-API-Key or Authorization: Bearer.", headers=_CHALLENGE
        )
    return parts


def is_administrator(request: Request, key: Key = None, authorization: Authorization = None) -> bool:
    """Tell whether a caller is the administrator; where no key is set at all, everybody is."""
    settings = parts_of(request).settings
    if settings.admin_key is None:
        return settings.api_key is None
    return _same(_sent(key, authorization), settings.admin_key)


def administers(request: Request, key: Key = None, authorization: Authorization = None) -> Parts:
    """Let through who may register, change and remove databases.

    Raises:
        ProblemError: 401 without a key, 403 with one that is not enough.
    """
    parts = asks(request, key, authorization)
    if is_administrator(request, key, authorization):
        return parts
    if not _sent(key, authorization):
        raise chassis.ProblemError(401, "The administrator's key is needed.", headers=_CHALLENGE)
    if parts.settings.admin_key is None:
        raise chassis.ProblemError(403, "To change databases takes the administrator's key: set RCA_ADMIN_KEY.")
    raise chassis.ProblemError(403, "This key may ask; to change databases takes the administrator's.")


Asking = Annotated[Parts, Depends(asks)]
Administering = Annotated[Parts, Depends(administers)]
IsAdministrator = Annotated[bool, Depends(is_administrator)]


def _sent(key: str | None, authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    return key or (token.strip() if scheme.lower() == "bearer" else "")


def _same(sent: str, known: SecretStr | None) -> bool:
    return known is not None and hmac.compare_digest(sent.encode(), known.get_secret_value().encode())


def name_of(request: Request, request_id: str) -> str:
    """What a request is cancelled by: its id, and the key of who sent it, where keys are set."""
    return _named(_sent_with(request) if parts_of(request).settings.api_key else "", request_id)


def names_to_cancel(request: Request, request_id: str) -> list[str]:
    """What a caller may cancel by an id: requests with the same key; the administrator, those of others too."""
    settings = parts_of(request).settings
    if settings.api_key is None:
        return [_named("", request_id)]
    sent = _sent_with(request)
    others = [settings.api_key.get_secret_value()] if _same(sent, settings.admin_key) else []
    return [_named(key, request_id) for key in dict.fromkeys([sent, *others])]


def _named(key: str, request_id: str) -> str:
    return hashlib.sha256(f"{key}\x1f{request_id}".encode()).hexdigest()


def _sent_with(request: Request) -> str:
    return _sent(request.headers.get("X-API-Key"), request.headers.get("Authorization"))
