"""How the service and its processes talk: JSON, after its length in four bytes."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")


def packed(message: Message) -> bytes:
    """The bytes of a message."""
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Message | None:
    """The next message of an unbuffered stream; None at its end."""
    head = _exactly(stream, _LENGTH.size)
    if head is None:
        return None
    body = _exactly(stream, _LENGTH.unpack(head)[0])
    return None if body is None else _message(body)


def _exactly(stream: BinaryIO, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = stream.read(length - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


async def read_later(stream: asyncio.StreamReader) -> Message:
    """The next message of a stream. Raises IncompleteReadError at its end."""
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return _message(await stream.readexactly(length))


def _message(body: bytes) -> Message:
    message: Message = json.loads(body)
    return message
