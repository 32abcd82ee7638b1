"""Check regularization.py on the public cases: run `pytest`, or `pytest -k dropout`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "regularization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_regularization(item):
    message = problem(item, "regularization")
    if message:
        pytest.fail(message, pytrace=False)
