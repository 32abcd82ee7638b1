"""Many submissions on several processors, and what becomes of the rest when one goes wrong."""

import os
import signal

import pytest

from autograder.grading.many import Graded, Item, grade_many
from autograder.grading.spread import Lost, Setting, Warm, spread

SECRET = b"a secret for this test"
TOPIC = '''"""Doubling."""
from autograder.checks import values
from autograder.exercise import Exercise, case, normal

def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

CASES = [case("some", public=True, x=normal(3)), case("more", x=normal(4))]
EXERCISES = [Exercise((double,), (values(double, CASES, points={"y": 2}),))]
'''
RIGHT = b"def double(x):\n    return x + x\n"
WRONG = b"def double(x):\n    return 3 * x\n"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    (folder / "doubling.py").write_text(TOPIC)
    return folder


def test_each_item_comes_to_a_report_or_a_refusal(reference):
    items = [Item(f"right {n}", "double.py", RIGHT) for n in range(5)]
    items += [Item("wrong", "double.py", WRONG), Item("no code", "double.zip", b"words")]
    found = {
        graded.key: graded
        for graded in grade_many(iter(items), "doubling", SECRET, reference=reference, jobs=2)
    }
    assert found.keys() == {item.key for item in items}
    scores = {key: graded.report["score"] for key, graded in found.items() if graded.report}
    assert scores == {**{f"right {n}": 3.0 for n in range(5)}, "wrong": 0.0}
    assert found["no code"].refused
    assert not any(graded.fault for graded in found.values())


def test_an_unknown_assignment_is_said(reference):
    with pytest.raises(KeyError, match="no assignment 'halving'"):
        list(grade_many([Item("a", "a.py", RIGHT)], "halving", SECRET, reference=reference, jobs=1))


def test_items_are_drawn_when_they_are_wanted(reference):
    drawn = []

    def items():
        for n in range(100):
            drawn.append(n)
            yield Item(str(n), "double.py", RIGHT)

    many = grade_many(items(), "doubling", SECRET, reference=reference, jobs=1)
    assert isinstance(next(many), Graded)
    many.close()
    assert len(drawn) < 10


def square_or_die(warm: Warm, n: int) -> int:
    if n < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return n * n


def test_a_process_that_is_ended_costs_no_other_work():
    results = list(spread(square_or_die, [1, 2, -3, *range(4, 20)], Setting(SECRET), 2))
    assert [result for result in results if isinstance(result, Lost)] == [Lost(-3)]
    squares = sorted(result for result in results if not isinstance(result, Lost))
    assert squares == sorted(n * n for n in (1, 2, *range(4, 20)))
