"""What of this machine attacks aim at: bait that tells when it was touched."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy
import torch

VARIABLE = "GRADMARK_ARENA_SECRET"


class World:
    """Files, listening sockets and a process, all within reach of whoever is not confined."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="gradmark-arena-")
        self._root = Path(self._directory.name)
        self._root.chmod(0o777)
        self._file, self._private = self._root / "file", self._root / "private"
        self._file.write_text("untouched")
        self._file.chmod(0o666)
        self._private.write_text(secrets.token_hex())
        self._private.chmod(0o600)
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._named = self._listen(str(self._root / "socket"))
        self._abstract = f"gradmark-{secrets.token_hex(8)}"
        self._unnamed = self._listen(f"\0{self._abstract}")
        self._victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self._half = secrets.token_hex(8)
        self.mark = f"{self._half}-student"  # what the neighbour's session holds
        os.environ[VARIABLE] = "SECRET"
        self._before = self._files()

    @property
    def aims(self) -> Mapping[str, object]:
        """What the attacks are told, by the names they use."""
        return {
            "FILE": str(self._file),
            "PRIVATE": str(self._private),
            "SOCKET": str(self._root / "socket"),
            "ABSTRACT": self._abstract,
            "PORT": self._tcp.getsockname()[1],
            "VICTIM": self._victim.pid,
            "PARENT": os.getpid(),
            "HOSTNAME": socket.gethostname(),
            "HALF": self._half,
        }

    def touched(self) -> list[str]:
        """What is not as it was."""
        found = []
        if self._files() != self._before:
            found.append("a file was changed")
        for name, listener in (
            *(("TCP", self._tcp), ("socket file", self._named), ("abstract", self._unnamed)),
        ):
            listener.setblocking(False)
            try:
                listener.accept()[0].close()
                found.append(f"a connection came in ({name})")
            except BlockingIOError:
                pass
        if self._victim.poll() is not None or _state(self._victim.pid) == "T":
            found.append("a process of the host was ended or stopped")
        return found

    def _files(self) -> tuple[object, ...]:
        packages = Path(torch.__file__), Path(numpy.__file__), Path(os.__file__)
        beside = Path(torch.__file__).parents[1]
        return (
            self._file.read_text(),
            sorted(os.listdir(self._root)),
            [(p.stat().st_mtime_ns, p.stat().st_size, p.stat().st_mode) for p in packages],
            sorted(p.name for p in beside.glob("planted*")),
        )

    @staticmethod
    def _listen(address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        if address.startswith("/"):
            os.chmod(address, 0o777)  # noqa: S103 - it is bait
        listener.listen()
        return listener

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del os.environ[VARIABLE]
        self._victim.kill()
        self._victim.wait()
        for listener in (self._tcp, self._named, self._unnamed):
            listener.close()
        self._directory.cleanup()


def descendants(pid: int) -> Iterator[int]:
    """The processes below this one."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
