"""What goes in arrives, and what is returned comes back."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.handin.submission import Source
from autograder.judging.call import Call, Foreign, Seed
from autograder.sandbox import Sandbox
from autograder.sandbox.inside import wire

ECHO = """
import torch
def echo(x):
    return x
def layout(x):
    return x.shape, x.stride(), str(x.dtype), x.requires_grad, x._base is None
"""


@pytest.fixture(scope="module")
def echo(sandbox: Sandbox):
    with sandbox.session([Source("submission", (ECHO,))]) as session:

        def call(function, value):
            answer = session.call(Call(function, {"x": value}, 1))
            assert answer.failure is None, answer.failure
            assert same(answer.arguments["x"], value)
            return answer.value

        yield call


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        plain = a.contiguous(), b.contiguous()
        octets = [bytes(wire.octets(tensor)) for tensor in plain]
        return a.dtype == b.dtype and a.shape == b.shape and octets[0] == octets[1]
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return type(b) is float and (a == b or (math.isnan(a) and math.isnan(b)))
    return type(a) is type(b) and a == b


@st.composite
def tensors(draw):
    """Of every dtype: empty, 0-d, transposed, sliced, expanded, with NaNs."""
    dtype = wire.DTYPES[draw(st.sampled_from(sorted(wire.DTYPES)))]
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    count = math.prod(shape)
    if dtype.is_floating_point:
        numbers = st.one_of(st.floats(width=16), st.just(math.nan), st.just(-math.inf))
    else:
        numbers = st.integers(0, 1)
    tensor = torch.tensor(draw(st.lists(numbers, min_size=count, max_size=count))).to(dtype)
    tensor = tensor.reshape(shape)
    if tensor.dim():
        tensor = tensor.permute(draw(st.permutations(range(tensor.dim()))))
        tensor = tensor[tuple(slice(None, None, draw(st.integers(1, 2))) for _ in tensor.shape)]
    if draw(st.booleans()):
        tensor = tensor.unsqueeze(0).expand(3, *tensor.shape)
    return tensor


values = st.recursive(
    st.one_of(
        tensors(),
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=values)
def test_values_round_trip(echo, value):
    assert same(echo("echo", value), value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensor=tensors())
def test_tensors_keep_their_strides(echo, tensor):
    shape, stride, dtype, requires_grad, is_base = echo("layout", tensor)
    assert (shape, dtype) == (tuple(tensor.shape), str(tensor.dtype))
    assert stride == tuple(tensor.stride())
    assert not requires_grad
    assert is_base


def test_sliding_windows_keep_their_strides(echo):
    windows = torch.arange(8.0).unfold(0, 3, 1)
    assert echo("layout", windows)[1] == (1, 1)
    assert same(echo("echo", windows), windows)


def test_what_lies_between_a_view_s_elements_stays_here(run):
    secret = torch.arange(12.0).reshape(4, 3) + 100
    peek = "def f(x):\n return x.as_strided((10,), (1,))"
    seen = run(peek, x=secret[:, 0]).value
    assert seen.tolist() == [100, 0, 0, 103, 0, 0, 106, 0, 0, 109]


def test_large_tensors_arrive(echo):
    big = torch.rand(3, 1000, 1000, dtype=torch.float64)
    assert same(echo("echo", big), big)


def test_seeds_arrive_as_generators(run):
    answer = run("import torch\ndef f(g):\n return torch.rand(3, generator=g)", g=Seed(7))
    assert torch.equal(answer.value, torch.rand(3, generator=torch.Generator().manual_seed(7)))
    assert answer.arguments == {"g": Seed(7)}


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_global_generators_are_seeded(run, seed):
    code = """
import random, numpy as np, torch
def f():
    return torch.rand(2), np.random.rand(2).tolist(), random.random()
"""
    first, again, other = (run(code, seed=s).value for s in (seed, seed, seed + 1))
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(first[0], torch.rand(2, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("object()", Foreign("object")),
        ("{1: 2}", Foreign("dict")),
        ("2**80", Foreign("int")),
        ("1j", Foreign("complex")),
        ("torch.zeros(2, dtype=torch.complex64)", Foreign("torch.complex64")),
        ("torch.zeros(2, device='meta')", Foreign("Tensor")),
        ("torch.zeros(2).to_sparse()", Foreign("Tensor")),
        ("np.array([object()])", Foreign("ndarray")),
        ("type('<script>', (), {})()", Foreign("object")),
        ("[1, (2.5, 'a')]", (1, (2.5, "a"))),
        ("np.float32(1.5)", 1.5),
        ("torch.nn.Parameter(torch.ones(2))", torch.ones(2)),
        ("torch.ones(2, requires_grad=True) * 2", torch.full((2,), 2.0)),
        ("torch.ones(2, 3).T", torch.ones(3, 2)),
        ("torch.ones(1).expand(3)", torch.ones(3)),
        ("'a' * 20_000", "a" * 10_000),
    ],
)
def test_results(run, expression, expected):
    answer = run(f"import torch, numpy as np\ndef f():\n return {expression}")
    assert answer.failure is None
    assert same(answer.value, expected)


def test_arguments_as_they_stand_after_the_call(run):
    code = "def f(x, y, z, w):\n x += 1\n y.resize_(5).fill_(2)\n w[0].zero_()\n return z"
    x, y, z = torch.zeros(3), torch.zeros(2), torch.full((2,), math.nan)
    after = run(code, x=x, y=y, z=z, w=(torch.ones(2), 3)).arguments
    assert after["x"].tolist() == [1, 1, 1]
    assert after["y"].tolist() == [2] * 5
    assert after["z"] is z
    assert same(after["w"], (torch.zeros(2), 3))


def test_a_tensor_of_forged_bools_is_made_one_of_bools(run):
    octets = "torch.tensor([0, 1, 255], dtype=torch.uint8)"
    code = f"import torch\ndef f():\n return {octets}.view(torch.bool)"
    assert run(code).value.view(torch.uint8).tolist() == [0, 1, 1]
