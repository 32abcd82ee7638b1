"""Filters that never fire, and those that always do."""

import torch

from autograder.checks import values
from autograder.exercise import Exercise, case, edit

from ._shared import _NEARLY, AT_ZERO, _responses, _with_exceptions


def filter_status(responses):
    """Which filters say nothing, because they never fire or always do.

    A filter fires at a position when its response there is greater than zero. One that fires
    nowhere, in no image, is dead: behind a ReLU it gives zeros and gets no gradient. One that
    fires everywhere in every image is suspicious: behind a ReLU it is a linear filter.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images, before the non-linearity.

    Returns:
        The status of each filter, int64, `(C,)`: -1 dead, 1 suspicious, 0 ordinary.
    """
    fires = responses > 0
    always = fires.all((0, 2, 3))  # (C,)
    never = ~fires.any((0, 2, 3))
    return always.to(torch.int64) - never.to(torch.int64)


FILTER_STATUS = (
    case(
        "dead, always firing, ordinary",
        public=True,
        responses=_responses(4, 5, 6, (-20.0, 0.0, 20.0, 0.5)),
    ),
    case("more filters", responses=_responses(8, 4, 7, (0.2, 20.0, -0.1, -20.0, 0.0, -20.0, 0.1))),
    case(
        "transposed strides",
        responses=_responses(6, 3, 5, (20.0, 0.0, 0.1, -20.0)).map(
            lambda t: t.transpose(2, 3).contiguous().transpose(2, 3)
        ),
    ),
    case("one image", responses=_responses(1, 6, 5, (0.0, -20.0, 20.0))),
)
FILTER_STATUS_EXCEPTIONS = (
    case(
        "all but one position",
        public=True,
        responses=_responses(5, 4, 6, _NEARLY).map(_with_exceptions),
    ),
    case("many small images", responses=_responses(20, 3, 2, _NEARLY).map(_with_exceptions)),
)

EXERCISES = (
    Exercise(
        functions=(filter_status,),
        checks=(
            values(filter_status, FILTER_STATUS, points={"status": 3.75}),
            values(
                filter_status,
                FILTER_STATUS_EXCEPTIONS,
                points={"status": 2.5},
                name="one position decides",
            ),
            values(filter_status, AT_ZERO, points={"status": 2.25}, name="at and near zero"),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "never.to(torch.int64) - always.to(torch.int64)",
                name="signs-swapped",
                hint="Which of the two is -1: a filter that is dead, or one that always fires?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "-never.to(torch.int64)",
                name="always-firing-forgotten",
                hint="There are three kinds of filters. Behind which of them does a ReLU change "
                "nothing?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(torch.int64)",
                name="dead-forgotten",
                hint="There are three kinds of filters. What does a ReLU leave of one that never "
                "fires?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(torch.int64) + never.to(torch.int64)",
                name="kinds-not-told-apart",
                hint="Dead and always firing are two things: does your result say which?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(responses.dtype) - never.to(responses.dtype)",
                name="floating-point-status",
                hint="A status is a whole number: of which type is yours?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses >= 0",
                name="zero-fires",
                hint="A filter that gives nothing but zeros: is it dead, or does it always fire?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses != 0",
                name="negative-fires",
                hint="Dead is not the same as zero: these responses come before the non-linearity, "
                "and what does that make of a negative one?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses > 1e-6",
                name="faint-responses-ignored",
                hint="Scale all responses down: does a filter die of that?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.mean((0, 2, 3), keepdim=True) > 0",
                name="judged-by-the-mean",
                hint="A mean below zero is no death: does the filter fire anywhere?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.mean((2, 3), keepdim=True) > 0",
                name="pooled-before-firing",
                hint="An image whose mean is below zero may still have positions where the filter "
                "fires.",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses[:1] > 0",
                name="first-image-only",
                hint="A filter that sleeps through one image may wake up at the next.",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.transpose(0, 1) > 0",
                name="images-for-filters",
                hint="In (N, C, H, W), which axis counts the filters? It is the one that stays.",
            ),
            edit(
                filter_status,
                "fires.all((0, 2, 3))",
                "fires.all(3).all(2).any(0)",
                name="always-within-one-image",
                hint="Always means in every image. How many of them does yours take?",
            ),
            edit(
                filter_status,
                "~fires.any((0, 2, 3))",
                "~fires.any(3).any(2).all(0)",
                name="dead-within-one-image",
                hint="Dead means in every image. How many of them does yours take?",
            ),
            edit(
                filter_status,
                "fires.all((0, 2, 3))",
                "fires.double().mean((0, 2, 3)) > 0.95",
                name="nearly-always",
                hint="Is a single position without firing enough to make a filter ordinary?",
            ),
            edit(
                filter_status,
                "~fires.any((0, 2, 3))",
                "fires.double().mean((0, 2, 3)) < 0.05",
                name="nearly-dead",
                hint="Is a single position that fires enough to make a filter ordinary?",
            ),
        ),
    ),
)
