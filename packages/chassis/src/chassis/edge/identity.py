"""Who a request is: its id (X-Request-ID) and its place in a trace (W3C Trace Context, traceparent)."""

import os
import re
import string
from collections import deque

REQUEST_ID = b"x-request-id"
TRACEPARENT = b"traceparent"
LONGEST_ID = 128
_CHARACTERS = (string.ascii_letters + string.digits + "-_.:=+/").encode()
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
    rb"(?P<more>-.*)?"
)


_BATCH = 256
_fresh: deque[bytes] = deque()  # random ids made ahead: one call to the system for all of them
os.register_at_fork(after_in_child=_fresh.clear)  # a worker must not repeat the ids of another


def _refill() -> bytes:
    digits = os.urandom(24 * _BATCH).hex().encode()
    _fresh.extend(digits[start : start + 48] for start in range(48, len(digits), 48))
    return digits[:48]


def identify(request_id: bytes | None, traceparent: bytes | None) -> tuple[bytes, bytes]:
    """Return the id of a request and its traceparent.

    An id that was sent is kept if it is short and made of letters, digits and ``-_.:=+/``: others could forge lines in
    a log or break what shows it. A traceparent that was sent continues its trace with a span of our own; without one a
    trace begins, marked as not sampled, since nobody has decided to record it.
    """
    try:
        fresh = _fresh.popleft()
    except IndexError:
        fresh = _refill()
    if request_id is None or len(request_id) > LONGEST_ID or not request_id or request_id.translate(None, _CHARACTERS):
        request_id = fresh[:32]
    if traceparent is not None:
        sent = _TRACEPARENT.fullmatch(traceparent)
        if sent is not None and not (sent["version"] == b"00" and sent["more"]):
            return request_id, b"00-%b-%b-%b" % (sent["trace"], fresh[32:], sent["flags"])
    return request_id, b"00-%b-%b-00" % (fresh[:32], fresh[32:])
