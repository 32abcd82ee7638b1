"""How much a filter tells: the entropy of its average's histogram."""

import torch

from autograder.checks import precision, values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _responses


def histogram_entropy(responses, bins=10):
    """How much a filter's pooled response varies over images, in nats (Luo & Wu 2017).

    Global average pooling leaves one number per image and filter. A filter's numbers, from its
    own smallest to its own largest, are sorted into bins of equal width. With p_i the share of
    images in bin i,

        H = -sum_i p_i ln p_i,    where 0 ln 0 = 0.

    A bin holds its left edge and not its right one, but the last bin holds both: the largest
    number belongs to it. Where all numbers are equal, they share one bin, and H is 0.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images.
        bins: how many there are, positive.

    Returns:
        The entropies, `(C,)`.
    """
    pooled = responses.mean((2, 3))  # (N, C)
    low, high = pooled.amin(0), pooled.amax(0)  # (C,)
    span = torch.where(high > low, high - low, 1.0)
    position = bins * ((pooled - low) / span)  # (N, C), from 0 to bins
    index = position.floor().clamp(max=bins - 1)
    edges = torch.arange(bins, device=responses.device)
    counts = (index == edges.view(-1, 1, 1)).to(responses.dtype).sum(1)  # (bins, C)
    p = counts / counts.sum(0)
    return -torch.xlogy(p, p).sum(0)


def _first_filter_zero(t):
    return torch.cat([t[:, :1] * 0, t[:, 1:]], 1)


def _first_filters_constant(t):
    """The first two filters give the same number everywhere, and whole numbers have no rounding."""
    constant = torch.tensor([3.0, -2.0], dtype=t.dtype).view(-1, 1, 1)
    return torch.cat([torch.zeros_like(t[:, :2]) + constant, _clear_of_edges(10)(t[:, 2:])], 1)


def _clear_of_edges(bins):
    """Moves the images' pooled responses towards the middle of their bins, so that rounding does
    not decide where they belong. The smallest and the largest stay on the outer edges."""

    def move(t):
        pooled = t.mean((2, 3), keepdim=True)
        low, high = pooled.amin(0), pooled.amax(0)
        position = (pooled - low) / (high - low) * bins
        clear = position.floor() + 0.25 + 0.5 * position.frac()
        clear = torch.where((pooled > low) & (pooled < high), clear, position)
        return t + (clear - position) * (high - low) / bins

    return move


def _two_values(t):
    """Each image is 3 or -1 everywhere, both occur: the pooled responses are on the outer edges."""
    high = t[:, :, :1, :1] > 0.4
    high[0], high[1] = False, True
    return torch.where(high, 3.0, -1.0).to(t.dtype).expand(t.shape)


HISTOGRAM_ENTROPY = (
    case(
        "default bins",
        public=True,
        responses=_responses(32, 5, 6, (0.0, 0.7, -0.4, 2.0)).map(_clear_of_edges(10)),
    ),
    case(
        "skewed, 16 bins",
        responses=normal(64, 5, 3, 4).map(lambda t: _clear_of_edges(16)(torch.exp(1.5 * t))),
        bins=16,
    ),
    case(
        "four bins",
        responses=_responses(25, 7, 3, (1.0, -1.5, 0.0)).map(_clear_of_edges(4)),
        bins=4,
    ),
    case(
        "fewer images than bins",
        responses=_responses(8, 4, 5, (0.5, 0.0, -0.5, 0.2)).map(_clear_of_edges(12)),
        bins=12,
    ),
    case(
        "transposed strides",
        responses=normal(32, 6, 4, 3).map(lambda t: _clear_of_edges(10)(t.transpose(1, 3))),
    ),
)
HISTOGRAM_ENTROPY_EDGES = (
    case(
        "two values",
        public=True,
        responses=_responses(12, 3, 4, (0.0,) * 4).map(_two_values),
    ),
    case(
        "a filter of zeros",
        responses=_responses(20, 4, 3, (0.0, 0.5, -0.5)).map(
            lambda t: _first_filter_zero(_clear_of_edges(8)(t))
        ),
        bins=8,
    ),
    case(
        "filters of one value",
        responses=_responses(15, 4, 4, (0.2, -0.3, 0.0)).map(_first_filters_constant),
    ),
)

