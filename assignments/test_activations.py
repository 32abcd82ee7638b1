"""Check your activations on the public cases: run `pytest`, or `pytest -k sigmoid`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "activations.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "sigmoid": "activations",
    "sigmoid_backward": "activations",
    "tanh": "activations",
    "tanh_backward": "activations",
    "relu": "activations",
    "relu_backward": "activations",
    "leaky_relu": "activations",
    "leaky_relu_backward": "activations",
    "elu": "activations",
    "elu_backward": "activations",
    "gelu": "activations",
    "gelu_backward": "activations",
}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_activations(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
