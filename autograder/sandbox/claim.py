"""A device that one sandbox has to itself."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterable

from autograder.sandbox.limits import SandboxUnavailable


class Claim:
    """Holds a device for this process, as an abstract socket's name: the kernel gives it to one
    process at a time, whoever started it, and takes it back when that ends.

    Raises:
        SandboxUnavailable: another one holds it.
    """

    def __init__(self, device: str, nodes: Iterable[str]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name = hashlib.sha256(" ".join(sorted(nodes)).encode()).hexdigest()
            self._socket.bind(f"\0gradmark {name}")
        except OSError:
            self._socket.close()
            raise SandboxUnavailable(
                f"the device {device} is in use by another Gradmark process: one at a time can "
                "grade on it."
            ) from None

    def release(self) -> None:
        self._socket.close()
