"""Regularisation against PyTorch's, autograd and finite differences."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.catalogues import FIRST

ours = SimpleNamespace(**FIRST["regularization"].topics[0].functions())

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


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_channels_are_dropped_as_a_whole_and_independently(p, seed):
    x = torch.ones(200, 200, 1, 2, dtype=torch.float64)
    y, mask = ours.dropout2d(x, p, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(y != 0, mask.expand(x.shape))
    kept = mask.to(torch.float64)[:, :, 0, 0]
    sixfold = 6 * (p * (1 - p)) ** 0.5
    assert kept.mean().item() == pytest.approx(1 - p, abs=sixfold / kept.numel() ** 0.5)
    for axis in (0, 1):  # a count over an axis scatters as independent channels do
        variance = kept.sum(axis).var().item() / kept.shape[axis]
        groups = kept.shape[1 - axis]
        assert variance == pytest.approx(p * (1 - p), rel=6 * (2 / (groups - 1)) ** 0.5)


shapes = st.sampled_from([(3, 4), (5, 1), (2, 3, 4), (2, 3, 4, 5)])


@examples
@given(shapes, probabilities, st.integers(0, 999), st.sampled_from([1.0, 30.0]))
def test_attention_dropout_is_pytorchs_softmax_under_its_mask(shape, p, seed, spread):
    scores = spread * _randn(*shape, seed=seed)
    attention = torch.softmax(scores, dim=-1)
    weights, mask = ours.attention_dropout(scores, p, True, torch.Generator().manual_seed(seed))
    assert mask.dtype == torch.bool
    assert mask.shape == weights.shape == scores.shape
    scale = 1 / (1 - p) if p < 1 else 0.0
    torch.testing.assert_close(weights, attention * mask * scale)
    if p in {0, 1}:
        assert (mask == (p == 0)).all()
    weights, mask = ours.attention_dropout(scores, p, training=False)
    torch.testing.assert_close(weights, attention)
    assert mask.all()


@examples
@given(
    shapes,
    probabilities,
    st.integers(0, 999),
    st.booleans(),
    st.sampled_from([0.0, 1e4, -1e4, 1e300]),
)
def test_attention_dropout_backward_is_autograds(shape, p, seed, training, level):
    scores = (_randn(*shape, seed=seed) + level).requires_grad_()
    grad_weights = _randn(*shape, seed=seed + 1)
    _, mask = ours.attention_dropout(scores, p, training, torch.Generator().manual_seed(seed))
    weights = torch.softmax(scores, dim=-1)
    if training:
        weights = weights.masked_fill(~mask, 0.0) / (1 - p if p < 1 else 1)
    (wanted,) = torch.autograd.grad(weights, scores, grad_weights)
    got = ours.attention_dropout_backward(grad_weights, scores.detach(), mask, p, training)
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9])
def test_attention_dropout_backward_is_what_finite_differences_say(p):
    scores, grad_weights = _randn(2, 3, 4), _randn(2, 3, 4, seed=1)
    _, mask = ours.attention_dropout(scores, p, True, torch.Generator().manual_seed(3))

    class UnderOneMask(torch.autograd.Function):
        @staticmethod
        def forward(context, scores):
            context.save_for_backward(scores)
            return ours.attention_dropout(scores, p, True, torch.Generator().manual_seed(3))[0]

        @staticmethod
        def backward(context, grad_weights):
            (scores,) = context.saved_tensors
            return ours.attention_dropout_backward(grad_weights, scores, mask, p)

    assert torch.autograd.gradcheck(UnderOneMask.apply, scores.clone().requires_grad_())
    got = ours.attention_dropout_backward(grad_weights, scores, mask, p)
    # Adding a constant to a row changes nothing.
    torch.testing.assert_close(got.sum(-1), torch.zeros(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_attention_dropout_is_finite_for_scores_of_any_size(dtype, p):
    scores = torch.tensor(
        [[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [3e38, -3e38, 0.0]], dtype=dtype
    )
    weights, mask = ours.attention_dropout(scores, p, True, torch.Generator().manual_seed(0))
    grad = ours.attention_dropout_backward(torch.ones_like(scores), scores, mask, p)
    assert weights.isfinite().all()
    assert grad.isfinite().all()
    assert weights.dtype == grad.dtype == dtype
    if p == 1:
        assert not weights.any()
        assert not grad.any()
    if p == 0:
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, dtype=dtype))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_attention_weights_are_right_on_average_and_dropped_independently(p, seed):
    scores = _randn(1, 1, 3, 4, seed=seed).expand(40, 50, 3, 4)
    weights, mask = ours.attention_dropout(scores, p, True, torch.Generator().manual_seed(seed))
    attention = torch.softmax(scores[0, 0], dim=-1)
    draws = 40 * 50
    sixfold = 6 * attention * (p / (1 - p) / draws) ** 0.5
    assert ((weights.mean((0, 1)) - attention).abs() <= sixfold).all()
    kept = mask.to(torch.float64)
    for axis in range(4):  # a count over an axis scatters as independent weights do
        counts = kept.sum(axis)
        variance = (counts - kept.shape[axis] * (1 - p)).square().mean().item() / kept.shape[axis]
        assert variance == pytest.approx(p * (1 - p), rel=0.6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_attention_dropout_refuses_what_is_no_probability(training, p):
    with pytest.raises(ValueError, match="probability"):
        ours.attention_dropout(torch.ones(3, 4), p, training)


def test_attention_dropout_draws_from_its_generator_alone_and_changes_nothing():
    scores = _randn(30, 20)
    kept_scores, before = scores.clone(), torch.get_rng_state()
    first = ours.attention_dropout(scores, generator=torch.Generator().manual_seed(1))[1]
    again = ours.attention_dropout(scores, generator=torch.Generator().manual_seed(1))[1]
    ours.attention_dropout(scores, training=False)
    ours.attention_dropout_backward(scores, scores, first)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(scores, kept_scores)
    assert torch.equal(first, again)
    assert not torch.equal(ours.attention_dropout(scores)[1], ours.attention_dropout(scores)[1])


@pytest.mark.parametrize("training", [True, False])
def test_attention_dropout_stays_on_its_device(training, cuda):
    scores = torch.empty(2, 3, 4, device=cuda)
    weights, mask = ours.attention_dropout(scores, 0.3, training)
    grad = ours.attention_dropout_backward(torch.empty_like(weights), scores, mask, 0.3, training)
    assert {t.device.type for t in (weights, mask, grad)} == {"cuda"}
    assert weights.dtype == grad.dtype == scores.dtype


rates = st.floats(1e-4, 2.0)
decays = st.sampled_from([0.0, 1e-3, 0.05, 0.7])
STEPS = 6


def _descend(optimiser, parameter, grads):
    """The parameter after each step of PyTorch's optimiser along the given gradients."""
    for grad in grads:
        parameter.grad = grad.clone()
        optimiser.step()
        yield parameter.detach().clone()


