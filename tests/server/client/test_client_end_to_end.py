"""The whole way, nothing replaced: the command, a server and a grader as processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.topics.catalogue import Catalogue
from server.storage.models import Scope
from tests.server.conftest import make_house
from tests.server.test_end_to_end import serving

pytestmark = pytest.mark.slow


def test_login_submit_status(tmp_path: Path, catalogue: Catalogue) -> None:
    topic = catalogue["losses"].topics[0]
    bug = topic.exercises[0].misconceptions[0]
    file = tmp_path / "losses.py"
    file.write_text(topic.solution(bug))
    house = make_house(tmp_path / "data")
    token = house.token("student", Scope.READ, Scope.SUBMIT)
    house.database.close()

    def gradmark(*arguments: object, typed: str = "") -> str:
        run = subprocess.run(
            [sys.executable, "-c", "from autograder.cli import main; main()", *map(str, arguments)],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    with serving(tmp_path / "data") as url:
        assert "as Student" in gradmark("login", url, typed=token)
        report = gradmark("submit", "losses", file)
        assert f"hint ({bug.name})" in report
        (short,) = re.findall(r": ([0-9a-f]{8})\n", report)
        assert short in gradmark("status")
        assert gradmark("status", short) in report
