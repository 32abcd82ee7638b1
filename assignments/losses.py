"""Losses: how wrong a prediction is, and in which direction it should move.

Each loss of one sample or element is reduced to the batch's: `reduction` is "none", "mean" or
"sum". Each backward receives the gradient with respect to the reduced loss.
"""

import torch


def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """Cross-entropy that turns away from what is easy (Lin et al. 2017, equations 4 and 5).

    With p_t the probability that softmax gives to the target's class t,

        loss = -alpha[t] * (1 - p_t) ** gamma * log(p_t).

    A sample that is already classified well, p_t near 1, hardly counts; gamma = 0 is cross-entropy
    weighted by alpha. Loss and gradient are finite for logits of any finite size.

    Args:
        logits: `(N, C)`, before the softmax.
        target: `(N,)`, int64, the classes' indices.
        alpha: `(C,)`, the weight of each class, or None for 1.
        gamma: how strongly easy samples are turned down, at least 0.
        reduction: "none"; "mean", which divides by N whatever alpha is; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    raise NotImplementedError("focal_loss")


def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """The gradient of `focal_loss` (Lin et al. 2017, appendix B).

    Two factors of the loss depend on p_t, and the chain goes through log(p_t):

        d loss / d log p_t = alpha[t] * (gamma * (1 - p_t) ** (gamma - 1) * p_t * log(p_t)
                                         - (1 - p_t) ** gamma),
        d log p_t / d logits[j] = (1 if j == t else 0) - p_j.

    Where p_t rounds to 1, the first factor is 0 for gamma > 0: its limit, not 0 * infinity.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        logits, target, alpha, gamma, reduction: what the forward received.

    Returns:
        grad_logits, `(N, C)`.
    """
    raise NotImplementedError("focal_loss_backward")