def _problem(seed):
    """A weight and the gradients of several steps."""
    return _randn(4, 3, seed=seed), [_randn(4, 3, seed=seed + 1 + at) for at in range(STEPS)]


@examples
@given(st.integers(0, 9999), rates, decays)
def test_sgd_is_pytorchs_over_several_steps(seed, lr, decay):
    weight, grads = _problem(seed)
    parameter = torch.nn.Parameter(weight.clone())
    theirs = torch.optim.SGD([parameter], lr=lr, weight_decay=decay)
    for grad, wanted in zip(grads, _descend(theirs, parameter, grads), strict=True):
        weight = ours.sgd_step(weight, grad, lr, decay)
        torch.testing.assert_close(weight, wanted, rtol=1e-12, atol=1e-12)


@examples
@given(st.integers(0, 9999), rates, st.sampled_from([0.0, 0.5, 0.9, 0.99]), decays)
def test_sgd_with_momentum_is_pytorchs_over_several_steps(seed, lr, momentum, decay):
    weight, grads = _problem(seed)
    parameter = torch.nn.Parameter(weight.clone())
    theirs = torch.optim.SGD([parameter], lr=lr, momentum=momentum, weight_decay=decay)
    velocity = torch.zeros_like(weight)
    for grad, wanted in zip(grads, _descend(theirs, parameter, grads), strict=True):
        weight, velocity = ours.sgd_momentum_step(weight, grad, velocity, lr, momentum, decay)
        torch.testing.assert_close(weight, wanted, rtol=1e-12, atol=1e-12)
        if momentum:
            buffer = theirs.state[parameter]["momentum_buffer"]
            torch.testing.assert_close(velocity, buffer, rtol=1e-12, atol=1e-12)


