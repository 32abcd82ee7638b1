"""Checks of speed: what right answers take, and that nothing but being right and quick pays."""

import json
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from autograder.checks import speed, values
from autograder.errors import AuthoringError
from autograder.exercise import Exercise, case, normal
from autograder.grading.grader import Grader
from autograder.handin.submission import Source, parse
from autograder.report import student_view, validate
from autograder.sandbox import Limits, Sandbox
from autograder.sandbox.profiles import FULL
from autograder.truth.oracle import Oracle
from tests.catalogues import SECOND as CATALOGUE
from tests.conftest import SECRET
from tests.devices.installed import FOLDER, needs_second_device

(TOPIC,) = CATALOGUE["whole_tensors"].topics
(EXERCISE,) = TOPIC.exercises
# With the case for the CPU on every device: the second one computes on the CPU as well.
SMALL = Exercise(
    functions=EXERCISE.functions,
    checks=tuple(
        replace(check, cases=tuple(replace(c, on="") for c in check.cases if c.on == "cpu"))
        if check.timed
        else check
        for check in EXERCISE.checks
    ),
)
ROW = "speed of squared_distances"
LIMITS = Limits(60, load_seconds=60, session_seconds=600)  # other work of the machine's apart

RIGHT = """
import torch, time, threading
def right(x, y):
    return (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :] - 2 * x @ y.T
def slow(x, y):
    for _ in range(150):
        d = ((x[:, None, :] - y[None, :, :]) ** 2).sum(2)
    return d
def check(x, y):
    if x.shape[1] != y.shape[1]:
        raise ValueError
"""
SLOW = """
def squared_distances(x, y):
    check(x, y)
    return slow(x, y)
"""
# What graders of GPU code have been cheated by. None of these has the time's points.
CHEATS = {
    "what was answered before": """
kept = {}
def squared_distances(x, y):
    check(x, y)
    key = x.shape, y.shape
    if key not in kept:
        kept[key] = slow(x, y)
    return kept[key].clone()
""",
    "answers by the memory that arguments lie in": """
kept = {}
def squared_distances(x, y):
    check(x, y)
    key = x.data_ptr(), y.data_ptr(), x.shape, y.shape
    if key not in kept:
        kept[key] = slow(x, y)
    return kept[key].clone()
""",
    "answers to inputs that were seen": """
kept = {}
def squared_distances(x, y):
    check(x, y)
    key = x.cpu().numpy().tobytes()
    if key not in kept:
        kept[key] = slow(x, y)
    return kept[key]
""",
    "an answer that is worked out when it is looked at": """
class Later(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        args = [slow(*a.inputs) if isinstance(a, Later) else a for a in args]
        return function(*args, **(kwargs or {}))
def squared_distances(x, y):
    check(x, y)
    later = torch.empty(len(x), len(y), dtype=x.dtype).as_subclass(Later)
    later.inputs = x, y
    return later
""",
    "no work": """
def squared_distances(x, y):
    check(x, y)
    return x.new_zeros(len(x), len(y)) if len(x) > 100 else right(x, y)
""",
    "the work of a part": """
def squared_distances(x, y):
    check(x, y)
    d = x.new_zeros(len(x), len(y))
    d[: len(x) // 2 + 3] = right(x[: len(x) // 2 + 3], y)
    return d
""",
    "an answer before the work": """
def squared_distances(x, y):
    check(x, y)
    d = x.new_zeros(len(x), len(y))
    def work():
        time.sleep(0.05)
        d.copy_(right(x, y))
    try:
        threading.Thread(target=work).start()
    except RuntimeError:
        pass
    return d
""",
    "clocks that stand still": """
time.monotonic = time.perf_counter = time.time = time.process_time = lambda: 0.0
time.clock_gettime = lambda clock: 0.0
torch.cuda.synchronize = lambda *_: None
if hasattr(torch, "second"):
    torch.second.synchronize = lambda *_: None
def squared_distances(x, y):
    check(x, y)
    return slow(x, y)
""",
    "half the digits": """
def squared_distances(x, y):
    check(x, y)
    if x.dtype == torch.float32:
        return right(x.bfloat16(), y.bfloat16()).float()
    return right(x, y)
""",
    "arguments that are used up": """
def squared_distances(x, y):
    check(x, y)
    if len(x) < 100:
        return right(x, y)
    d = right(x, y)
    x.zero_()
    return d
""",
}


@contextmanager
def grader_on(device: str):
    sys.path.insert(0, str(FOLDER))
    try:
        with Grader(CATALOGUE, SECRET, sandbox=Sandbox(device, LIMITS)) as grader:
            yield grader
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(
    scope="module",
    params=["cpu", pytest.param("second", marks=[needs_second_device, pytest.mark.slow])],
)
def graded(request):
    with grader_on(request.param) as grader:

        def grade(source):
            files = [Source("whole_tensors", (RIGHT + source,))]
            entry = grader.grade_exercise(TOPIC, SMALL, files)
            return entry, next(check for check in entry["checks"] if check["name"] == ROW)

        yield grade


