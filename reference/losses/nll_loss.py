"""The negative log-likelihood, given logarithms of probabilities."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import _classes, _classification, _log_softmax, _reduce


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood of the targets (Goodfellow, Bengio & Courville 2016, section
    5.5), given logarithms of probabilities:

        loss = -weight[t] * log_probs[t]    for a sample whose target is class t,
               0                            where the target is ignore_index.

    Args:
        log_probs: `(N, C)`, the logarithm of each class's probability.
        target: `(N,)`, int64, the classes' indices; ignore_index may be any number, also one that
            is no class or one that is.
        weight: `(C,)`, the weight of each class, or None for 1.
        ignore_index: samples with this target count nowhere.
        reduction: "none"; "mean", which divides by the summed weights of the targets that are not
            ignored, so that it is a weighted mean, NaN if all are ignored; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    kept = target != ignore_index  # (N,)
    index = torch.where(kept, target, 0)  # an ignored target may be no class at all
    w = kept.to(log_probs.dtype)  # (N,), what each sample counts
    if weight is not None:
        w = w * weight.gather(0, index)
    log_pt = log_probs.gather(1, index.unsqueeze(1)).squeeze(1)  # (N,)
    loss = torch.where(kept, -w * log_pt, 0.0)
    if reduction == "mean":
        return loss.sum() / w.sum()
    return _reduce(loss, reduction)


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    """The gradient of `nll_loss`: one number per sample, at the target's class,

        d loss / d log_probs[j] = -weight[t] if j == t else 0,

    and 0 in the whole row where the target is ignored.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        log_probs, target, weight, ignore_index, reduction: what the forward received.

    Returns:
        grad_log_probs, `(N, C)`.
    """
    kept = target != ignore_index  # (N,)
    index = torch.where(kept, target, 0)
    w = kept.to(log_probs.dtype)  # (N,)
    if weight is not None:
        w = w * weight.gather(0, index)
    grad_loss = grad_y / w.sum() if reduction == "mean" else grad_y
    slope = -w * grad_loss  # (N,)
    return torch.zeros_like(log_probs).scatter(1, index.unsqueeze(1), slope.unsqueeze(1))


def _log_probs(*shape):
    """Logarithms of probabilities."""
    return normal(*shape, std=1.5).map(_log_softmax)


NLL, NLL_IGNORED, NLL_DEGENERATE, NLL_FLOAT32 = _classification("log_probs", _log_probs)
NLL_IMPROBABLE = (  # their probabilities are 0 in any floating-point type
    case(
        "improbable classes",
        target=_classes(8, 4),
        log_probs=normal(8, 4, std=3e3).map(_log_softmax),
        reduction="none",
    ),
)

EXERCISES = (
    Exercise(
        functions=(nll_loss, nll_loss_backward),
        checks=(
            values(nll_loss, NLL + NLL_IMPROBABLE, points={"loss": 2.5}, name="loss"),
            values(
                nll_loss,
                NLL_IGNORED + NLL_DEGENERATE,
                points={"loss": 2},
                name="ignored targets",
            ),
            precision(nll_loss, NLL_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL),
                points={"grad_log_probs": 2.5},
                name="backward",
            ),
            gradients(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL_IGNORED),
                points={"grad_log_probs": 1.5},
                name="backward with ignored targets",
            ),
            precision(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL_FLOAT32),
                points={"grad_log_probs": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                nll_loss,
                "-w * log_pt",
                "w * log_pt",
                name="sign-missing",
                hint="Can your loss be negative? The logarithm of a probability is never above 0.",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * torch.exp(log_pt)",
                name="probability-for-its-logarithm",
                hint="What comes in, and what does the name of the loss say is summed: "
                "likelihoods, or their logarithms?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * torch.log(torch.exp(log_pt).clamp(min=1e-12))",
                name="probability-clipped",
                hint="What comes in is a logarithm already. What is left of -2000 after exp, a "
                "bound from below, and log?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * torch.log(log_pt)",
                name="logarithm-taken-twice",
                hint="The input is a logarithm already: what is the logarithm of a negative "
                "number?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * log_probs.sum(dim=1)",
                name="every-class-counted",
                hint="Which of the classes does the likelihood of the target speak of?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-log_pt",
                name="weights-in-the-divisor-only",
                hint="A weighted mean has the weights above and below the line.",
            ),
            edit(
                nll_loss,
                "w = w * weight.gather(0, index)",
                "pass",
                name="class-weights-ignored",
                hint="What does weight do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                nll_loss,
                "w = w * weight.gather(0, index)",
                "w = w * weight[0]",
                name="one-weight-for-all-classes",
                hint="weight has one entry per class: which one belongs to which sample?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.mean()",
                name="mean-over-the-samples",
                hint="With weights 1 and 3, how is a weighted mean of two numbers formed? By "
                "what is divided, and does an ignored sample count there?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / kept.sum()",
                name="weights-missing-in-the-divisor",
                hint="Double all class weights: a weighted mean does not change. Does yours?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / (kept.sum() if weight is None else weight.sum())",
                name="divided-by-the-weights-of-the-classes",
                hint="A class may occur five times in the batch, or never. How often does its "
                "weight enter your divisor?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / log_probs.numel()",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum()",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / w.sum().clamp(min=1e-12)",
                name="empty-mean-hidden",
                hint="What is the mean of no numbers? A quiet 0 would look like a perfect batch.",
            ),
            edit(
                nll_loss,
                "/ w.sum()",
                "/ w.sum().clamp(min=1)",
                name="divisor-at-least-one",
                hint="A bound under the divisor keeps 0 / 0 away. What does yours do to class "
                "weights that add up to a half?",
            ),
            edit(
                nll_loss,
                "w = kept.to(log_probs.dtype)",
                "w = torch.ones_like(log_probs[:, 0])",
                name="ignored-samples-in-the-divisor",
                hint="An ignored sample adds nothing to the sum. What does it add to the divisor?",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = target != -100",
                name="ignore-index-fixed",
                hint="Try another ignore_index than -100.",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = target >= 0",
                name="negative-targets-ignored",
                hint="May a class such as 1 be ignored? What says which targets are: their sign, "
                "or an argument?",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = torch.ones_like(target, dtype=torch.bool)",
                name="ignored-targets-looked-up",
                hint="Which column do you read for a target of -100?",
            ),
            edit(
                nll_loss,
                "torch.where(kept, -w * log_pt, 0.0)",
                "(-w * log_pt)[kept]",
                name="ignored-samples-left-out",
                hint="With reduction='none' there is one number per sample: also for those that "
                "are ignored?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = w * grad_loss",
                name="sign-reversed",
                hint="When the target's log-probability grows, does the loss grow or fall?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * (grad_loss / grad_y)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * grad_loss / torch.exp(log_probs.gather(1, index[:, None])[:, 0])",
                name="derivative-by-the-probability",
                hint="The derivative is asked for with respect to what comes in. Is that p, or "
                "log p?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * grad_loss * log_probs.gather(1, index[:, None])[:, 0]",
                name="value-for-derivative",
                hint="What is the derivative of -w * x with respect to x? Does it depend on x?",
            ),
            edit(
                nll_loss_backward,
                "torch.zeros_like(log_probs).scatter(1, index.unsqueeze(1), slope.unsqueeze(1))",
                "slope.unsqueeze(1).repeat(1, log_probs.shape[1])",
                name="every-class-gets-the-gradient",
                hint="Which entries of a row does the loss of a sample depend on?",
            ),
            edit(
                nll_loss_backward,
                "torch.zeros_like(log_probs).scatter(1,",
                "(-slope.unsqueeze(1) * torch.exp(log_probs)).scatter_add(1,",
                name="gradient-of-cross-entropy",
                hint="Who takes the softmax here? Only its logarithm comes in, so only the last "
                "step is differentiated.",
            ),
            edit(
                nll_loss_backward,
                "w = w * weight.gather(0, index)",
                "pass",
                name="class-weights-missing-in-backward",
                hint="weight scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the summed weights. Where is that in the gradient?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y / len(target) if",
                name="divided-by-the-samples-in-backward",
                hint="By what did the forward divide, with class weights and ignored targets?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y / kept.sum() if",
                name="divisor-without-weights-in-backward",
                hint="Double all class weights: does your gradient under reduction='mean' "
                "change? The loss does not.",
            ),
            edit(
                nll_loss_backward,
                "w = kept.to(log_probs.dtype)",
                "w = torch.ones_like(log_probs[:, 0])",
                name="ignored-samples-get-a-gradient",
                hint="The loss does not depend on an ignored sample: what is its gradient?",
            ),
            edit(
                nll_loss_backward,
                "kept = target != ignore_index",
                "kept = target != -100",
                name="ignore-index-fixed-in-backward",
                hint="Try another ignore_index than -100.",
            ),
        ),
    ),
)
