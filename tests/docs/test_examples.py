"""The files in docs/examples are what programs take, and the commands in them exist."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from server.client.commands import submit

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def calls() -> list[list[str]]:
    tasks = json.loads((EXAMPLES / "tasks.json").read_text("utf-8"))["tasks"]
    flow = yaml.safe_load((EXAMPLES / "hand-in.yml").read_text("utf-8"))
    job = flow["jobs"]["hand-in"]
    assert "env" not in job  # else what is installed would see the token
    for step in job["steps"]:
        submits = step.get("run", "").startswith("gradmark submit")
        assert set(step.get("env", ())) == (
            {"GRADMARK_URL", "GRADMARK_TOKEN"} if submits else set()
        )
    steps = [step["run"].split() for step in job["steps"] if "run" in step]
    return [
        *([task["command"], *task["args"]] for task in tasks),
        *(step for step in steps if step[0] == "gradmark"),
    ]


@pytest.mark.parametrize("call", calls(), ids=" ".join)
def test_an_example_calls_submit_as_it_is(call: list[str], tmp_path: Path, monkeypatch) -> None:
    """It gets as far as asking the server, which is not there."""
    monkeypatch.setenv("GRADMARK_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GRADMARK_TOKEN", "gradmark_api_x")
    file = tmp_path / "losses.py"
    file.write_text("x = 1\n")
    names = {"${file}": str(file), "losses.py": str(file), "${fileBasenameNoExtension}": "losses"}
    assert call[:2] == ["gradmark", "submit"]
    done = CliRunner().invoke(submit, [names.get(word, word) for word in call[2:]])
    assert done.exit_code == 3, done.output
    assert "http://127.0.0.1:9 cannot be reached" in done.output


def test_a_token_without_a_server_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("GRADMARK_URL", raising=False)
    monkeypatch.setenv("GRADMARK_TOKEN", "gradmark_api_x")
    file = tmp_path / "losses.py"
    file.write_text("x = 1\n")
    done = CliRunner().invoke(submit, ["losses", str(file)])
    assert done.exit_code == 2
    assert "set GRADMARK_URL" in done.output
