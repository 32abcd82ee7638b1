"""Check initialization.py on the public cases: run `pytest`, or `pytest -k calculate_gain`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "initialization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_initialization(item):
    functions, unloadable = load("initialization")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
