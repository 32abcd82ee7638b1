"""What the frames between the parent and a worker hold.

A request holds calls; each is answered by a frame of its own, in order, as soon as it is made.

    header   JSON; a tensor stands in it as {"tensor": [dtype, shape, ...]}, an array of numpy as
             {"array": ...}, a dict as {"dict": [[key, value], ...]}
    payload  the tensors' bytes, little-endian, in the order in which the header names them

Each end reads and writes values in its own way, since only the worker may trust its peer:
`values` beside this file, and `autograder.sandbox.codec`.
"""

from __future__ import annotations

import torch

from .frame import (
    ASIDE,
    MAGIC,
    PREFIX,
    FrameError,
    Read,
    Write,
    fill,
    read_header,
    send,
)

__all__ = ["ASIDE", "MAGIC", "PREFIX", "FrameError", "Read", "Write", "fill", "read_header", "send"]

DTYPES = {
    name: getattr(torch, name)
    for name in (
        *("float16", "bfloat16", "float32", "float64", "bool"),
        *("int8", "int16", "int32", "int64", "uint8"),
    )
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}

MAX_NESTING = 8
MAX_ITEMS = 1024  # of one tuple, list or dict
MAX_KEY = 200
MAX_DIMS = 32
MAX_TEXT = 10_000
MAX_MESSAGE = 500
MAX_REPLY_HEADER = 2**20


def octets(tensor: torch.Tensor) -> memoryview:
    """The memory of a contiguous CPU tensor."""
    if tensor.numel() and tensor.dtype is not torch.bfloat16:
        return tensor.numpy().data.cast("B")
    # Not reshape: with one element or none, a contiguous tensor may have any stride, and keep it.
    return tensor.as_strided((tensor.numel(),), (1,)).view(torch.uint8).numpy().data
