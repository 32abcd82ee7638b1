"""The normalisations against PyTorch's, autograd, finite differences and ONNX."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference.normalization.batch_instance_norm import (
    batch_instance_norm,
    batch_instance_norm_backward,
    clip_rho_,
)
from reference.normalization.batch_norm import batch_norm, batch_norm_backward
from reference.normalization.group_norm import group_norm, group_norm_backward
from reference.normalization.instance_norm import instance_norm, instance_norm_backward
from reference.normalization.layer_norm import layer_norm, layer_norm_backward

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


@st.composite
def slices(draw):
    """x (*leading, *normalised) and the shape that is normalised; seeds torch's generator."""
    torch.manual_seed(draw(st.integers(0, 2**16)))
    leading = draw(st.lists(st.integers(1, 4), max_size=3))
    normalised = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    return randn(*leading, *normalised) * 3 + 1, tuple(normalised)


@given(slices(), EPS)
def test_layer_norm_is_pytorchs(problem, eps):
    x, shape = problem
    weight, bias = randn(*shape), randn(*shape)
    expected = F.layer_norm(x, shape, weight, bias, eps)
    torch.testing.assert_close(layer_norm(x, weight, bias, eps), expected)


@given(slices(), EPS)
def test_layer_norm_backward_is_autograds(problem, eps):
    x, shape = problem
    weight, bias = randn(*shape), randn(*shape)
    assert_autograds(
        lambda g: layer_norm_backward(g, x, weight, eps),
        lambda x, w, b: F.layer_norm(x, shape, w, b, eps),
        (x, weight, bias),
    )


@given(images(min_pixels=2), EPS)
def test_instance_norm_is_pytorchs(x, eps):
    weight, bias = affine(x.shape[1])
    expected = F.instance_norm(x, weight=weight, bias=bias, eps=eps)
    torch.testing.assert_close(instance_norm(x, weight, bias, eps), expected)


@given(images(min_pixels=2), EPS)
def test_instance_norm_backward_is_autograds(x, eps):
    weight, bias = affine(x.shape[1])
    assert_autograds(
        lambda g: instance_norm_backward(g, x, weight, eps),
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=eps),
        (x, weight, bias),
    )


def test_instance_norm_refuses_one_pixel():
    with pytest.raises(ValueError, match="more than one pixel"):
        instance_norm(randn(4, 3, 1, 1), randn(3), randn(3))


@st.composite
def grouped(draw):
    x = draw(images(min_pixels=2))
    return x, draw(st.sampled_from([g for g in range(1, 7) if x.shape[1] % g == 0]))


@given(grouped(), EPS)
def test_group_norm_is_pytorchs(problem, eps):
    x, groups = problem
    weight, bias = affine(x.shape[1])
    expected = F.group_norm(x, groups, weight, bias, eps)
    torch.testing.assert_close(group_norm(x, groups, weight, bias, eps), expected)


@given(grouped(), EPS)
def test_group_norm_backward_is_autograds(problem, eps):
    x, groups = problem
    weight, bias = affine(x.shape[1])
    assert_autograds(
        lambda g: group_norm_backward(g, x, groups, weight, eps),
        lambda x, w, b: F.group_norm(x, groups, w, b, eps),
        (x, weight, bias),
    )


@pytest.mark.parametrize("groups", [4, 5, 12])
def test_group_norm_refuses_groups_of_unequal_size(groups):
    with pytest.raises(ValueError, match="cannot be divided"):
        group_norm(randn(2, 6, 2, 2), groups, randn(6), randn(6))


@given(images(min_pixels=2), EPS)
def test_group_norm_lies_between_layer_norm_and_instance_norm(x, eps):
    c = x.shape[1]
    weight, bias = affine(c)
    torch.testing.assert_close(
        group_norm(x, c, weight, bias, eps), instance_norm(x, weight, bias, eps)
    )
    full = [t.view(-1, 1, 1).expand(x.shape[1:]) for t in (weight, bias)]
    torch.testing.assert_close(group_norm(x, 1, weight, bias, eps), layer_norm(x, *full, eps))


def blended(x, running, rho, weight, bias, training, eps):
    """Batch-instance norm as autograd can follow it, from PyTorch's two norms."""
    x_bn = F.batch_norm(x, *running, training=training, eps=eps)
    x_in = F.instance_norm(x, eps=eps)
    r, w, b = (t.view(1, -1, 1, 1) for t in (rho, weight, bias))
    return (r * x_bn + (1 - r) * x_in) * w + b


def gates(count):
    """Gates in [0, 1], some of them at the ends."""
    return (torch.rand(count, dtype=torch.float64) * 1.6 - 0.3).clamp(0, 1)


@given(images(min_pixels=2), st.booleans(), st.sampled_from([0.1, 0.7]), EPS)
def test_batch_instance_norm_blends_pytorchs_norms(x, training, momentum, eps):
    c = x.shape[1]
    rho, (weight, bias) = gates(c), affine(c)
    running = [randn(c), randn(c).square()]
    theirs = [t.clone() for t in running]
    expected = blended(x, [t.clone() for t in running], rho, weight, bias, training, eps)
    F.batch_norm(x, *theirs, training=training, momentum=momentum)
    y = batch_instance_norm(x, *running, rho, weight, bias, training, momentum, eps)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(running, theirs)


@given(images(min_pixels=2), st.booleans(), EPS)
def test_batch_instance_norm_backward_is_autograds(x, training, eps):
    c = x.shape[1]
    rho, (weight, bias) = gates(c), affine(c)
    running = [randn(c), randn(c).square()]
    assert_autograds(
        lambda g: batch_instance_norm_backward(g, x, *running, rho, weight, training, eps),
        lambda x, r, w, b: blended(x, [t.clone() for t in running], r, w, b, training, eps),
        (x, rho, weight, bias),
    )


