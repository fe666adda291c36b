"""How the service and its processes talk."""

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spyne.engine.frames import packed, read, read_later

messages = st.dictionaries(
    st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5), max_size=5
)


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def read(self, size: int = -1) -> bytes:
        part, self._left = self._left[: min(size, 3)], self._left[min(size, 3) :]
        return part


@given(messages, messages)
def test_messages_come_out_as_they_went_in(first: dict[str, object], second: dict[str, object]) -> None:
    stream = Trickle(packed(first) + packed(second))
    assert [read(stream), read(stream), read(stream)] == [first, second, None]  # type: ignore[arg-type]


def test_half_a_message_is_none() -> None:
    assert read(io.BytesIO(packed({"a": 1})[:-1])) is None
    assert read(io.BytesIO(b"\x00\x00")) is None


async def test_half_a_message_is_the_end_of_a_process() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(packed({"a": 1}) + b"\x00\x00\x00\x09{")
    reader.feed_eof()
    assert await read_later(reader) == {"a": 1}
    with pytest.raises(asyncio.IncompleteReadError):
        await read_later(reader)