@examples
@given(
    st.integers(0, 9999),
    rates,
    st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)]),
    st.sampled_from([1e-8, 1e-3, 0.5]),
    decays,
)
def test_adamw_is_pytorchs_over_several_steps(seed, lr, betas, eps, decay):
    weight, grads = _problem(seed)
    parameter = torch.nn.Parameter(weight.clone())
    theirs = torch.optim.AdamW([parameter], lr=lr, betas=betas, eps=eps, weight_decay=decay)
    m, v = torch.zeros_like(weight), torch.zeros_like(weight)
    descent = zip(grads, _descend(theirs, parameter, grads), strict=True)
    for step, (grad, wanted) in enumerate(descent, start=1):
        weight, m, v = ours.adamw_step(weight, grad, m, v, step, lr, betas, eps, decay)
        state = theirs.state[parameter]
        torch.testing.assert_close(weight, wanted, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(m, state["exp_avg"], rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(v, state["exp_avg_sq"], rtol=1e-11, atol=1e-11)


def test_optimisers_have_pytorchs_defaults():
    weight, (grad, *_) = _problem(0)
    zeros = torch.zeros_like(weight)
    for make, step in [
        (lambda p: torch.optim.SGD(p, lr=0.1), lambda: ours.sgd_step(weight, grad, 0.1)),
        (
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
            lambda: ours.sgd_momentum_step(weight, grad, zeros, 0.1)[0],
        ),
        (
            lambda p: torch.optim.AdamW(p, lr=0.1),
            lambda: ours.adamw_step(weight, grad, zeros, zeros, 1, 0.1)[0],
        ),
    ]:
        parameter = torch.nn.Parameter(weight.clone())
        (wanted,) = _descend(make([parameter]), parameter, [grad])
        torch.testing.assert_close(step(), wanted)


def test_sgd_descends_the_penalised_loss():
    weight = _randn(5, 3).requires_grad_()
    target = _randn(5, 3, seed=1)
    loss = (weight - target).square().sum()
    (grad,) = torch.autograd.grad(loss, weight, retain_graph=True)
    penalised = loss + 0.3 / 2 * weight.square().sum()
    (whole,) = torch.autograd.grad(penalised, weight)
    torch.testing.assert_close(ours.sgd_step(weight, grad, 0.1, 0.3), weight - 0.1 * whole)


def test_adamw_leaves_alone_what_never_saw_a_gradient_but_for_the_decay():
    weight, zeros = _randn(6), torch.zeros(6, dtype=torch.float64)
    new, m, v = ours.adamw_step(weight, zeros, zeros, zeros, 1, 0.1, weight_decay=0.2)
    torch.testing.assert_close(new, weight * (1 - 0.1 * 0.2))
    assert not m.any()
    assert not v.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steps_leave_their_arguments_alone_and_keep_their_type(dtype):
    weight, grad, m, v = (_randn(3, 4, seed=at, dtype=dtype).abs() for at in range(4))
    before = [t.clone() for t in (weight, grad, m, v)]
    results = [
        ours.sgd_step(weight, grad, 0.1, 0.2),
        *ours.sgd_momentum_step(weight, grad, m, 0.1, 0.9, 0.2),
        *ours.adamw_step(weight, grad, m, v, 3, 0.1),
    ]
    assert all(torch.equal(a, b) for a, b in zip((weight, grad, m, v), before, strict=True))
    assert {t.dtype for t in results} == {dtype}


def test_steps_stay_on_their_device(cuda):
    weight, grad, m, v = (torch.empty(3, 4, device=cuda) for _ in range(4))
    results = [
        ours.sgd_step(weight, grad, 0.1, 0.2),
        *ours.sgd_momentum_step(weight, grad, m, 0.1, 0.9, 0.2),
        *ours.adamw_step(weight, grad, m, v, 3, 0.1),
    ]
    assert {t.device.type for t in results} == {"cuda"}
