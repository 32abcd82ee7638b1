"""The hinge on the difference of two scores."""

import torch

from autograder.checks import gradients, precision, values
from autograder.exercise import Exercise, Recipe, case, edit, normal, upstream

from ._shared import _reduce, _same_first


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    """The hinge on the difference of two scores (Herbrich, Graepel & Obermayer 2000):

        loss = max(0, -y * (x1 - x2) + margin).

    y = 1 says that x1 should rank above x2, y = -1 that x2 should. A pair that is in order by at
    least the margin costs nothing, and still counts in the mean.

    Args:
        x1, x2: the scores, of one shape.
        y: 1 or -1 for each pair, of that shape and dtype.
        margin: by how much the scores should differ.
        reduction: "none"; "mean", over all pairs; or "sum".

    Returns:
        the loss, of the shape of x1 for "none", else `()`.
    """
    loss = torch.clamp(-y * (x1 - x2) + margin, min=0)
    return _reduce(loss, reduction)


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    """The gradient of `margin_ranking_loss`: -y for x1 and y for x2 where the pair costs something,
    0 where it does not.

    Where -y * (x1 - x2) + margin is 0 every derivative between the two is right; PyTorch takes
    -y and y.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        x1, x2, y, margin, reduction: what the forward received.

    Returns:
        grad_x1, grad_x2, both of the shape of x1.
    """
    grad_loss = grad_y / x1.numel() if reduction == "mean" else grad_y
    costs = -y * (x1 - x2) + margin >= 0
    grad_x1 = torch.where(costs, -y * grad_loss, 0.0)
    return grad_x1, -grad_x1


def _signs(*shape):
    """1 or -1, as likely, and both among the first two."""

    def make(generator, _):
        flat = torch.randint(0, 2, shape, generator=generator).flatten().double() * 2 - 1
        flat[:2] = torch.tensor([1.0, -1.0])
        return flat.view(shape)

    return Recipe(make)


PAIRS = (
    case("pairs", public=True, x1=normal(12), x2=normal(12), y=_signs(12)),
    case("margin 0.8", public=True, x1=normal(12), x2=normal(12), y=_signs(12), margin=0.8),
    case(
        "rows of pairs, margin 0.5",
        x1=normal(4, 6),
        x2=normal(4, 6),
        y=_signs(4, 6),
        margin=0.5,
    ),
    case(
        "each pair, transposed strides, margin 1.5",
        x1=normal(5, 4).map(lambda t: t.T),
        x2=normal(4, 5),
        y=_signs(4, 5),
        margin=1.5,
        reduction="none",
    ),
    case(
        "sum, margin 0.3",
        x1=normal(3, 8),
        x2=normal(3, 8),
        y=_signs(3, 8),
        margin=0.3,
        reduction="sum",
    ),
)
PAIRS_FLOAT32 = (
    case("margin 0.8", public=True, x1=normal(12), x2=normal(12), y=_signs(12), margin=0.8),
    case("each pair", x1=normal(4, 5), x2=normal(4, 5), y=_signs(4, 5), reduction="none"),
)
TIES = (
    case(
        "four ties",
        public=True,
        kinks=("x1",),
        x1=_same_first(normal(14), 4),
        x2=_same_first(normal(14), 4),
        y=_signs(14),
        reduction="none",
    ),
    case(
        "ties, mean",
        kinks=("x1",),
        x1=_same_first(normal(3, 6), 3),
        x2=_same_first(normal(3, 6), 3),
        y=_signs(3, 6),
    ),
)

