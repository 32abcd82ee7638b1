"""The second course: what other courses ask for, through every face that a topic has."""

import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest

from autograder.grading.follow_ons import Graded
from autograder.grading.rows import judge
from autograder.handout.release import release
from autograder.handout.stubs import solution_cells, stub
from autograder.handout.workbook import source_workbook, student_workbook
from autograder.judging.local import LocalSession
from autograder.judging.selfcheck import items, problem
from autograder.truth.gradients import unproven
from autograder.truth.oracle import Oracle
from tests.catalogues import SECOND as CATALOGUE
from tests.conftest import SECRET

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus" / "more" / "correct"
TOPICS = {topic.name: topic for topic in CATALOGUE["all"].topics}
mpl.use("agg")


@pytest.fixture(scope="module")
def oracle(kept):
    return Oracle(SECRET, kept)


def score(topic, exercise, trials, session) -> float:
    outcomes = [trial.judge(session.run(trial.calls)) for trial in trials]
    graded = Graded(topic, exercise, trials, outcomes)
    return sum(row.points for row in judge(graded, {}) if row.passed)


def functions_of(path: Path):
    namespace: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
    return namespace


def test_nothing_is_asked_for_twice_and_every_topic_has_a_lesson():
    asked = [f.__name__ for topic in TOPICS.values() for e in topic.exercises for f in e.functions]
    assert len(asked) == len(set(asked))
    assert all(topic.path.with_suffix(".md").exists() for topic in TOPICS.values())


def test_the_merges_in_the_tokenizers_lesson_are_those_of_its_solution():
    topic = TOPICS["tokenizer"]
    lesson = topic.path.with_suffix(".md").read_text("utf-8").replace("`", "")
    rows = re.findall(r"^\| (\d+) \| (\S+) (\S+) \| (\d+) times", lesson, re.MULTILINE)
    assert len(rows) == 4
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    merges = topic.functions()["train"](counts, len(rows))
    assert [(int(number), (left, right)) for number, left, right, _ in rows] == [
        *enumerate(merges, 1)
    ]
    symbols = {word: [*word, "</w>"] for word in counts}
    for (_, left, right, times), pair in zip(rows, merges, strict=True):
        seen = sum(counts[word] * list(pairwise(symbols[word])).count(pair) for word in counts)
        assert seen == int(times)
        merged = topic.functions()["_merged"]
        symbols = {word: merged(symbols[word], (left, right)) for word in counts}


def test_of_a_stub_of_a_module_each_line_says_that_it_is_not_written(oracle):
    topic, namespace = TOPICS["transformer"], {}
    exec(stub(topic), namespace)
    exercise = topic.exercises[0]
    for trial in oracle.trials(topic, exercise):
        findings = trial.judge(LocalSession(namespace).run(trial.calls)).findings
        assert {finding.evidence.get("kind") for finding in findings.values()} == {"unwritten"}


@pytest.mark.parametrize("name", TOPICS)
def test_gradients_are_right_and_correct_solutions_get_full_marks_and_stubs_none(name, oracle):
    topic, alternatives, misconceptions = TOPICS[name], 0, 0
    for exercise in topic.exercises:
        trials = oracle.trials(topic, exercise)
        assert not list(unproven(topic, exercise, trials))
        most = exercise.max_score - sum(sum(c.points.values()) for c in exercise.checks if c.timed)
        assert score(topic, exercise, trials, LocalSession(topic.functions())) == most
        for path in sorted((CORPUS / name).glob(f"{exercise.name}--*.py")):
            alternatives += 1
            session = LocalSession(functions_of(path))
            assert score(topic, exercise, trials, session) == most, path.name
        empty: dict[str, object] = {"__name__": name}
        exec(stub(topic), empty)
        assert score(topic, exercise, trials, LocalSession(empty)) == 0
        misconceptions += len(exercise.misconceptions)
    assert alternatives >= 4
    assert misconceptions >= 6


@pytest.mark.parametrize("name", TOPICS)
def test_what_is_released_checks_the_solution_and_holds_nothing_of_it(name, tmp_path):
    topic = TOPICS[name]
    release(CATALOGUE[name], tmp_path)
    handed_out = (tmp_path / f"{name}.py").read_text("utf-8")
    assert "NotImplementedError" in handed_out
    for line in topic.solution().splitlines():
        if line.startswith("        ") and " = " in line and line not in documented(topic):
            assert line not in handed_out
    found = items(tmp_path / "selfcheck" / f"{name}.json")
    assert found
    assert not [str(item) for item in found if problem(item, topic.functions())]


def documented(topic) -> str:
    return "\n".join(f.__doc__ or "" for e in topic.exercises for f in e.functions)


@pytest.mark.parametrize("name", TOPICS)
def test_a_lesson_runs_from_top_to_bottom(name):
    """Its experiments, with the solution's cells in the place of the stubs."""
    topic = TOPICS[name]
    solved = solution_cells(topic, {f.__name__: 0 for e in topic.exercises for f in e.functions})
    spec = importlib.util.spec_from_loader(f"lesson_{name}", loader=None)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    for cell in student_workbook(topic).cells:
        if cell.cell_type == "code" and "selfcheck" not in cell.source:
            exec(compile(solved.get(cell.id, cell.source), cell.id, "exec"), vars(module))
    assert source_workbook(topic) == source_workbook(topic)
