"""Regularisation: dropout in three places, weight decay in three optimisers, pruning by entropy.

Dropout works on tensors of any shape, spatial dropout on images `(N, C, H, W)`.
"""

import torch


def dropout(x, p=0.5, training=True, generator=None):
    """Set each element to zero with probability p (Srivastava et al. 2014), inverted scaling.

    In training mode a mask is drawn whose elements are independent and True, kept, with
    probability 1 - p. What is kept is scaled so that the expectation of y is x:

        y = x / (1 - p) where mask, else 0.

    In evaluation mode y is x, and everything is kept.

    Args:
        x: of any shape.
        p: the probability of dropping an element, in [0, 1]; with p = 1 everything is zero.
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        y, of the shape of x; mask, bool, of the shape of x, True where x was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    raise NotImplementedError("dropout")


def dropout2d(x, p=0.5, training=True, generator=None):
    """Spatial dropout: drop whole channels of single images (Tompson et al. 2015, section 3.2).

    Neighbouring pixels of a feature map are so alike that dropping some of them takes no
    information away. So a channel of an image is kept, with probability 1 - p, or dropped as a
    whole; everything else is as in `dropout`, whose backward serves this function too.

    Args:
        x: `(N, C, H, W)`.
        p: the probability of dropping a channel of an image, in [0, 1].
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        y, of the shape of x; mask, bool, `(N, C, 1, 1)`, True where the channel was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    raise NotImplementedError("dropout2d")


def dropout_backward(grad_y, mask, p=0.5, training=True):
    """The gradient of `dropout` and of `dropout2d`: the forward's own mask, the forward's scale.

    In evaluation mode the forward is the identity, and so is this.

    Args:
        grad_y: the gradient with respect to y.
        mask: what the forward returned; it broadcasts against grad_y.
        p: the probability of dropping; with p = 1 nothing was kept and the gradient is zero.
        training: what the forward received.

    Returns:
        grad_x, of the shape of grad_y.
    """
    raise NotImplementedError("dropout_backward")
