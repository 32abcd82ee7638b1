"""Cross-entropy that turns away from what is easy."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, Recipe, case, edit, normal, uniform, upstream

from ._shared import _classes, _log_softmax, _reduce
from .cross_entropy import cross_entropy, cross_entropy_backward


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """Cross-entropy that turns away from what is easy (Lin et al. 2017, equations 4 and 5).

    With p_t the probability that softmax gives to the target's class t,

        loss = -alpha[t] * (1 - p_t) ** gamma * log(p_t).

    A sample that is already classified well, p_t near 1, hardly counts; gamma = 0 is cross-entropy
    weighted by alpha. Loss and gradient are finite for logits of any finite size.

    Args:
        logits: `(N, C)`, before the softmax.
        target: `(N,)`, int64, the classes' indices.
        alpha: `(C,)`, the weight of each class, or None for 1.
        gamma: how strongly easy samples are turned down, at least 0.
        reduction: "none"; "mean", which divides by N whatever alpha is; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    log_pt = _log_softmax(logits).gather(1, target.unsqueeze(1)).squeeze(1)  # (N,)
    pt = torch.exp(log_pt)
    loss = -((1 - pt) ** gamma) * log_pt
    if alpha is not None:
        loss = loss * alpha.gather(0, target)
    return _reduce(loss, reduction)


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """The gradient of `focal_loss` (Lin et al. 2017, appendix B).

    Two factors of the loss depend on p_t, and the chain goes through log(p_t):

        d loss / d log p_t = alpha[t] * (gamma * (1 - p_t) ** (gamma - 1) * p_t * log(p_t)
                                         - (1 - p_t) ** gamma),
        d log p_t / d logits[j] = (1 if j == t else 0) - p_j.

    Where p_t rounds to 1, the first factor is 0 for gamma > 0: its limit, not 0 * infinity.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        logits, target, alpha, gamma, reduction: what the forward received.

    Returns:
        grad_logits, `(N, C)`.
    """
    log_p = _log_softmax(logits)  # (N, C)
    p = torch.exp(log_p)
    log_pt = log_p.gather(1, target.unsqueeze(1))  # (N, 1)
    pt = torch.exp(log_pt)
    power = torch.where(pt < 1, (1 - pt) ** (gamma - 1), 0.0)
    slope = gamma * power * pt * log_pt - (1 - pt) ** gamma
    if alpha is not None:
        slope = slope * alpha.gather(0, target).unsqueeze(1)
    one_hot = torch.zeros_like(logits).scatter(1, target.unsqueeze(1), 1.0)
    grad_loss = grad_y / len(logits) if reduction == "mean" else grad_y
    return grad_loss.reshape(-1, 1) * slope * (one_hot - p)


