"""A network of a test's own: hosts that are namespaces of this machine's kernel, each joined to the
others by a line that can be cut, or made to carry one direction only.

The thread that enters it, and all that this thread starts, sees nothing else.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from tests.server.services import program

HUB = "10.77.0.1"  # where the test is, and what it starts without a host of its own
_NET = 0x4000_0000  # CLONE_NEWNET
_JOIN = """
read -r _
ip link set lo up
ip address add {address}/30 dev line
ip link set line up
ip route add default via {end}
exec "$@"
"""
_libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """For one process at a time, which may be killed and started again."""

    def __init__(self, number: int) -> None:
        self.address = f"10.77.{number}.2"
        self._end = f"10.77.{number}.1"
        self._line = f"hub{number}"

    def popen(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        join = _JOIN.format(address=self.address, end=self._end)
        alone = ["unshare", "--net", "sh", "-euc", join, "sh", *command]
        subprocess.run(["ip", "link", "delete", self._line], stderr=subprocess.DEVNULL, check=False)
        process = subprocess.Popen(alone, stdin=subprocess.PIPE, **options)
        assert process.stdin is not None
        while os.readlink(f"/proc/{process.pid}/ns/net") == os.readlink("/proc/thread-self/ns/net"):
            assert process.poll() is None
        peer = ("peer", "name", "line", "netns", str(process.pid))
        _ip("link", "add", self._line, "type", "veth", *peer)
        _ip("address", "add", f"{self._end}/30", "dev", self._line)
        _ip("link", "set", self._line, "up")
        process.stdin.write(b"\n")
        process.stdin.close()
        return process

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing arrives, in either direction, and nobody is told."""
        _ip("link", "set", self._line, "down")
        try:
            yield
        finally:
            _ip("link", "set", self._line, "up")

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """What it sends arrives, and no answer comes."""
        _ip("route", "add", "blackhole", f"{self.address}/32")
        try:
            yield
        finally:
            _ip("route", "delete", "blackhole", f"{self.address}/32")


@contextmanager
def network() -> Iterator[Iterator[Host]]:
    """Hosts, as many as are asked for."""
    if os.geteuid() != 0:
        pytest.skip("only root may make networks")
    program("ip")
    with open("/proc/thread-self/ns/net") as before:
        if _libc.unshare(_NET) != 0:
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            _ip("link", "set", "lo", "up")
            _ip("address", "add", f"{HUB}/32", "dev", "lo")
            yield (Host(number) for number in count(1))
        finally:
            assert _libc.setns(before.fileno(), _NET) == 0


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
