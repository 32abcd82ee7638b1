"""Check losses.py on the public cases: run `pytest`, or `pytest -k l1_loss`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "losses.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_losses(item):
    functions, unloadable = load("losses")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
