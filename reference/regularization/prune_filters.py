"""Pruning the filters that tell least."""

import torch

from autograder.checks import errors, values
from autograder.exercise import Exercise, case, edit, normal, uniform


def prune_filters(weight, bias, next_weight, entropy, keep):
    """Remove filters from a convolution, and their channels from the convolution behind it.

    A filter whose entropy (see `filter_entropy`) is near 0 bits hardly distinguishes anything,
    one near 1 bit fires like a coin that is tossed. So those nearest to 0.5 bit are kept; of two
    that are equally near, the one of lower index. All stay in their order.

    Args:
        weight: `(C, C_in, kH, kW)`, of the convolution with C filters.
        bias: `(C,)`.
        next_weight: `(C_out, C, kH, kW)`, of the convolution that reads the C filters' output.
        entropy: of each filter, in bits, `(C,)`.
        keep: how many filters to keep.

    Returns:
        weight, `(keep, C_in, kH, kW)`; bias, `(keep,)`; next_weight, `(C_out, keep, kH, kW)`;
        kept, the indices of the kept filters, int64, `(keep,)`, rising.

    Raises:
        ValueError: keep is less than 1 or more than C.
    """
    if not 1 <= keep <= len(weight):
        raise ValueError(f"of {len(weight)} filters, {keep} cannot be kept")
    distance = (entropy - 0.5).abs()
    order = torch.sort(distance, stable=True).indices  # stable: of equals, the first comes first
    kept = order[:keep].sort().values
    return weight[kept], bias[kept], next_weight[:, kept], kept


def _entropies(count):
    """Entropies in random order, no two equally far from 0.5 bit, one in three of them above."""

    def spread(t):
        rank = t.argsort().argsort()
        distance = (rank + 0.5) / (2 * count)
        return 0.5 + torch.where(rank % 3 == 0, distance, -distance)

    return uniform(count).map(spread)


def _layers(filters, keep, before=3, after=8, kernel=(3, 3), next_kernel=(3, 3)):
    """Arguments of `prune_filters` but for the entropy."""
    return {
        "weight": normal(filters, before, *kernel),
        "bias": normal(filters),
        "next_weight": normal(after, filters, *next_kernel),
        "keep": keep,
    }


PRUNING = (
    case("three of eight", public=True, entropy=_entropies(8), **_layers(8, 3)),
    case(
        "kernels that differ",
        entropy=_entropies(10),
        **_layers(10, 7, before=4, after=12, kernel=(3, 5), next_kernel=(1, 2)),
    ),
    case("layers of one width", entropy=_entropies(9), **_layers(9, 4, before=9, after=9)),
    case("half of twelve", entropy=_entropies(12), **_layers(12, 6, before=2, after=4)),
    case(
        "transposed strides",
        entropy=_entropies(9),
        **{
            **_layers(9, 5),
            "weight": normal(4, 9, 3, 3).map(lambda t: t.transpose(0, 1)),
            "next_weight": normal(9, 11, 2, 3).map(lambda t: t.transpose(0, 1)),
        },
    ),
)
PRUNING_LIMITS = (
    case("all", public=True, entropy=_entropies(6), **_layers(6, 6)),
    case("all but one", entropy=_entropies(7), **_layers(7, 6)),
    case("one", entropy=_entropies(7), **_layers(7, 1)),
)
# Exactly representable, so that equal distances are equal whatever the precision.
PRUNING_TIES = (
    case(
        "several at 0 bits",
        public=True,
        entropy=torch.tensor([0, 0.375, 0, 0.75, 0, 0, 0.875], dtype=torch.float64),
        **_layers(7, 5),
    ),
    case(
        "below and above",
        entropy=torch.tensor([0.75, 0.25, 0.5, 0.625, 0.375, 0.25, 0.75], dtype=torch.float64),
        **_layers(7, 4),
    ),
)
PRUNING_REFUSED = (
    case("keep of 0", entropy=_entropies(5), **_layers(5, 0)),
    case("keep below 0", entropy=_entropies(5), **_layers(5, -2)),
    case("keep beyond the filters", entropy=_entropies(5), **_layers(5, 6)),
)

