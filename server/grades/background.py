"""Work that is too long for a request, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from server.storage.config import Config


class Background:
    """Starts `python -m MODULE --data DIR ...` and does not wait for it: what it does, and how far
    it is, it writes into the database."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def start(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, "--data", str(self._config.data), *arguments]
        if self._config.reference is not None:
            command += ["--reference", str(self._config.reference)]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
