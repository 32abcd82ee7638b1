"""Whole tensors instead of loops: the same numbers, many times as fast.

Python takes about as long for one step of a loop as torch does for a thousand numbers. What is
written over whole tensors is short as well, and a GPU can do it at once.
"""

import torch

from autograder.checks import errors, precision, speed, values
from autograder.exercise import Exercise, case, edit, normal


def squared_distances(x, y):
    """The squared Euclidean distance of each row of x from each row of y.

    Args:
        x: `(N, D)`.
        y: `(M, D)`.

    Returns:
        d `(N, M)`: d[i, j] is the sum over k of (x[i, k] - y[j, k])^2.

    Raises:
        ValueError: the rows of x and y are not of one length.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != y.shape[1]:
        raise ValueError("the rows of x and y are not of one length")
    return torch.square(x[:, None, :] - y[None, :, :]).sum(dim=2)
    ### END SOLUTION


_CASES = (
    case("three points and two", x=normal(3, 4), y=normal(2, 4), public=True),
    case("as many rows as columns", x=normal(5, 5), y=normal(5, 5)),
    case("one coordinate", x=normal(4, 1), y=normal(6, 1)),
    case("points that are far from zero", x=normal(6, 3, mean=10.0), y=normal(5, 3, mean=10.0)),
)

EXERCISES = [
    Exercise(
        functions=(squared_distances,),
        checks=(
            values(squared_distances, _CASES, points={"d": 4}),
            precision(squared_distances, _CASES[:2], points={"d": 2}),
            errors(
                squared_distances, (case("rows of two lengths", x=normal(3, 4), y=normal(3, 5)),)
            ),
            speed(
                squared_distances,
                (
                    case("some hundred points", on="cpu", x=normal(192, 64), y=normal(160, 64)),
                    case("some thousand points", on="gpu", x=normal(768, 64), y=normal(512, 64)),
                ),
                points=3,
                steps={2: 1, 10: 0.5},
            ),
        ),
        misconceptions=(
            edit(
                squared_distances,
                ".sum(dim=2)",
                ".sum(dim=2).sqrt()",
                name="root-taken",
                hint="Which distance is asked for: the root of a sum of squares, or that sum?",
            ),
            edit(
                squared_distances,
                "x[:, None, :] - y[None, :, :]",
                "y[:, None, :] - x[None, :, :]",
                name="rows-and-columns-exchanged",
                hint="Whose row does row i of the result belong to?",
            ),
            edit(
                squared_distances,
                ".sum(dim=2)",
                ".mean(dim=2)",
                name="mean-of-squares",
                hint="Are the squares added up, or is their mean taken?",
            ),
            edit(
                squared_distances,
                "torch.square(",
                "torch.abs(",
                name="absolute-differences",
                hint="What is added up are squares of differences, not their absolute values.",
            ),
            edit(
                squared_distances,
                "[:, None, :] - y",
                "[:, None, :] + y",
                name="sum-squared",
                hint="It is the difference of two rows that is squared.",
            ),
            edit(
                squared_distances,
                "x.shape[1] != y.shape[1]",
                "x.shape[0] != y.shape[0]",
                name="counts-compared",
                hint="There may be more rows of one than of the other; their lengths must agree.",
            ),
        ),
    ),
]
