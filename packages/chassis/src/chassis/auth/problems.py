"""The answers to callers who may not: 401, 403 and 429, with the headers that their standards ask for."""

import math

from chassis.errors import ProblemError


def unauthenticated(detail: str, *, error: str = "") -> ProblemError:
    """Return a 401: nobody is logged in, or what was sent does not hold.

    Args:
        detail: what is wrong, for the caller.
        error: the code of RFC 6750, section 3.1, such as ``invalid_token``; "" when nothing was sent.
    """
    challenge = "Bearer" + (f' error="{error}", error_description="{detail}"' if error else "")
    return ProblemError(401, detail, headers={"WWW-Authenticate": challenge, "Cache-Control": "no-store"})


def forbidden(scopes: tuple[str, ...]) -> ProblemError:
    """Return a 403: the caller is known, and lacks one of ``scopes``."""
    wanted = " ".join(scopes)
    challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
    return ProblemError(403, f"This needs the scope {wanted}.", headers={"WWW-Authenticate": challenge})


def too_many_attempts(wait_s: float) -> ProblemError:
    """Return a 429: logging in makes sense again after ``wait_s`` seconds."""
    return ProblemError(
        429, "There were too many attempts to log in.", headers={"Retry-After": str(max(1, math.ceil(wait_s)))}
    )


def unavailable(detail: str) -> ProblemError:
    """Return a 503: whether the caller may cannot be found out now, so the caller may not."""
    return ProblemError(503, detail, headers={"Retry-After": "1"})
