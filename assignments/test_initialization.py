"""Check initialization.py on the public cases: run `pytest`, or `pytest -k calculate_gain`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "initialization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_initialization(item):
    message = problem(item, "initialization")
    if message:
        pytest.fail(message, pytrace=False)
