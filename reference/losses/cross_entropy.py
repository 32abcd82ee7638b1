"""The negative log-likelihood under softmax, from logits."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, upstream

from ._shared import _class_weights, _classes, _classification, _log_softmax
from .nll_loss import nll_loss, nll_loss_backward


def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood under softmax (Bishop 2006, equation 4.108):

        loss = -weight[t] * log(softmax(logits)[t])    for a sample whose target is class t,
               0                                       where the target is ignore_index,

    which is `nll_loss` of the logarithm of softmax. It is finite for logits of any finite size,
    which the logarithm of a probability that rounds to 0 is not.

    Args:
        logits: `(N, C)`, before the softmax.
        target: `(N,)`, int64, the classes' indices; ignore_index may be any number, also one that
            is no class or one that is.
        weight: `(C,)`, the weight of each class, or None for 1.
        ignore_index: samples with this target count nowhere.
        reduction: "none"; "mean", which divides by the summed weights of the targets that are not
            ignored, NaN if all are ignored; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    log_probs = _log_softmax(logits)  # (N, C)
    return nll_loss(log_probs, target, weight, ignore_index, reduction)


def cross_entropy_backward(
    grad_y, logits, target, weight=None, ignore_index=-100, reduction="mean"
):
    """The gradient of `cross_entropy` (Bishop 2006, equation 4.109): what softmax says minus what
    it should have said,

        d loss / d logits[j] = weight[t] * (p_j - (1 if j == t else 0)),    p = softmax(logits),

    and 0 in the whole row where the target is ignored.

    It is the chain rule through log p_t = logits[t] - log(sum(exp(logits))): the gradient with
    respect to log p, less p times its sum over the classes.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        logits, target, weight, ignore_index, reduction: what the forward received.

    Returns:
        grad_logits, `(N, C)`; finite for any finite logits.
    """
    log_p = _log_softmax(logits)  # (N, C)
    grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, reduction)
    return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)


ENTROPY, ENTROPY_IGNORED, ENTROPY_DEGENERATE, ENTROPY_FLOAT32 = _classification(
    "logits", lambda *shape: normal(*shape, std=1.5)
)
ENTROPY_LARGE = (
    case(
        "rows at different levels",
        public=True,
        target=_classes(6, 3),
        logits=normal(6, 3).map(lambda t: t + torch.linspace(-2e3, 2e3, 6).unsqueeze(1).double()),
    ),
    case("logits of 1e4", target=_classes(8, 4), logits=normal(8, 4, std=1e4), reduction="none"),
    case(
        "class weights, logits of 1e3",
        target=_classes(9, 3),
        logits=normal(9, 3, std=1e3),
        weight=_class_weights(3),
    ),
)

EXERCISES = (
    Exercise(
        functions=(cross_entropy, cross_entropy_backward),
        checks=(
            values(cross_entropy, ENTROPY, points={"loss": 1.75}, name="loss"),
            values(
                cross_entropy,
                ENTROPY_IGNORED + ENTROPY_DEGENERATE,
                points={"loss": 1.5},
                name="ignored targets",
            ),
            values(cross_entropy, ENTROPY_LARGE, points={"loss": 1.25}, name="large logits"),
            precision(cross_entropy, ENTROPY_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY),
                points={"grad_logits": 1.5},
                name="backward",
            ),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_IGNORED),
                points={"grad_logits": 1.25},
                name="backward with ignored targets",
            ),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_LARGE),
                points={"grad_logits": 1.25},
                name="backward, large logits",
            ),
            precision(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_FLOAT32),
                points={"grad_logits": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(torch.softmax(logits, dim=1))",
                name="softmax-taken-twice",
                hint="Logits come in, not probabilities: how often does your function normalise "
                "them?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits",
                name="softmax-missing",
                hint="What is the loss when all logits are raised by 1? It should not change.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.softmax(logits, dim=1)",
                name="logarithm-missing",
                hint="How large does the loss of a target with probability near 0 become? It "
                "should have no bound.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(logits) / 0.6931471805599453",
                name="logarithm-to-base-two",
                hint="With equal logits for two classes the loss is 0.693: what is yours, and "
                "which base is that?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(logits.T).T",
                name="softmax-over-the-batch",
                hint="Should the probabilities of a sample depend on what else is in the batch?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1) + 1e-8)",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm keeps it finite, and wrong. Can "
                "log(softmax) be worked out without taking the logarithm of a probability?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1).clamp(1e-7, 1 - 1e-7))",
                name="probability-clipped",
                hint="A clipped probability keeps the logarithm finite, and wrong: what should a "
                "loss of 1000 become?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1).clamp(min=1e-7))",
                name="probability-bounded-from-below",
                hint="A bound under the probability keeps the logarithm finite, and wrong: what "
                "should a loss of 1000 become?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1))",
                name="probability-rounds-to-zero",
                hint="A probability of exp(-1000) rounds to 0, and its logarithm is infinite. "
                "Simplify log(exp(z_t) / sum(exp(z))) on paper first.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))",
                name="exponential-overflows",
                hint="exp(1000) is infinite. Which number may be subtracted from a row of logits "
                "without changing its softmax?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits - logits.max() - torch.log(torch.exp(logits - "
                "logits.max()).sum(dim=1, keepdim=True))",
                name="one-maximum-for-the-batch",
                hint="Two rows of logits may lie 1000 apart: is the greatest logit of the batch "
                "a good shift for both?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return -nll_loss(log_probs, target, weight, ignore_index, reduction)",
                name="sign-missing",
                hint="Can your loss be negative? The logarithm of a probability is never above 0.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, None, ignore_index, reduction)",
                name="class-weights-ignored",
                hint="What does weight do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / len(target) "
                "if reduction == 'mean' else nll_loss(log_probs, target, weight, ignore_index, "
                "reduction)",
                name="mean-over-the-samples",
                hint="With weights 1 and 3, how is a weighted mean of two numbers formed? By "
                "what is divided, and does an ignored sample count there?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / (target != "
                "ignore_index).sum() if reduction == 'mean' else nll_loss(log_probs, target, "
                "weight, ignore_index, reduction)",
                name="weights-missing-in-the-divisor",
                hint="Double all class weights: a weighted mean does not change. Does yours?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / "
                "logits.numel() if reduction == 'mean' else nll_loss(log_probs, target, weight, "
                "ignore_index, reduction)",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum' if reduction == "
                "'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, -100, reduction)",
                name="ignore-index-fixed",
                hint="Try another ignore_index than -100.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, torch.where(target == ignore_index, 0, target), "
                "weight, -100, reduction)",
                name="ignored-targets-as-class-zero",
                hint="A target that is ignored has to be replaced by some class to be looked up. "
                "Does that class then count?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return torch.nan_to_num(nll_loss(log_probs, target, weight, ignore_index, "
                "reduction))",
                name="empty-mean-hidden",
                hint="What is the mean of no numbers? A quiet 0 would look like a perfect batch.",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return grad_log_p",
                name="only-the-target-gets-a-gradient",
                hint="Softmax ties the classes together: what happens to p_t when another "
                "class's logit grows?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return -torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                name="target-not-subtracted",
                hint="A sample that is classified perfectly should get no gradient. What is "
                "yours when p_t is 1?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True) - grad_log_p",
                name="sign-reversed",
                hint="When the target's logit grows, does the loss grow or fall?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return (grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)) * "
                "torch.exp(log_p) * (1 - torch.exp(log_p))",
                name="softmax-differentiated-twice",
                hint="p minus the target is the derivative by the logits already: is there "
                "another factor of softmax left to differentiate?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return grad_log_p - logits * grad_log_p.sum(dim=1, keepdim=True)",
                name="softmax-missing-in-backward",
                hint="From what is the target subtracted: from the logits, or from what softmax "
                "makes of them?",
            ),
            edit(
                cross_entropy_backward,
                "log_p = _log_softmax(logits)",
                "log_p = _log_softmax(logits.T).T",
                name="softmax-over-the-batch-in-backward",
                hint="Do your probabilities of one sample add up to 1?",
            ),
            edit(
                cross_entropy_backward,
                "log_p = _log_softmax(logits)",
                "log_p = logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))",
                name="exponential-overflows-in-backward",
                hint="exp(1000) is infinite: what does the gradient become when the softmax is "
                "infinity over infinity?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(torch.ones_like(grad_y), log_p, target, weight, "
                "ignore_index, reduction)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, None, ignore_index, "
                "reduction)",
                name="class-weights-missing-in-backward",
                hint="weight scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                cross_entropy_backward,
                "    return grad_log_p - torch.exp(log_p)",
                "    if weight is not None:\n        grad_log_p = grad_log_p / weight\n"
                "    return grad_log_p - torch.exp(log_p)",
                name="weights-in-the-divisor-only",
                hint="The summed weights divide the gradient of the mean. Does a sample's own "
                "weight multiply it?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "'sum' if reduction == 'mean' else reduction)",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the summed weights. Where is that in the gradient?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y / (len(target) if reduction == 'mean' "
                "else 1), log_p, target, weight, ignore_index, 'sum' if reduction == 'mean' else "
                "reduction)",
                name="divided-by-the-samples-in-backward",
                hint="By what did the forward divide, with class weights and ignored targets?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, torch.where(target == "
                "ignore_index, 0, target), weight, -100, reduction)",
                name="ignored-samples-get-a-gradient",
                hint="The loss does not depend on an ignored sample: what is its gradient?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, -100, reduction)",
                name="ignore-index-fixed-in-backward",
                hint="Try another ignore_index than -100.",
            ),
        ),
    ),
)
