"""Fewer digits than float32 has, where float32 was asked for, are seen in the numbers alone."""

import sys
from collections.abc import Iterator

import pytest

from autograder.grading.grader import Grader
from autograder.sandbox import Limits, Sandbox
from autograder.sandbox.inside.loading.source import Source
from tests.catalogues import FIRST as CATALOGUE
from tests.conftest import SECRET
from tests.devices.installed import FOLDER, needs_second_device

LIMITS = Limits(60, load_seconds=60, session_seconds=600)
# In float32: what is called, and what of that is put in place.
CHECKS = {
    check.name: (topic, exercise, check)
    for topic in CATALOGUE["all"].topics
    for exercise in topic.exercises
    for check in exercise.checks
    if check.kind == "precision" and check.subject != "predict"  # which gives classes
}
# They sort values into bins: the digits of these do not show, those of the results do.
COUNTING = {"histogram_entropy", "filter_entropy"}
CHEATS = {  # what becomes of an argument, and of a result
    "TF32": ("round_to(v, 10)", "v"),
    "bfloat16": ("v.bfloat16().float()", "v.bfloat16().float()"),
    "float16": ("v.half().float()", "v.half().float()"),
    "float16 in between": ("v", "v.half().float()"),
}
CHEAT = """
import functools as _functools, inspect as _inspect, torch as _torch
def round_to(v, bits):
    size = _torch.exp2(_torch.floor(_torch.log2(v.abs().clamp(min=1e-30))) - bits)
    return _torch.where(v.isfinite() & (v != 0), _torch.round(v / size) * size, v)
def _single(v):
    return isinstance(v, _torch.Tensor) and v.dtype == _torch.float32
def _cheat(function):
    @_functools.wraps(function)
    def cheating(*args, **named):
        bound = _inspect.signature(function).bind(*args, **named)
        for name, v in bound.arguments.items():
            if _single(v) and name not in {kept!r}:
                bound.arguments[name] = {argument}
        result = function(*bound.args, **bound.kwargs)
        several = result if isinstance(result, tuple) else (result,)
        several = tuple({result} if _single(v) else v for v in several)
        return several if isinstance(result, tuple) else several[0]
    return cheating
{name} = _cheat({name})
"""


@pytest.fixture(
    scope="module",
    params=["cpu", pytest.param("second", marks=[needs_second_device, pytest.mark.slow])],
)
def grader(request) -> Iterator[Grader]:
    sys.path.insert(0, str(FOLDER))
    try:
        with Grader(CATALOGUE, SECRET, sandbox=Sandbox(request.param, LIMITS)) as grader:
            yield grader
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("name", CHECKS)
def test_half_the_digits_lose_the_points_of_float32(grader, name):
    topic, exercise, check = CHECKS[name]

    def passes(more: str) -> bool:
        files = [Source(part.name, (part.solution(),)) for part in topic.beside]
        files.append(Source(topic.name, (topic.solution() + more,)))
        return grader.passes(topic, exercise, files)

    assert passes("")
    for cheat, (argument, result) in CHEATS.items():
        if check.subject in COUNTING and cheat in {"TF32", "bfloat16"}:
            continue
        kept = sorted(check.updates)
        code = CHEAT.format(kept=kept, argument=argument, result=result, name=check.subject)
        assert not passes(code), cheat
