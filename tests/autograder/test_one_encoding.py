"""Self-check and grader see one value: what crosses from a worker is what a local call leaves."""

from __future__ import annotations

import enum
import io
import json
import random
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.judging.call import Answer, Call, Foreign
from autograder.judging.local import LocalSession
from autograder.sandbox import codec
from autograder.sandbox.inside import wire
from autograder.sandbox.inside.values import Encoder


class Number(float):
    """As a student's own class may be."""


class Colour(enum.IntEnum):
    RED = 1


Pair = namedtuple("Pair", "first second")
DTYPES = [*wire.DTYPES.values(), torch.complex64]
ARRAYS = ["float16", ">f4", "float32", "float64", "bool", "int8", "int64", "uint8", "uint16"]
# Control characters and lone surrogates are replaced where text comes from a worker.
words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | words
    | st.floats().map(Number)
    | st.sampled_from([Colour.RED, np.sqrt(2.0), np.float32(1.5), np.bool_(True), np.int8(3)])
    | st.sampled_from([np.str_("x"), np.array(2.5), object(), 1j, b"x", {1, 2}, range(3)])
)
tensors = st.builds(
    lambda dtype, shape: torch.ones(shape).to(dtype),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 3), max_size=3),
) | st.just(torch.eye(2).to_sparse())
numbers = st.sampled_from(ARRAYS).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=2, max_side=3))
)
values = st.recursive(
    scalars | tensors | numbers,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.dictionaries(words, inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=2)
        | st.dictionaries(words, inner, max_size=2).map(OrderedDict)
    ),
    max_leaves=8,
)


def crossed(value: object) -> object:
    """Encoded as a worker does, and read as the parent does."""
    encoder = Encoder(2**20)
    header = {"value": encoder.encode(value), "changed": {}, "output": ""}
    payload = b"".join(map(bytes, encoder.buffers))
    text = json.dumps(header).encode()
    stream = io.BytesIO(wire.PREFIX.pack(wire.MAGIC, len(text), len(payload)) + text + payload)
    answer = codec.read_reply(lambda buffer: stream.readinto(buffer), Call("f", {}, 1), 2**20)
    assert isinstance(answer, Answer)
    return answer.value


def left(value: object) -> object:
    answer = LocalSession({"f": lambda: value}).call(Call("f", {}, 1))
    assert answer.failure is None
    return answer.value


def alike(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(
            one, other, equal_nan=one.dtype.kind == "f"
        )
    if isinstance(one, float) and isinstance(other, float):
        return type(one) is type(other) and (one == other or (one != one and other != other))
    return type(one) is type(other) and one == other


@given(values)
def test_a_value_comes_home_alike_from_a_worker_and_from_a_local_call(value: object) -> None:
    assert alike(crossed(value), left(value))


@pytest.mark.parametrize("value", [tuple(range(2000)), {"k" * 300: 1}, [[[[[[[[[[1]]]]]]]]]]])
def test_what_is_beyond_the_bounds_is_beyond_them_for_both(value: object) -> None:
    assert alike(crossed(value), left(value))


def test_a_students_number_is_a_number() -> None:
    assert left(np.sqrt(2.0)) == crossed(np.sqrt(2.0)) == 2**0.5
    assert left(Number(1.5)) == crossed(Number(1.5)) == 1.5
    assert left(1j) == crossed(1j) == Foreign("complex")


def test_a_local_call_draws_by_its_seed_and_leaves_the_generators_as_they_were():
    def drawn():
        return random.gauss(0, 1), random.random(), torch.rand(1).item(), np.random.rand()

    def seeded():
        random.seed(1)
        torch.manual_seed(1)
        np.random.seed(1)
        random.gauss(0, 1)  # draws a pair, and keeps the other one

    seeded()
    wanted = drawn()
    seeded()
    session = LocalSession({"f": drawn})
    given = [session.call(Call("f", {}, 0, seed)).value for seed in (2, 2, 3)]
    assert given[0] == given[1] != given[2]
    assert drawn() == wanted
