"""Check your initialization on the public cases: run `pytest`, or `pytest -k calculate_gain`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "initialization.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "calculate_gain": "initialization",
    "fan_in_and_fan_out": "initialization",
    "xavier_uniform_": "initialization",
    "xavier_normal_": "initialization",
    "kaiming_uniform_": "initialization",
    "kaiming_normal_": "initialization",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_initialization(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
