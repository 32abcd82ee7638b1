"""Check training.py on the public cases: run `pytest`, or `pytest -k predict`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "training.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_training(item):
    functions, unloadable = load("training")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
