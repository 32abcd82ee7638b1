"""Whatever bytes come: one sentence or a value, never another exception, and never for long.

`make fuzz` runs the same targets with many more examples.
"""

import io
import json
import math
import zipfile
from contextlib import suppress

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder import reading
from autograder.handin.submission import MAX_BYTES, SubmissionError, parse
from autograder.judging.call import Answer, Call, Failure, Foreign, Seed
from autograder.judging.wording import explain, hint_at
from autograder.sandbox import codec
from autograder.sandbox.inside import wire
from autograder.truth.oracle import Oracle
from server.courses.spec import CourseError
from server.courses.spec import read as read_course
from tests.conftest import SECRET

# The long profile says how many; by default few.
long = settings.get_current_profile_name() == "long"
few = settings(
    max_examples=20_000 if long else 120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
names = st.sampled_from(
    ["tensor", "float", "seed", "foreign", "changed", "value", "failure", "kind"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
nodes = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def reader(octets: bytes):
    stream = io.BytesIO(octets)
    return lambda buffer: stream.readinto(buffer)


def frame(header: object, payload: bytes) -> bytes:
    text = json.dumps(header).encode()
    return wire.PREFIX.pack(wire.MAGIC, len(text), len(payload)) + text + payload


@few
@given(header=nodes, payload=st.binary(max_size=64), readers=st.sampled_from(["reply", "load"]))
def test_frames_with_any_header(header, payload, readers):
    read_all(frame(header, payload))


@few
@given(octets=st.binary(max_size=200))
def test_frames_of_any_bytes(octets):
    read_all(octets)
    read_all(wire.MAGIC + octets)


@few
@given(value=nodes, operators=nodes, output=nodes, payload=st.binary(max_size=64))
def test_replies_with_anything_in_them(value, operators, output, payload):
    header = {"value": value, "changed": {"x": value}, "operators": operators}
    read_all(frame({**header, "output": output}, payload))
    read_all(frame({"failure": value, "output": output}, payload))
    read_all(frame({"statements": value}, b""))
    read_all(frame({"problems": value, "output": output}, b""))


def read_all(octets: bytes) -> None:
    call = Call("f", {"x": 1}, 1)
    for read in (
        lambda: codec.read_reply(reader(octets), call, 2**20),
        lambda: codec.read_loading(reader(octets), ()),
        lambda: codec.read_statements(reader(octets)),
    ):
        with suppress(codec.ReplyError, EOFError):
            read()


@few
@given(
    octets=st.binary(max_size=300),
    name=st.sampled_from(["a.py", "a.ipynb", "a.zip", "a", "../../a.py", "a.tar", ".py"]),
)
def test_submissions_of_any_bytes(octets, name):
    with suppress(SubmissionError):
        parse(name, octets)


cells = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cells",
                    "source",
                    "cell_type",
                    "metadata",
                    "nbgrader",
                    "grade_id",
                    "grade",
                    "solution",
                    "outputs",
                    "input",
                    "nbformat",
                    "nbformat_minor",
                    "worksheets",
                    "language",
                    "attachments",
                    "level",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@few
@given(cells=st.lists(cells, max_size=4), major=st.sampled_from([1, 2, 3, 4, 5, "4", None]))
def test_notebooks_with_any_cells(cells, major):
    notebook = {"nbformat": major, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    with suppress(SubmissionError):
        parse("a.ipynb", json.dumps(notebook).encode())
    notebook = {"nbformat": major, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}
    with suppress(SubmissionError):
        parse("a.ipynb", json.dumps(notebook).encode())


@few
@given(
    entries=st.lists(st.tuples(st.text(max_size=12), st.binary(max_size=40)), max_size=4),
    how=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
    places=st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=6),
)
def test_damaged_archives(entries, how, places):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in entries:
            with suppress(Exception):
                archive.writestr(f"{name}.py", content)
    damaged = bytearray(buffer.getvalue())
    for at, octet in places:
        damaged[at % len(damaged)] = octet
    with suppress(SubmissionError):
        parse("a.zip", bytes(damaged))


def notebook_of(cell: str) -> bytes:
    head = '{"nbformat":4,"nbformat_minor":4,"metadata":{},"cells":['
    count = (MAX_BYTES - len(head) - 10) // (len(cell) + 1)
    return (head + ",".join([cell] * count) + "]}").encode()


COSTLY = {
    "many cells": ("a.ipynb", notebook_of('{"cell_type":"code","source":"","metadata":{}}')),
    "broken cells": ("a.ipynb", notebook_of('{"cell_type":1}')),
    "deep lists": ("a.ipynb", b"[" * (MAX_BYTES - 1)),
    "a long number": ("a.ipynb", b"1" * (MAX_BYTES - 1)),
    "one line": ("a.py", b"x = " + b"1+" * (MAX_BYTES // 2 - 3) + b"1"),
}


@pytest.mark.parametrize("what", COSTLY)
def test_what_is_costly_to_read_is_bounded(what):
    """As large as a hand-in may be, read where everything that is handed in is read."""
    with suppress(SubmissionError):
        reading.reader().read(*COSTLY[what])


toml = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@few
@given(
    keys=st.dictionaries(st.from_regex(r"\A[a-z_]{1,12}\Z"), toml, max_size=5),
    garbage=st.text(max_size=60),
)
def test_course_files(keys, garbage):
    text = "[course]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items())
    for candidate in (text, f"{text}\n[[assignment]]\n{garbage}", garbage):
        with suppress(CourseError):
            read_course(candidate, ["losses"])


def hostile_values():
    nan, inf = math.nan, math.inf
    yield from (None, True, False, 0, -1, 2**63 - 1, -(2**63), 0.0, nan, inf, -inf, 1e300, "", "x")
    yield from (Foreign("object"), Seed(1), (), ((),), (None,) * 7, (nan, "x", ()))
    for dtype in wire.DTYPES.values():
        yield torch.zeros((), dtype=dtype)
        yield torch.empty((0,), dtype=dtype)
        yield torch.ones((1,) * 32, dtype=dtype)
        yield torch.ones(2, 3, 4, 4, dtype=dtype)
    yield torch.full((3,), nan)
    yield torch.full((4, 3), inf, dtype=torch.float64)
    yield torch.tensor(2**63 - 1)


def twisted(value):
    """What has the right form, and numbers that no arithmetic expects."""
    if isinstance(value, tuple):
        return tuple(twisted(item) for item in value)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        odd = torch.tensor([math.nan, math.inf, -math.inf, 1e300, 5e-324, -0.0], dtype=value.dtype)
        return odd[torch.arange(value.numel()) % 6].reshape(value.shape)
    if isinstance(value, torch.Tensor) and value.dtype == torch.int64:
        return torch.full_like(value, -(2**63))
    return math.nan if isinstance(value, float) else value


def test_no_answer_makes_the_judge_fail(catalogue, kept):
    """Every case of every exercise, with values of every kind, and worded for both readers."""
    from autograder.judging.local import LocalSession

    oracle = Oracle(SECRET, kept)
    odd = list(hostile_values())
    for topic, exercise in catalogue["all"].exercises:
        reference = LocalSession(topic.functions())
        for at, trial in enumerate(oracle.trials(topic, exercise)):
            right = tuple(reference.call(call) for call in trial.calls)
            answers = [
                tuple(Answer(value, {**call.arguments, **changed}) for call in trial.calls)
                for value in odd[at % 3 :: 3]
                for changed in ({}, dict.fromkeys(trial.calls[0].arguments, value))
            ]
            answers.append((Answer(failure=Failure("exception")),) * len(trial.calls))
            answers.append(
                tuple(
                    Answer(twisted(a.value), {**call.arguments, **a.arguments})
                    for call, a in zip(trial.calls, right, strict=True)
                )
            )
            for given_answers in answers:
                outcome = trial.judge(given_answers)
                for finding in (*outcome.findings.values(), outcome.unchanged):
                    assert explain(finding)
                    assert hint_at(finding)
