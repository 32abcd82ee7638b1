"""The zip for Gradescope, run as its harness does: as root, in a container without namespaces.

What `setup.sh` installs is this test's own environment instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from autograder.cli import main
from tests import container

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a container's root is needed")

HARNESS = ["-m", "autograder.interop.gradescope.harness", "--root"]
JAIL = "from autograder.cli import main; main(['jail', {!r}])"
RIGHT = """
import torch

def relu(x):
    return torch.where(x > 0, x, torch.zeros_like(x))

def relu_backward(grad_y, x):
    return torch.where(x > 0, grad_y, torch.zeros_like(grad_y))
"""
# Each stands at the top of a file: what it gets is worth nothing if the walls hold.
ATTACKS = {
    "overwrite the results": "open(ROOT + '/results/results.json', 'w').write('{\"score\": 60}')",
    "overwrite the harness": "open(ROOT + '/run_autograder', 'w').write('')",
    "read the secret": "assert not open(ROOT + '/source/secret', 'rb').read()",
    "kill the harness": "import os; os.kill(os.getppid(), 9)",
    "connect out": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "leave a daemon": "import os; os.fork()",
    "end with own results": "import os; print('{\"score\": 60}'); os._exit(0)",
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Gradescope makes of the zip: /autograder, for root alone."""
    root = tmp_path_factory.mktemp("gradescope")
    root.chmod(0o700)
    zipped = root / "autograder.zip"
    command = ["gradescope", "activations", str(zipped), "--secret-file", str(root / "s")]
    done = CliRunner().invoke(main, [*command, "--leaderboard"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert zipped.stat().st_size < 2**20
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(root / "source")
    assert {"setup.sh", "run_autograder"} <= {path.name for path in (root / "source").iterdir()}
    made = container.run(["-c", JAIL.format(str(root.parent / "jail"))], capture_output=True)
    assert made.returncode == 0, made.stderr
    return root


def grade(root: Path, files: dict[str, str], metadata: Any = None) -> dict[str, Any]:
    submission = root / "submission"
    submission.mkdir(exist_ok=True)
    for old in submission.iterdir():
        old.unlink()
    for name, text in files.items():
        (submission / name).write_text(text)
    (root / "submission_metadata.json").write_text(json.dumps(metadata or {}))
    flat = {"GRADMARK_CONTAINER": "flat", "GRADMARK_JAIL": str(root.parent / "jail")}
    done = container.run([*HARNESS, str(root)], flat, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads((root / "results/results.json").read_text())


@pytest.mark.slow
def test_every_check_is_a_test_and_the_totals_match(unpacked: Path) -> None:
    results = grade(unpacked, {"activations.py": RIGHT})
    assert results["score"] == 10
    assert sum(test["score"] for test in results["tests"]) == pytest.approx(10)
    assert sum(test["max_score"] for test in results["tests"]) == pytest.approx(60)
    assert {test["status"] for test in results["tests"]} == {"passed", "failed"}
    assert all(test["visibility"] == "visible" for test in results["tests"])
    assert results["leaderboard"] == [{"name": "points", "value": 10}]


@pytest.mark.slow
def test_what_students_try_there_gets_them_nothing(unpacked: Path) -> None:
    setup = f"ROOT = {str(unpacked)!r}\n"
    guarded = "".join(
        f"try:\n    {code}\n    got_through.append({what!r})\nexcept BaseException:\n    pass\n"
        for what, code in ATTACKS.items()
        if "_exit" not in code
    )
    told = "\ndef relu(x, inner=relu):\n    if got_through: raise SystemExit\n    return inner(x)\n"
    tried = setup + "got_through = []\n" + guarded + RIGHT + told
    assert grade(unpacked, {"activations.py": tried})["score"] == 10
    ended = setup + ATTACKS["end with own results"] + "\n"
    assert grade(unpacked, {"activations.py": ended})["score"] == 0


@pytest.mark.slow
def test_what_cannot_be_read_says_so_and_a_fault_keeps_the_best_score(unpacked: Path) -> None:
    results = grade(unpacked, {"essay.txt": "words"})
    assert results["score"] == 0
    assert "no .py" in results["output"] or "none" in results["output"]
    secret = unpacked / "source/secret"
    kept = secret.read_bytes()
    try:
        secret.unlink()  # a fault of ours
        earlier = {"previous_submissions": [{"score": "42.5"}, {"score": None}, {}]}
        results = grade(unpacked, {"activations.py": RIGHT}, earlier)
    finally:
        secret.write_bytes(kept)
    assert results["score"] == 42.5
    assert "Hand in again" in results["output"]


def test_the_scripts_are_well_formed(unpacked: Path) -> None:
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["/bin/bash", "-n", unpacked / "source" / name], check=True)
