"""Losses: how wrong a prediction is, and in which direction it should move.

Each loss of one sample or element is reduced to the batch's: `reduction` is "none", "mean" or
"sum". Each backward receives the gradient with respect to the reduced loss. It is written as
a formula: no autograd and no numeric derivative.
"""

from . import (
    cross_entropy,
    focal_loss,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)

EXERCISES = (
    *l1_loss.EXERCISES,
    *mse_loss.EXERCISES,
    *smooth_l1_loss.EXERCISES,
    *nll_loss.EXERCISES,
    *cross_entropy.EXERCISES,
    *focal_loss.EXERCISES,
    *margin_ranking_loss.EXERCISES,
)
