"""In a container that forbids namespaces, under the flat profile, every attack fares as in the full
sandbox, but for what the profile does not give or hide."""

import json
import os
from pathlib import Path

import pytest

from tests import container

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a container's root is needed")

COMMAND = "from autograder.cli import main; main({!r})"
NO_SCRATCH = {"scan the memory", "left files"}  # they look for /tmp, which there is not
SEEN = {"host name"}  # the container's own


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    jail = tmp_path_factory.mktemp("flat") / "jail"
    made = container.run(["-c", COMMAND.format(["jail", str(jail)])], capture_output=True)
    assert made.returncode == 0, made.stderr
    return {"GRADMARK_CONTAINER": "flat", "GRADMARK_JAIL": str(jail)}


@pytest.mark.slow
def test_the_flat_profile_stops_what_the_full_one_stops(flat: dict[str, str]) -> None:
    done = container.run(["-m", "tests.attacks.flat"], flat, capture_output=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {name: v["unhealthy"] for name, v in found.items() if v["unhealthy"]} == {}
    got_through = {name: v["wrong"] for name, v in found.items() if v["wrong"]}
    assert set(got_through) == NO_SCRATCH | SEEN, got_through
    assert all("FileNotFoundError" in str(got_through[name]) for name in NO_SCRATCH)


def test_the_container_refuses_the_full_sandbox_and_says_what_to_do() -> None:
    done = container.run(["-c", COMMAND.format(["doctor"])], capture_output=True)
    assert done.returncode == 3
    assert "GRADMARK_CONTAINER=flat" in " ".join(done.stdout.split())


def test_a_report_names_the_profile(flat: dict[str, str], tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "activations.py").write_text("def relu(x):\n    return x.clamp(min=0)\n")
    arguments = ["grade", "activations", str(tmp_path / "activations.py")]
    arguments += ["--json", str(tmp_path / "report.json")]
    done = container.run(["-c", COMMAND.format(arguments)], flat, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "flat" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["environment"]["sandbox"] == "flat"
    assert report["score"] > 0


def test_it_is_refused_where_the_full_sandbox_works(
    flat: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograder.sandbox import Sandbox, SandboxUnavailable

    for name, value in flat.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SandboxUnavailable, match="the full sandbox works here"):
        Sandbox()
    monkeypatch.setenv("GRADMARK_CONTAINER", "round")
    with pytest.raises(SandboxUnavailable, match="may be 'flat'"):
        Sandbox()
