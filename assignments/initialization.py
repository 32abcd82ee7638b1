"""Initialisation: start so that signals neither die out nor blow up from layer to layer.

The weights of a linear layer are `(out, in)`, those of a convolution `(out, in, kH, kW)`.
"""

import torch


def calculate_gain(nonlinearity, param=None):
    """By how much weights must be larger than a linear layer's, to make up for what the
    non-linearity takes away.

        linear, conv2d, sigmoid   1
        tanh                      5 / 3
        relu                      sqrt(2), as half of the signal is cut off (He et al. 2015, eq. 10)
        leaky_relu                sqrt(2 / (1 + slope^2)) (He et al. 2015, eq. 15)
        selu                      3 / 4

    Args:
        nonlinearity: one of these names.
        param: the negative slope of leaky_relu, 0.01 by default; of no meaning for the others.

    Returns:
        The gain, a float.

    Raises:
        ValueError: there is no such non-linearity.
    """
    raise NotImplementedError("calculate_gain")


def fan_in_and_fan_out(shape):
    """How many inputs feed one output of a layer, and how many outputs one input feeds.

    With a convolution, each of the kernel's kH * kW positions counts (its receptive field).

    Args:
        shape: of the weights, `(out, in, ...)`: `(out, in)` for a linear layer,
            `(out, in, kH, kW)` for a convolution; a tuple or a torch.Size.

    Returns:
        fan_in and fan_out, two ints.

    Raises:
        ValueError: there are fewer than two dimensions.
    """
    raise NotImplementedError("fan_in_and_fan_out")


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill the weights from a uniform law of variance gain^2 * 2 / (fan_in + fan_out), mean 0
    (Glorot & Bengio 2010, equations 12 and 16).

    A uniform law on [-b, b] has the variance b^2 / 3.

    Args:
        tensor: the weights, filled in place.
        gain: see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    raise NotImplementedError("xavier_uniform_")


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill the weights from a normal law of variance gain^2 * 2 / (fan_in + fan_out), mean 0
    (Glorot & Bengio 2010, equation 12).

    Args:
        tensor: the weights, filled in place.
        gain: see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    raise NotImplementedError("xavier_normal_")


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill the weights from a uniform law of variance gain^2 / fan, mean 0 (He et al. 2015,
    equations 10 and 14).

    A uniform law on [-b, b] has the variance b^2 / 3.

    Args:
        tensor: the weights, filled in place.
        a: the negative slope, when the non-linearity is leaky_relu.
        mode: "fan_in" keeps the signal's variance on the way forward, "fan_out" the gradient's on
            the way back.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    raise NotImplementedError("kaiming_uniform_")


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill the weights from a normal law of variance gain^2 / fan, mean 0 (He et al. 2015,
    equations 10 and 14).

    Args:
        tensor: the weights, filled in place.
        a: the negative slope, when the non-linearity is leaky_relu.
        mode: "fan_in" keeps the signal's variance on the way forward, "fan_out" the gradient's on
            the way back.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    raise NotImplementedError("kaiming_normal_")
