"""The losses against PyTorch's, autograd and finite differences."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogues import FIRST

ours = SimpleNamespace(**FIRST["losses"].topics[0].functions())

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


REGRESSIONS = {
    "l1_loss": (ours.l1_loss, ours.l1_loss_backward, F.l1_loss, [{}]),
    "mse_loss": (ours.mse_loss, ours.mse_loss_backward, F.mse_loss, [{}]),
    "smooth_l1_loss": (
        ours.smooth_l1_loss,
        ours.smooth_l1_loss_backward,
        F.smooth_l1_loss,
        [{}, {"beta": 0.3}, {"beta": 2.5}],
    ),
}
EACH_REGRESSION = pytest.mark.parametrize(
    ("forward", "backward", "theirs", "options"),
    [
        pytest.param(forward, backward, theirs, one, id=f"{name} {one or ''}")
        for name, (forward, backward, theirs, several) in REGRESSIONS.items()
        for one in several
    ],
)
shapes = st.lists(st.integers(1, 5), min_size=0, max_size=4)


def _prediction(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    input = torch.randn(shape, generator=generator, dtype=torch.float64) * 2
    target = torch.randn(shape, generator=generator, dtype=torch.float64)
    return input.requires_grad_(), target, generator


@EACH_REGRESSION
@examples
@given(shapes, st.integers(0, 999))
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_regression_losses(forward, backward, theirs, options, reduction, shape, seed):
    input, target, generator = _prediction(shape, seed)
    y = theirs(input, target, reduction=reduction, **options)
    torch.testing.assert_close(forward(input.detach(), target, reduction, **options), y.detach())
    arguments = (input, target, reduction, *options.values())
    _same_gradient(backward, arguments, y, [input], generator)


@EACH_REGRESSION
def test_regression_gradients_by_finite_differences(forward, backward, theirs, options):
    input, target, _ = _prediction((3, 4), 2)
    assert torch.autograd.gradcheck(lambda t: forward(t, target, **options), input)


@EACH_REGRESSION
def test_regression_losses_refuse_to_broadcast(forward, backward, theirs, options):
    for other in [(4, 1), (3,), (1, 4, 3), (3, 4)]:
        with pytest.raises(ValueError, match="one shape"):
            forward(torch.zeros(4, 3), torch.zeros(other), **options)


@EACH_REGRESSION
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_regression_losses_stay_on_their_device(
    cuda, forward, backward, theirs, options, reduction
):
    input, target = torch.empty(3, 4, device=cuda), torch.empty(3, 4, device=cuda)
    y = forward(input, target, reduction, **options)
    grad = backward(torch.empty_like(y), input, target, reduction, **options)
    assert y.device.type == grad.device.type == "cuda"
    assert grad.shape == input.shape
    assert y.dtype == grad.dtype == torch.float32


def test_where_input_equals_target_l1_takes_pytorchs_derivative():
    zero = torch.zeros(2, 3)
    assert (ours.l1_loss_backward(torch.ones(2, 3), zero, zero, "none") == 0).all()


def test_smooth_l1_with_beta_of_zero_is_l1():
    input, target, _ = _prediction((5, 4), 3)
    target[0] = input[0].detach()
    for reduction in REDUCTIONS:
        got = ours.smooth_l1_loss(input, target, reduction, beta=0.0)
        torch.testing.assert_close(got, F.l1_loss(input, target, reduction=reduction))
        torch.testing.assert_close(
            got, F.smooth_l1_loss(input, target, reduction=reduction, beta=0.0)
        )
    with pytest.raises(ValueError, match="beta"):
        ours.smooth_l1_loss(input, target, beta=-0.1)


def test_smooth_l1_is_continuous_where_its_pieces_meet():
    beta = 0.75
    d = torch.tensor([beta * (1 - 1e-12), beta, -beta, -beta * (1 - 1e-12)], dtype=torch.float64)
    zero = torch.zeros_like(d)
    loss = ours.smooth_l1_loss(d, zero, "none", beta)
    torch.testing.assert_close(loss, torch.full_like(loss, beta / 2))
    slope = ours.smooth_l1_loss_backward(torch.ones_like(d), d, zero, "none", beta)
    torch.testing.assert_close(slope, torch.sign(d))


@examples
@given(shapes, st.integers(0, 999), st.sampled_from([0.0, 0.5, 2.0, -0.3]))
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margin_ranking_loss(reduction, shape, seed, margin):
    x1, x2, generator = _prediction(shape, seed)
    x2.requires_grad_()
    y = torch.randint(0, 2, shape, generator=generator).double() * 2 - 1
    theirs = F.margin_ranking_loss(x1, x2, y, margin, reduction=reduction)
    got = ours.margin_ranking_loss(x1.detach(), x2.detach(), y, margin, reduction)
    torch.testing.assert_close(got, theirs.detach())
    _same_gradient(
        ours.margin_ranking_loss_backward,
        (x1, x2, y, margin, reduction),
        theirs,
        [x1, x2],
        generator,
    )


def test_margin_ranking_loss_at_its_kink_and_by_finite_differences():
    scores = torch.tensor([1.0, 1.0, 2.0, 0.0], dtype=torch.float64, requires_grad=True)
    other = torch.tensor([1.0, 1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    for margin in (0.0, 2.0):  # the first two pairs are at the kink for one, the others for 2
        theirs = F.margin_ranking_loss(scores, other, y, margin, reduction="none")
        wanted = torch.autograd.grad(theirs.sum(), (scores, other))
        got = ours.margin_ranking_loss_backward(
            torch.ones_like(y), scores.detach(), other.detach(), y, margin, "none"
        )
        for g, w in zip(got, wanted, strict=True):
            torch.testing.assert_close(g, w, rtol=0, atol=0)
    assert torch.autograd.gradcheck(
        lambda a, b: ours.margin_ranking_loss(a, b, y, margin=0.5), (scores, other)
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margin_ranking_loss_stays_on_its_device(cuda, reduction):
    x1, x2, y = (torch.empty(3, 4, device=cuda) for _ in range(3))
    loss = ours.margin_ranking_loss(x1, x2, y, 0.5, reduction)
    grads = ours.margin_ranking_loss_backward(torch.empty_like(loss), x1, x2, y, 0.5, reduction)
    assert {t.device.type for t in (loss, *grads)} == {"cuda"}
    assert {g.shape for g in grads} == {x1.shape}


CLASSIFICATIONS = pytest.mark.parametrize(
    ("forward", "backward", "theirs"),
    [
        pytest.param(ours.nll_loss, ours.nll_loss_backward, F.nll_loss, id="nll_loss"),
        pytest.param(
            ours.cross_entropy, ours.cross_entropy_backward, F.cross_entropy, id="cross_entropy"
        ),
    ],
)


@CLASSIFICATIONS
@examples
@given(sizes, st.integers(0, 999), st.sampled_from([-100, -1, 0, 255]), st.booleans())
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_classification_losses(
    reduction, forward, backward, theirs, shape, seed, ignore_index, weighted
):
    n, c = shape
    scores, target, weight, generator = _batch((n + 1, c + 1), seed)
    if theirs is F.nll_loss:
        scores = torch.log_softmax(scores, 1)
    target[target == 0] = 1  # so that class 0, where it is the one ignored, is not the only one
    target[torch.rand(n + 1, generator=generator) < 0.3] = ignore_index
    target[0] = 1
    scores.requires_grad_()
    weight = weight if weighted else None
    y = theirs(scores, target, weight, ignore_index=ignore_index, reduction=reduction)
    arguments = (scores, target, weight, ignore_index, reduction)
    torch.testing.assert_close(forward(*arguments), y)
    _same_gradient(backward, arguments, y, [scores], generator)


@CLASSIFICATIONS
def test_when_every_target_is_ignored(forward, backward, theirs):
    scores, _, weight, _ = _batch((4, 3), 5)
    target = torch.full((4,), -100)
    for w in (None, weight):
        assert forward(scores, target, w).isnan()
        assert forward(scores, target, w, reduction="sum") == 0
        assert (forward(scores, target, w, reduction="none") == 0).all()


@CLASSIFICATIONS
def test_classification_gradients_by_finite_differences(forward, backward, theirs):
    scores, target, weight, _ = _batch((5, 3), 4)
    target[1] = -100
    scores.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: forward(z, target, weight), scores)


def test_an_ignored_sample_may_have_a_probability_of_zero():
    log_probs = torch.tensor([[-torch.inf, 0.0], [-0.5, -1.0]])
    target = torch.tensor([-100, 0])
    for reduction in REDUCTIONS:
        torch.testing.assert_close(
            ours.nll_loss(log_probs, target, reduction=reduction),
            F.nll_loss(log_probs, target, reduction=reduction),
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_is_finite_for_any_logits(dtype):
    logits = torch.tensor([[1e30, -1e30], [0.0, 1e4], [5.0, 5.0], [-2e3, 2e3]], dtype=dtype)
    for target in (torch.tensor([0, 1, 0, 0]), torch.tensor([1, 0, 1, 1])):
        loss = ours.cross_entropy(logits, target, reduction="none")
        torch.testing.assert_close(loss, F.cross_entropy(logits, target, reduction="none"))
        grad = ours.cross_entropy_backward(
            torch.ones_like(loss), logits, target, None, -100, "none"
        )
        assert torch.isfinite(loss).all()
        assert torch.isfinite(grad).all()
        assert loss.dtype == grad.dtype == dtype


@CLASSIFICATIONS
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_classification_losses_stay_on_their_device(
    cuda, forward, backward, theirs, reduction, weighted
):
    scores = torch.empty(5, 3, device=cuda)
    target = torch.empty(5, dtype=torch.int64, device=cuda)
    weight = torch.empty(3, device=cuda) if weighted else None
    arguments = (scores, target, weight, -100, reduction)
    y = forward(*arguments)
    grad = backward(torch.empty_like(y), *arguments)
    assert y.device.type == grad.device.type == "cuda"
    assert grad.shape == scores.shape
    assert y.dtype == grad.dtype == torch.float32


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


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_focal_loss_stays_on_its_device(cuda, reduction, weighted):
    logits = torch.empty(5, 3, device=cuda)
    target = torch.empty(5, dtype=torch.int64, device=cuda)
    weight = torch.empty(3, device=cuda) if weighted else None
    arguments = (logits, target, weight, 2.0, reduction)
    y = ours.focal_loss(*arguments)
    grad = ours.focal_loss_backward(torch.empty_like(y), *arguments)
    assert y.device.type == grad.device.type == "cuda"
    assert grad.shape == logits.shape