def test_open_and_shut_gates_are_the_two_norms():
    torch.manual_seed(0)
    x, weight, bias = randn(3, 4, 2, 3), randn(4), randn(4)
    running = torch.zeros(4).double(), torch.ones(4).double()
    open_, shut = torch.ones(4).double(), torch.zeros(4).double()
    torch.testing.assert_close(
        batch_instance_norm(x, *running, open_, weight, bias, training=True),
        batch_norm(x, *running, weight, bias, training=True),
    )
    torch.testing.assert_close(
        batch_instance_norm(x, *running, shut, weight, bias, training=False),
        instance_norm(x, weight, bias),
    )


def test_batch_instance_norm_refuses_one_pixel_and_leaves_the_statistics():
    running = [torch.zeros(3), torch.ones(3)]
    rest = torch.full((3,), 0.5), torch.ones(3), torch.zeros(3)
    with pytest.raises(ValueError, match="more than one pixel"):
        batch_instance_norm(torch.randn(4, 3, 1, 1), *running, *rest, training=True)
    assert torch.equal(running[0], torch.zeros(3))
    assert torch.equal(running[1], torch.ones(3))


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.booleans())
def test_clipping_the_gates_projects_onto_the_range(values, strided):
    whole = torch.tensor([values, values], dtype=torch.float64)
    rho = whole.t().contiguous()[:, 0] if strided else whole[0]
    before = rho.clone()
    assert clip_rho_(rho) is rho
    expected = [min(max(value, 0.0), 1.0) for value in values]
    assert torch.equal(rho, torch.tensor(expected, dtype=torch.float64))
    inside = (before >= 0) & (before <= 1)
    assert torch.equal(rho[inside], before[inside])


FORWARDS = {
    "layer": (lambda x, w, b: layer_norm(x, w, b, eps=0.1), (3, 2, 4), (2, 4)),
    "instance": (lambda x, w, b: instance_norm(x, w, b, eps=0.1), (2, 3, 2, 3), (3,)),
    "group": (lambda x, w, b: group_norm(x, 2, w, b, eps=0.1), (2, 4, 2, 2), (4,)),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_forwards_pass_gradcheck(name):
    forward, shape, normalised = FORWARDS[name]
    torch.manual_seed(0)
    inputs = [randn(*s).requires_grad_() for s in (shape, normalised, normalised)]
    assert torch.autograd.gradcheck(forward, inputs)


@pytest.mark.parametrize("training", [True, False])
def test_batch_instance_norm_passes_gradcheck(training):
    torch.manual_seed(0)
    running = randn(3), randn(3).square() + 0.5

    def forward(x, rho, weight, bias):
        statistics = [t.clone() for t in running]
        return batch_instance_norm(x, *statistics, rho, weight, bias, training, eps=0.1)

    rho = torch.tensor([0.2, 0.6, 0.9], dtype=torch.float64)
    inputs = [t.requires_grad_() for t in (randn(2, 3, 2, 2), rho, randn(3), randn(3))]
    assert torch.autograd.gradcheck(forward, inputs)


def test_layer_instance_and_group_norm_are_onnxs():
    torch.manual_seed(2)
    x = randn(2, 6, 3, 4, dtype=torch.float32)
    weight, bias = (randn(6, dtype=torch.float32) for _ in range(2))
    (expected,) = evaluate_onnx("InstanceNormalization", (x, weight, bias), epsilon=1e-2)
    torch.testing.assert_close(instance_norm(x, weight, bias, eps=1e-2), expected)

    (expected,) = evaluate_onnx(
        "GroupNormalization", (x, weight, bias), opset=21, num_groups=3, epsilon=1e-2
    )
    torch.testing.assert_close(group_norm(x, 3, weight, bias, eps=1e-2), expected)

    weight, bias = (randn(3, 4, dtype=torch.float32) for _ in range(2))
    (expected,) = evaluate_onnx("LayerNormalization", (x, weight, bias), axis=2, epsilon=1e-2)
    torch.testing.assert_close(layer_norm(x, weight, bias, eps=1e-2), expected)


def calls(device, dtype):
    """Every function but batch norm's, with its tensors: name -> results, and the arguments."""

    def new(*shape):
        return torch.rand(shape, device=device, dtype=dtype)

    x, weight, bias, rho, mean, var = new(2, 4, 3, 3), *(new(4) for _ in range(5))
    full = new(3, 3)
    y = new(2, 4, 3, 3)
    results = {
        "layer": (layer_norm(x, full, full), *layer_norm_backward(y, x, full)),
        "instance": (instance_norm(x, weight, bias), *instance_norm_backward(y, x, weight)),
        "group": (group_norm(x, 2, weight, bias), *group_norm_backward(y, x, 2, weight)),
    }
    for training in (True, False):
        results[f"batch-instance, training {training}"] = (
            batch_instance_norm(x, mean, var, rho, weight, bias, training),
            *batch_instance_norm_backward(y, x, mean, var, rho, weight, training),
        )
    results["gates"] = (clip_rho_(rho.clone()),)
    return results


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_result_keeps_the_dtype(dtype):
    for name, results in calls("cpu", dtype).items():
        assert {t.dtype for t in results} == {dtype}, name


def test_every_result_stays_on_its_device(cuda):
    for name, results in calls(cuda, torch.float32).items():
        assert {t.device.type for t in results} == {"cuda"}, name
