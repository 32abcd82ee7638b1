"""Check your losses on the public cases: run `pytest`, or `pytest -k l1_loss`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "losses.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "l1_loss": "losses",
    "l1_loss_backward": "losses",
    "mse_loss": "losses",
    "mse_loss_backward": "losses",
    "smooth_l1_loss": "losses",
    "smooth_l1_loss_backward": "losses",
    "nll_loss": "losses",
    "nll_loss_backward": "losses",
    "cross_entropy": "losses",
    "cross_entropy_backward": "losses",
    "focal_loss": "losses",
    "focal_loss_backward": "losses",
    "margin_ranking_loss": "losses",
    "margin_ranking_loss_backward": "losses",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_losses(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
