"""Normalisation: the same statistics, taken over different axes.

Images are `(N, C, H, W)`. Batch norm takes its statistics over N, H and W, instance norm over H and
W, layer norm over C, H and W, group norm over H, W and some of the channels. Each backward
is written as a formula: no autograd and no numeric derivative.
"""

from . import batch_instance_norm, batch_norm, group_norm, instance_norm, layer_norm

EXERCISES = (
    *batch_norm.EXERCISES,
    *layer_norm.EXERCISES,
    *instance_norm.EXERCISES,
    *group_norm.EXERCISES,
    *batch_instance_norm.EXERCISES,
)
