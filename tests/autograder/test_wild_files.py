"""Right functions as students handed them in, `wild/`: graded and checked at home alike."""

import gzip
import io
import json
import os
import signal
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from autograder.handin.at_home import load
from autograder.handin.submission import parse
from autograder.judging.selfcheck import items, problem

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "wild"
SELFCHECK = Path(__file__).parents[2] / "assignments" / "selfcheck"
BIG = {"file": "08-zip-and-names/big-output.ipynb.gz", "assignment": "activations", "at_least": 60}
EXPECTED = [*json.loads((FOLDER / "expected.json").read_text("utf-8")), BIG]
EXERCISE = {"09-selfcheck-numpy-scalar/initialization.py": "calculate_gain"}  # all that it has


def files() -> list:
    return [pytest.param(one["file"], one["assignment"], one["at_least"]) for one in EXPECTED]


def handed_in(file: str) -> tuple[str, bytes]:
    path = FOLDER / file
    content = path.read_bytes()
    if path.suffix == ".gz":  # to be small here
        return path.stem, gzip.decompress(content)
    return path.name, content


@pytest.mark.parametrize(("file", "assignment", "least"), files())
def test_it_gets_its_marks(file, assignment, least, grader):
    report = grader.grade(assignment, parse(*handed_in(file)))
    only = EXERCISE.get(file)
    exercises = [e for e in report["exercises"] if only is None or e["name"] == only]
    got = sum(e["score"] for e in exercises)
    assert got >= min(least, sum(e["max_score"] for e in exercises)), report["exercises"]


@pytest.mark.parametrize(("file", "assignment", "least"), files())
def test_its_own_check_agrees(file, assignment, least, catalogue):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # a process of the student's, with whatever the file does to it
        try:
            said = at_home(file, assignment, catalogue[assignment].homes)
        except BaseException as error:
            said = repr(error)
        os.write(writer, said.encode()[:2000])
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert said == "right"


def at_home(file: str, assignment: str, homes: dict[str, str]) -> str:
    name, content = handed_in(file)
    sys.stdin = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folder)
        else:
            Path(folder, name).write_bytes(content)
        functions, failed = load(Path(folder), homes)
        only = EXERCISE.get(file)
        found = [
            problem(item, functions, failed)
            for item in items(SELFCHECK / f"{assignment}.json")
            if only is None or item.exercise == only
        ]
    wrong = [sentence for sentence in found if sentence]
    return "; ".join(wrong) or ("right" if found else "nothing was asked")
