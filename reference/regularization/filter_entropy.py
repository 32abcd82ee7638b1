"""How much a filter tells: the entropy of whether it fires."""

import math

import torch

from autograder.checks import precision, values
from autograder.exercise import Exercise, case, edit

from ._shared import _NEARLY, AT_ZERO, _responses, _with_exceptions


def filter_entropy(responses):
    """How much a filter's firing tells, in bits: the binary entropy (Shannon 1948, section 6).

    A filter fires at a position when its response there is greater than zero. With p the share
    of positions, over all images, rows and columns, where it fires,

        H = -p log2 p - (1 - p) log2 (1 - p),    where 0 log 0 = 0.

    A filter that fires everywhere or nowhere has 0 bits; one that fires at half of the
    positions has 1 bit.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images, before the non-linearity.

    Returns:
        The entropies, `(C,)`.
    """
    fires = responses > 0
    p = fires.to(responses.dtype).mean((0, 2, 3))  # (C,)
    q = 1 - p
    return -(torch.xlogy(p, p) + torch.xlogy(q, q)) / math.log(2)  # xlogy(0, 0) is 0


def _images_apart(t):
    """The first images weak, the last ones strong: shares per image are not the overall share."""
    return t + torch.linspace(-2, 2, len(t), dtype=t.dtype).view(-1, 1, 1, 1)


FILTER_ENTROPY = (
    case("four filters", public=True, responses=_responses(4, 5, 7, (-1.0, 0.0, 0.5, 1.5))),
    case("rare and frequent", responses=_responses(9, 7, 4, (-2.0, 0.3, 2.0, -0.7, 1.0, -1.4))),
    case("images that differ", responses=_responses(6, 6, 5, (-0.8, 0.2, 0.9)).map(_images_apart)),
    case(
        "transposed strides",
        responses=_responses(5, 6, 4, (0.0,) * 3).map(lambda t: (t + 0.6).transpose(1, 3)),
    ),
    case("one image", responses=_responses(1, 6, 9, (-1.0, 0.4, 0.1, 1.2, -0.3))),
)
# Shares are whole numbers of 256ths and not near 0 or 1: float32 holds them without rounding.
FILTER_ENTROPY_FLOAT32 = (
    case("four filters", public=True, responses=_responses(4, 4, 16, (-0.7, 0.0, 0.4, 0.8))),
    case("images that differ", responses=_responses(8, 8, 4, (-0.5, 0.2, 0.6)).map(_images_apart)),
)
FILTER_ENTROPY_CERTAIN = (
    case(
        "dead and always firing",
        public=True,
        responses=_responses(3, 4, 6, (-20.0, 0.5, 20.0, -1.0)),
    ),
    case("one position decides", responses=_responses(4, 5, 3, _NEARLY).map(_with_exceptions)),
)

EXERCISES = (
    Exercise(
        functions=(filter_entropy,),
        checks=(
            values(filter_entropy, FILTER_ENTROPY, points={"entropy": 4}),
            values(
                filter_entropy,
                FILTER_ENTROPY_CERTAIN,
                points={"entropy": 2},
                name="dead and always firing filters",
            ),
            values(filter_entropy, AT_ZERO, points={"entropy": 2.5}, name="at and near zero"),
            precision(filter_entropy, FILTER_ENTROPY_FLOAT32, points={"entropy": 1}),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                filter_entropy,
                " / math.log(2)",
                "",
                name="nats-for-bits",
                hint="What should the entropy of a fair coin be in bits, and what is yours?",
            ),
            edit(
                filter_entropy,
                "return -(",
                "return (",
                name="sign-forgotten",
                hint="The logarithm of a share is negative: which sign does an entropy have?",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "torch.xlogy(p, p)",
                name="only-firing-counted",
                hint="A position fires or it does not: two outcomes. A filter that nearly always "
                "fires and one that nearly never does should have the same entropy.",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "p * p.log() + q * q.log()",
                name="zero-times-infinity",
                hint="What does your formula give for a filter that never fires? 0 log 0 is 0 by "
                "convention, but not by arithmetic.",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "p * (p + 1e-8).log() + q * (q + 1e-8).log()",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm avoids the NaN but shifts every entropy: "
                "is a filter that always fires at exactly 0 bits?",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "torch.xlogy(p + 1e-8, p + 1e-8) + torch.xlogy(q + 1e-8, q + 1e-8)",
                name="epsilon-added-to-the-shares",
                hint="With a small number added, the shares no longer add up to 1. What is the "
                "limit of p log p for p to 0, and what does torch.xlogy do?",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "fires.to(responses.dtype).clamp(1e-6, 1 - 1e-6)",
                name="share-clamped",
                hint="A dead filter has exactly 0 bits. What does keeping the share away from 0 "
                "and 1 make of that?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses >= 0",
                name="zero-fires",
                hint="A ReLU gives 0 for a response of exactly 0: does the filter fire there?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses != 0",
                name="negative-fires",
                hint="Counting what is not zero is right behind a ReLU. Where do these responses "
                "come from?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses > 1e-6",
                name="faint-responses-ignored",
                hint="Scale all responses down: do fewer positions fire?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses > responses.mean((0, 2, 3), keepdim=True)",
                name="threshold-at-the-mean",
                hint="To what is a response compared by the non-linearity that follows: to zero, "
                "or to the filter's mean?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses.mean((2, 3), keepdim=True) > 0",
                name="pooled-before-firing",
                hint="Each position counts for itself here. How many numbers per image does your "
                "share come from?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses.amax((2, 3), keepdim=True) > 0",
                name="image-fires-as-a-whole",
                hint="You count images in which the filter fires somewhere. Count positions.",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses[:1] > 0",
                name="first-image-only",
                hint="The share is taken over the training data: does your result change with the "
                "second image?",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((2, 3))",
                name="entropy-per-image",
                hint="How many numbers should describe one filter, whatever the number of images?",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "(lambda p: torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p))"
                "(fires.to(responses.dtype).mean((2, 3))).mean(0)",
                name="entropies-averaged",
                hint="A filter that fires everywhere in one image and nowhere in the next tells "
                "them apart: what is the entropy of its share over both, and what is the mean of "
                "their entropies?",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((1, 2, 3))",
                name="images-for-filters",
                hint="In (N, C, H, W), which axis counts the filters? It is the one that stays.",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((0, 1, 2))",
                name="channels-last",
                hint="In PyTorch's order the channels are the second axis, not the last one.",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "responses.sigmoid()",
                name="soft-share",
                hint="A position fires or it does not. What does a sigmoid make of a response of "
                "0.1?",
            ),
            edit(
                filter_entropy,
                "q = 1 - p",
                "p = p / p.sum(); q = 1 - p",
                name="shares-of-the-layer",
                hint="p is one filter's share of its own positions. Does the entropy of a filter "
                "depend on its neighbours?",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "fires.to(torch.float32)",
                name="single-precision",
                hint="A result has the precision of its input: which one has yours?",
            ),
        ),
    ),
)
