"""Authentication as dependencies of FastAPI routes.

::

    guard = FastAPIAuth(auth)

    @app.post("/notes", dependencies=[Depends(guard.requires("notes:write"))])
    async def create(note: Note, caller: Principal = Depends(guard.principal)) -> Note: ...
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from chassis.auth.core import Auth
from chassis.auth.principal import Principal

# They only tell OpenAPI what can be sent: answers to what is missing or wrong are the chassis' own.
_bearer = HTTPBearer(auto_error=False, description="An access token, or an API key.")
_api_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key.")


class FastAPIAuth:
    """Dependencies that answer 401 and 403 by themselves.

    Attributes:
        principal: a dependency that gives the :class:`Principal` who is calling, or answers 401.
    """

    def __init__(self, auth: Auth) -> None:
        """Ask ``auth``."""

        async def principal(
            request: Request, _bearer: Annotated[object, Security(_bearer)], _key: Annotated[object, Security(_api_key)]
        ) -> Principal:
            return await auth.authenticate(request.headers.get("authorization"), request.headers.get("x-api-key"))

        self.principal: Callable[..., Awaitable[Principal]] = principal

    def requires(self, *scopes: str) -> Callable[..., Awaitable[Principal]]:
        """Return a dependency that lets a caller pass who has every one of ``scopes``, and answers 403 otherwise."""

        async def permitted(principal: Annotated[Principal, Depends(self.principal)]) -> Principal:
            principal.require(*scopes)
            return principal

        return permitted


def client_address(request: Request) -> str:
    """Return the address to count attempts for: the client's, as the edge has set it behind trusted proxies."""
    return request.client.host if request.client else ""
