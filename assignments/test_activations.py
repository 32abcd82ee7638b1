"""Check activations.py on the public cases: run `pytest`, or `pytest -k sigmoid`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "activations.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_activations(item):
    functions, unloadable = load("activations")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
