"""The losses against PyTorch's, autograd and finite differences."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from reference import losses as ours

examples = settings(max_examples=40, deadline=None)
REDUCTIONS = ["none", "mean", "sum"]
sizes = st.tuples(st.integers(1, 7), st.integers(1, 6))


def _batch(shape, seed, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    n, c = shape
    logits = torch.randn(n, c, generator=generator, dtype=torch.float64) * spread
    target = torch.randint(0, c, (n,), generator=generator)
    weight = torch.rand(c, generator=generator, dtype=torch.float64) + 0.1
    return logits, target, weight, generator


def _same_gradient(backward, arguments, y, inputs, generator):
    """The hand-written backward gives what autograd gives for the same upstream gradient."""
    grad_y = torch.randn(y.shape, generator=generator, dtype=y.dtype)
    wanted = torch.autograd.grad(y, inputs, grad_y)
    plain = [a.detach() if isinstance(a, torch.Tensor) else a for a in arguments]
    got = backward(grad_y, *plain)
    for g, w in zip(got if isinstance(got, tuple) else (got,), wanted, strict=True):
        torch.testing.assert_close(g, w, rtol=1e-9, atol=1e-12)


def _focal_by_torch(logits, target, alpha, gamma, reduction):
    ce = F.cross_entropy(logits, target, reduction="none")
    loss = (1 - torch.exp(-ce)) ** gamma * ce
    if alpha is not None:
        loss = alpha[target] * loss
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


@examples
@given(sizes, st.integers(0, 999), st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5]), st.booleans())
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_focal_loss(reduction, shape, seed, gamma, weighted):
    n, c = shape
    logits, target, alpha, generator = _batch((n, c + 1), seed)
    logits.requires_grad_()
    alpha = alpha if weighted else None
    y = ours.focal_loss(logits, target, alpha, gamma, reduction)
    torch.testing.assert_close(y, _focal_by_torch(logits, target, alpha, gamma, reduction))
    _same_gradient(
        ours.focal_loss_backward, (logits, target, alpha, gamma, reduction), y, [logits], generator
    )


def test_focal_loss_without_gamma_is_cross_entropy():
    logits, target, _, _ = _batch((6, 4), 0, spread=1e4)
    torch.testing.assert_close(
        ours.focal_loss(logits, target, gamma=0.0), F.cross_entropy(logits, target)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_focal_loss_is_finite_for_any_logits(gamma, dtype):
    logits = torch.tensor([[1e30, -1e30], [0.0, 1e4], [5.0, 5.0], [60.0, 0.0]], dtype=dtype)
    for target in (torch.tensor([0, 1, 0, 0]), torch.tensor([1, 0, 1, 1])):
        loss = ours.focal_loss(logits, target, gamma=gamma, reduction="none")
        grad = ours.focal_loss_backward(
            torch.ones(4, dtype=dtype), logits, target, None, gamma, "none"
        )
        assert torch.isfinite(loss).all()
        assert torch.isfinite(grad).all()
        assert loss.dtype == grad.dtype == dtype


def test_focal_loss_gradient_by_finite_differences():
    logits, target, alpha, _ = _batch((4, 3), 1)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: ours.focal_loss(z, target, alpha, 1.7), logits)


def _on_a_gpu(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="cuda")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_classification_losses_stay_on_their_device(reduction, weighted):
    with FakeTensorMode():
        logits, target = _on_a_gpu(5, 3), _on_a_gpu(5, dtype=torch.int64)
        weight = _on_a_gpu(3) if weighted else None
        arguments = (logits, target, weight, 2.0, reduction)
        y = ours.focal_loss(*arguments)
        grad = ours.focal_loss_backward(torch.empty_like(y), *arguments)
        assert y.device.type == grad.device.type == "cuda"
        assert grad.shape == logits.shape
