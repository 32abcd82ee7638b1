"""Regularisation: dropout in three places, weight decay in three optimisers, pruning by entropy.

Dropout works on tensors of any shape, spatial dropout on images `(N, C, H, W)`. Each
backward is written as a formula: no autograd and no numeric derivative.
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


def attention_dropout(scores, p=0.1, training=True, generator=None):
    """Attention weights with dropout: the softmax of the scores (Vaswani et al. 2017, equation 1),
    then `dropout` of its result.

    A row of scores says how much one query looks at each key. Its softmax, the attention, is

        attention = exp(scores) / sum of exp(scores) over the last dimension,

    stable for scores of any finite size. In training mode each weight is then kept with
    probability 1 - p, on its own, and scaled by 1 / (1 - p), or zero, as in `dropout`. So rows sum
    to one on average only. (Zehui et al. 2019 divide each row by what its sum has become; here, as
    in PyTorch, nothing is done about it.)

    Args:
        scores: `(..., queries, keys)`.
        p: the probability of dropping a weight, in [0, 1].
        training: whether to drop anything.
        generator: a `torch.Generator` to draw from, or None for torch's global one.

    Returns:
        weights, of the shape of scores; mask, bool, of the shape of scores, True where the weight
        was kept.

    Raises:
        ValueError: p outside [0, 1], in evaluation mode too.
    """
    raise NotImplementedError("attention_dropout")


def attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True):
    """The gradient of `attention_dropout`: back through the dropout, then through the softmax.

    Raising one score of a row takes attention away from all others of that row:

        d attention_j / d score_k = attention_j * ((1 if j == k else 0) - attention_k),

    and therefore, summed over j,

        grad_scores = attention * (grad_attention - sum(attention * grad_attention)).

    Args:
        grad_weights: the gradient with respect to weights, of the shape of scores.
        scores, p, training: what the forward received.
        mask: what the forward returned, of the shape of scores.

    Returns:
        grad_scores, of the shape of scores; finite for scores of any finite size, and zero when
        everything was dropped.
    """
    raise NotImplementedError("attention_dropout_backward")


def sgd_step(weight, grad, lr, weight_decay=0.0):
    """One step of gradient descent with weight decay, as `torch.optim.SGD` takes it.

    Weight decay is the penalty weight_decay / 2 * sum(weight ** 2) on the loss (Krogh & Hertz
    1991); its gradient, weight_decay * weight, is added to the loss's own:

        weight <- weight - lr * (grad + weight_decay * weight).

    (Who writes the penalty without the 1 / 2 has 2 * weight in the gradient: that factor is then
    part of this weight_decay.)

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, without the penalty's, of the shape of weight.
        lr: the learning rate.
        weight_decay: how strongly weights are pulled to zero; 0 means not at all.

    Returns:
        the new weight, of the shape of weight.
    """
    raise NotImplementedError("sgd_step")


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    """One step of gradient descent with momentum (Polyak 1964), as `torch.optim.SGD` takes it.

    The velocity sums up the gradients of all steps so far, older ones faded:

        velocity <- momentum * velocity + (grad + weight_decay * weight)
        weight   <- weight - lr * velocity, with the new velocity.

    Sutskever et al. 2013, equations 1 and 2, have the learning rate within the velocity. While lr
    is constant both are the same; when lr changes, here the whole velocity feels it at once.

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, without the penalty's, of the shape of weight.
        velocity: what the step before returned, of the shape of weight; zeros before the first
            step. Left as it is.
        lr: the learning rate.
        momentum: the share of the velocity that is carried on, in [0, 1).
        weight_decay: as in `sgd_step`.

    Returns:
        the new weight and the new velocity, of the shape of weight.
    """
    raise NotImplementedError("sgd_momentum_step")


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """One step of AdamW (Loshchilov & Hutter 2019, algorithm 2), as `torch.optim.AdamW` takes it.

    The moments are moving averages of the gradient and of its square. They start at zero, which
    the division by 1 - beta ** step makes up for (Kingma & Ba 2015, section 3):

        m <- beta1 * m + (1 - beta1) * grad           m_hat = m / (1 - beta1 ** step)
        v <- beta2 * v + (1 - beta2) * grad ** 2      v_hat = v / (1 - beta2 ** step)
        weight <- weight - lr * weight_decay * weight - lr * m_hat / (sqrt(v_hat) + eps).

    The decay is decoupled: it does not pass through the moments, so that weights with large
    gradients decay as fast as the others. As in PyTorch, lr scales the decay too.

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, of the shape of weight.
        m, v: the moments that the step before returned, of the shape of weight; zeros before the
            first step. Left as they are.
        step: the number of this step, counted from 1.
        lr: the learning rate.
        betas: the decay rates of m and v, each in [0, 1).
        eps: keeps the division finite; outside the root.
        weight_decay: how strongly weights are pulled to zero.

    Returns:
        the new weight, m and v (not corrected), each of the shape of weight.
    """
    raise NotImplementedError("adamw_step")


def filter_entropy(responses):
    """How much a filter's firing tells, in bits: the binary entropy (Shannon 1948, section 6).

    A filter fires at a position when its response there is greater than zero. With p the share
    of positions, over all images, rows and columns, where it fires,

        H = -p log2 p - (1 - p) log2 (1 - p),    where 0 log 0 = 0.

    A filter that fires everywhere or nowhere has 0 bits; one that fires at half of the
    positions has 1 bit.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images, before the non-linearity.

    Returns:
        The entropies, `(C,)`.
    """
    raise NotImplementedError("filter_entropy")


def histogram_entropy(responses, bins=10):
    """How much a filter's pooled response varies over images, in nats (Luo & Wu 2017).

    Global average pooling leaves one number per image and filter. A filter's numbers, from its
    own smallest to its own largest, are sorted into bins of equal width. With p_i the share of
    images in bin i,

        H = -sum_i p_i ln p_i,    where 0 ln 0 = 0.

    A bin holds its left edge and not its right one, but the last bin holds both: the largest
    number belongs to it. Where all numbers are equal, they share one bin, and H is 0.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images.
        bins: how many there are, positive.

    Returns:
        The entropies, `(C,)`.
    """
    raise NotImplementedError("histogram_entropy")


def filter_status(responses):
    """Which filters say nothing, because they never fire or always do.

    A filter fires at a position when its response there is greater than zero. One that fires
    nowhere, in no image, is dead: behind a ReLU it gives zeros and gets no gradient. One that
    fires everywhere in every image is suspicious: behind a ReLU it is a linear filter.

    Args:
        responses: `(N, C, H, W)`, of C filters to N images, before the non-linearity.

    Returns:
        The status of each filter, int64, `(C,)`: -1 dead, 1 suspicious, 0 ordinary.
    """
    raise NotImplementedError("filter_status")


def prune_filters(weight, bias, next_weight, entropy, keep):
    """Remove filters from a convolution, and their channels from the convolution behind it.

    A filter whose entropy (see `filter_entropy`) is near 0 bits hardly distinguishes anything,
    one near 1 bit fires like a coin that is tossed. So those nearest to 0.5 bit are kept; of two
    that are equally near, the one of lower index. All stay in their order.

    Args:
        weight: `(C, C_in, kH, kW)`, of the convolution with C filters.
        bias: `(C,)`.
        next_weight: `(C_out, C, kH, kW)`, of the convolution that reads the C filters' output.
        entropy: of each filter, in bits, `(C,)`.
        keep: how many filters to keep.

    Returns:
        weight, `(keep, C_in, kH, kW)`; bias, `(keep,)`; next_weight, `(C_out, keep, kH, kW)`;
        kept, the indices of the kept filters, int64, `(keep,)`, rising.

    Raises:
        ValueError: keep is less than 1 or more than C.
    """
    raise NotImplementedError("prune_filters")
