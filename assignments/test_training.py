"""Check your training on the public cases: run `pytest`, or `pytest -k predict`."""

from pathlib import Path

import pytest
from selfcheck.handin.at_home import load
from selfcheck.selfcheck import items, problem

HERE = Path(__file__).parent
ITEMS = items(HERE / "selfcheck" / "training.json")
# The functions that are called, and the topic that each belongs to.
HOMES = {
    "predict": "training",
    "cosine_schedule": "training",
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
    "conv2d": "convolution",
    "conv2d_backward": "convolution",
    "calculate_gain": "initialization",
    "fan_in_and_fan_out": "initialization",
    "xavier_uniform_": "initialization",
    "xavier_normal_": "initialization",
    "kaiming_uniform_": "initialization",
    "kaiming_normal_": "initialization",
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
def test_training(item):
    message = problem(item, *load(HERE, HOMES), ITEMS)
    if message:
        pytest.fail(message, pytrace=False)
