"""The normalisations against PyTorch's, autograd, finite differences and ONNX."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference.normalization import batch_norm, batch_norm_backward

EPS = st.sampled_from([1e-5, 1e-2, 0.5])


def randn(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype)


@st.composite
def images(draw, min_pixels=1):
    """x (N, C, H, W), sometimes with strides of its own; seeds torch's generator."""
    torch.manual_seed(draw(st.integers(0, 2**16)))
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    h, w = draw(st.integers(1, 4)), draw(st.integers(min_pixels, 4))
    x = randn(n, c, w, h).transpose(2, 3) if draw(st.booleans()) else randn(n, c, h, w)
    if draw(st.booleans()):
        x = x[:1].expand(n, -1, -1, -1)
    return x * draw(st.sampled_from([0.1, 1.0, 10.0])) + draw(st.sampled_from([0.0, -3.0, 30.0]))


def affine(count):
    return randn(count), randn(count)


def assert_autograds(backward, forward, inputs):
    """`backward(grad_y)` gives what autograd finds for `forward(*inputs)`."""
    inputs = [t.detach().clone().requires_grad_() for t in inputs]
    y = forward(*inputs)
    grad_y = torch.randn_like(y)
    got = backward(grad_y)
    expected = torch.autograd.grad(y, inputs, grad_y)
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


batches = images(min_pixels=2) | st.builds(
    lambda n, c, seed: torch.randn(n, c, generator=torch.Generator().manual_seed(seed)).double(),
    st.integers(2, 9),
    st.integers(1, 6),
    st.integers(0, 99),
)


@given(batches, st.booleans(), st.sampled_from([0.0, 0.1, 0.7, 1.0]), EPS)
def test_batch_norm_is_pytorchs(x, training, momentum, eps):
    weight, bias = affine(x.shape[1])
    mean, var = randn(x.shape[1]), randn(x.shape[1]).square()
    theirs = [mean.clone(), var.clone()]
    expected = F.batch_norm(x, *theirs, weight, bias, training, momentum, eps)
    y = batch_norm(x, mean, var, weight, bias, training, momentum, eps)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close([mean, var], theirs)


@given(batches, st.booleans(), EPS)
def test_batch_norm_backward_is_autograds(x, training, eps):
    weight, bias = affine(x.shape[1])
    mean, var = randn(x.shape[1]), randn(x.shape[1]).square()
    assert_autograds(
        lambda g: batch_norm_backward(g, x, mean, var, weight, training, eps),
        lambda x, w, b: F.batch_norm(x, mean.clone(), var.clone(), w, b, training, 0.1, eps),
        (x, weight, bias),
    )


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_passes_gradcheck(training):
    torch.manual_seed(0)
    mean, var = randn(3), randn(3).square() + 0.5

    def forward(x, weight, bias):
        return batch_norm(x, mean.clone(), var.clone(), weight, bias, training, eps=0.1)

    inputs = [t.requires_grad_() for t in (randn(3, 3, 2, 2), randn(3), randn(3))]
    # The running statistics are updated out of autograd's sight.
    assert torch.autograd.gradcheck(forward, inputs)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_batch_norm_refuses_one_value_per_channel_in_training(shape):
    arguments = randn(*shape), torch.zeros(3), torch.ones(3), randn(3), randn(3)
    with pytest.raises(ValueError, match="more than one value"):
        batch_norm(*arguments, training=True)
    batch_norm(*arguments, training=False)


def test_batch_norm_keeps_running_statistics_in_evaluation():
    mean, var = randn(3), randn(3).square()
    before = mean.clone(), var.clone()
    batch_norm(randn(4, 3, 2, 2), mean, var, randn(3), randn(3), training=False)
    assert torch.equal(mean, before[0])
    assert torch.equal(var, before[1])


def evaluate_onnx(op, inputs, opset=17, outputs=1, **attributes):
    """What ONNX's own reference evaluator says of one operator."""
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    helper = onnx.helper
    names = [f"input{i}" for i in range(len(inputs))]
    results = [f"output{i}" for i in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(op, names, results, **attributes)],
        "one operator",
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    feeds = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    return [torch.from_numpy(result) for result in ReferenceEvaluator(model).run(None, feeds)]


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_onnxs(training):
    torch.manual_seed(1)
    x = randn(3, 4, 2, 5, dtype=torch.float32)
    weight, bias, mean = (randn(4, dtype=torch.float32) for _ in range(3))
    var = torch.rand(4) + 0.5
    old_var = var.clone()
    expected = evaluate_onnx(
        "BatchNormalization",
        (x, weight, bias, mean.clone(), var.clone()),
        outputs=3 if training else 1,
        training_mode=int(training),
        momentum=0.8,
        epsilon=1e-3,
    )
    y = batch_norm(x, mean, var, weight, bias, training, momentum=0.2, eps=1e-3)
    torch.testing.assert_close(y, expected[0])
    if training:
        # ONNX keeps the biased variance; its momentum is the weight of the old statistics.
        m = x.numel() / x.shape[1]
        biased = 0.8 * old_var + (var - 0.8 * old_var) * (m - 1) / m
        torch.testing.assert_close([mean, biased], expected[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_batch_norm_keeps_dtype_and_arguments(dtype):
    x, weight, bias = randn(2, 3, 2, 2, dtype=dtype), randn(3, dtype=dtype), randn(3, dtype=dtype)
    running = [torch.zeros(3, dtype=dtype), torch.ones(3, dtype=dtype)]
    before = [t.clone() for t in (x, weight, bias)]
    y = batch_norm(x, *running, weight, bias, training=True)
    grads = batch_norm_backward(torch.ones_like(y), x, *running, weight, training=True)
    assert {t.dtype for t in (y, *running, *grads)} == {dtype}
    assert all(torch.equal(a, b) for a, b in zip((x, weight, bias), before, strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_stays_on_its_device(cuda, training):
    x = torch.empty(2, 3, 4, 5, device=cuda)
    mean, var, weight, bias = (torch.empty(3, device=cuda) for _ in range(4))
    y = batch_norm(x, mean, var, weight, bias, training)
    grads = batch_norm_backward(y, x, mean, var, weight, training)
    assert {t.device.type for t in (y, *grads)} == {"cuda"}