EXERCISES = (
    Exercise(
        functions=(prune_filters,),
        checks=(
            values(
                prune_filters,
                PRUNING,
                points={
                    "pruned weight": 1.25,
                    "pruned bias": 0.75,
                    "pruned next_weight": 1.75,
                    "kept": 1.25,
                },
            ),
            values(
                prune_filters,
                PRUNING_LIMITS,
                points={
                    "pruned weight": 0.5,
                    "pruned bias": 0.5,
                    "pruned next_weight": 0.5,
                    "kept": 0.5,
                },
                name="one and all",
            ),
            values(
                prune_filters,
                PRUNING_TIES,
                points={
                    "pruned weight": 0.25,
                    "pruned bias": 0.25,
                    "pruned next_weight": 0.25,
                    "kept": 0.75,
                },
                name="equally near",
            ),
            errors(prune_filters, PRUNING_REFUSED, points=1),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "-entropy",
                name="largest-entropy-kept",
                hint="One bit is the entropy of a tossed coin. Is that what a useful filter does?",
            ),
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "entropy - 0.5",
                name="distance-without-sign",
                hint="Filters of 0 bits are dead or always fire. How far is 0 from the middle?",
            ),
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "-(entropy - 0.5).abs()",
                name="farthest-kept",
                hint="You keep the filters at both ends. Where are the useful ones?",
            ),
            edit(
                prune_filters,
                "entropy - 0.5",
                "entropy - math.log(2) / 2",
                name="middle-in-nats",
                hint="The entropies are in bits: how large can one be, and where is the middle?",
            ),
            edit(
                prune_filters,
                "entropy - 0.5",
                "entropy - entropy.mean()",
                name="nearest-the-layers-mean",
                hint="In a layer full of dead filters, which ones are near the mean?",
            ),
            edit(
                prune_filters,
                "order[:keep]",
                "order[: len(order) - keep]",
                name="keep-taken-for-remove",
                hint="Keep 1 of 10: how many filters are left with you?",
            ),
            edit(
                prune_filters,
                "order[:keep].sort().values",
                "order[:keep]",
                name="filters-reordered",
                hint="Sorting by distance mixes up the filters. In which order should they stay?",
            ),
            edit(
                prune_filters,
                "order[:keep].sort().values",
                "torch.arange(keep, device=order.device)",
                name="first-filters-kept",
                hint="Which filters stay should depend on the entropy: change it, and look again.",
            ),
            edit(
                prune_filters,
                "torch.sort(distance, stable=True).indices",
                "len(distance) - 1 - torch.sort(distance.flip(0), stable=True).indices",
                name="ties-to-the-last",
                hint="Of two filters that are equally near, which one stays?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight",
                name="next-layer-untouched",
                hint="How many channels does the next layer receive now, and how many does its "
                "weight expect?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight[kept[kept < len(next_weight)]]",
                name="next-layers-filters-removed",
                hint="Weights are (out, in, kH, kW): which axis of the next layer's weight reads "
                "the filters' output?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight[:, :keep]",
                name="next-layers-first-channels",
                hint="Channel i of the next layer reads filter i: which channels belong to the "
                "filters that stay?",
            ),
            edit(
                prune_filters,
                "bias[kept]",
                "bias",
                name="bias-untouched",
                hint="Every filter has a bias of its own: how many are left?",
            ),
            edit(
                prune_filters,
                "return weight[kept]",
                "return weight[:, kept[kept < weight.shape[1]]]",
                name="inputs-removed-for-filters",
                hint="Weights are (out, in, kH, kW): along which axis do the filters lie?",
            ),
            edit(
                prune_filters,
                "return weight[kept]",
                "return weight * torch.isin(order.sort().values, kept).view(-1, 1, 1, 1)",
                name="zeroed-for-removed",
                hint="Filters of zeros cost as much as others. What shape should the weight have?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept], kept",
                "next_weight[:, kept], torch.isin(order.sort().values, kept)",
                name="mask-for-indices",
                hint="Return which filters stay, as indices, not one truth value per filter.",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "0 <= keep <= len(weight)",
                name="keep-of-zero-accepted",
                hint="What would a layer without filters hand on?",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "1 <= keep",
                name="keep-beyond-the-filters-accepted",
                hint="Slices do not complain when they reach too far: do you?",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "1 <= keep < len(weight)",
                name="keep-of-all-refused",
                hint="Keeping all filters is no pruning, but no mistake either.",
            ),
            edit(
                prune_filters,
                'raise ValueError(f"of {len(weight)} filters, {keep} cannot be kept")',
                "keep = min(max(keep, 1), len(weight))",
                name="keep-clamped",
                hint="Who asks for the impossible should be told: do you do something else "
                "silently?",
            ),
        ),
    ),
)