def test_the_solution_and_what_is_as_quick_have_all_points(graded):
    for name in ("right", "solution"):
        source = TOPIC.solution().replace("import torch", "") if name == "solution" else SLOW
        entry, row = graded(source.replace("slow(x, y)", "right(x, y)"))
        assert entry["score"] == entry["max_score"] == EXERCISE.max_score, row["message"]
        assert row["kind"] == "speed"
        (case,) = row["cases"]
        assert case["evidence"]["ratio"] < 2.2


def test_right_answers_that_take_long_lose_the_times_points_and_no_others(graded):
    entry, row = graded(SLOW)
    assert row["score"] == 0
    assert entry["score"] == entry["max_score"] - row["max_score"]
    assert "not within 2 times the reference's own time" in row["message"]
    assert row["cases"][0]["evidence"]["ratio"] > 10


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_has_nothing_of_the_times_points(graded, cheat):
    _, row = graded(CHEATS[cheat])
    assert row["score"] == 0, row


def test_a_step_in_between_has_its_share(graded):
    squares = "torch.square(x[:, None, :] - y[None, :, :]).sum(dim=2)"
    by_times = TOPIC.solution().replace(
        f"return {squares}", f"for _ in range(8): {squares}\n    return {squares}"
    )
    _, row = graded(by_times.replace("import torch", ""))
    assert row["score"] == row["max_score"] / 2, row["message"]


def test_of_a_whole_report_the_student_sees_the_step_and_no_time():
    with grader_on("cpu") as grader:
        source = (RIGHT + SLOW).encode()
        report = grader.grade("whole_tensors", parse("whole_tensors.py", source))
    validate(report)
    view = student_view(report)
    validate(view)
    row = next(c for c in view["exercises"][0]["checks"] if c["name"] == ROW)
    assert row["message"] == (
        "right, but not within 2 times the reference's own time, nor near enough for a part of the "
        "points"
    )
    assert row["cases"] == [{"name": "", "public": False, "passed": False}]
    assert "ratio" not in json.dumps(view)


def test_on_the_clock_of_the_wall_as_beside_a_gpu():
    profile = replace(FULL, clock="wall")
    with Grader(CATALOGUE, SECRET, sandbox=Sandbox("cpu", LIMITS, profile=profile)) as grader:
        entry = grader.grade_exercise(TOPIC, EXERCISE, [Source("whole_tensors", (RIGHT + SLOW,))])
        row = next(check for check in entry["checks"] if check["name"] == ROW)
        assert row["score"] == 0
        idle = SLOW.replace("return slow(x, y)", "time.sleep(1)\n    return right(x, y)")
        entry = grader.grade_exercise(TOPIC, EXERCISE, [Source("whole_tensors", (RIGHT + idle,))])
        row = next(check for check in entry["checks"] if check["name"] == ROW)
        assert row["score"] == 0


def test_every_round_has_numbers_of_its_own_and_the_reference_others():
    (trial,) = Oracle(SECRET).timed(TOPIC, EXERCISE)
    one, another = trial.expectation[0], trial.expectation[1]
    drawn = [one.call, one.own, another.call, another.own]
    assert len({call.arguments["x"].numpy().tobytes() for call in drawn}) == 4
    again = Oracle(SECRET).timed(TOPIC, EXERCISE)[0].expectation[1]
    assert again.call.arguments["x"].equal(another.call.arguments["x"])


@pytest.mark.parametrize(
    ("steps", "public", "says"),
    [
        ({1.2: 1}, False, "too close"),
        ({3: 1, 2: 0.5}, False, "from the fastest"),
        ({2: 0.5}, False, "from the fastest"),
        ({2: 1, 4: 1}, False, "from the fastest"),
        ({2: 1}, True, "no case is public"),
    ],
)
def test_what_no_scale_can_be_is_refused(steps, public, says):
    function = EXERCISE.functions[0]
    with pytest.raises(AuthoringError, match=says):
        speed(
            function,
            (case("a", x=normal(2, 2), y=normal(2, 2), public=public),),
            3,
            steps=steps,
        )


def test_points_are_to_be_had_on_every_device():
    function = EXERCISE.functions[0]
    large = case("large", on="gpu", x=normal(9, 9), y=normal(9, 9))
    with pytest.raises(AuthoringError, match='one on="cpu"'):
        values(function, (large,), points={"d": 1})
    small = case("small", on="cpu", x=normal(2, 2), y=normal(2, 2))
    seen = case("seen", x=normal(2, 3), y=normal(2, 3), public=True)
    check = values(function, (seen, small, large), points={"d": 1})
    exercise = Exercise(functions=(function,), checks=(check,))
    on = {
        kind: {t.case.name for t in Oracle(SECRET, kind=kind).trials(TOPIC, exercise)}
        for kind in ("cpu", "gpu")
    }
    assert "small" in on["cpu"] - on["gpu"]
    assert "large" in on["gpu"] - on["cpu"]
