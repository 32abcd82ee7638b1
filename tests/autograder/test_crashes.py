"""What kind of error a call ended with is told by what torch, numpy and Python really raise."""

import math

import numpy as np
import pytest
import torch

from autograder.judging.crashes import crash_of

RAISED = {
    "one-number-needed": [
        lambda: math.sqrt(torch.ones(3)),
        lambda: float(np.ones(3)),
        lambda: torch.ones(3).item(),
        lambda: [0 for _ in range(torch.ones(2, 2))] if torch.ones(2) > 0 else [],
        lambda: 1 if np.ones(3) > 0 else 0,
    ],
    "shapes-do-not-fit": [
        lambda: torch.ones(2, 3) @ torch.ones(2, 3),
        lambda: torch.ones(2) + torch.ones(3),
        lambda: torch.ones(6).reshape(4, 2),
    ],
    "view-of-strided": [lambda: torch.ones(2, 3).T.view(6)],
    "index-out-of-range": [lambda: torch.ones(2)[5], lambda: [1, 2][7]],
    "dimension-missing": [lambda: torch.ones(2).sum(3), lambda: torch.ones(2)[0, 0]],
    "types-do-not-fit": [lambda: torch.ones(2) @ torch.ones(2, dtype=torch.float64)],
    "size-negative": [lambda: torch.zeros(-1), lambda: np.zeros(-1)],
    "unpacked-otherwise": [lambda: unpacked(torch.ones(2, 3, 4).shape)],
    "valid-input-refused": [lambda: raised(ValueError("num_groups must divide the channels"))],
}


def unpacked(shape):
    a, b = shape
    return a, b


def raised(error):
    raise error


@pytest.mark.parametrize(
    ("slug", "call"), [(slug, call) for slug, calls in RAISED.items() for call in calls]
)
def test_the_kind_is_told(slug, call):
    with pytest.raises(Exception) as found:  # noqa: PT011
        call()
    text = f"{found.typename}: {found.value}"
    crash = crash_of({"kind": "exception", "exception": found.typename, "text": text})
    assert crash is not None
    assert crash.slug == slug
