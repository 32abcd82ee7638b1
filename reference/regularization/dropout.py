"""Dropout of elements and of whole channels, and the backward of both."""

import torch

from autograder.checks import drops, errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _keep_probability, _mask


def dropout(x, p=0.5, training=True, generator=None):
    """Set each element to zero with probability p (Srivastava et al. 2014), inverted scaling.

    In training mode a mask is drawn whose elements are independent and True, kept, with
    probability 1 - p. What is kept is scaled so that the expectation of y is x:

        y = x / (1 - p) where mask, else 0.

    In evaluation mode y is x, and everything is kept.

    Args:
        x: of any shape.
        p: the probability of dropping an element, in [0, 1]; with p = 1 everything is zero.
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        y, of the shape of x; mask, bool, of the shape of x, True where x was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    if not training:
        return x, torch.ones_like(x, dtype=torch.bool)
    mask = torch.rand(x.shape, generator=generator, device=x.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    y = torch.where(mask, x * scale, 0.0)
    return y, mask


def dropout2d(x, p=0.5, training=True, generator=None):
    """Spatial dropout: drop whole channels of single images (Tompson et al. 2015, section 3.2).

    Neighbouring pixels of a feature map are so alike that dropping some of them takes no
    information away. So a channel of an image is kept, with probability 1 - p, or dropped as a
    whole; everything else is as in `dropout`, whose backward serves this function too.

    Args:
        x: `(N, C, H, W)`.
        p: the probability of dropping a channel of an image, in [0, 1].
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        y, of the shape of x; mask, bool, `(N, C, 1, 1)`, True where the channel was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    n, c = x.shape[:2]
    if not training:
        return x, torch.ones(n, c, 1, 1, dtype=torch.bool, device=x.device)
    mask = torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    y = torch.where(mask, x * scale, 0.0)
    return y, mask


def dropout_backward(grad_y, mask, p=0.5, training=True):
    """The gradient of `dropout` and of `dropout2d`: the forward's own mask, the forward's scale.

    In evaluation mode the forward is the identity, and so is this.

    Args:
        grad_y: the gradient with respect to y.
        mask: what the forward returned; it broadcasts against grad_y.
        p: the probability of dropping; with p = 1 nothing was kept and the gradient is zero.
        training: what the forward received.

    Returns:
        grad_x, of the shape of grad_y.
    """
    if not training:
        return grad_y
    scale = 1 / (1 - p) if p < 1 else 0.0
    return torch.where(mask, grad_y * scale, 0.0)


def _kept_scaled(x, p, training):
    """Dropout's output where nothing is dropped."""
    return x / (1 - p)


DROPOUT_TRAINING = (
    case("images, p = 0.3", public=True, x=normal(8, 6, 8, 10, mean=1.0), p=0.3),
    # Long enough to tell independent elements from an exact number of zeros.
    case("features, p = 0.6", x=normal(100, 120), p=0.6),
    case("sequence, default p", x=normal(6, 20, 16)),
    case("few are dropped, p = 0.004", x=normal(60, 80), p=0.004),  # rounded, none is
    case(
        "transposed strides, p = 0.1",
        x=normal(8, 12, 12, 4).map(lambda t: t.transpose(1, 3)),
        p=0.1,
    ),
)
# Where nothing is left to chance. All of them in one check: identity passes the first ones,
# zeros pass the last one, and neither is dropout.
DROPOUT_CERTAIN = (
    case("evaluation", public=True, x=normal(4, 3, 5, 6), p=0.3, training=False),
    case("evaluation, p = 1", x=normal(7, 5), p=1.0, training=False),
    case("p = 0", x=normal(3, 4, 5), p=0.0),
    case("p = 1", x=normal(2, 3, 4, 5), p=1.0),
)
DROPOUT_REFUSED = (
    case("p above 1", x=normal(3, 4), p=1.5),
    case("p below 0", x=normal(3, 4), p=-0.25),
    case("p above 1 in evaluation", x=normal(3, 4), p=1.5, training=False),
)
DROPOUT_BACKWARD = (
    case(
        "p = 0.3", public=True, grad_y=normal(4, 3, 5, 6), mask=_mask(4, 3, 5, 6, share=0.7), p=0.3
    ),
    case("features, p = 0.75", grad_y=normal(9, 8), mask=_mask(9, 8, share=0.25), p=0.75),
    case("default p", grad_y=normal(6, 7), mask=_mask(6, 7, share=0.5)),
    case("mask of channels", grad_y=normal(5, 6, 4, 3), mask=_mask(5, 6, 1, 1, share=0.8), p=0.2),
    case("p = 0", grad_y=normal(4, 5), mask=torch.ones(4, 5, dtype=torch.bool), p=0.0),
)
DROPOUT_BACKWARD_CERTAIN = (
    case(
        "evaluation",
        public=True,
        grad_y=normal(4, 3, 5, 6),
        mask=torch.ones(4, 3, 5, 6, dtype=torch.bool),
        p=0.3,
        training=False,
    ),
    case("p = 1", grad_y=normal(4, 5), mask=torch.zeros(4, 5, dtype=torch.bool), p=1.0),
)


