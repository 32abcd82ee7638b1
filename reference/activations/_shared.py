"""Cases that several activations share."""

import torch

from autograder.exercise import case, normal


def _mixed(*shape, std=2.0):
    """Numbers of both signs, none within 0.01 of zero: no kink is near."""
    return normal(*shape, std=std).map(lambda t: t + 0.01 * torch.sign(t))


def _set_to(recipe, *special):
    """The recipe's numbers, the first of them replaced by special ones."""

    def put(tensor):
        flat = tensor.flatten()
        flat[: len(special)] = torch.tensor(special, dtype=tensor.dtype)
        return flat.view(tensor.shape)

    return recipe.map(put)


PLAIN = (
    case("images", public=True, x=_mixed(2, 3, 4, 5)),
    case("one row", x=_mixed(11, std=1.0)),
    case("transposed strides", x=_mixed(5, 4, 3).map(lambda t: t.transpose(0, 2))),
    case("one number for all", x=_mixed(1, 3).map(lambda t: t.expand(4, 3))),
)
# Where a function is linear: clipped at 6, or at 20, is clipped.
FAR = (case("tens", x=_mixed(5, 6, std=30.0)),)
# Half of them moderate: where all derivatives vanish, nothing can be asked but zero.
_MODERATE = (0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 1.0, -1.5)
LARGE = (
    case("tens", public=True, x=_set_to(_mixed(4, 6, std=30.0), *_MODERATE, 100.0, -100.0, -40.0)),
    case("hundreds", x=_set_to(_mixed(4, 5, std=500.0), *_MODERATE, 800.0, -800.0, 1e4, -1e4)),
    case("greatest", x=_set_to(_mixed(4, 4), *_MODERATE, 1e30, -1e30, 3e38, -3e38)),
)
FLOAT32 = (
    case("images", public=True, x=_mixed(2, 3, 4, 5)),
    case(
        "hundreds",
        x=_set_to(_mixed(4, 5, std=40.0), *_MODERATE, 89.0, -89.0, 104.0, -104.0, 1e4, -1e4),
    ),
)
SMALL = (
    case("millionths", public=True, x=_mixed(20).map(lambda t: t * 1e-6)),
    case("tiny numbers of both signs", x=normal(4, 6).map(lambda t: t * 1e-9)),
    case("hundredths", x=normal(4, 6, std=0.03)),  # not small enough for y = x
)
KINK = (
    case(
        "zero",
        public=True,
        kinks=("x",),
        x=_set_to(_mixed(3, 4), 0.0, -0.0, 0.0),
    ),
)


def _hidden(cases, prefix, **arguments):
    """The cases once more, all of them hidden, with further arguments."""
    return tuple(
        case(f"{prefix}: {one.name}", kinks=one.kinks, **{**one.arguments, **arguments})
        for one in cases
    )
