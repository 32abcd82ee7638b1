"""Scaling: the exercise that attacks hand in as, small so that a hundred of them take a minute."""

from autograder.checks import values
from autograder.exercise import Exercise, case, normal


def scale(x):
    """2 x + x x, for a square matrix x."""
    return 2 * x + x @ x


EXERCISES = (
    Exercise(
        functions=(scale,),
        checks=(
            values(
                scale,
                (case("public", x=normal(2, 2), public=True), case("hidden", x=normal(3, 3))),
                points={"y": 4},
            ),
        ),
    ),
)
