"""The catalogue on a device that is not the CPU: the same verdicts, case by case."""

import json
import os
import subprocess
import sys

import pytest

from tests.devices.installed import FOLDER, needs_second_device

pytestmark = needs_second_device


@pytest.mark.slow
def test_every_misconception_is_caught_and_every_correct_solution_passes_on_a_second_device(
    tmp_path,
):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "autograder.cli", "audit", "--device", "second"),
            *("--json", str(tmp_path / "audit.json")),
        ],
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "audit.json").read_text())
    assert len(results) > 30
    for result in results:
        assert result["misses"] == [], result["exercise"]
        assert result["caught"] == result["misconceptions"]
        assert result["passed"] == result["correct"]