EXERCISES = (
    Exercise(
        functions=(histogram_entropy,),
        checks=(
            values(histogram_entropy, HISTOGRAM_ENTROPY, points={"entropy": 5.5}),
            values(
                histogram_entropy,
                HISTOGRAM_ENTROPY_EDGES,
                points={"entropy": 3},
                name="right edge and zero range",
            ),
            precision(histogram_entropy, HISTOGRAM_ENTROPY, points={"entropy": 1}),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).sum(0) / math.log(2)",
                name="bits-for-nats",
                hint="Luo and Wu take the natural logarithm: which base has yours?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).sum(0) / math.log(bins)",
                name="scaled-to-one",
                hint="What is the largest entropy that ten bins can have, and what is it with you?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).mean(0)",
                name="mean-over-bins",
                hint="An entropy is an expectation: the p_i are the weights already. What is left "
                "to divide by?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "torch.xlogy(p, p).sum(0)",
                name="sign-forgotten",
                hint="The logarithm of a share is negative: which sign does an entropy have?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-(p * p.log()).sum(0)",
                name="zero-times-infinity",
                hint="What does your formula make of an empty bin? 0 log 0 is 0 by convention, but "
                "not by arithmetic.",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-(p * (p + 1e-8).log()).sum(0)",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm avoids the NaN but shifts every entropy. "
                "How can empty bins be left out of the sum?",
            ),
            edit(
                histogram_entropy,
                "pooled.amin(0), pooled.amax(0)",
                "pooled.amin(), pooled.amax()",
                name="one-range-for-the-layer",
                hint="Scale the responses of one filter by ten: should that change the entropy of "
                "the others?",
            ),
            edit(
                histogram_entropy,
                "pooled.amin(0), pooled.amax(0)",
                "pooled.amin(0) * 0, pooled.amax(0)",
                name="range-from-zero",
                hint="Pooled responses may be negative, or all far from zero: where does the first "
                "bin begin?",
            ),
            edit(
                histogram_entropy,
                "index == edges.view(-1, 1, 1)",
                "position.floor() == torch.arange(bins + 1).view(-1, 1, 1)",
                name="largest-value-in-a-bin-of-its-own",
                hint="Count the bins that hold anything. Where does the docstring put the largest "
                "number?",
            ),
            edit(
                histogram_entropy,
                ".clamp(max=bins - 1)",
                "",
                name="largest-value-lost",
                hint="Count the images in your bins: are they all there? The largest one lies on "
                "the right edge.",
            ),
            edit(
                histogram_entropy,
                "p = counts / counts.sum(0)",
                "p = (counts - (edges.view(-1, 1) == bins - 1) * (position == bins).sum(0)) / "
                "counts.sum(0)",
                name="shares-without-the-largest-value",
                hint="Do your p_i add up to 1? The largest number lies on the last bin's right "
                "edge: is it counted anywhere?",
            ),
            edit(
                histogram_entropy,
                "position.floor()",
                "position.round()",
                name="rounded-to-the-nearest-edge",
                hint="Between which two edges does a position of 3.7 lie, counting from 0?",
            ),
            edit(
                histogram_entropy,
                "torch.where(high > low, high - low, 1.0)",
                "high - low",
                name="zero-range-divides-by-zero",
                hint="A dead filter gives every image the same number. By what do you divide?",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "counts / counts.sum(0) * bins / span",
                name="density-for-probability",
                hint="Do your p_i add up to 1? A density does so only after multiplying with the "
                "width of the bins.",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "torch.softmax(pooled, 0)",
                name="softmax-of-responses",
                hint="The p_i are shares of images in bins. Where are the bins in your formula?",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "counts / counts.sum()",
                name="shares-of-the-layer",
                hint="Do the p_i of each filter add up to 1?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.movedim(1, -1).flatten(0, 2)",
                name="pixels-for-images",
                hint="How many numbers per image go into the histogram of one filter? Global "
                "average pooling leaves one.",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.amax((2, 3))",
                name="maximum-pooled",
                hint="Luo and Wu pool with the average, not with the maximum.",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.clamp(min=0).mean((2, 3))",
                name="rectified-first",
                hint="The responses are pooled as they are: what happened to the negative ones?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.mean((2, 3)).T",
                name="images-for-filters",
                hint="In (N, C, H, W), over which axis does one filter's histogram run?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "bins, pooled = 10, responses.mean((2, 3))",
                name="bins-ignored",
                hint="The caller says how many bins there are. Does your result change with it?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "bins, pooled = bins - 1, responses.mean((2, 3))",
                name="edges-counted-for-bins",
                hint="How many edges do ten bins have?",
            ),
        ),
    ),
)
