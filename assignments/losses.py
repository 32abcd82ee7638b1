"""Losses: how wrong a prediction is, and in which direction it should move.

Each loss of one sample or element is reduced to the batch's: `reduction` is "none", "mean" or
"sum". Each backward receives the gradient with respect to the reduced loss. It is written as
a formula: no autograd and no numeric derivative.
"""

import torch


def l1_loss(input, target, reduction="mean"):
    """The absolute error (Hastie, Tibshirani & Friedman 2009, section 10.6), element by element:

        loss = |input - target|.

    It grows as fast far out as near by, so outliers weigh less than in `mse_loss`.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    raise NotImplementedError("l1_loss")


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `l1_loss`: the sign of input - target, however large the difference.

    Where input equals target every derivative in [-1, 1] is right; PyTorch takes 0.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    raise NotImplementedError("l1_loss_backward")


def mse_loss(input, target, reduction="mean"):
    """The squared error (Hastie, Tibshirani & Friedman 2009, section 10.6), element by element:

        loss = (input - target) ** 2.

    The mean carries no factor 1/2, unlike in many books. Input and target may be large and near
    each other: subtract first, and no digits are lost.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    raise NotImplementedError("mse_loss")


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `mse_loss`: in proportion to the difference, so outliers pull hardest.

        d loss / d input = 2 * (input - target).

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    raise NotImplementedError("mse_loss_backward")


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    """Squared error near by, absolute error far out (Girshick 2015, equation 3, with beta = 1).

    With the difference d of input and target,

        loss = 0.5 * d ** 2 / beta    where |d| < beta,
               |d| - 0.5 * beta       elsewhere,

    so that both value and slope are continuous at |d| = beta. It is the loss of Huber (1964)
    divided by beta. With beta = 0 nothing is quadratic and it is `l1_loss`, also where d = 0.

    Args:
        input: the prediction, of any shape.
        target: of the shape of input; ValueError otherwise, nothing is broadcast.
        reduction: "none"; "mean", over all elements; or "sum".
        beta: where the two pieces meet, at least 0; ValueError otherwise.

    Returns:
        the loss, of the shape of input for "none", else `()`.
    """
    raise NotImplementedError("smooth_l1_loss")


def smooth_l1_loss_backward(grad_y, input, target, reduction="mean", beta=1.0):
    """The gradient of `smooth_l1_loss`: with d the difference of input and target,

        d loss / d input = d / beta    where |d| < beta,
                           sign(d)     elsewhere.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction, beta: what the forward received; beta above 0.

    Returns:
        grad_input, of the shape of input.
    """
    raise NotImplementedError("smooth_l1_loss_backward")


def nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood of the targets (Goodfellow, Bengio & Courville 2016, section
    5.5), given logarithms of probabilities:

        loss = -weight[t] * log_probs[t]    for a sample whose target is class t,
               0                            where the target is ignore_index.

    Args:
        log_probs: `(N, C)`, the logarithm of each class's probability.
        target: `(N,)`, int64, the classes' indices; ignore_index may be any number, also one that
            is no class or one that is.
        weight: `(C,)`, the weight of each class, or None for 1.
        ignore_index: samples with this target count nowhere.
        reduction: "none"; "mean", which divides by the summed weights of the targets that are not
            ignored, so that it is a weighted mean, NaN if all are ignored; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    raise NotImplementedError("nll_loss")


def nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction="mean"):
    """The gradient of `nll_loss`: one number per sample, at the target's class,

        d loss / d log_probs[j] = -weight[t] if j == t else 0,

    and 0 in the whole row where the target is ignored.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        log_probs, target, weight, ignore_index, reduction: what the forward received.

    Returns:
        grad_log_probs, `(N, C)`.
    """
    raise NotImplementedError("nll_loss_backward")


def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    """The negative log-likelihood under softmax (Bishop 2006, equation 4.108):

        loss = -weight[t] * log(softmax(logits)[t])    for a sample whose target is class t,
               0                                       where the target is ignore_index,

    which is `nll_loss` of the logarithm of softmax. It is finite for logits of any finite size,
    which the logarithm of a probability that rounds to 0 is not.

    Args:
        logits: `(N, C)`, before the softmax.
        target: `(N,)`, int64, the classes' indices; ignore_index may be any number, also one that
            is no class or one that is.
        weight: `(C,)`, the weight of each class, or None for 1.
        ignore_index: samples with this target count nowhere.
        reduction: "none"; "mean", which divides by the summed weights of the targets that are not
            ignored, NaN if all are ignored; or "sum".

    Returns:
        the loss, `(N,)` for "none", else `()`.
    """
    raise NotImplementedError("cross_entropy")


def cross_entropy_backward(
    grad_y, logits, target, weight=None, ignore_index=-100, reduction="mean"
):
    """The gradient of `cross_entropy` (Bishop 2006, equation 4.109): what softmax says minus what
    it should have said,

        d loss / d logits[j] = weight[t] * (p_j - (1 if j == t else 0)),    p = softmax(logits),

    and 0 in the whole row where the target is ignored.

    It is the chain rule through log p_t = logits[t] - log(sum(exp(logits))): the gradient with
    respect to log p, less p times its sum over the classes.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        logits, target, weight, ignore_index, reduction: what the forward received.

    Returns:
        grad_logits, `(N, C)`; finite for any finite logits.
    """
    raise NotImplementedError("cross_entropy_backward")


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


def margin_ranking_loss(x1, x2, y, margin=0.0, reduction="mean"):
    """The hinge on the difference of two scores (Herbrich, Graepel & Obermayer 2000):

        loss = max(0, -y * (x1 - x2) + margin).

    y = 1 says that x1 should rank above x2, y = -1 that x2 should. A pair that is in order by at
    least the margin costs nothing, and still counts in the mean.

    Args:
        x1, x2: the scores, of one shape.
        y: 1 or -1 for each pair, of that shape and dtype.
        margin: by how much the scores should differ.
        reduction: "none"; "mean", over all pairs; or "sum".

    Returns:
        the loss, of the shape of x1 for "none", else `()`.
    """
    raise NotImplementedError("margin_ranking_loss")


def margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction="mean"):
    """The gradient of `margin_ranking_loss`: -y for x1 and y for x2 where the pair costs something,
    0 where it does not.

    Where -y * (x1 - x2) + margin is 0 every derivative between the two is right; PyTorch takes
    -y and y.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        x1, x2, y, margin, reduction: what the forward received.

    Returns:
        grad_x1, grad_x2, both of the shape of x1.
    """
    raise NotImplementedError("margin_ranking_loss_backward")
