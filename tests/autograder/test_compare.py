"""Python's own numbers are compared as tensors are."""

import math

import pytest

from autograder.judging.compare import Expected, compare


@pytest.mark.parametrize("truth", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_like_itself_alone(truth):
    others = [0.0, 1e300, -math.inf if truth == math.inf else math.inf]
    assert compare("loss", Expected(truth), truth).passed
    assert not any(compare("loss", Expected(truth), other).passed for other in others)


@pytest.mark.parametrize("got", [math.inf, -math.inf, math.nan])
def test_what_should_be_finite_is_like_no_other(got):
    assert not compare("loss", Expected(1e300), got).passed
