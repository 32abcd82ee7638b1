"""Check normalization.py on the public cases: run `pytest`, or `pytest -k batch_norm`."""

from pathlib import Path

import pytest
from selfcheck.selfcheck import items, problem

ITEMS = items(Path(__file__).parent / "selfcheck" / "normalization.json")


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_normalization(item):
    message = problem(item, "normalization")
    if message:
        pytest.fail(message, pytrace=False)
