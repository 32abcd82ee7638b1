"""Check convolution.py on the public cases: run `pytest`, or `pytest -k conv2d`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "convolution.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_convolution(item):
    message = problem(item, "convolution")
    if message:
        pytest.fail(message, pytrace=False)
