"""Answers of other shapes and types than the reference's are no arguments of the reference."""

from dataclasses import replace

import pytest
import torch

from autograder.judging.local import LocalSession, Steps
from autograder.training.program import EVALUATION, TRAINING
from autograder.truth.diagnosis import recognise
from tests.autograder.training.conftest import Prepared

STEPS = 7
SHAPES = {  # of a function's result, what becomes of it
    "larger": lambda y: y.repeat(3, *[1] * (y.dim() - 1)),
    "of another rank": lambda y: y[None],
    "of integers": lambda y: y.to(torch.int64),
}


@pytest.fixture(scope="module", params=[torch.float64, torch.float32], ids=["float64", "float32"])
def prepared(request, topic):
    return Prepared(topic, replace(topic.module.CLASSIFIER, steps=STEPS), request.param)


@pytest.fixture
def asked(monkeypatch):
    """The shapes and types of all that trusted functions are called with."""
    forms = set()
    take = Steps.take

    def noted(self, one):
        if isinstance(self._session, _Elsewhere):
            return take(self, one)
        for name, value in one.arguments.items():
            form = (
                (tuple(value.shape), value.dtype.is_floating_point)
                if isinstance(value, torch.Tensor)
                else type(value)
            )
            forms.add((one.function, name, form))
        return take(self, one)

    monkeypatch.setattr(Steps, "take", noted)
    return forms


@pytest.mark.parametrize("how", SHAPES)
@pytest.mark.parametrize("function", ["relu", "batch_norm", "conv2d_backward"])
def test_the_reference_meets_only_what_it_met_in_its_own_run(prepared, topic, asked, function, how):
    own = topic.functions()
    since = 0 if prepared.check.dtype == torch.float64 else 6  # which float32 does not compare
    # What the reference meets when it goes through the run itself, and when nothing is wrong.
    list(LocalSession(own).run(prepared.calls))
    prepared.judge()
    met = set(asked)
    asked.clear()
    step = {"now": 0}

    def hostile(*arguments):
        given = own[function](*arguments)
        if step["now"] < since:
            return given
        if isinstance(given, tuple):
            return (SHAPES[how](given[0]), *given[1:])
        return SHAPES[how](given)

    def counted(*arguments):
        step["now"] += 1
        return own["cosine_schedule"](*arguments)

    # The submission itself runs elsewhere, so what it is called with does not count.
    session = _Elsewhere({**own, function: hostile, "cosine_schedule": counted})
    calls = prepared.calls
    outcome = prepared.check.judge(prepared.expectation, calls, session.run(calls))
    assert outcome.findings[TRAINING].problem in {"parted", "drift"}, outcome.findings
    assert outcome.findings[EVALUATION].problem
    recognise(topic, outcome.faults)
    assert asked <= met


class _Elsewhere(LocalSession):
    """The submission's own."""
