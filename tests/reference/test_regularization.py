"""Regularisation against PyTorch's, autograd and finite differences."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from reference import regularization as ours

examples = settings(max_examples=40, deadline=None)
probabilities = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
DROPOUTS = [ours.dropout, ours.dropout2d]


def _randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@examples
@given(probabilities, st.integers(0, 999), st.booleans())
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_dropout_output_is_the_mask_scaled_and_backward_its_adjoint(dropout, p, seed, training):
    x, grad_y = _randn(5, 4, 3, 6, seed=seed), _randn(5, 4, 3, 6, seed=seed + 1)
    y, mask = dropout(x, p, training, torch.Generator().manual_seed(seed))
    grad_x = ours.dropout_backward(grad_y, mask, p, training)
    assert mask.dtype == torch.bool
    assert mask.shape == ((5, 4, 1, 1) if dropout is ours.dropout2d else x.shape)
    assert torch.equal(y == 0, ~mask.expand(x.shape))
    torch.testing.assert_close((y * grad_y).sum(), (x * grad_x).sum())
    if training and 0 < p < 1:
        torch.testing.assert_close(y, x * mask / (1 - p))
    elif training and p == 1:
        assert not mask.any()
    else:
        assert mask.all()
        assert torch.equal(y, x)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(
    ("dropout", "theirs"), [(ours.dropout, F.dropout), (ours.dropout2d, F.dropout2d)]
)
def test_dropout_has_pytorchs_moments(dropout, theirs, p):
    x = torch.ones(400, 50, 2, 2, dtype=torch.float64)
    mine, mask = dropout(x, p, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    other = theirs(x, p)
    count = mask.numel()
    assert mine.mean().item() == pytest.approx(1.0, abs=6 * (p / (1 - p) / count) ** 0.5)
    assert torch.equal(mine.unique(), other.unique())
    planes = [(t.amax((2, 3)) == t.amin((2, 3))).all().item() for t in (mine, other)]
    assert planes[0] == planes[1] == (dropout is ours.dropout2d)


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_dropout_refuses_what_is_no_probability(dropout, training, p):
    with pytest.raises(ValueError, match="probability"):
        dropout(torch.ones(2, 3, 4, 4), p, training)


def test_dropout_draws_from_its_generator_alone():
    x = torch.ones(50, 6, 2, 2)
    for dropout in DROPOUTS:
        before = torch.get_rng_state()
        first = dropout(x, generator=torch.Generator().manual_seed(1))[1]
        again = dropout(x, generator=torch.Generator().manual_seed(1))[1]
        other = dropout(x, generator=torch.Generator().manual_seed(2))[1]
        dropout(x, training=False)
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert not torch.equal(dropout(x)[1], dropout(x)[1])


@examples
@given(probabilities, st.integers(0, 99))
def test_dropout_backward_is_autograds(p, seed):
    x = _randn(4, 3, 2, 2, seed=seed).requires_grad_()
    y, mask = ours.dropout(x, p, generator=torch.Generator().manual_seed(seed))
    grad_y = _randn(4, 3, 2, 2, seed=seed + 1)
    (wanted,) = torch.autograd.grad(y, x, grad_y)
    torch.testing.assert_close(ours.dropout_backward(grad_y, mask, p), wanted)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_dropout_stays_on_its_device(dropout, training):
    with FakeTensorMode():
        x = torch.empty(2, 3, 4, 4, device="cuda")
        y, mask = dropout(x, 0.3, training)
        grad = ours.dropout_backward(torch.empty_like(y), mask, 0.3, training)
        assert {t.device.type for t in (y, mask, grad)} == {"cuda"}
        assert y.dtype == grad.dtype == x.dtype
