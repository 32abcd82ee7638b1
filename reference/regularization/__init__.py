"""Regularisation: dropout in three places, weight decay in three optimisers, pruning by entropy.

Dropout works on tensors of any shape, spatial dropout on images `(N, C, H, W)`. Each
backward is written as a formula: no autograd and no numeric derivative.
"""

from . import (
    adamw_step,
    attention_dropout,
    dropout,
    filter_entropy,
    filter_status,
    histogram_entropy,
    prune_filters,
    sgd_momentum_step,
    sgd_step,
)

EXERCISES = (
    *dropout.EXERCISES,
    *attention_dropout.EXERCISES,
    *sgd_step.EXERCISES,
    *sgd_momentum_step.EXERCISES,
    *adamw_step.EXERCISES,
    *filter_entropy.EXERCISES,
    *histogram_entropy.EXERCISES,
    *filter_status.EXERCISES,
    *prune_filters.EXERCISES,
)
