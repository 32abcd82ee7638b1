"""Dropout on the weights of attention."""

import torch

from autograder.checks import drops, errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _keep_probability, _mask
from .dropout import dropout_backward


def attention_dropout(scores, p=0.1, training=True, generator=None):
    """Attention weights with dropout: the softmax of the scores (Vaswani et al. 2017, equation 1),
    then `dropout` of its result.

    A row of scores says how much one query looks at each key. Its softmax, the attention, is

        attention = exp(scores) / sum of exp(scores) over the last dimension,

    stable for scores of any finite size. In training mode each weight is then kept with
    probability 1 - p, on its own, and scaled by 1 / (1 - p), or zero, as in `dropout`. So rows sum
    to one on average only. (Zehui et al. 2019 divide each row by what its sum has become; here, as
    in PyTorch, nothing is done about it.)

    Args:
        scores: `(..., queries, keys)`.
        p: the probability of dropping a weight, in [0, 1].
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        weights, of the shape of scores; mask, bool, of the shape of scores, True where the weight
        was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    e = torch.exp(scores - scores.amax(dim=-1, keepdim=True))  # in [0, 1]: never overflows
    attention = e / e.sum(dim=-1, keepdim=True)
    if not training:
        return attention, torch.ones_like(scores, dtype=torch.bool)
    mask = torch.rand(scores.shape, generator=generator, device=scores.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    weights = torch.where(mask, attention * scale, 0.0)
    return weights, mask


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    """The gradient of `attention_dropout`: back through the dropout, then through the softmax.

    Raising one score of a row takes attention away from all others of that row:

        d attention_j / d score_k = attention_j * ((1 if j == k else 0) - attention_k),

    and therefore, summed over j,

        grad_scores = attention * (grad_attention - sum(attention * grad_attention)).

    Args:
        grad_weights: the gradient with respect to weights, of the shape of scores.
        scores, p, training: what the forward received.
        mask: what the forward returned, of the shape of scores.

    Returns:
        grad_scores, of the shape of scores; finite for scores of any finite size, and zero when
        everything was dropped.
    """
    e = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    attention = e / e.sum(dim=-1, keepdim=True)
    grad_attention = dropout_backward(grad_weights, mask, p, training)
    along = (attention * grad_attention).sum(dim=-1, keepdim=True)
    return attention * (grad_attention - along)


def _attention_scaled(scores, p, training):
    """Attention dropout's output where nothing is dropped."""
    return torch.softmax(scores, dim=-1) / (1 - p)


def _uneven(*shape):
    """Scores whose rows stand at very different levels, and a row whose scores lie far apart."""
    levels = torch.tensor([1e4, -1e4, 0.0, 200.0, 0.0], dtype=torch.float64)
    spread = torch.tensor([1.0, 1.0, 1.0, 1.0, 1e4], dtype=torch.float64)
    return normal(*shape, 5, 6).map(lambda t: t * spread[:, None] + levels[:, None])


ATTENTION_TRAINING = (
    case("heads, p = 0.3", public=True, scores=normal(4, 4, 10, 12), p=0.3),
    # Long enough to tell independent weights from an exact number of zeros.
    case("one matrix, p = 0.6", scores=normal(100, 120), p=0.6),
    case("heads, default p", scores=normal(6, 4, 12, 15)),
    case(
        "transposed strides, p = 0.5",
        scores=normal(3, 14, 6, 8).map(lambda t: t.transpose(1, 3)),
        p=0.5,
    ),
)
ATTENTION_CERTAIN = (
    case("evaluation", public=True, scores=normal(2, 3, 5, 6, std=2.0), p=0.3, training=False),
    case("evaluation, p = 1", scores=normal(7, 5), p=1.0, training=False),
    case("p = 0", scores=normal(3, 4, 5, std=2.0), p=0.0),
    case("p = 1", scores=normal(2, 3, 4, 5), p=1.0),
)
# With p = 1 among them, an answer in which nothing is ever dropped earns nothing for its mask.
ATTENTION_STABLE = (
    case("uneven rows", public=True, scores=_uneven(2, 3), p=0.3, training=False),
    case("uneven rows, p = 0", scores=_uneven(4), p=0.0),
    case("uneven rows, p = 1", scores=_uneven(3), p=1.0),
    case(
        "greatest numbers",
        scores=normal(4, 6).map(lambda t: t + torch.tensor([3e38, -3e38, 1e30, 0, -1e30, 1])),
        training=False,
    ),
)
ATTENTION_FLOAT32 = (
    case("evaluation", public=True, scores=normal(2, 3, 5, 6, std=2.0), training=False),
    case("uneven rows", scores=_uneven(2), training=False),
    case("p = 1", scores=normal(3, 4), p=1.0),
)
ATTENTION_REFUSED = (
    case("p above 1", scores=normal(3, 4), p=1.5),
    case("p below 0", scores=normal(3, 4), p=-0.25),
    case("p above 1 in evaluation", scores=normal(3, 4), p=1.5, training=False),
)


