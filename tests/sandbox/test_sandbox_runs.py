"""Many calls in one request: the same answers as one by one, whatever happens on the way."""

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.handin.submission import Source
from autograder.judging.call import Call, Ref
from autograder.judging.local import LocalSession

CODE = """
import os, time, torch
held = torch.zeros(2, 3, dtype=torch.float64)
def add(a, b):
    return a + b
def pair(a):
    return a * 2, a.sum(1), None
def count(a):
    held.add_(1)
    return held
def hold(a):
    held.copy_(a)
    return held
def grow(a):
    a += 1
    return a
def leave(a):
    os._exit(1)
def fail(a):
    raise ValueError(a.shape)
def none(a):
    return None
def rest(a):
    time.sleep(0.5)
def flood(a):
    return a.expand(10**6, 2, 3)
"""
X = torch.arange(6, dtype=torch.float64).reshape(2, 3)


def call(name: str, *arguments) -> Call:
    return Call(name, dict(zip("ab", arguments, strict=False)), len(arguments))


def same(one, two) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(two, torch.Tensor):
        return one.dtype == two.dtype and torch.equal(one, two)
    if isinstance(one, tuple) and isinstance(two, tuple) and len(one) == len(two):
        return all(same(a, b) for a, b in zip(one, two, strict=True))
    return one == two


@pytest.fixture(scope="module")
def session(sandbox):
    with sandbox.session([Source("submission", (CODE,))]) as session:
        yield session


@st.composite
def runs(draw):
    """Calls of which each takes tensors, or what earlier ones gave (or failed to give)."""
    calls = []
    for at in range(draw(st.integers(1, 8))):

        def argument(at=at):
            if not at or draw(st.booleans()):
                return X + draw(st.integers(0, 3))
            item = draw(st.sampled_from([None, None, 0, 2, 5]))
            shape = draw(st.sampled_from([None, None, (3, 2), (2, 3), (7,)]))
            return Ref(draw(st.integers(0, at - 1)), item, shape)

        name = draw(st.sampled_from(["add", "pair", "hold", "grow", "fail", "none"]))
        calls.append(call(name, *(argument() for _ in range(2 if name == "add" else 1))))
    return calls


@settings(max_examples=60, deadline=None)
@given(calls=runs())
def test_a_run_is_its_calls_one_after_the_other(session, calls):
    functions: dict[str, object] = {}
    exec(CODE, functions)
    for ours, theirs in zip(session.run(calls), LocalSession(functions).run(calls), strict=True):
        assert (ours.failure and ours.failure.kind) == (theirs.failure and theirs.failure.kind)
        assert same(ours.value, theirs.value)
        assert all(same(ours.arguments[name], value) for name, value in theirs.arguments.items())


def test_what_was_answered_stays_as_it_was_sent(session):
    functions: dict[str, object] = {}
    exec(CODE, functions)
    calls = [call("hold", X), call("hold", X + 1), call("add", Ref(0), Ref(1))]
    for here in (session, LocalSession(functions)):
        assert torch.equal(list(here.run(calls))[2].value, 2 * X + 1)


def test_a_crash_costs_its_call_and_what_depends_on_it(session):
    calls = [
        call("grow", X),
        call("leave", Ref(0)),
        call("grow", Ref(1)),
        call("grow", Ref(2)),
        call("grow", Ref(0)),
        call("grow", Ref(4)),
    ]
    answers = list(session.run(calls))
    assert [answer.failure and answer.failure.kind for answer in answers] == [
        *(None, "crash", "input", "input", None, None)
    ]
    assert torch.equal(answers[5].value, X + 3)


def test_a_run_left_early_leaves_the_session_in_step(session):
    answers = session.run([call("grow", X), call("none", X), call("none", X)])
    assert torch.equal(next(answers).value, X + 1)
    answers.close()
    assert torch.equal(session.call(call("grow", X + 5)).value, X + 6)


def test_taking_just_the_answers_there_are_keeps_the_process(sandbox):
    with sandbox.session([Source("submission", (CODE,))]) as session:
        for round_ in range(3):
            answers = session.run([call("count", X)] * 2)
            first, second = next(answers), next(answers)  # and never asked for the end
            assert torch.equal(first.value, torch.full_like(X, 2 * round_ + 1))
            assert torch.equal(second.value, torch.full_like(X, 2 * round_ + 2))
            del answers


def test_long_runs_and_large_ones(session):
    count = 0
    for at, answer in enumerate(session.run([call("grow", X + at) for at in range(600)])):
        assert torch.equal(answer.value, X + at + 1)
        count += 1
    assert count == 600
    big = torch.ones(3 * 2**20, dtype=torch.float64)
    answers = session.run([call("none", big) for _ in range(4)])
    assert [answer.failure for answer in answers] == [None] * 4
    floods = session.run([call("flood", X)] * 3)
    assert [answer.value.shape for answer in floods] == [(10**6, 2, 3)] * 3


def test_a_tuple_is_no_tensor(session):
    answers = list(session.run([call("pair", X), call("grow", Ref(0)), call("grow", Ref(0, 1))]))
    assert answers[1].failure.kind == "input"
    assert torch.equal(answers[2].value, X.sum(1) + 1)


def test_what_torch_imports_on_demand_is_there_before_a_worker_that_names_it(sandbox):
    code = """
import sys, torch
there = "torch._dynamo" in sys.modules
def step(x):
    weight = torch.nn.Parameter(x)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    weight.sum().backward()
    optimizer.step()
    return there, weight.detach()
"""
    with sandbox.session([Source("a", (code,))]) as session:
        there, weight = session.call(Call("step", {"x": torch.ones(2)}, 1)).value
    assert there
    assert weight.tolist() == [0.0, 0.0]


PEEK = """
import select, sys, torch
def peek(a):
    frame = sys._getframe()
    while "payload" not in frame.f_locals:
        frame = frame.f_back
    here = bool((frame.f_locals["payload"].view(torch.float64) == 77).any())
    return here, bool(select.select([3], [], [], 0.2)[0])
"""


def test_calls_apart_are_in_the_process_after_those_above_are_answered(sandbox):
    calls = [call("peek", X), call("peek", X + 72)]
    with sandbox.session([Source("submission", (PEEK,))]) as session:
        together = [answer.value for answer in session.run(calls)]
        apart = [answer.value for answer in session.run(calls, apart=[1])]
    assert together == [(True, False), (True, False)]
    assert apart == [(False, False), (True, False)]


def test_calls_go_out_before_anybody_asks_for_answers(session):
    answers = session.run([call("rest", X), call("grow", X + 1)])
    deadline = time.monotonic() + 60
    while not session.has_answered and time.monotonic() < deadline:
        time.sleep(0.01)
    assert session.has_answered
    assert [answer.failure for answer in answers] == [None, None]
