"""`gradmark serve` as a process of its own, with nothing replaced."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(data: Path, *options: str) -> Iterator[str]:
    command = (sys.executable, "-c", "from autograder.cli import main; main()", "serve")
    with subprocess.Popen(
        [*command, "--port", "0", "--data", str(data), *options],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            assert found, line
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
