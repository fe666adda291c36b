"""Rate limits in this process: one float a key, no background work, and a bound on the keys."""

import math
import threading
from collections.abc import Sequence

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.limits.rules import FULL, Decision, Rule, new_decision

_LOOKS = 2
_LOOKS_WHEN_FULL = 16


class Gcra:
    """One rule, kept for many keys.

    A key's state is its theoretical arrival time: when its whole budget will be back. A key whose time has passed is
    worth as much as no key at all, so only such keys are ever forgotten: a new key looks at a few others and takes the
    place of one of those. When ``max_keys`` are all in use, new keys are denied. A live key is never dropped to make
    room, because then whoever is blocked could get a fresh budget by touching enough other keys.

    Args:
        rule: what to allow.
        max_keys: bound on the keys kept, about 200 bytes each.
        clock: for tests.
    """

    __slots__ = ("_hand", "_interval_s", "_lock", "_max_keys", "_now", "_ring", "_window_s", "rule", "tats")

    def __init__(self, rule: Rule, *, max_keys: int = 100_000, clock: Clock = SYSTEM_CLOCK) -> None:
        """Start with no key."""
        self.rule = rule
        self._interval_s = rule.interval_s
        self._window_s = rule.window_s
        self._max_keys = max_keys
        self._now = clock.monotonic
        self.tats: dict[str, float] = {}  # the theoretical arrival time by key
        self._ring: list[str] = []  # the same keys, to look at one after the other without a scan
        self._hand = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many keys are kept."""
        return len(self.tats)

    def hit(self, key: str) -> Decision:
        """Let one request of this key through, or not."""
        now = self._now()
        self._lock.acquire()  # with try and finally, it costs half as much as a with statement
        try:
            tat = self.tats.get(key)
            if tat is None and not self.claim(key, now):
                return FULL
            ahead_s = self._interval_s if tat is None or tat < now else tat - now + self._interval_s
            if ahead_s > self._window_s:
                return new_decision(Decision, (False, self.rule, ahead_s, True))
            self.tats[key] = now + ahead_s
        finally:
            self._lock.release()
        return new_decision(Decision, (True, self.rule, ahead_s, True))

    def claim(self, key: str, now: float) -> bool:
        """Find a place for a new key, and tell whether there is one."""
        tats, ring = self.tats, self._ring
        hand = self._hand
        for _ in range(_LOOKS if len(ring) < self._max_keys else _LOOKS_WHEN_FULL):
            if hand >= len(ring):
                hand = 0
                if not ring:
                    break
            if tats[ring[hand]] <= now:
                del tats[ring[hand]]
                ring[hand] = key
                tats[key] = now
                self._hand = hand + 1
                return True
            hand += 1
        self._hand = hand
        if len(ring) >= self._max_keys:
            return False
        ring.append(key)
        tats[key] = now
        return True


class Limiter:
    """Several rules at once. A request that one rule denies takes nothing from the budgets of the others.

    ::

        limiter = Limiter(per_minute(60), per_hour(1000))
        decision = limiter.hit("192.0.2.7")

    Args:
        rules: what to allow; a request must satisfy each.
        max_keys: bound on the keys kept, for each rule.
        clock: for tests.
    """

    def __init__(self, *rules: Rule, max_keys: int = 100_000, clock: Clock = SYSTEM_CLOCK) -> None:
        """Start with no key."""
        self.rules = rules
        tables = [Gcra(rule, max_keys=max_keys, clock=clock) for rule in rules]
        self._tables = [(each, each.tats, each.rule, each.rule.interval_s, each.rule.window_s) for each in tables]
        self._now = clock.monotonic
        self._lock = threading.Lock()

    def hit(self, key: str) -> Decision:
        """Let one request through, or not; this key counts under every rule."""
        return self.hit_each((key,) * len(self.rules))

    def hit_each(self, keys: Sequence[str | None]) -> Decision:
        """Let one request through, or not.

        Args:
            keys: whose budget to take from, by rule and in their order. None leaves a rule out, and so does an end that
                comes early.
        """
        if len(keys) > len(self.rules):
            raise ValueError(f"expected {len(self.rules)} keys, one for each rule, got {len(keys)}")
        now = self._now()
        least, rule_with_least, its_ahead_s = math.inf, None, 0.0  # as in rules.decide
        paid = 0
        self._lock.acquire()
        try:
            for (table, tats, rule, interval_s, window_s), key in zip(self._tables, keys, strict=False):
                if key is not None:
                    tat = tats.get(key)
                    if tat is None and not table.claim(key, now):
                        if least >= 0:
                            self._give_back(keys, paid)
                        return FULL
                    ahead_s = interval_s if tat is None or tat < now else tat - now + interval_s
                    left = window_s - ahead_s
                    if left >= 0:
                        left /= interval_s
                        if least >= 0:
                            tats[key] = now + ahead_s
                    elif least >= 0:
                        self._give_back(keys, paid)
                    if left < least:
                        least, rule_with_least, its_ahead_s = left, rule, ahead_s
                paid += 1
        finally:
            self._lock.release()
        return new_decision(Decision, (least >= 0, rule_with_least, its_ahead_s, True))

    def _give_back(self, keys: Sequence[str | None], paid: int) -> None:
        """Undo what the first rules have taken for a request that is denied after all."""
        for (_, tats, _, interval_s, _), key in zip(self._tables[:paid], keys, strict=False):
            if key is not None:
                tats[key] -= interval_s

    def mirror(self, keys: Sequence[str | None], ahead_s: Sequence[float]) -> None:
        """Take over what another limiter counted: how far ahead of the clock each key is, in seconds.

        A key that finds no room is left out.
        """
        now = self._now()
        with self._lock:
            for (table, tats, *_), key, seconds in zip(self._tables, keys, ahead_s, strict=False):
                if key is not None and (key in tats or table.claim(key, now)):
                    tats[key] = now + seconds