def _dropped(*shape, share, **scores):
    """What the backward receives: a gradient, scores and a mask that keeps about that share."""
    return {
        "grad_weights": normal(*shape),
        "scores": normal(*shape, **scores),
        "mask": _mask(*shape, share=share),
    }


ATTENTION_BACKWARD = (
    case("heads, p = 0.3", public=True, **_dropped(2, 3, 5, 6, share=0.7), p=0.3),
    case("one matrix, p = 0.75", **_dropped(9, 8, share=0.25, std=2.0), p=0.75),
    case("default p", **_dropped(4, 6, 7, share=0.9)),
    case(
        "transposed strides, p = 0.4",
        **_dropped(3, 6, 5, share=0.6)
        | {"scores": normal(3, 5, 6).map(lambda t: t.transpose(1, 2))},
        p=0.4,
    ),
    case("p = 0", **_dropped(4, 5, share=2.0), p=0.0),
)
ATTENTION_BACKWARD_CERTAIN = (
    case(
        "evaluation", public=True, **_dropped(2, 3, 4, 5, share=2.0, std=2.0), p=0.3, training=False
    ),
    case("evaluation, p = 1", **_dropped(6, 4, share=2.0), p=1.0, training=False),
    case("p = 1", **_dropped(4, 5, share=0.0), p=1.0),
)
ATTENTION_BACKWARD_STABLE = (
    case(
        "uneven rows", public=True, **_dropped(2, 5, 6, share=0.7) | {"scores": _uneven(2)}, p=0.3
    ),
    case(
        "uneven rows, evaluation",
        **_dropped(3, 5, 6, share=2.0) | {"scores": _uneven(3)},
        training=False,
    ),
    case("uneven rows, p = 1", **_dropped(2, 5, 6, share=0.0) | {"scores": _uneven(2)}, p=1.0),
)

