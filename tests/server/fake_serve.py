"""`gradmark serve` with stand-ins for the autograder: `python -m tests.server.fake_serve ...`."""

from __future__ import annotations

import os
import sys

from server import cli, engine
from server.config import Config
from tests.server import engines


def grader_command(config: Config, log_format: str) -> list[str]:
    command = [sys.executable, "-m", "tests.server.engines", "--supervised"]
    log = ["--log", os.environ["GRADING_LOG"]] if "GRADING_LOG" in os.environ else []
    return [*command, "--data", str(config.data), *log]


if __name__ == "__main__":
    engine.load = lambda reference: engines.ENGINE
    cli._grader_command = grader_command
    cli.serve()