DROPOUT2D_TRAINING = (
    case("images, p = 0.3", public=True, x=normal(40, 16, 3, 4, mean=1.0), p=0.3),
    # As in `dropout`: long enough to tell independent channels from an exact number of them.
    case("many channels, p = 0.6", x=normal(90, 80, 1, 2), p=0.6),
    case("default p", x=normal(30, 24, 2, 2)),
    case("few are dropped, p = 0.004", x=normal(60, 80, 1, 1), p=0.004),  # rounded, none is
    case(
        "transposed strides, p = 0.1",
        x=normal(2, 24, 40, 3).map(lambda t: t.transpose(0, 2)),
        p=0.1,
    ),
)
DROPOUT2D_CERTAIN = (
    case("evaluation", public=True, x=normal(4, 3, 5, 6), p=0.3, training=False),
    case("evaluation, p = 1", x=normal(3, 5, 2, 4), p=1.0, training=False),
    case("p = 0", x=normal(3, 4, 5, 2), p=0.0),
    case("p = 1", x=normal(2, 3, 4, 5), p=1.0),
)
DROPOUT2D_REFUSED = (
    case("p above 1", x=normal(2, 3, 4, 5), p=1.5),
    case("p below 0", x=normal(2, 3, 4, 5), p=-0.25),
    case("p above 1 in evaluation", x=normal(2, 3, 4, 5), p=1.5, training=False),
)

