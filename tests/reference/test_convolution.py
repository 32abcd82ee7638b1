"""The convolution against PyTorch's, autograd, finite differences and ONNX's recorded data."""

from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from reference.convolution.conv2d import conv2d, conv2d_backward

pairs = st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def problems(draw):
    """Arguments of conv2d, float64, with a kernel that fits."""
    groups = draw(st.integers(1, 3))
    n, h, w = draw(st.integers(1, 3)), draw(st.integers(1, 8)), draw(st.integers(1, 8))
    c_in, c_out = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    k_h, k_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    x = torch.randn(n, c_in, h, w, dtype=torch.float64)
    if draw(st.booleans()):
        x = x.transpose(2, 3).contiguous().transpose(2, 3)
    weight = torch.randn(c_out, c_in // groups, k_h, k_w, dtype=torch.float64)
    bias = torch.randn(c_out, dtype=torch.float64) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs),
        "padding": draw(paddings),
        "dilation": draw(pairs),
        "groups": groups,
    }
    return x, weight, bias, options


def fits(x, weight, options):
    def pair(value):
        return value if isinstance(value, tuple) else (value, value)

    return all(
        size + 2 * pad >= dilation * (kernel - 1) + 1
        for size, kernel, pad, dilation in zip(
            x.shape[2:],
            weight.shape[2:],
            pair(options["padding"]),
            pair(options["dilation"]),
            strict=True,
        )
    )


@given(problems())
def test_forward_is_pytorchs(problem):
    x, weight, bias, options = problem
    assume(fits(x, weight, options))
    torch.testing.assert_close(
        conv2d(x, weight, bias, **options), F.conv2d(x, weight, bias, **options)
    )


@given(size=st.integers(1, 6), kernel=st.integers(1, 4), pad=st.integers(0, 2), gap=pairs)
def test_a_kernel_is_refused_just_when_it_does_not_fit(size, kernel, pad, gap):
    gap = gap if isinstance(gap, int) else gap[0]
    x, weight = torch.ones(1, 1, 9, size), torch.ones(1, 1, 1, kernel)
    options = {"padding": (0, pad), "dilation": (1, gap)}
    if fits(x, weight, options):
        conv2d(x, weight, **options)
    else:
        with pytest.raises(ValueError, match="larger than the padded input"):
            conv2d(x, weight, **options)


@given(problems())
def test_backward_is_autograds(problem):
    x, weight, bias, options = problem
    assume(fits(x, weight, options))
    inputs = [t.clone().requires_grad_() for t in (x, weight, bias) if t is not None]
    y = F.conv2d(*inputs, **options)
    grad_y = torch.randn_like(y)
    grads = conv2d_backward(grad_y, x, weight, bias, **options)
    for got, expected in zip(grads, torch.autograd.grad(y, inputs, grad_y), strict=False):
        torch.testing.assert_close(got, expected)
    assert (grads[2] is None) == (bias is None)


@given(problems())
@settings(max_examples=30)
def test_backward_is_the_adjoint_of_the_linear_map(problem):
    x, weight, _, options = problem
    assume(fits(x, weight, options))
    y = conv2d(x, weight, None, **options)
    grad_y = torch.randn_like(y)
    grad_x, grad_weight, _ = conv2d_backward(grad_y, x, weight, None, **options)
    product = (y * grad_y).sum()
    torch.testing.assert_close((x * grad_x).sum(), product)
    torch.testing.assert_close((weight * grad_weight).sum(), product)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1)}, {"groups": 2, "stride": 2}],
)
def test_finite_differences_agree_with_autograd_through_the_forward(options):
    groups = options.get("groups", 1)
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)

    inputs = (draw(2, 4, 5, 6), draw(2, 4 // groups, 2, 3), draw(2))
    assert torch.autograd.gradcheck(lambda *args: conv2d(*args, **options), inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_keeps_dtype_and_arguments(dtype):
    arguments = [torch.randn(s, dtype=dtype) for s in [(2, 2, 4, 4), (3, 2, 2, 2), (3,)]]
    before = [t.clone() for t in arguments]
    y = conv2d(*arguments, padding=1)
    grads = conv2d_backward(torch.ones_like(y), *arguments, padding=1)
    assert {t.dtype for t in (y, *grads)} == {dtype}
    assert all(torch.equal(a, b) for a, b in zip(arguments, before, strict=True))


def test_stays_on_its_device(cuda):
    x, weight, bias = (torch.empty(s, device=cuda) for s in [(2, 4, 5, 6), (6, 2, 3, 2), (6,)])
    options = {"stride": (2, 1), "padding": 1, "groups": 2}
    y = conv2d(x, weight, bias, **options)
    grads = conv2d_backward(y, x, weight, bias, **options)
    assert {t.device.type for t in (y, *grads)} == {"cuda"}
    assert [g.shape for g in grads] == [x.shape, weight.shape, bias.shape]


# Recorded from PyTorch and shipped with onnx. (Its "node" cases have kernels of ones only.)
RECORDED = [
    "Conv2d",
    "Conv2d_depthwise",
    "Conv2d_depthwise_padded",
    "Conv2d_depthwise_strided",
    "Conv2d_depthwise_with_multiplier",
    "Conv2d_dilated",
    "Conv2d_groups",
    "Conv2d_groups_thnn",
    "Conv2d_no_bias",
    "Conv2d_padding",
    "Conv2d_strided",
]


@pytest.mark.parametrize("name", RECORDED)
def test_forward_is_what_onnx_recorded(name):
    onnx = pytest.importorskip("onnx")
    from onnx import numpy_helper

    def tensor(proto):
        return torch.from_numpy(numpy_helper.to_array(proto).copy())

    folder = Path(onnx.__file__).parent / "backend/test/data/pytorch-converted" / f"test_{name}"
    recorded = {
        path.stem: tensor(onnx.TensorProto.FromString(path.read_bytes()))
        for path in (folder / "test_data_set_0").glob("*.pb")
    }
    graph = onnx.load(folder / "model.onnx").graph
    (node,) = graph.node
    attributes = {a.name: tuple(a.ints) or a.i for a in node.attribute}
    top, left, bottom, right = attributes["pads"]
    assert (top, left) == (bottom, right)
    values = {each.name: tensor(each) for each in graph.initializer}
    values[node.input[0]] = recorded["input_0"]
    y = conv2d(
        *(values[each] for each in node.input),
        stride=attributes["strides"],
        padding=(top, left),
        dilation=attributes["dilations"],
        groups=attributes["group"],
    )
    torch.testing.assert_close(y, recorded["output_0"])
