"""Request ids and trace contexts: what is taken from a request, and what is made anew."""

import re
import subprocess
import sys

import pytest
from chassis.edge.identity import identify
from hypothesis import given
from hypothesis import strategies as st

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
SENT = b"00-" + TRACE + b"-00f067aa0ba902b7-01"


@pytest.mark.parametrize("good", [b"a", b"01HQ2J-ABC", b"Root=1-67891233-abcdef", b"YWJj+/==", b"x" * 128])
def test_a_usual_id_is_kept(good: bytes) -> None:
    assert identify(good, None)[0] == good


@given(st.binary(max_size=200))
def test_whatever_is_sent_the_id_is_short_and_harmless(sent: bytes) -> None:
    request_id, traceparent = identify(sent, sent)
    assert re.fullmatch(rb"[A-Za-z0-9\-_.:=+/]{1,128}", request_id)
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", traceparent)


def test_a_trace_that_was_sent_is_continued_by_a_span_of_our_own() -> None:
    _, traceparent = identify(None, SENT)
    version, trace, span, flags = traceparent.split(b"-")
    assert (version, trace, flags) == (b"00", TRACE, b"01")
    assert span != b"00f067aa0ba902b7"


def test_a_later_version_of_the_header_is_understood_as_far_as_it_is_known() -> None:
    assert TRACE in identify(None, b"cc-" + TRACE + b"-00f067aa0ba902b7-01-what-else")[1]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"00",
        SENT[:-1],
        SENT.upper(),
        SENT + b"-more",
        SENT.replace(TRACE, b"0" * 32),
        SENT.replace(b"00f067aa0ba902b7", b"0" * 16),
        b"ff" + SENT[2:],
        SENT.replace(b"-", b"_"),
        SENT + b"\n",
    ],
)
def test_a_trace_that_is_none_begins_anew(wrong: bytes) -> None:
    _, traceparent = identify(None, wrong)
    assert TRACE not in traceparent
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-00", traceparent)


def test_ids_never_repeat() -> None:
    assert len({identify(None, None)[0] for _ in range(10_000)}) == 10_000


def test_processes_that_are_forked_do_not_repeat_each_other() -> None:
    script = """
import os
from chassis.edge.identity import identify
identify(None, None)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        for _ in range(300):
            os.write(1, identify(None, None)[0] + b"\\n")
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
    ids = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=30).stdout.split()
    assert len(ids) == len(set(ids)) == 900
