"""The two promises, over every exercise there is: right solutions pass, empty ones earn nothing."""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autograder.grading.follow_ons import Graded
from autograder.grading.rows import judge
from autograder.judging.call import Answer, Call
from autograder.judging.local import LocalSession
from autograder.truth.oracle import Oracle
from tests.catalogues import FIRST as CATALOGUE
from tests.conftest import SECRET

# Experiments, which ask for no function, have their own tests: see training.
EXERCISES = {e.name: (t, e) for t, e in CATALOGUE["all"].exercises if e.functions}
CORPUS = Path(__file__).parent.parent / "corpus" / "correct"
CORRECT = sorted(CORPUS.glob("*/*.py"))
# CI takes a few; `make fairness` takes 200: run it when exercises or tolerance change.
SECRETS = int(os.environ.get("GRADMARK_SECRETS", "5"))


def score(topic, exercise, trials, session) -> float:
    outcomes = [trial.judge(tuple(session.run(trial.calls))) for trial in trials]
    return sum(row.earned for row in judge(Graded(topic, exercise, trials, outcomes), {}))


@pytest.fixture(scope="module")
def oracle(kept):
    return Oracle(SECRET, kept)


class OneByOne:
    """What answers every call by itself."""

    def run(self, calls: Sequence[Call]) -> Iterator[Answer]:
        return map(self.call, calls)

    def call(self, call: Call) -> Answer:
        raise NotImplementedError


class Pretender(OneByOne):
    """Answers with the right shapes and types, and with nothing right in them."""

    def __init__(self, functions, fake: Callable[[Tensor], Tensor]) -> None:
        self._reference = LocalSession(functions)
        self._fake = fake

    def call(self, call: Call) -> Answer:
        answer = self._reference.call(call)
        if answer.failure is not None:  # input that must be refused: refuse it, as the stub would
            return answer
        updated = {
            name: value for name, value in call.arguments.items() if isinstance(value, Tensor)
        }
        return replace(answer, value=self._falsify(answer.value), arguments=updated)

    def _falsify(self, value):
        if isinstance(value, tuple):
            return tuple(self._falsify(item) for item in value)
        if isinstance(value, int | float):
            return type(value)(-1)
        return self._fake(value) if isinstance(value, Tensor) else value


def other(t: Tensor) -> Tensor:
    """Wrong everywhere, of a type that has no NaN and no infinity."""
    return ~t


FAKES = {
    "zeros": torch.zeros_like,
    "ones": torch.ones_like,
    "NaN": lambda t: torch.full_like(t, float("nan")) if t.is_floating_point() else other(t),
    "infinity": lambda t: torch.full_like(t, float("inf")) if t.is_floating_point() else other(t),
    "negated": lambda t: -t if t.is_floating_point() else other(t),
}


class FirstArgument(OneByOne):
    """Gives the first tensor back for everything."""

    def __init__(self, count: Callable[[Call], int]) -> None:
        self._count = count

    def call(self, call: Call) -> Answer:
        tensors = [value for value in call.arguments.values() if isinstance(value, Tensor)]
        first = tensors[0] if tensors else None
        count = self._count(call)
        value = first if count == 1 else (first,) * count
        return Answer(value, dict(call.arguments))


@pytest.mark.parametrize("name", EXERCISES)
def test_giving_an_argument_back_earns_nothing(name, oracle):
    topic, exercise = EXERCISES[name]
    reference = LocalSession(topic.functions())

    def count(call: Call) -> int:
        value = reference.call(call).value
        return len(value) if isinstance(value, tuple) else 1

    assert score(topic, exercise, oracle.trials(topic, exercise), FirstArgument(count)) == 0


@pytest.mark.parametrize("fake", ["zeros", "ones"])
@pytest.mark.parametrize("name", EXERCISES)
def test_constants_of_the_right_shape_earn_nothing(name, fake, oracle):
    topic, exercise = EXERCISES[name]
    if not any(isinstance(a.value, Tensor | tuple) for a in answers(topic, exercise, oracle)):
        pytest.skip("returns no tensor, so there is nothing to pretend")
    session = Pretender(topic.functions(), FAKES[fake])
    assert score(topic, exercise, oracle.trials(topic, exercise), session) == 0


def answers(topic, exercise, oracle):
    reference = LocalSession(topic.functions())
    for trial in oracle.trials(topic, exercise):
        for call in trial.calls:
            yield reference.call(call)


@pytest.mark.parametrize("fake", FAKES)
def test_no_pretender_gets_full_marks(fake, oracle):
    for name, (topic, exercise) in EXERCISES.items():
        if any(isinstance(a.value, Tensor | tuple) for a in answers(topic, exercise, oracle)):
            session = Pretender(topic.functions(), FAKES[fake])
            got = score(topic, exercise, oracle.trials(topic, exercise), session)
            assert got < exercise.max_score, name


def functions_of(path: Path):
    namespace: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
    return namespace


@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_no_correct_solution_fails_whatever_the_secret(name):
    topic, exercise = EXERCISES[name]
    alternatives = [p for p in CORRECT if p.stem.partition("--")[0] == name]
    assert len(alternatives) >= 4
    sessions = {p.stem: LocalSession(functions_of(p)) for p in alternatives}
    sessions["the reference"] = LocalSession(topic.functions())
    for number in range(SECRETS):
        secret = f"secret {number} {zlib.crc32(name.encode())}".encode()
        trials = Oracle(secret).trials(topic, exercise)
        for who, session in sessions.items():
            assert score(topic, exercise, trials, session) == exercise.max_score, (who, secret)
