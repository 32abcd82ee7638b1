"""The whole examples of the authors' pages: each loads, is proved, and is what its page says."""

import re
from pathlib import Path

import pytest

from autograder.grading.follow_ons import Graded
from autograder.grading.rows import judge
from autograder.handout.public import public_data
from autograder.handout.stubs import stub
from autograder.handout.workbook import student_workbook
from autograder.judging.codec import dumps, loads
from autograder.judging.local import LocalSession
from autograder.judging.selfcheck import items_of, problem
from autograder.topics.catalogue import Catalogue
from autograder.truth.oracle import Oracle

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("first-topic", "topic-arrays", "topic-layers", "topic-modules", "topic-scripts")
LONG = "topic-training"
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def topic_of(folder: Path, page: str, *changes: tuple[str, str]):
    (text,) = EXAMPLE.findall((DOCS / f"{page}.md").read_text("utf-8"))
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    name = page.replace("-", "_")
    (folder / f"{name}.py").write_text(text)
    return Catalogue.load(folder)[name].topics[0]


def rows(topic, exercise, oracle, functions):
    trials, session = oracle.trials(topic, exercise), LocalSession(functions)
    outcomes = [trial.judge(session.run(trial.calls)) for trial in trials]
    return judge(Graded(topic, exercise, trials, outcomes), {})


def failing(topic, exercise, functions):
    found = rows(topic, exercise, Oracle(b"a secret"), functions)
    return {row.name: row.document()["message"] for row in found if not row.passed}


@pytest.mark.parametrize("page", [*PAGES, LONG])
def test_the_example_of_a_page_is_proved_and_every_face_of_it_works(tmp_path, page):
    topic, oracle = topic_of(tmp_path, page), Oracle(b"a secret")
    assert student_workbook(topic).cells
    empty: dict[str, object] = {"__name__": topic.name}
    exec(stub(topic), empty)
    for exercise in topic.exercises:
        assert all(row.passed for row in rows(topic, exercise, oracle, topic.functions()))
        assert not any(row.passed for row in rows(topic, exercise, oracle, empty))
        for misconception in exercise.misconceptions:
            found = rows(topic, exercise, oracle, topic.functions(misconception))
            assert not all(row.passed for row in found), misconception.name
    checks = items_of(loads(dumps(public_data(topic))))  # which also shows the gradients right
    assert checks
    assert not any(problem(item, topic.functions()) for item in checks)
    assert any(problem(item, empty) for item in checks)


def test_a_network_that_trains_wrongly_is_told_its_step_and_drawn(tmp_path):
    topic = topic_of(tmp_path, "topic-modules")
    exercise = topic.exercises[1]
    wrong = topic.functions(exercise.misconceptions[0])
    loss, *_ = rows(topic, exercise, Oracle(b"a secret"), wrong)
    document = loss.document()
    assert document["message"].startswith("loss of step 3 is wrong: got ")
    (drawn,) = document["curves"]
    reference, yours = drawn["series"]
    assert len(reference["y"]) == len(yours["y"]) == 12
    assert reference["y"][:2] == pytest.approx(yours["y"][:2])
    assert reference["y"][2] != pytest.approx(yours["y"][2])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("self.weight = nn", "self.gain = nn", "it lacks weight, of shape (4,); it also has gain"),
        ("torch.zeros(features))\n        self.register", "torch.zeros(1))\n        self.register",
         "bias is of shape (1,) where of shape (4,) is expected"),
    ],
)  # fmt: skip
def test_names_and_shapes_that_differ_are_said(tmp_path, old, new, said):
    topic = topic_of(tmp_path, "topic-modules")
    text = topic.solution().replace(old, new).replace("self.weight *", "self.gain *")
    written: dict[str, object] = {}
    exec(text, written)
    messages = failing(topic, topic.exercises[0], written)
    assert said in messages["batch_norm: y"]


def test_a_buffer_more_than_expected_is_fine_and_a_forgotten_one_is_said(tmp_path):
    topic = topic_of(tmp_path, "topic-modules")
    exercise, written = topic.exercises[0], dict[str, object]()
    counted = "        self.register_buffer('seen', torch.tensor(0))\n"
    marker = '        self.register_buffer("running_var"'
    exec(topic.solution().replace(marker, counted + marker), written)
    assert not failing(topic, exercise, written)
    forgotten = {**written}
    exec(topic.solution().replace('register_buffer("running_mean", ', 'bar = ("", '), forgotten)
    messages = failing(topic, exercise, forgotten)
    assert "it lacks running_mean, of shape (4,)" in messages["both_modes: buffers"]


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ("generator=generator) * (2", ") * (2", "fresh_weights by distribution: generator"),
        ("torch.randn(outputs, inputs, generator", "2 * torch.randn(outputs, inputs, generator",
         "fresh_weights by distribution: W"),
    ],
)  # fmt: skip
def test_random_numbers_inside_an_object_are_judged_by_their_law(tmp_path, old, new, row):
    topic = topic_of(tmp_path, "topic-layers")
    assert topic.solution().count(old) == 1
    written: dict[str, object] = {}
    exec(topic.solution().replace(old, new), written)
    assert row in failing(topic, topic.exercises[0], written)