EXERCISES = (
    Exercise(
        functions=(margin_ranking_loss, margin_ranking_loss_backward),
        checks=(
            values(margin_ranking_loss, PAIRS, points={"loss": 3.5}, name="loss"),
            precision(margin_ranking_loss, PAIRS_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, PAIRS),
                points={"grad_x1": 2, "grad_x2": 2},
                name="backward",
            ),
            gradients(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, TIES),
                points={"grad_x1": 0.5, "grad_x2": 0.5},
                name="backward at the kink",
            ),
            precision(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, PAIRS_FLOAT32),
                points={"grad_x1": 0.25, "grad_x2": 0.25},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(y * (x1 - x2) + margin",
                name="order-reversed",
                hint="y = 1 says that x1 should be the larger. What does a pair cost that is so?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-(x1 - x2) + margin",
                name="label-ignored",
                hint="Which of the two scores should be the larger? Ask y.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2)",
                name="margin-omitted",
                hint="A pair in the right order by a hair's breadth is not good enough.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2) - margin",
                name="margin-subtracted",
                hint="Does a greater margin ask for more, or for less? See what it does to your "
                "loss.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2 - margin)",
                name="margin-within-the-difference",
                hint="For y = 1 that is right. Which sign does the margin get for y = -1, and "
                "which one is asked for?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2 + margin)",
                name="margin-multiplied-by-the-label",
                hint="The margin is asked for in either direction: what does yours do for y = -1?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2).abs() + margin",
                name="distance-for-difference",
                hint="A distance is the same whichever score is larger. Is the loss?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "-y * (x1 - x2) + margin",
                name="hinge-missing",
                hint="What does a pair cost that is in order by far more than the margin?",
            ),
            edit(
                margin_ranking_loss,
                "min=0)",
                "max=0)",
                name="hinge-the-other-way",
                hint="Can your loss be positive? A loss that can only fall below 0 rewards what "
                "costs nothing.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "torch.clamp(-y * (x1 - x2), min=0) + margin",
                name="margin-outside-the-hinge",
                hint="What does a pair cost that is in order by more than the margin? It should "
                "be nothing.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "torch.clamp(-y * (x1 - x2) + margin, min=0) ** 2",
                name="hinge-squared",
                hint="By how much does the cost grow when the scores are moved by 1, and by 2?",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / (loss > 0).sum() if reduction == 'mean' else "
                "_reduce(loss, reduction)",
                name="mean-over-the-costly-pairs",
                hint="Do pairs that cost nothing count in your mean?",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of pairs? A mean does not.",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(x1) if reduction == 'mean' else _reduce(loss, reduction)",
                name="mean-over-the-rows-only",
                hint="A row may hold several pairs: by how many do you divide?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return grad_x1, grad_x1",
                name="both-pulled-one-way",
                hint="Only the difference of the scores counts: if x1 should rise, what should x2 "
                "do?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return -grad_x1, grad_x1",
                name="gradients-swapped",
                hint="For y = 1 and a pair in the wrong order, should a step against the gradient "
                "raise x1, or lower it?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return grad_x1, torch.zeros_like(grad_x1)",
                name="second-score-held-fixed",
                hint="Both scores come from the network: who pulls the second one?",
            ),
            edit(
                margin_ranking_loss_backward,
                "-y * grad_loss, 0.0)",
                "-grad_loss, 0.0)",
                name="label-missing-in-backward",
                hint="For y = -1 the scores should move the other way. Do yours?",
            ),
            edit(
                margin_ranking_loss_backward,
                "torch.where(costs, -y * grad_loss, 0.0)",
                "-y * grad_loss",
                name="satisfied-pairs-pulled",
                hint="What is the slope of the loss where it is 0?",
            ),
            edit(
                margin_ranking_loss_backward,
                "costs = -y * (x1 - x2) + margin",
                "costs = -y * (x1 - x2)",
                name="margin-missing-in-backward",
                hint="A pair in the right order by less than the margin still costs something. "
                "Does it get a gradient?",
            ),
            edit(
                margin_ranking_loss_backward,
                "+ margin >= 0",
                "+ margin <= 0",
                name="hinge-reversed-in-backward",
                hint="Which pairs get a gradient, those that cost something or those that do not?",
            ),
            edit(
                margin_ranking_loss_backward,
                "grad_y / x1.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of pairs. Where is that in the gradient?",
            ),
            edit(
                margin_ranking_loss_backward,
                "torch.where(costs, -y * grad_loss, 0.0)",
                "torch.where(costs, -y * grad_loss / grad_y, 0.0)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
