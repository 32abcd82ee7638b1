"""Memory that a worker and the parent both see: what the answers to a request hold lies there,
which is cheaper than to hand it through a socket.

Both begin anew with each request, and the next one comes when all answers to the last are taken.
The parent copies what it takes before it looks at it: a submission may write there at any time.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Sequence

BYTES = 32 * 2**20
# Whoever could cut it would end the process that reads beyond the cut.
_SEALS = fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def make() -> int:
    """A descriptor of such memory, which nobody else has."""
    descriptor = os.memfd_create("shelf", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, BYTES)
    fcntl.fcntl(descriptor, *_SEALS)
    return descriptor


class Shelf:
    """One side's view of it."""

    def __init__(self, descriptor: int) -> None:
        self._memory = memoryview(mmap.mmap(descriptor, BYTES))
        self._at = 0

    def clear(self) -> None:
        """A request begins."""
        self._at = 0

    def put(self, buffers: Sequence[memoryview], size: int) -> bool:
        """Put them there, which are so many bytes. False when there is no room for them."""
        if size > BYTES - self._at:
            return False
        for buffer in buffers:
            end = self._at + len(buffer)
            self._memory[self._at : end] = buffer
            self._at = end
        return True

    def take(self, buffer: memoryview) -> int:
        """Copy what comes next, as much as `buffer` holds; 0 when there is not so much."""
        end = self._at + len(buffer)
        if end > BYTES:
            return 0
        buffer[:] = self._memory[self._at : end]
        self._at = end
        return len(buffer)
