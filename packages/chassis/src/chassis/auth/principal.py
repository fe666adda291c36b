"""Who is calling, and what they may do."""

from dataclasses import dataclass
from typing import Literal

from chassis.auth.problems import forbidden


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Args:
        user_id: whose account it is.
        kind: whether a session (access token) or an API key stands for the account.
        credential_id: the id of that session or key, for the audit log; it is no secret.
        roles: the account's roles.
        scopes: what the caller may do: what the roles allow and, for an API key, what the key was made for.
    """

    user_id: str
    kind: Literal["session", "api_key"]
    credential_id: str
    roles: frozenset[str]
    scopes: frozenset[str]

    def require(self, *scopes: str) -> None:
        """Let the caller pass who has every one of ``scopes``.

        Raises:
            ProblemError: 403, naming what is missing.
        """
        missing = tuple(scope for scope in scopes if scope not in self.scopes)
        if missing:
            raise forbidden(missing)
