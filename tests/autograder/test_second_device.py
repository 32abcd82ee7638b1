"""The catalogue on a device that is not the CPU: the same verdicts."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.sandbox import Limits, Sandbox
from autograder.sandbox.inside.loading.source import Source
from autograder.topics.catalogue import EVERYTHING
from tests import ordinary
from tests.catalogues import FIRST as CATALOGUE
from tests.catalogues import SECOND
from tests.conftest import SECRET
from tests.devices.installed import FOLDER, needs_second_device

pytestmark = [needs_second_device, pytest.mark.slow]

SECOND_COURSE = SECOND
PLACES = {
    exercise.name: (topic, exercise)
    for catalogue in (CATALOGUE, SECOND_COURSE)
    for name, assignment in catalogue.assignments.items()
    if name not in {EVERYTHING, "training"}
    for topic, exercise in assignment.exercises
}
# What torch does on any device of its own, but not for a device that is made in Python.
SWAPS = re.compile(r"parameters?(\[\w+\])?\.data = ")
# Every operator goes through Python: loops over elements take their time.
PATIENT = Limits(120, load_seconds=60, session_seconds=10**4)


@pytest.fixture(scope="module")
def grader(kept: Path) -> Iterator[Grader]:
    sys.path.insert(0, str(FOLDER))
    try:
        sandbox = Sandbox("second", PATIENT)
        with Grader(CATALOGUE, SECRET, cache=kept, sandbox=sandbox) as grader:
            yield grader
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("name", PLACES)
def test_an_exercise_gets_the_verdicts_it_gets_on_the_cpu(grader, name):
    topic, exercise = PLACES[name]
    beside = {part.name: part.solution() for part in topic.beside}

    def passes(source: str) -> bool:
        files = [Source(file, (text,)) for file, text in (beside | {topic.name: source}).items()]
        return grader.passes(topic, exercise, files)

    assert passes(topic.solution())
    for corpus in ("correct", "more/correct"):
        folder = ordinary.ROOT / "tests/corpus" / corpus / topic.name
        for path in folder.glob(f"{exercise.name}--*.py"):
            source = path.read_text("utf-8")
            assert SWAPS.search(source) or passes(source), path.stem
    for misconception in exercise.misconceptions:
        assert not passes(topic.solution(misconception)), misconception.name


def test_a_forgotten_device_is_told_to_the_student_in_torchs_words(grader):
    topic, exercise = PLACES["relu"]
    source = (
        topic.solution() + "\n\ndef relu(x):\n    return torch.maximum(x, torch.zeros(x.shape))\n"
    )
    report = grader.grade_exercise(topic, exercise, [Source(topic.name, (source,))])
    assert report["score"] < exercise.max_score
    messages = " ".join(check["student_message"] for check in report["checks"])
    assert "same device" in messages
