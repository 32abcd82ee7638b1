"""What a topic says of its images without loading them is so."""

import pytest

from autograder.training import digits, restyled


@pytest.mark.parametrize(
    "data",
    [digits(), digits(hidden=60, standardised=True), restyled(digits(hidden=9), 0.2, 0.2)],
)
def test_counts_and_shape_are_those_of_the_images(data):
    split = data.load()
    assert (len(split.images), len(split.hidden_images)) == (data.count, data.hidden)
    assert split.images.shape[1:] == split.hidden_images.shape[1:] == data.shape
