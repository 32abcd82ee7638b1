"""Check your convolution on the public cases: run `pytest`, or `pytest -k conv2d`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "convolution.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "conv2d": "convolution",
    "conv2d_backward": "convolution",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_convolution(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
