"""Activations: the non-linearities, their derivatives, and how both keep to finite numbers.

Every function works element by element on tensors of any shape. Each backward is the upstream
gradient times the derivative at x: a formula, no autograd and no numeric derivative.
"""

from . import elu, gelu, leaky_relu, relu, sigmoid, tanh

EXERCISES = (
    *sigmoid.EXERCISES,
    *tanh.EXERCISES,
    *relu.EXERCISES,
    *leaky_relu.EXERCISES,
    *elu.EXERCISES,
    *gelu.EXERCISES,
)
