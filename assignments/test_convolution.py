"""Check convolution.py on the public cases: run `pytest`, or `pytest -k conv2d`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "convolution.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_convolution(item):
    functions, unloadable = load("convolution")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
