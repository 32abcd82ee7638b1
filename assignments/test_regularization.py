"""Check regularization.py on the public cases: run `pytest`, or `pytest -k dropout`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "regularization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_regularization(item):
    functions, unloadable = load("regularization")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
