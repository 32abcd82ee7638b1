"""What several of the exercises share: recipes of cases, and laws."""

import torch

from autograder.exercise import case, normal, uniform


def _keep_probability(p, **_others):
    return 1 - p


def _mask(*shape, share):
    """A bool mask, True in about that share of its elements, as a forward may have drawn it."""
    return uniform(*shape).map(lambda t: t < share)


def _alike(names, *shape, **recipe):
    """Arguments of one shape, such as a weight and its gradient."""
    return {name: normal(*shape, **recipe) for name in names}


_SGD = ("weight", "grad")


def _responses(n, h, w, offsets):
    """Responses of one filter per offset: the higher the offset, the more often it fires.
    With -20 it never does, with 20 it always does."""
    means = torch.tensor(offsets, dtype=torch.float64).view(-1, 1, 1)
    return normal(n, len(offsets), h, w).map(lambda t: t + means)


def _sides_of_zero(t):
    """Whole numbers, many of them zero. The first filter has zeros alone; the second one has no
    negative, the third one no positive number."""
    zero, up, down = t[:, :1] * 0, t[:, 1:2].abs(), -t[:, 2:3].abs()
    return torch.cat([zero, up, down, t[:, 3:]], 1).round()


# Two filters are dead and two always fire but at one position, in the first image or in the last
# one; one is dead, and one always fires, in the second image alone; and two are, or do, throughout.
_NEARLY = (-20.0, -20.0, 20.0, 20.0, 0.0, 0.0, -20.0, 20.0)


def _with_exceptions(t):
    """What `_NEARLY` says, of responses with these offsets."""
    t = t.clone()
    t[0, 0, 0, 0] = t[-1, 1, -1, -1] = 3.0
    t[0, 2, 0, -1] = t[-1, 3, -1, 0] = -3.0
    t[1, 4] -= 20
    t[1, 5] += 20
    return t


AT_ZERO = (
    case("exact zeros", public=True, responses=_responses(4, 5, 6, (0.0,) * 5).map(_sides_of_zero)),
    case(
        "faint responses",
        responses=_responses(5, 4, 7, (-20.0, 0.4, 20.0, -0.9)).map(lambda t: t * 1e-10),
    ),
)
