"""Passwords: hashed with argon2id, in a bounded number of threads, never in an event loop.

argon2id is what RFC 9106 defines and the OWASP Password Storage Cheat Sheet recommends first.
"""

import asyncio
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from chassis.auth.policy import AuthPolicy
from chassis.auth.problems import unavailable
from chassis.errors import ProblemError

T = TypeVar("T")


class Passwords:
    """Hashes passwords and checks them.

    Hashing takes tens of milliseconds and megabytes on purpose. So it happens in ``policy.hash_threads`` threads of its
    own, and at most ``policy.hash_queue`` may wait for one: past that the caller is refused, and the memory is bounded.
    """

    def __init__(self, policy: AuthPolicy) -> None:
        """Take the costs and bounds of ``policy``. The threads start when they are first needed."""
        cost = policy.hash_cost
        self._policy = policy
        self._hasher = argon2.PasswordHasher(
            time_cost=cost.iterations, memory_cost=cost.memory_kib, parallelism=cost.lanes, type=argon2.Type.ID
        )
        self._threads = ThreadPoolExecutor(policy.hash_threads, thread_name_prefix="chassis-passwords")
        self._room = threading.BoundedSemaphore(policy.hash_threads + policy.hash_queue)
        self._nobodys = ""

    def check_new(self, password: str, login: str = "") -> None:
        """Refuse a new password that is easily guessed or too long.

        Raises:
            ProblemError: 422, saying what is expected; the password is not in it.
        """
        least, most = self._policy.password_min, self._policy.password_max
        if not least <= len(password) <= most:
            raise ProblemError(422, f"A password has {least} to {most} characters.")
        if password.casefold() == login.casefold():
            raise ProblemError(422, "The password must not be the login.")

    async def hash(self, password: str) -> str:
        """Return the hash to keep: salt and costs are in it."""
        return await self._in_thread(lambda: self._hasher.hash(_one_spelling(password)))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Tell whether the password belongs to the hash ``kept``.

        None stands for an account that does not exist: then as much work is done, for nothing, so that the time of the
        answer does not tell which accounts exist.
        """
        return await self._in_thread(lambda: self._verify(password, kept))

    def is_outdated(self, kept: str) -> bool:
        """Tell whether a hash was made at other costs than today's: then it is to be renewed."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, kept: str | None) -> bool:
        if len(password) > self._policy.password_max:
            return False
        if not self._nobodys:  # whoever asks first, so that this too tells nothing
            self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        try:
            return self._hasher.verify(kept or self._nobodys, _one_spelling(password)) and kept is not None
        except argon2.exceptions.VerifyMismatchError:
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise unavailable("Too many logins are being checked.")
        try:
            future = self._threads.submit(work)
        except RuntimeError:  # closed
            self._room.release()
            raise
        # Also when the caller has gone away: the thread works on until then.
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)


def _one_spelling(password: str) -> bytes:
    """Make composed and decomposed accents the same (NFKC, as NIST SP 800-63B, section 5.1.1.2, asks)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
