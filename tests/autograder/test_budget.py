"""What is too much to judge ends as a verdict, and takes no longer than it may."""

import time
from types import SimpleNamespace

import pytest

from autograder.grading.budget import Budget
from autograder.judging.call import Answer
from autograder.judging.finding import Finding
from autograder.judging.wording import explain
from autograder.numerics.outcome import Outcome


def trial(judge, calls=3):
    return SimpleNamespace(
        judge=judge, calls=[None] * calls, check=SimpleNamespace(points={"y": 1.0})
    )


def fine(answers):
    kept = tuple(answers)
    return Outcome(kept, {"y": Finding("y")}, Finding("unchanged"))


def slow(answers):
    for _ in answers:
        time.sleep(0.2)
    return fine(())


def answers(count=3):
    return iter([Answer(1.0, output=f"{at}") for at in range(count)])


def test_what_is_quick_is_judged_and_waiting_costs_nothing():
    def late():
        for answer in answers():
            time.sleep(0.2)
            yield answer

    budget = Budget(0.15)
    outcome = budget.judge(trial(fine), late())
    assert outcome.findings["y"].passed
    assert [answer.value for answer in outcome.answers] == [1.0] * 3
    assert not budget.used_up


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), RuntimeError("cannot allocate memory")]
)
def test_what_cannot_be_held_is_a_verdict(error):
    def judge(given):
        next(given)
        raise error

    outcome = Budget(60).judge(trial(judge), answers())
    assert "not judged" in explain(outcome.findings["y"])
    assert [answer.output for answer in outcome.answers] == ["0", "", ""]
    assert not any(answer.value for answer in outcome.answers)


def test_an_error_of_ours_stays_one():
    def judge(given):
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="mistake"):
        Budget(60).judge(trial(judge), answers())


def test_what_takes_too_long_is_a_verdict_and_so_is_all_that_follows():
    budget = Budget(0.1)
    assert not budget.judge(trial(slow, 1), answers(1)).findings["y"].problem
    assert budget.used_up
    later = budget.judge(trial(fine), answers())
    assert later.findings["y"].evidence["kind"] == "unjudged"
    budget = Budget(0.1)
    assert budget.judge(trial(slow), answers()).findings["y"].evidence["kind"] == "unjudged"


def test_what_is_spent_in_another_way_counts():
    budget = Budget(0.1)
    with budget.spending():
        time.sleep(0.15)
    assert budget.used_up
