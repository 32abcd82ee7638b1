"""`gradmark serve` with stand-ins for the autograder: `python -m tests.server.fake_serve ...`."""

from __future__ import annotations

import os
import sys

from server import engine
from server.commands import serve as cli
from server.storage.config import Config
from tests.server import engines


def grader_command(config: Config, log_format: str, device: str) -> list[str]:
    command = [sys.executable, "-m", "tests.server.engines", "--supervised"]
    for option in ("log", "seconds", "lease"):
        if value := os.environ.get(f"GRADING_{option.upper()}"):
            command += [f"--{option}", value]
    return [*command, "--data", str(config.data)]


if __name__ == "__main__":
    engine.load = lambda reference: engines.ENGINE
    cli._grader_command = grader_command
    cli.serve()
