"""The numbers of authentication, each with its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chassis.auth.words import scope_words


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one password hash costs.

    Args:
        memory_kib: memory in KiB.
        iterations: passes over the memory.
        lanes: how many of them can be worked on in parallel.
    """

    memory_kib: int
    iterations: int
    lanes: int


RFC_9106 = HashCost(memory_kib=64 * 1024, iterations=3, lanes=4)
"""The second recommended option of RFC 9106, section 4, for where memory is limited."""

OWASP = HashCost(memory_kib=19 * 1024, iterations=2, lanes=1)
"""The least that the OWASP Password Storage Cheat Sheet recommends for argon2id; for small machines."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many attempts are admitted: ``burst`` at once, and one more every ``interval_s`` seconds."""

    burst: int
    interval_s: float


@dataclass(frozen=True)
class AuthPolicy:
    """How authentication behaves.

    Args:
        issuer: the service's name, in every access token; tokens of other issuers are refused.
        audience: whom access tokens are for; the issuer by default.
        roles: the scopes of each role, such as ``{"editor": ("notes:read", "notes:write")}``.
        access_lifetime_s: how long an access token is valid. Short, because services that check it without asking the
            database (see ``check_sessions``) honour it that long after a logout.
        refresh_lifetime_s: how long a refresh token waits to be used: logged out after so long without use.
        session_lifetime_s: how long a session lasts at most, used or not. NIST SP 800-63B, section 4.1.3: 30 days.
        race_grace_s: a refresh token that comes again within so many seconds of its use is refused without ending the
            session: two tabs of one browser do that. Later it is theft. 0 takes every second use for theft.
        leeway_s: how far the clocks of two replicas may be apart.
        check_sessions: whether each access token's session is looked up, so that logging out, disabling an account
            and changing its roles take effect at once. False saves a query a request, and they take effect when the
            access token ends.
        password_min: characters that a new password has at least. OWASP ASVS 4.0.3, V2.1.1: 12.
        password_max: characters that a password has at most. ASVS V2.1.2: longer than 64, at most 128.
        hash_cost: what a password hash costs. Hashes of other costs keep working and are renewed at the next login.
        hash_threads: hashes computed at the same time; each takes ``hash_cost.memory_kib``.
        hash_queue: hashes that may wait for a thread. Past that, logging in is refused with 503.
        per_account: attempts to log in to one account. ASVS V2.2.1: under 100 an hour; here 5 and 60 an hour.
        per_address: attempts to log in from one address (IPv6: one /64 network), to any accounts.
        api_key_prefix: what every API key starts with, so that scanners for leaked secrets recognise it.
    """

    issuer: str
    audience: str = ""
    roles: Mapping[str, Iterable[str]] = field(default_factory=dict)
    access_lifetime_s: float = 600.0
    refresh_lifetime_s: float = 14 * 86_400.0
    session_lifetime_s: float = 30 * 86_400.0
    race_grace_s: float = 2.0
    leeway_s: float = 5.0
    check_sessions: bool = True
    password_min: int = 12
    password_max: int = 128
    hash_cost: HashCost = RFC_9106
    hash_threads: int = 2
    hash_queue: int = 32
    per_account: Attempts = Attempts(burst=5, interval_s=60.0)
    per_address: Attempts = Attempts(burst=20, interval_s=10.0)
    api_key_prefix: str = "ck"

    def __post_init__(self) -> None:
        """Check the names."""
        if not self.issuer:
            raise ValueError('AuthPolicy.issuer must name the service, such as "notes"')
        if not (self.api_key_prefix.isascii() and self.api_key_prefix.isalnum()):
            raise ValueError('AuthPolicy.api_key_prefix must be letters and digits, such as "ck"')
        for role, scopes in self.roles.items():
            scope_words([role], "a role")
            scope_words(scopes, f"a scope of {role}")

    def scopes_of(self, roles: Iterable[str]) -> frozenset[str]:
        """Return what ``roles`` allow together. A role that the policy no longer has allows nothing."""
        return frozenset(scope for role in roles for scope in self.roles.get(role, ()))

    def known_roles(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Return ``roles`` sorted, each once.

        Raises:
            ValueError: the policy has no such role.
        """
        wanted = sorted(set(roles))
        for role in wanted:
            if role not in self.roles:
                known = ", ".join(sorted(self.roles)) or "none"
                raise ValueError(f"there is no role {role!r}; the policy has: {known}")
        return tuple(wanted)
