"""The check of a GPU runs its whole course, here on a second device."""

import json
import shutil
import sys

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.topics.folder import DEFAULT
from tests.devices.installed import FOLDER, needs_second_device

PARTS = [
    *("doctor", "sessions", "an endless loop", "memory between sessions", "low precision"),
    *("needs", "attacks", "catalogue"),
]


def test_without_a_gpu_it_says_what_is_missing(tmp_path):
    result = CliRunner().invoke(main, ["gpu-check", "--json", str(tmp_path / "check.json")])
    assert result.exit_code == 3
    assert "/dev/nvidiactl is missing" in result.output
    assert json.loads((tmp_path / "check.json").read_text())["parts"][0]["ok"] is False


@pytest.mark.slow
@needs_second_device
def test_it_runs_its_whole_course_on_a_second_device(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "second_profile", raising=False)
    files = ["--json", str(tmp_path / "check.json"), "--html", str(tmp_path / "check.html")]
    course = tmp_path / "course"  # of what it needs; all exercises are tried in test_second_device
    shutil.copytree(DEFAULT / "convolution", course / "convolution")
    for name in ("_more/whole_tensors.py",):
        (course / name).parent.mkdir(exist_ok=True)
        shutil.copy(DEFAULT / name, course / name)
    command = ["gpu-check", "--device", "second", "--seconds", "90", *files]
    command += ["--reference", str(course)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "check.json").read_text())
    assert [part["name"] for part in found["parts"]] == PARTS
    assert found["device"] == "second"
    assert all(part["ok"] is not False for part in found["parts"])
    assert "low precision" in (tmp_path / "check.html").read_text().lower()
