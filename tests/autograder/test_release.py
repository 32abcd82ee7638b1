"""What students get: it works with plain pytest, and holds nothing hidden."""

import ast
import contextlib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from torch import Tensor

from autograder.handout.release import release
from autograder.handout.stubs import heads, stub
from autograder.judging.codec import dumps
from autograder.truth.oracle import Oracle
from tests.conftest import SECRET
from tests.warm import Warm, warm

# No plug-in that happens to be installed here.
PLAIN = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
COMMITTED = Path(__file__).parents[2] / "assignments"
PytestIn = Callable[..., str]


@pytest.fixture(scope="session")
def released(catalogue, tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    release(catalogue["all"], folder)
    return folder


@pytest.fixture(scope="session")
def handed_out(catalogue, released, tmp_path_factory):
    """`handed_out("losses", folder)`: as `release` does, which takes a second, once per topic."""
    made = {"all": released}

    def hand_out(name: str, folder: Path) -> None:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            release(catalogue[name], made[name])
        shutil.copytree(made[name], folder, dirs_exist_ok=True)

    return hand_out


def students_modules() -> set[str]:
    """What can be imported where only torch, numpy and pytest were installed."""
    wanted, found = ["torch", "numpy", "pytest"], set()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        with contextlib.suppress(metadata.PackageNotFoundError):
            requirements = map(Requirement, metadata.requires(name) or [])
            wanted += [
                canonicalize_name(r.name)
                for r in requirements
                if not r.marker or r.marker.evaluate({"extra": ""})
            ]
    modules = metadata.packages_distributions()
    return {m for m, names in modules.items() if found & set(map(canonicalize_name, names))}


@pytest.fixture(scope="module")
def pytest_in() -> Iterator[PytestIn]:
    with warm("torch", "numpy", "pytest", env=PLAIN) as python:
        yield partial(_pytest_in, python)


def _pytest_in(python: Warm, folder: Path, *arguments: str) -> str:
    """Run plain pytest there, in an environment that has only what students are told to install."""
    command = [
        "-c",
        f"""
import sys
from importlib.machinery import PathFinder
class Hide:
    def find_spec(self, name, path=None, target=None):
        spec = PathFinder.find_spec(name, path)
        if path is None and spec and "-packages" in str(spec.origin) and name not in ALLOWED:
            raise ImportError(f"{{name}} is not there for students")
        if name in {{"autograder", "reference", "server"}}:
            raise ImportError(f"{{name}} is not there for students")
ALLOWED = {students_modules()!r}
sys.meta_path.insert(0, Hide())
import pytest
sys.exit(pytest.main(["-p", "no:cacheprovider", "--color=no", *{list(arguments)!r}]))
""",
    ]
    return python.run(command, folder, PLAIN).stdout


def topics(catalogue):
    return catalogue["all"].topics


def test_a_fresh_stub_fails_every_test_with_one_sentence(released, catalogue, pytest_in):
    output = pytest_in(released)
    assert not re.search(r"\d passed", output)
    assert "Traceback" not in output
    assert "Error" not in output
    failed = int(re.search(r"(\d+) failed", output)[1])
    assert output.count("\nnot implemented yet\n") == failed
    assert "0 of" in output
    assert "which stay hidden" in " ".join(output.split())


def test_the_solution_passes_every_test(catalogue, tmp_path, pytest_in, handed_out):
    handed_out("all", tmp_path)
    for topic in topics(catalogue):
        (tmp_path / f"{topic.name}.py").write_text(topic.solution())
    output = pytest_in(tmp_path)
    assert re.search(r"^\d+ passed in", output, re.MULTILINE), output[-3000:]
    most = f"{catalogue['all'].max_score:g}"
    assert re.search(r"are worth ([\d.]+) of \1 points", output)
    assert float(re.search(r"are worth ([\d.]+)", output)[1]) <= float(most)


@pytest.mark.parametrize("name", ["batch_norm", "conv2d"])
def test_one_exercise_can_be_checked_alone(released, catalogue, name, pytest_in):
    output = pytest_in(released, "-k", f"{name}:")
    lines = [line for line in output.splitlines() if re.match(r"\w+ +[\d.]+ of [\d.]+$", line)]
    assert name in {line.split()[0] for line in lines}
    assert all(line.split()[0].endswith(name) for line in lines)
    assert "skipped" not in output


RELU = """
import torch
def relu(x):
    return torch.where(x > 0, {forward} * x, 0 * x)
def relu_backward(grad_y, x):
    return torch.where(x > 0, {backward} * grad_y, 0 * grad_y)
"""


@pytest.mark.parametrize(
    ("forward", "backward", "fits"), [(1, 1, True), (2, 2, True), (1, 2, False), (2, 1, False)]
)
def test_a_backward_is_held_against_the_students_own_forward(
    tmp_path, forward, backward, fits, pytest_in, handed_out
):
    handed_out("activations", tmp_path)
    text = RELU.format(forward=forward, backward=backward)
    (tmp_path / "activations.py").write_text(text)
    output = pytest_in(tmp_path, "-k", "[relu: and own", "-rA", "--tb=short")
    assert ("1 passed" in output) == fits, output
    assert ("does not fit your own relu: along a random direction" in output) != fits


def test_the_folder_says_what_to_install(released):
    assert (released / "requirements.txt").read_text().split() == ["torch", "numpy", "pytest"]
    project = tomllib.loads((released / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["torch", "numpy", "pytest"]


def test_a_bug_is_explained_as_the_grader_explains_it(
    catalogue, tmp_path, grader, pytest_in, handed_out
):
    from autograder.handin.submission import parse

    topic = catalogue["normalization"].topics[0]
    bug = next(m for m in topic.exercises[0].misconceptions if m.name == "eps-outside-root")
    handed_out("normalization", tmp_path)
    (tmp_path / "normalization.py").write_text(topic.solution(bug))
    output = pytest_in(tmp_path, "-k", "training")
    report = grader.grade("normalization", parse("a.py", topic.solution(bug).encode()))
    checks = report["exercises"][0]["checks"]
    message = next(c["message"] for c in checks if c["name"] == "training: y")
    sentence = message.split(" (case")[0]
    assert sentence in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", "losses.py, line 1: SyntaxError"),
        ("1 / 0\n", "losses.py, line 1: ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_said_in_one_sentence(
    tmp_path, text, message, pytest_in, handed_out
):
    handed_out("losses", tmp_path)
    (tmp_path / "losses.py").write_text(text)
    output = pytest_in(tmp_path)
    assert message in output
    assert "Traceback" not in output


def tensors_of(trial) -> set[str]:
    """The arguments of its first call as the self-check would hold them, but for single numbers."""
    values = trial.calls[0].arguments.values() if trial.calls else ()
    return {
        json.loads(dumps(value))["data"]
        for value in values
        if isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 2
    }


def test_nothing_hidden_is_released(released, catalogue, kept):
    files = (p for p in sorted(released.rglob("*")) if p.is_file() and p.suffix != ".pyc")
    text = "\n".join(p.read_text("utf-8") for p in files)
    assert SECRET.decode() not in text
    oracle = Oracle(SECRET, kept)
    for topic, exercise in catalogue["all"].exercises:
        documented = "\n".join(heads(topic).values())
        for misconception in exercise.misconceptions:
            # A name's words may stand in prose, but not as a record's name, whatever the quotes.
            assert f'"{misconception.name}"' not in text
            assert f"'{misconception.name}'" not in text
            assert misconception.hint not in text
            edited = misconception.new.strip()
            if len(edited) > 25 and edited not in documented:
                assert edited not in text
                assert json.dumps(edited)[1:-1] not in text
        # What an experiment is made of is too much to look for, and no case of a self-check.
        trials = oracle.trials(topic, exercise) if exercise.functions else ()
        shown = {d for trial in trials if trial.case.public for d in tensors_of(trial)}
        for trial in trials:
            if not trial.case.public:
                # A sweep of a public case leaves some of its arguments as they are.
                assert not [d for d in tensors_of(trial) - shown if d in text], trial.case.name
    for topic in topics(catalogue):
        published = stub(topic)
        documented = "\n".join(heads(topic).values())
        for node in ast.parse(topic.solution()).body:
            if isinstance(node, ast.FunctionDef):
                lines = topic.solution().splitlines()[node.body[0].end_lineno : node.end_lineno]
                for line in lines:
                    code = line.strip()
                    if len(code) > 25 and code not in documented:
                        assert code not in published, (node.name, code)


def test_stubs_keep_signature_and_docstring(catalogue):
    for topic in topics(catalogue):
        stubs = {n.name: n for n in ast.parse(stub(topic)).body if isinstance(n, ast.FunctionDef)}
        for exercise in topic.exercises:
            for function in exercise.functions:
                node = stubs[function.__name__]
                assert ast.get_docstring(node, clean=False) == function.__doc__
                assert isinstance(node.body[-1], ast.Raise)
                assert len(node.body) == 2


def test_a_students_work_is_not_overwritten(catalogue, tmp_path):
    release(catalogue["losses"], tmp_path)
    release(catalogue["losses"], tmp_path)
    path = tmp_path / "losses.py"
    path.write_text("my work")
    with pytest.raises(FileExistsError, match=r"losses\.py"):
        release(catalogue["losses"], tmp_path)
    assert path.read_text() == "my work"


def test_topics_can_be_released_one_by_one_into_a_folder(catalogue, tmp_path):
    release(catalogue["losses"], tmp_path)
    release(catalogue["initialization"], tmp_path)
    assert {path.stem for path in (tmp_path / "selfcheck").glob("*.json")} == {
        "losses",
        "initialization",
    }


def test_the_committed_assignments_are_up_to_date(released):
    def texts(folder):
        return {
            str(path.relative_to(folder)): path.read_text("utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    fresh, committed = texts(released), texts(COMMITTED)
    assert fresh.keys() == committed.keys(), "run `make release`"
    for name, text in fresh.items():
        if not name.endswith(".json"):  # numbers: another machine may round the last bit elsewhere
            assert committed[name] == text, f"{name} is stale: run `make release`"


def test_the_committed_cases_ask_and_expect_what_fresh_ones_do(released):
    import torch

    from autograder.judging.codec import loads

    def compare(a, b):
        if isinstance(a, torch.Tensor):
            assert a.dtype == b.dtype
            torch.testing.assert_close(a, b, equal_nan=True, rtol=1e-5, atol=1e-7)
        elif isinstance(a, dict):
            assert a.keys() == b.keys()
            for key in a:
                compare(a[key], b[key])
        elif isinstance(a, list | tuple):
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                compare(x, y)
        elif hasattr(a, "__dataclass_fields__"):
            compare(vars(a), vars(b))
        elif isinstance(a, float):
            assert a == pytest.approx(b, rel=1e-6)
        else:
            assert a == b

    for path in sorted((released / "selfcheck").glob("*.json")):
        committed = COMMITTED / "selfcheck" / path.name
        compare(loads(path.read_text()), loads(committed.read_text()))


def graded(grader, topic: str, name: str, content: bytes) -> float:
    from autograder.handin.submission import parse

    return float(grader.grade(topic, parse(name, content))["score"])


ODD = {
    "a name used again": ("activations.py", "{code}\nrelu = relu(torch.ones(2))\n"),
    "a failing line": ("activations.py", "1 / 0\n{code}"),
    "a syntax error": ("activations.py", "{code}\nprint 'done'\n"),
    "a notebook": ("activations.ipynb", "{code}"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_grading_loads_the_self_check_loads(
    catalogue, tmp_path, grader, odd, pytest_in, handed_out
):
    """Also beside the untouched hand-out in the other form."""
    name, text = ODD[odd]
    content = text.format(code=catalogue["activations"].topics[0].solution()).encode()
    if name.endswith(".ipynb"):
        cells = [{"cell_type": "code", "source": content.decode()}, {"cell_type": "code"}]
        content = json.dumps({"nbformat": 4, "cells": cells}).encode()
    handed_out("activations", tmp_path)
    (tmp_path / name).write_bytes(content)
    output = pytest_in(tmp_path)
    assert re.search(r"^\d+ passed in", output, re.MULTILINE), output[-3000:]
    assert graded(grader, "activations", name, content) == 60


def test_a_number_of_numpy_s_is_one_verdict(catalogue, tmp_path, grader, pytest_in, handed_out):
    topic = catalogue["initialization"].topics[0]
    code = topic.solution() + (
        "\nimport numpy as np\n_plain = calculate_gain\n"
        "def calculate_gain(*args, **named):\n    return np.float64(_plain(*args, **named))\n"
    )
    handed_out("initialization", tmp_path)
    (tmp_path / "initialization.py").write_text(code)
    output = pytest_in(tmp_path, "-k", "calculate_gain")
    assert "failed" not in output
    score = graded(grader, "initialization", "initialization.py", code.encode())
    assert score == catalogue["initialization"].max_score
