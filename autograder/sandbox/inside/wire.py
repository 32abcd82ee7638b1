"""Frames between the parent and a worker: a fixed prefix, a JSON header, raw tensor bytes.

A request holds calls; each is answered by a frame of its own, in order, as soon as it is made.

    prefix   magic (4 bytes), header length (u32), payload length (u64), little-endian
    header   JSON; a tensor stands in it as {"tensor": [dtype, shape, ...]}
    payload  the tensors' bytes, little-endian, in the order in which the header names them

Each end reads and writes values in its own way, since only the worker may trust its peer:
`values` beside this file, and `autograder.sandbox.codec`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import torch

MAGIC = b"GMK1"
PREFIX = struct.Struct("<4sIQ")
DTYPES = {
    name: getattr(torch, name)
    for name in (
        *("float16", "bfloat16", "float32", "float64", "bool"),
        *("int8", "int16", "int32", "int64", "uint8"),
    )
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

MAX_NESTING = 8
MAX_ITEMS = 1024  # of one tuple
MAX_DIMS = 32
MAX_TEXT = 10_000
MAX_MESSAGE = 500
MAX_REPLY_HEADER = 2**20

Read = Callable[[memoryview], int]
Write = Callable[[Sequence[memoryview]], int]
_MAX_PARTS = 512
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class FrameError(ValueError):
    """What arrived is no frame."""


def octets(tensor: torch.Tensor) -> memoryview:
    """The memory of a contiguous CPU tensor."""
    # Not reshape: with one element or none, a contiguous tensor may have any stride, and keep it.
    return tensor.as_strided((tensor.numel(),), (1,)).view(torch.uint8).numpy().data


def send(write: Write, header: dict[str, Any], buffers: Sequence[memoryview]) -> None:
    text = _JSON.encode(header).encode()
    prefix = PREFIX.pack(MAGIC, len(text), sum(len(buffer) for buffer in buffers))
    parts = [memoryview(prefix + text), *(buffer for buffer in buffers if len(buffer))]
    first = 0
    while first < len(parts):
        sent = write(parts[first : first + _MAX_PARTS])
        while first < len(parts) and sent >= len(parts[first]):
            sent -= len(parts[first])
            first += 1
        if sent:
            parts[first] = parts[first][sent:]


def fill(read: Read, buffer: memoryview) -> None:
    """Read exactly `buffer`. Raises EOFError when the peer is gone."""
    while len(buffer):
        count = read(buffer)
        if not count:
            raise EOFError
        buffer = buffer[count:]


def read_header(read: Read, most: int) -> tuple[bytes, int]:
    """The header of the next frame, at most `most` bytes, and the length of its payload."""
    prefix = bytearray(PREFIX.size)
    fill(read, memoryview(prefix))
    magic, length, payload = PREFIX.unpack(prefix)
    if magic != MAGIC or length > most:
        raise FrameError("no frame, or a header that is too long")
    text = bytearray(length)
    fill(read, memoryview(text))
    return bytes(text), payload
