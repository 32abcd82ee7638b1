"""Frames between two processes: a fixed prefix, a JSON header, raw bytes.

prefix   magic (4 bytes), header length (u32), payload length (u64), little-endian
header   JSON
payload  as the header says; with `ASIDE` in its length, it lies on the shelf
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

from .shelf import Shelf

MAGIC = b"GMK1"
PREFIX = struct.Struct("<4sIQ")
ASIDE = 2**63

Read = Callable[[memoryview], int]
Write = Callable[[Sequence[memoryview]], int]
_MAX_PARTS = 512
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class FrameError(ValueError):
    """What arrived is no frame."""


def send(
    write: Write,
    header: dict[str, Any] | str,
    buffers: Sequence[memoryview],
    shelf: Shelf | None = None,
) -> None:
    """Send a frame.

    Args:
        header: what it holds, or that as JSON.
        shelf: where the payload goes if there is room.
    """
    text = (header if isinstance(header, str) else _JSON.encode(header)).encode()
    payload = sum(map(len, buffers))
    if payload and shelf is not None and shelf.put(buffers, payload):
        payload, buffers = payload | ASIDE, ()
    prefix = PREFIX.pack(MAGIC, len(text), payload)
    parts = [memoryview(prefix + text), *filter(len, buffers)]
    first = 0
    while first < len(parts):
        sent = write(parts[first : first + _MAX_PARTS])
        while first < len(parts) and sent >= len(parts[first]):
            sent -= len(parts[first])
            first += 1
        if sent:
            parts[first] = parts[first][sent:]


def decode(text: bytes) -> Any:
    """The header's JSON, from a peer that is trusted."""
    return json.loads(text)


def fill(read: Read, buffer: memoryview) -> None:
    """Read exactly `buffer`. Raises EOFError when the peer is gone."""
    while len(buffer):
        count = read(buffer)
        if not count:
            raise EOFError
        buffer = buffer[count:]


def read_header(read: Read, most: int) -> tuple[bytes, int]:
    """The header of the next frame, at most `most` bytes, and the length of its payload, which may
    be `ASIDE`."""
    prefix = bytearray(PREFIX.size)
    fill(read, memoryview(prefix))
    magic, length, payload = PREFIX.unpack(prefix)
    if magic != MAGIC or length > most:
        raise FrameError("no frame, or a header that is too long")
    text = bytearray(length)
    fill(read, memoryview(text))
    return bytes(text), payload
