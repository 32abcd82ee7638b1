"""Check your normalization on the public cases: run `pytest`, or `pytest -k batch_norm`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "normalization.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "batch_norm": "normalization",
    "batch_norm_backward": "normalization",
    "layer_norm": "normalization",
    "layer_norm_backward": "normalization",
    "instance_norm": "normalization",
    "instance_norm_backward": "normalization",
    "group_norm": "normalization",
    "group_norm_backward": "normalization",
    "batch_instance_norm": "normalization",
    "batch_instance_norm_backward": "normalization",
    "clip_rho_": "normalization",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_normalization(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