EXERCISES = (
    Exercise(
        functions=(
            attention_dropout,
            attention_dropout_backward,
        ),
        checks=(
            drops(
                attention_dropout,
                ATTENTION_TRAINING,
                points={"weights": 1.75, "mask": 1, "generator": 0.5},
                keep=_keep_probability,
                kept=_attention_scaled,
                name="training",
            ),
            values(
                attention_dropout,
                ATTENTION_CERTAIN,
                points={"weights": 0.5, "mask": 0.5},
                name="evaluation, p = 0 and p = 1",
            ),
            values(
                attention_dropout,
                ATTENTION_STABLE,
                points={"weights": 0.5, "mask": 0.25},
                name="scores of any size",
            ),
            precision(
                attention_dropout,
                ATTENTION_FLOAT32,
                points={"weights": 0.25, "mask": 0.25},
                name="float32",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD,
                points={"grad_scores": 2},
                name="backward",
                unverified="the mask is what the forward draws, so no other point has the same one",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD_CERTAIN,
                points={"grad_scores": 0.5},
                name="backward in evaluation and with p = 1",
                unverified="the mask is what the forward draws, so no other point has the same one",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD_STABLE,
                points={"grad_scores": 0.75},
                name="backward, scores of any size",
                unverified="the mask is what the forward draws, so no other point has the same one",
            ),
            precision(
                attention_dropout_backward,
                ATTENTION_BACKWARD[:2] + ATTENTION_BACKWARD_STABLE,
                points={"grad_scores": 0.5},
                name="backward in float32",
            ),
            errors(attention_dropout, ATTENTION_REFUSED, points=0.25),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "torch.softmax(scores, dim=-2)",
                name="softmax-over-queries",
                hint="In evaluation mode, which sums are one, those of the rows or those of the "
                "columns? Each query shares its attention out among the keys.",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "torch.softmax(scores.flatten(-2), dim=-1).view(scores.shape)",
                name="softmax-over-the-whole-matrix",
                hint="Each query has attention of its own to share out: what does each row sum to "
                "in evaluation mode?",
            ),
            edit(
                attention_dropout,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores)",
                name="exponential-overflows",
                hint="Work out exp(10000) by hand: what is infinity divided by infinity? A softmax"
                " stays the same when a constant is taken off a row.",
            ),
            edit(
                attention_dropout,
                "scores.amax(dim=-1, keepdim=True)",
                "scores.max()",
                name="one-shift-for-all-rows",
                hint="Take one row at 10000 and another at -10000: after your shift, what is left "
                "of the second one?",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "e / (e.sum(dim=-1, keepdim=True) + 1e-8)",
                name="eps-in-the-denominator",
                hint="Once the greatest score is taken off, how small can the sum get? Then is "
                "there anything to be afraid of?",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "scores",
                name="softmax-forgotten",
                hint="Attention weights are positive and sum to one before anything is dropped: "
                "are yours?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.softmax(torch.where(mask, scores, 0.0), dim=-1) * scale",
                name="scores-dropped",
                hint="A score of zero is no weight of zero: exp(0) is 1. What should be dropped, "
                "scores or weights?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.softmax(torch.where(mask, scores * scale, 0.0), dim=-1)",
                name="scores-dropped-and-scaled",
                hint="A score of zero is no weight of zero: exp(0) is 1. What should be dropped "
                "and scaled, scores or weights?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.softmax(torch.where(mask, scores, -torch.inf), dim=-1)",
                name="masked-before-the-softmax",
                hint="Dropped before the softmax, the others take over at once what was dropped: "
                "here they are scaled by 1 / (1 - p), and nothing else. What is a row in "
                "which everything is dropped?",
            ),
            edit(
                attention_dropout,
                "return weights, mask",
                "return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-12), mask",
                name="rows-renormalised",
                hint="The rows sum to one on average; a single row need not after dropout. By "
                "which factor is what is kept to be scaled?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.where(mask, attention, 0.0)",
                name="not-scaled",
                hint="Average the weights over many draws: are they the attention? What is kept "
                "has to make up for what is dropped.",
            ),
            edit(
                attention_dropout,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="Training makes up for what is dropped: in which direction must it scale?",
            ),
            edit(
                attention_dropout,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="For p = 0.1 nearly everything is kept: how large should the factor be that "
                "makes up for the rest?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.where(mask, attention * scale * scale, 0.0)",
                name="scaled-twice",
                hint="How many times is something dropped here, and so how many times must it be "
                "made up for?",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores.shape[-2:], generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="one-mask-for-all-heads",
                hint="Compare the masks of two heads: each weight of each head is to be kept or "
                "dropped on its own.",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores[..., :1, :].shape, generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="whole-keys-dropped",
                hint="Look at one column: does a key that is dropped for one query have to be "
                "dropped for all?",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores[..., :1].shape, generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="whole-queries-dropped",
                hint="Look at one row: is there a query that sees nothing at all? Each weight is "
                "dropped on its own.",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "torch.rand(scores.shape, generator=generator, device=scores.device)"
                ".argsort(-1) >= round(p * scores.shape[-1])",
                name="exact-number-per-row",
                hint="Count the zeros of several rows. With independent weights, should the count "
                "be the same in each?",
            ),
            edit(
                attention_dropout,
                "device=scores.device) >= p",
                "device=scores.device) < p",
                name="keep-and-drop-swapped",
                hint="p is the probability of dropping: with p = 0.1, how many weights should be "
                "zero?",
            ),
            edit(
                attention_dropout,
                "generator=generator, device=scores.device) >= p",
                "generator=torch.Generator(scores.device).manual_seed(0), "
                "device=scores.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                attention_dropout,
                "generator=generator, device=scores.device) >= p",
                "generator=None, device=scores.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                attention_dropout,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "sentence?",
            ),
            edit(
                attention_dropout,
                "return attention, torch",
                "return attention * (1 - p), torch",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled to match evaluation on average: what is "
                "left to do in evaluation?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "attention * mask / torch.tensor(1 - p, dtype=scores.dtype, device=scores.device)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                attention_dropout,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
            edit(
                attention_dropout,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores.sub_(scores.amax(dim=-1, keepdim=True)))",
                name="in-place",
                hint="The backward needs the scores again: are they the same after your call?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return attention * (1 - attention) * grad_attention",
                name="diagonal-only",
                hint="That is how a weight moves with its own score. How does it move with the "
                "other scores of its row?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return grad_attention",
                name="softmax-forgotten-backwards",
                hint="You are back at the attention: the softmax is still between it and the "
                "scores.",
            ),
            edit(
                attention_dropout_backward,
                "e / e.sum(dim=-1, keepdim=True)",
                "dropout_backward(e / e.sum(dim=-1, keepdim=True), mask, p, training)",
                name="dropped-weights-in-the-softmax",
                hint="The softmax came before the dropout: its derivative is written in terms of "
                "its own output. Which tensor is that?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "(attention * grad_attention).mean(dim=-1, keepdim=True)",
                name="mean-for-sum",
                hint="Each score moves all the weights of its row: are their effects added up or "
                "averaged?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "(attention * grad_attention).sum(dim=-2, keepdim=True)",
                name="summed-over-queries",
                hint="Which weights does a score move, those of its row or those of its column?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "grad_attention.mean(dim=-1, keepdim=True)",
                name="gradients-averaged-without-weights",
                hint="What is taken off the gradients is their average by attention, not their "
                "plain average: add a little to one score and see which weights change.",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return grad_attention - along",
                name="factor-attention-missing",
                hint="A key with no attention: how much does a small change of its score do?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return attention * (grad_attention + along)",
                name="sign-of-the-sum",
                hint="Add the same number to all scores of a row: what happens to the weights, and"
                " so what must grad_scores sum to?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "torch.where(mask, grad_weights, 0.0)",
                name="backward-not-scaled",
                hint="The forward multiplied what it kept by a factor: what does that do to the "
                "gradient?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "grad_weights / (1 - p) if training and p < 1 else grad_weights",
                name="backward-without-mask",
                hint="A dropped weight has no influence on the loss: what gradient passes through "
                "it?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, ~mask, p, training)",
                name="backward-mask-inverted",
                hint="True means kept: through which weights does the gradient flow?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, torch.rand(scores.shape) >= p, p, training)",
                name="new-mask-in-backward",
                hint="Backward has to undo what this forward did: whose mask says what was kept?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights / (1 - p) if p < 1 else grad_weights, mask, p,"
                " training)",
                name="backward-scaled-twice",
                hint="grad_weights arrives unscaled: how often does the forward's factor belong to"
                " it, and in which mode?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, mask, p)",
                name="backward-scaled-in-evaluation",
                hint="In evaluation mode nothing is dropped and nothing scaled: what is left of "
                "the backward?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "grad_weights * mask / torch.tensor(1 - p, dtype=scores.dtype) if training "
                "else grad_weights",
                name="backward-zero-by-zero",
                hint="With p = 1 nothing was kept: which number do you divide by then?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return dropout_backward(attention * (grad_weights - (attention * grad_weights)"
                ".sum(dim=-1, keepdim=True)), mask, p, training)",
                name="backward-in-forward-order",
                hint="The forward went through the softmax and then the dropout: in which order "
                "does the gradient come back?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return torch.where(mask, attention * (grad_attention - along), 0.0)",
                name="gradient-only-where-kept",
                hint="Raise the score of a key whose weight was dropped: do the weights of the "
                "other keys stay as they are?",
            ),
            edit(
                attention_dropout_backward,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores)",
                name="backward-overflows",
                hint="The gradient has to be finite for scores of any finite size: which of your "
                "terms becomes infinite?",
            ),
            edit(
                attention_dropout_backward,
                "scores.amax(dim=-1, keepdim=True)",
                "scores.max()",
                name="one-shift-for-all-rows-backwards",
                hint="Take one row at 10000 and another at -10000: after your shift, what is left "
                "of the second one?",
            ),
        ),
    ),
)
