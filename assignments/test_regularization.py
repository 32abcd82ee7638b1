"""Check your regularization on the public cases: run `pytest`, or `pytest -k dropout`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "regularization.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "dropout": "regularization",
    "dropout_backward": "regularization",
    "dropout2d": "regularization",
    "attention_dropout": "regularization",
    "attention_dropout_backward": "regularization",
    "sgd_step": "regularization",
    "sgd_momentum_step": "regularization",
    "adamw_step": "regularization",
    "filter_entropy": "regularization",
    "histogram_entropy": "regularization",
    "filter_status": "regularization",
    "prune_filters": "regularization",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_regularization(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
