"""Check activations.py on the public cases: run `pytest`, or `pytest -k sigmoid`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "activations.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_activations(item):
    message = problem(item, "activations")
    if message:
        pytest.fail(message, pytrace=False)