def _focal_loss_by_cross_entropy(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """The same: -log(p_t) is cross-entropy."""
    entropy = cross_entropy(logits, target, reduction="none")
    pt = torch.exp(-entropy)
    loss = (1 - pt) ** gamma * entropy
    if alpha is not None:
        loss = loss * alpha.gather(0, target)
    return _reduce(loss, reduction)


def _focal_loss_backward_by_cross_entropy(
    grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"
):
    """The same, backwards."""
    entropy = cross_entropy(logits, target, reduction="none")
    pt = torch.exp(-entropy)
    power = torch.where(pt < 1, (1 - pt) ** (gamma - 1), 0.0)
    slope = gamma * power * pt * entropy + (1 - pt) ** gamma
    if alpha is not None:
        slope = slope * alpha.gather(0, target)
    grad_loss = grad_y / len(logits) if reduction == "mean" else grad_y
    return cross_entropy_backward(grad_loss * slope, logits, target, reduction="none")


def _confident(recipe, right):
    """Logits whose greatest one is the target's in the rows below `right`: p_t rounds to 1."""

    def make(generator, before):
        logits = recipe.make(generator, before)
        sure = (torch.arange(len(logits)) < right).double()
        return logits + 2e4 * sure.unsqueeze(1) * torch.eye(logits.shape[1])[before["target"]]

    return Recipe(make)


FOCAL = (
    case("three classes", public=True, target=_classes(6, 3), logits=normal(6, 3)),
    case(
        "class weights",
        target=_classes(9, 5),
        logits=normal(9, 5, std=2.0),
        alpha=uniform(5, low=0.2, high=2.0),
    ),
    case(
        "class weights, each sample, gamma 0.5",
        target=_classes(8, 4),
        logits=normal(4, 8).map(lambda t: t.T),
        alpha=uniform(4, low=0.2, high=2.0),
        gamma=0.5,
        reduction="none",
    ),
    case(
        "sum, gamma 3",
        target=_classes(7, 4),
        logits=normal(7, 4),
        gamma=3.0,
        reduction="sum",
    ),
    case(
        "gamma 0",
        target=_classes(6, 4),
        logits=normal(6, 4),
        alpha=uniform(4, low=0.2, high=2.0),
        gamma=0.0,
    ),
)
FOCAL_LARGE = (
    case(
        "rows at different levels",
        public=True,
        target=_classes(6, 3),
        logits=normal(6, 3).map(lambda t: t + torch.linspace(-2e3, 2e3, 6).unsqueeze(1).double()),
    ),
    case("logits of 1e4", target=_classes(8, 4), logits=normal(8, 4, std=1e4), reduction="none"),
    case(
        "sure and right, gamma 0.5",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.5,
        reduction="none",
    ),
    case(
        "sure and right, gamma 0",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.0,
    ),
)
FOCAL_FLOAT32 = (
    case("four classes", public=True, target=_classes(12, 4), logits=normal(12, 4)),
    case(
        "sure and right, gamma 0.5",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.5,
        reduction="sum",
    ),
)

EXERCISES = (
    Exercise(
        functions=(focal_loss, focal_loss_backward),
        checks=(
            values(focal_loss, FOCAL, points={"loss": 2.5}, name="loss"),
            values(focal_loss, FOCAL_LARGE, points={"loss": 1.5}, name="large logits"),
            precision(focal_loss, FOCAL_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL),
                points={"grad_logits": 3},
                name="backward",
            ),
            gradients(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL_LARGE),
                points={"grad_logits": 1.5},
                name="backward, large logits",
            ),
            precision(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL_FLOAT32),
                points={"grad_logits": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        ways=(
            (focal_loss, _focal_loss_by_cross_entropy),
            (focal_loss_backward, _focal_loss_backward_by_cross_entropy),
        ),
        misconceptions=(
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.exp(log_pt.mean())",
                name="averaged-before-modulating",
                hint="Each sample has a p_t of its own. Which mean is taken too early when p_t is "
                "made from a cross-entropy that is already reduced?",
            ),
            edit(
                focal_loss,
                "    pt = torch.exp(log_pt)\n",
                "    if reduction == 'mean':\n        if alpha is not None:\n"
                "            log_pt = log_pt * alpha.gather(0, target)\n"
                "        log_pt, alpha = log_pt.mean(), None\n"
                "    pt = torch.exp(log_pt)\n",
                name="modulated-after-averaging",
                hint="Each sample has a p_t of its own, and alpha is no part of it. What is p_t "
                "made from when the cross-entropy is already weighted and averaged?",
            ),
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.exp(log_pt * (1 if alpha is None else alpha[target]))",
                name="probability-from-weighted-loss",
                hint="p_t is what softmax gives, whatever the class weighs: does alpha stand "
                "inside your p_t?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - log_pt) ** gamma",
                name="log-probability-in-the-modulation",
                hint="The modulating factor lies between 0 and 1. Does yours? Look at what you "
                "subtract from 1.",
            ),
            edit(
                focal_loss,
                "-((1 - pt) ** gamma) * log_pt",
                "(1 - pt) * (-log_pt) ** gamma",
                name="power-on-the-logarithm",
                hint="Which of the two factors has the exponent? With gamma = 0 the cross-entropy "
                "should be left.",
            ),
            edit(
                focal_loss,
                "-((1 - pt) ** gamma) * log_pt",
                "(-(1 - pt) * log_pt) ** gamma",
                name="power-on-the-product",
                hint="Look at the brackets: what is raised to the power gamma? With gamma = 0 the "
                "cross-entropy should be left.",
            ),
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.exp(_log_softmax(logits)).amax(dim=1)",
                name="greatest-probability-for-the-targets",
                hint="A network may be sure and wrong: whose probability says that a sample is "
                "easy, the greatest one or the target's?",
            ),
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.sigmoid(logits.gather(1, target.unsqueeze(1)).squeeze(1))",
                name="sigmoid-for-softmax",
                hint="With C classes, what is p_t when all logits are equal? A sigmoid looks at "
                "one logit alone.",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt) * gamma",
                name="times-gamma",
                hint="gamma is an exponent: what should gamma = 0 give?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "pt**gamma",
                name="hard-samples-turned-down",
                hint="Which samples should count less, those with p_t near 1 or those near 0?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt) ** 2",
                name="gamma-fixed",
                hint="Try another gamma than 2: does the loss change?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt**gamma)",
                name="power-of-the-probability",
                hint="Look at the brackets: what is raised to the power gamma?",
            ),
            edit(
                focal_loss,
                "loss = loss * alpha.gather(0, target)",
                "pass",
                name="class-weights-ignored",
                hint="What does alpha do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                focal_loss,
                "loss * alpha.gather(0, target)",
                "loss * alpha[0]",
                name="one-weight-for-all-classes",
                hint="alpha has one entry per class: which one belongs to which sample?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / logits.numel() if reduction == 'mean' else "
                "_reduce(loss, reduction)",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) / (1 if alpha is None or reduction != 'mean' else "
                "alpha[target].mean())",
                name="mean-divides-by-weights",
                hint="Weighted cross-entropy divides by the summed weights. What does the focal "
                "loss divide by?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "torch.log(torch.softmax(logits, dim=1).clamp(1e-8, 1 - 1e-8)).gather",
                name="probability-clipped",
                hint="A clipped probability keeps the logarithm finite, and wrong: what should a "
                "loss of 1000 become?",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "torch.log(torch.softmax(logits, dim=1) + 1e-8).gather",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm keeps it finite, and wrong. Can "
                "log(softmax) be worked out without taking the logarithm of a probability?",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "(logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))).gather",
                name="exponential-overflows",
                hint="exp(1000) is infinite. Which number may be subtracted from a row of logits "
                "without changing its softmax?",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "(logits - logits.max() - torch.log(torch.exp(logits - logits.max())"
                ".sum(dim=1, keepdim=True))).gather",
                name="one-maximum-for-the-batch",
                hint="Two rows of logits may lie 1000 apart: is the greatest logit of the batch a "
                "good shift for both?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt - (1 - pt) ** gamma",
                "-((1 - pt) ** gamma)",
                name="modulation-treated-as-constant",
                hint="p_t stands in the loss twice: which of the two has no term in your gradient?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt - (1 - pt) ** gamma",
                "gamma * power * pt * log_pt + (1 - pt) ** gamma",
                name="sign-of-the-cross-entropy-term",
                hint="With gamma = 0 your gradient should be that of cross-entropy: is it?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt",
                "gamma * power * log_pt",
                name="probability-missing-in-the-chain",
                hint="The derivative of p_t with respect to log(p_t) is not 1: follow the chain "
                "once more.",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt",
                "-gamma * power * pt * log_pt",
                name="inner-derivative-forgotten",
                hint="1 - p_t falls when p_t grows: what does that do to the sign of this term?",
            ),
            edit(
                focal_loss_backward,
                "(1 - pt) ** (gamma - 1), 0.0)",
                "(1 - pt) ** gamma, 0.0)",
                name="exponent-not-lowered",
                hint="What is the derivative of u ** gamma with respect to u?",
            ),
            edit(
                focal_loss_backward,
                "torch.where(pt < 1, (1 - pt) ** (gamma - 1), 0.0)",
                "(1 - pt) ** (gamma - 1)",
                name="zero-times-infinity",
                hint="A sample can be so easy that p_t rounds to 1. What is 0 ** (gamma - 1) "
                "then, for gamma below 1?",
            ),
            edit(
                focal_loss_backward,
                "(one_hot - p)",
                "(one_hot - pt)",
                name="target-probability-for-every-class",
                hint="Each logit has its own probability in the derivative of log(p_t): which one "
                "did you use?",
            ),
            edit(
                focal_loss_backward,
                "(one_hot - p)",
                "one_hot",
                name="only-the-target-gets-a-gradient",
                hint="Softmax ties the classes together: what happens to p_t when another class's "
                "logit grows?",
            ),
            edit(
                focal_loss_backward,
                "slope = slope * alpha.gather(0, target).unsqueeze(1)",
                "pass",
                name="class-weights-missing-in-backward",
                hint="alpha scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                focal_loss_backward,
                "grad_y / len(logits) if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by N. Where is that in the gradient?",
            ),
            edit(
                focal_loss_backward,
                "grad_loss.reshape(-1, 1) * slope",
                "slope / (len(logits) if reduction == 'mean' else 1)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
