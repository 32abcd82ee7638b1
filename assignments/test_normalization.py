"""Check normalization.py on the public cases: run `pytest`, or `pytest -k batch_norm`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, load, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "normalization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_normalization(item):
    functions, unloadable = load("normalization")
    message = unloadable or problem(item, functions)
    if message:
        pytest.fail(message, pytrace=False)