EXERCISES = (
    Exercise(
        functions=(dropout, dropout_backward),
        checks=(
            drops(
                dropout,
                DROPOUT_TRAINING,
                points={"y": 2, "mask": 2, "generator": 0.5},
                keep=_keep_probability,
                kept=_kept_scaled,
                name="training",
            ),
            values(
                dropout,
                DROPOUT_CERTAIN,
                points={"y": 0.75, "mask": 0.75},
                name="evaluation, p = 0 and p = 1",
            ),
            gradients(
                dropout_backward,
                DROPOUT_BACKWARD,
                points={"grad_x": 1.75},
                name="backward",
                unverified="the mask is what the forward draws, so no other point has the same one",
            ),
            gradients(
                dropout_backward,
                DROPOUT_BACKWARD_CERTAIN,
                points={"grad_x": 0.75},
                name="backward in evaluation and with p = 1",
                unverified="the mask is what the forward draws, so no other point has the same one",
            ),
            precision(
                dropout_backward,
                DROPOUT_BACKWARD,
                points={"grad_x": 0.5},
                name="backward in float32",
            ),
            errors(dropout, DROPOUT_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                dropout,
                "return y, mask",
                "return y, ~mask",
                name="mask-of-what-is-dropped",
                hint="Your y is right, and the mask that you return is True where it was dropped: "
                "which elements does the docstring call True?",
            ),
            edit(
                dropout,
                ">= p",
                "< p\n    p = 1 - p",
                name="p-taken-for-keeping",
                hint="Your dropout is right for a p that is the probability of keeping, as some "
                "texts have it. In this course, as in PyTorch, p is that of dropping.",
            ),
            edit(
                dropout,
                "device=x.device) >= p",
                "device=x.device) < p",
                name="keep-and-drop-swapped",
                hint="In this course, as in PyTorch, p is the probability of dropping. Other "
                "texts use p for keeping: try p = 0.1 and count the zeros.",
            ),
            edit(
                dropout,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="What is kept must make up for what is dropped: for p = 0.1 nearly "
                "everything is kept, so how large should the factor be?",
            ),
            edit(
                dropout,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(mask, x, 0.0)",
                name="not-scaled",
                hint="Average y over many draws: is it x? Inverted dropout makes the training "
                "output right on average, so that evaluation needs no correction.",
            ),
            edit(
                dropout,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="The original paper multiplies by 1 - p, but in evaluation. Here training "
                "makes up for the loss: in which direction must it scale?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.rand(x.shape[1:], generator=generator) >= p).expand(x.shape)",
                name="one-mask-for-the-batch",
                hint="Compare the masks of two samples of one batch. Each sample should meet a "
                "thinned network of its own.",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.rand(x.shape[:2] + (1,) * (x.dim() - 2), generator=generator) >= p)"
                ".expand(x.shape)",
                name="whole-channels-dropped",
                hint="That is spatial dropout. Here every element is kept or dropped on its own.",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.randperm(x.numel(), generator=generator) >= round(p * x.numel()))"
                ".view(x.shape)",
                name="exact-number-dropped",
                hint="Count the zeros of several draws. With independent elements, should the "
                "count be the same each time?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator",
                "torch.randn(x.shape, generator=generator",
                name="normal-instead-of-uniform",
                hint="To decide with probability p by comparing with p, which distribution must "
                "the random number have?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "torch.randint(0, 2, x.shape, generator=generator, device=x.device) == 1",
                name="fair-coin",
                hint="The mask does not depend on p. Try p = 0.1 and count the zeros.",
            ),
            edit(
                dropout,
                "generator=generator, device=x.device) >= p",
                "generator=torch.Generator().manual_seed(0), device=x.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                dropout,
                "generator=generator, device=x.device) >= p",
                "generator=None, device=x.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                dropout,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "image?",
            ),
            edit(
                dropout,
                "return x, torch.ones_like(",
                "return x * (1 - p), torch.ones_like(",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled so that it matches evaluation on average: "
                "what is left to do in evaluation?",
            ),
            edit(
                dropout,
                "return x, torch.ones_like(x, dtype=torch.bool)",
                "return x * (1 - p), torch.ones_like(x, dtype=torch.bool)\n    x = x * (1 - p)",
                name="original-dropout",
                hint="That is dropout as its authors first had it: evaluation makes up for what "
                "training dropped. The inverted form does it in training: what is left for "
                "evaluation?",
            ),
            edit(
                dropout,
                "return x, torch.ones_like(",
                "return x / (1 - p) if p < 1 else x, torch.ones_like(",
                name="scaled-up-in-evaluation",
                hint="The factor makes up for what was dropped: what is dropped in evaluation?",
            ),
            edit(
                dropout,
                "torch.where(mask, x * scale, 0.0)",
                "x * mask / torch.tensor(1 - p, dtype=x.dtype)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                dropout,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, grad_y, 0.0)",
                name="backward-not-scaled",
                hint="y = x * scale where kept: what is the derivative of that with respect to x?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "grad_y * scale",
                name="backward-without-mask",
                hint="A dropped x has no influence on the loss: what is its gradient?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(torch.rand(grad_y.shape) >= p, grad_y * scale, 0.0)",
                name="new-mask-in-backward",
                hint="Backward has to undo what this forward did: whose mask says what was kept?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, 0.0, grad_y * scale)",
                name="backward-mask-inverted",
                hint="True means kept: through which elements does the gradient flow?",
            ),
            edit(
                dropout_backward,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="backward-scaled-by-drop-probability",
                hint="The forward multiplied what it kept by a factor; the backward needs the "
                "same one.",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, grad_y * scale * scale, 0.0)",
                name="backward-scaled-twice",
                hint="grad_y arrives unscaled: how often does the forward's factor belong to it?",
            ),
            edit(
                dropout_backward,
                "if not training:",
                "if False:",
                name="backward-scaled-in-evaluation",
                hint="In evaluation mode the forward is the identity: what is its derivative?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "grad_y * mask / torch.tensor(1 - p, dtype=grad_y.dtype)",
                name="backward-zero-by-zero",
                hint="With p = 1 nothing was kept: which number do you divide by then?",
            ),
        ),
    ),
    Exercise(
        functions=(dropout2d,),
        checks=(
            drops(
                dropout2d,
                DROPOUT2D_TRAINING,
                points={"y": 3, "mask": 3, "generator": 0.75},
                keep=_keep_probability,
                kept=_kept_scaled,
                name="training",
            ),
            values(
                dropout2d,
                DROPOUT2D_CERTAIN,
                points={"y": 1, "mask": 1},
                name="evaluation, p = 0 and p = 1",
            ),
            errors(dropout2d, DROPOUT2D_REFUSED, points=0.75),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1,",
                "torch.rand(x.shape,",
                name="elements-dropped",
                hint="Spatial dropout decides once per channel of an image: how many decisions is "
                "that, and how many does your mask hold? A mask of shape (N, C, 1, 1) "
                "broadcasts.",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(torch.rand(x.shape, generator=generator, device=x.device) >= p,"
                " x * scale, 0.0)",
                name="mask-drawn-but-not-used",
                hint="Look at one channel of y: is it dropped or kept as a whole, and as the mask "
                "says?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1,",
                "torch.rand(n, 1, *x.shape[2:],",
                name="pixels-dropped",
                hint="Which thing is dropped as a whole, a pixel with all its channels or a "
                "channel with all its pixels?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(1, c, 1, 1, generator=generator, device=x.device) >= p)"
                ".expand(n, c, 1, 1)",
                name="one-mask-for-the-batch",
                hint="Compare the masks of two images of one batch: should they lose the same "
                "channels?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(n, 1, 1, 1, generator=generator, device=x.device) >= p)"
                ".expand(n, c, 1, 1)",
                name="whole-images-dropped",
                hint="Look at one image: are its channels dropped independently of each other?",
            ),
            edit(
                dropout2d,
                "return y, mask",
                "return y, ~mask",
                name="mask-of-what-is-dropped",
                hint="Your y is right, and the mask that you return is True where it was dropped: "
                "which elements does the docstring call True?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(n, c, generator=generator, device=x.device).argsort(1)"
                " >= round(p * c)).view(n, c, 1, 1)",
                name="exact-number-per-image",
                hint="Count the dropped channels of several images. With independent channels, "
                "should the count be the same for each?",
            ),
            edit(
                dropout2d,
                "device=x.device) >= p",
                "device=x.device) < p",
                name="keep-and-drop-swapped",
                hint="In this course, as in PyTorch, p is the probability of dropping. Try p = 0.1"
                " and count the channels that are left.",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(mask, x, 0.0)",
                name="not-scaled",
                hint="The next layer sums over channels: what happens to that sum on average when "
                "some are dropped, and who makes up for it?",
            ),
            edit(
                dropout2d,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="For p = 0.1 nearly every channel is kept: how large should the factor be "
                "that makes up for the others?",
            ),
            edit(
                dropout2d,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="Multiplying by 1 - p belongs to evaluation in the original paper's scheme. "
                "Here training makes up for the loss: in which direction must it scale?",
            ),
            edit(
                dropout2d,
                "scale = 1 / (1 - p) if p < 1 else 0.0",
                "scale = n * c / mask.sum().clamp(min=1)",
                name="scaled-by-the-share-kept",
                hint="The factor belongs to the probability p, not to how many channels this draw "
                "happened to keep: averaged over draws, is yours right?",
            ),
            edit(
                dropout2d,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "image?",
            ),
            edit(
                dropout2d,
                "return x, torch.ones(",
                "return x * (1 - p), torch.ones(",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled so that it matches evaluation on average: "
                "what is left to do in evaluation?",
            ),
            edit(
                dropout2d,
                "device=x.device) >= p",
                "device=x.device).bernoulli_(0.5, generator=generator) == 1",
                name="fair-coin",
                hint="The mask does not depend on p. Try p = 0.1 and count the channels that are "
                "left.",
            ),
            edit(
                dropout2d,
                "generator=generator, device=x.device) >= p",
                "generator=torch.Generator(x.device).manual_seed(0), device=x.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                dropout2d,
                "generator=generator, device=x.device) >= p",
                "generator=None, device=x.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "x * mask / torch.tensor(1 - p, dtype=x.dtype, device=x.device)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                dropout2d,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
        ),
    ),
)
