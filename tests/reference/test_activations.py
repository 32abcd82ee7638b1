"""The activations against PyTorch's, autograd, finite differences and ONNX."""

import math
from types import SimpleNamespace

import numpy
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.catalogues import FIRST

ours = SimpleNamespace(**FIRST["activations"].topics[0].functions())

examples = settings(max_examples=15, deadline=None)
shapes = st.lists(st.integers(1, 4), min_size=0, max_size=4)
ACTIVATIONS = {
    "sigmoid": (ours.sigmoid, ours.sigmoid_backward, torch.sigmoid, [{}]),
    "tanh": (ours.tanh, ours.tanh_backward, torch.tanh, [{}]),
    "relu": (ours.relu, ours.relu_backward, F.relu, [{}]),
    "leaky_relu": (
        ours.leaky_relu,
        ours.leaky_relu_backward,
        F.leaky_relu,
        [{}] + [{"negative_slope": a} for a in (-2.0, 0.0, 0.3, 1.0, 3.0)],
    ),
    "elu": (ours.elu, ours.elu_backward, F.elu, [{}, {"alpha": 0.3}, {"alpha": 2.5}]),
    "gelu": (
        ours.gelu,
        ours.gelu_backward,
        F.gelu,
        [{}, {"approximate": "none"}, {"approximate": "tanh"}],
    ),
}
EACH = pytest.mark.parametrize(
    ("forward", "backward", "theirs", "arguments"),
    [
        pytest.param(forward, backward, theirs, one, id=f"{name} {one or ''}")
        for name, (forward, backward, theirs, several) in ACTIVATIONS.items()
        for one in several
    ],
)


@EACH
@examples
@given(shapes, st.integers(0, 999), st.sampled_from([torch.float64, torch.float32]))
def test_forward_and_backward(forward, backward, theirs, arguments, shape, seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    x = (torch.randn(shape, generator=generator, dtype=dtype) * 3).requires_grad_()
    grad_y = torch.randn(shape, generator=generator, dtype=dtype)
    y = theirs(x, **arguments)
    (grad_x,) = torch.autograd.grad(y, x, grad_y)
    plain = x.detach()
    torch.testing.assert_close(forward(plain, **arguments), y.detach())
    torch.testing.assert_close(backward(grad_y, plain, **arguments), grad_x)


@EACH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extremes_are_pytorchs(forward, backward, theirs, arguments, dtype):
    most = 1e4 if theirs is F.gelu else torch.finfo(dtype).max / 4
    x = torch.tensor([0.0, 1e-6, -1e-6, 89.0, -89.0, 800.0, -800.0, most, -most], dtype=dtype)
    x = x.requires_grad_()
    y = theirs(x, **arguments)
    (grad_x,) = torch.autograd.grad(y, x, torch.ones_like(y))
    plain = x.detach()
    torch.testing.assert_close(forward(plain, **arguments), y.detach(), atol=1e-30, rtol=2e-6)
    torch.testing.assert_close(backward(torch.ones_like(plain), plain, **arguments), grad_x)


@EACH
def test_gradient_by_finite_differences(forward, backward, theirs, arguments):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(12, generator=generator, dtype=torch.float64)
    x = x + 0.01 * torch.sign(x)  # away from the kink
    step = 1e-6
    slope = (forward(x + step, **arguments) - forward(x - step, **arguments)) / (2 * step)
    torch.testing.assert_close(
        backward(torch.ones_like(x), x, **arguments), slope, rtol=1e-7, atol=1e-8
    )
    assert torch.autograd.gradcheck(
        lambda z: forward(z, **arguments), x.clone().requires_grad_(), atol=1e-6
    )


@EACH
def test_stays_on_its_device(forward, backward, theirs, arguments):
    with FakeTensorMode():
        x = torch.empty(2, 3, 4, device="cuda")
        y = forward(x, **arguments)
        grad_x = backward(torch.empty_like(y), x, **arguments)
        assert y.device.type == grad_x.device.type == "cuda"
        assert y.dtype == grad_x.dtype == x.dtype


@pytest.mark.parametrize(
    ("operator", "forward", "attributes", "arguments"),
    [
        ("Sigmoid", ours.sigmoid, {}, {}),
        ("Tanh", ours.tanh, {}, {}),
        ("Relu", ours.relu, {}, {}),
        ("LeakyRelu", ours.leaky_relu, {"alpha": 0.25}, {"negative_slope": 0.25}),
        ("Elu", ours.elu, {"alpha": 1.5}, {"alpha": 1.5}),
        ("Gelu", ours.gelu, {"approximate": "none"}, {"approximate": "none"}),
        ("Gelu", ours.gelu, {"approximate": "tanh"}, {"approximate": "tanh"}),
    ],
)
def test_onnx_reference_evaluator(operator, forward, attributes, arguments):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    helper = onnx.helper
    floats = onnx.TensorProto.FLOAT
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        operator,
        [helper.make_tensor_value_info("x", floats, [3, 4, 5])],
        [helper.make_tensor_value_info("y", floats, [3, 4, 5])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    x = numpy.random.default_rng(0).normal(0, 2, (3, 4, 5)).astype(numpy.float32)
    (y,) = ReferenceEvaluator(model).run(None, {"x": x})
    torch.testing.assert_close(forward(torch.from_numpy(x), **arguments), torch.from_numpy(y))


def test_at_zero_the_docstrings_name_pytorchs_choice():
    zero, one = torch.zeros(1), torch.ones(1)
    assert ours.relu_backward(one, zero).item() == 0
    assert ours.leaky_relu_backward(one, zero, 0.3).item() == pytest.approx(0.3)
    assert ours.elu_backward(one, zero, 2.0).item() == 2.0


def test_sigmoid_and_tanh_are_one_function():
    x = torch.linspace(-20, 20, 201, dtype=torch.float64)
    torch.testing.assert_close(ours.tanh(x), 2 * ours.sigmoid(2 * x) - 1)
    assert ours.sigmoid(torch.tensor(0.0)).item() == 0.5
    assert ours.tanh(torch.tensor(1e-20, dtype=torch.float64)).item() == 1e-20
    assert math.isclose(
        ours.elu(torch.tensor(-1e-10, dtype=torch.float64)).item(), -1e-10, rel_tol=1e-9
    )
