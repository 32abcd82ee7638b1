"""Regularisation: dropout in three places, weight decay in three optimisers, pruning by entropy.

Dropout works on tensors of any shape, spatial dropout on images `(N, C, H, W)`.
"""

import math

import torch

from autograder.checks import drops, errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, uniform


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
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    if not training:
        return x, torch.ones_like(x, dtype=torch.bool)
    mask = torch.rand(x.shape, generator=generator, device=x.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    y = torch.where(mask, x * scale, 0.0)
    return y, mask


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
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    n, c = x.shape[:2]
    if not training:
        return x, torch.ones(n, c, 1, 1, dtype=torch.bool, device=x.device)
    mask = torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    y = torch.where(mask, x * scale, 0.0)
    return y, mask


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
    if not training:
        return grad_y
    scale = 1 / (1 - p) if p < 1 else 0.0
    return torch.where(mask, grad_y * scale, 0.0)


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
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    e = torch.exp(scores - scores.amax(dim=-1, keepdim=True))  # in [0, 1]: never overflows
    attention = e / e.sum(dim=-1, keepdim=True)
    if not training:
        return attention, torch.ones_like(scores, dtype=torch.bool)
    mask = torch.rand(scores.shape, generator=generator, device=scores.device) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    weights = torch.where(mask, attention * scale, 0.0)
    return weights, mask


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
    e = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    attention = e / e.sum(dim=-1, keepdim=True)
    grad_attention = dropout_backward(grad_weights, mask, p, training)
    along = (attention * grad_attention).sum(dim=-1, keepdim=True)
    return attention * (grad_attention - along)


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
    gradient = grad + weight_decay * weight
    return weight - lr * gradient


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
    gradient = grad + weight_decay * weight
    velocity = momentum * velocity + gradient
    return weight - lr * velocity, velocity


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
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    decay = weight_decay * weight
    return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v


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
    fires = responses > 0
    p = fires.to(responses.dtype).mean((0, 2, 3))  # (C,)
    q = 1 - p
    return -(torch.xlogy(p, p) + torch.xlogy(q, q)) / math.log(2)  # xlogy(0, 0) is 0


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
    pooled = responses.mean((2, 3))  # (N, C)
    low, high = pooled.amin(0), pooled.amax(0)  # (C,)
    span = torch.where(high > low, high - low, 1.0)
    position = bins * ((pooled - low) / span)  # (N, C), from 0 to bins
    index = position.floor().clamp(max=bins - 1)
    edges = torch.arange(bins, device=responses.device)
    counts = (index == edges.view(-1, 1, 1)).to(responses.dtype).sum(1)  # (bins, C)
    p = counts / counts.sum(0)
    return -torch.xlogy(p, p).sum(0)


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
    fires = responses > 0
    always = fires.all((0, 2, 3))  # (C,)
    never = ~fires.any((0, 2, 3))
    return always.to(torch.int64) - never.to(torch.int64)


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
    if not 1 <= keep <= len(weight):
        raise ValueError(f"of {len(weight)} filters, {keep} cannot be kept")
    distance = (entropy - 0.5).abs()
    order = torch.sort(distance, stable=True).indices  # stable: of equals, the first comes first
    kept = order[:keep].sort().values
    return weight[kept], bias[kept], next_weight[:, kept], kept


def _kept_scaled(x, p, training):
    """Dropout's output where nothing is dropped."""
    return x / (1 - p)


def _keep_probability(p, **_others):
    return 1 - p


def _mask(*shape, share):
    """A bool mask, True in about that share of its elements, as a forward may have drawn it."""
    return uniform(*shape).map(lambda t: t < share)


DROPOUT_TRAINING = (
    case("images, p = 0.3", public=True, x=normal(8, 6, 8, 10, mean=1.0), p=0.3),
    # Long enough to tell independent elements from an exact number of zeros.
    case("features, p = 0.6", x=normal(100, 120), p=0.6),
    case("sequence, default p", x=normal(6, 20, 16)),
    case(
        "transposed strides, p = 0.1",
        x=normal(8, 12, 12, 4).map(lambda t: t.transpose(1, 3)),
        p=0.1,
    ),
)
# Where nothing is left to chance. All of them in one check: identity passes the first ones,
# zeros pass the last one, and neither is dropout.
DROPOUT_CERTAIN = (
    case("evaluation", public=True, x=normal(4, 3, 5, 6), p=0.3, training=False),
    case("evaluation, p = 1", x=normal(7, 5), p=1.0, training=False),
    case("p = 0", x=normal(3, 4, 5), p=0.0),
    case("p = 1", x=normal(2, 3, 4, 5), p=1.0),
)
DROPOUT_REFUSED = (
    case("p above 1", x=normal(3, 4), p=1.5),
    case("p below 0", x=normal(3, 4), p=-0.25),
    case("p above 1 in evaluation", x=normal(3, 4), p=1.5, training=False),
)
DROPOUT_BACKWARD = (
    case(
        "p = 0.3", public=True, grad_y=normal(4, 3, 5, 6), mask=_mask(4, 3, 5, 6, share=0.7), p=0.3
    ),
    case("features, p = 0.75", grad_y=normal(9, 8), mask=_mask(9, 8, share=0.25), p=0.75),
    case("default p", grad_y=normal(6, 7), mask=_mask(6, 7, share=0.5)),
    case("mask of channels", grad_y=normal(5, 6, 4, 3), mask=_mask(5, 6, 1, 1, share=0.8), p=0.2),
    case("p = 0", grad_y=normal(4, 5), mask=torch.ones(4, 5, dtype=torch.bool), p=0.0),
)
DROPOUT_BACKWARD_CERTAIN = (
    case(
        "evaluation",
        public=True,
        grad_y=normal(4, 3, 5, 6),
        mask=torch.ones(4, 3, 5, 6, dtype=torch.bool),
        p=0.3,
        training=False,
    ),
    case("p = 1", grad_y=normal(4, 5), mask=torch.zeros(4, 5, dtype=torch.bool), p=1.0),
)

DROPOUT2D_TRAINING = (
    case("images, p = 0.3", public=True, x=normal(40, 16, 3, 4, mean=1.0), p=0.3),
    # As in `dropout`: long enough to tell independent channels from an exact number of them.
    case("many channels, p = 0.6", x=normal(90, 80, 1, 2), p=0.6),
    case("default p", x=normal(30, 24, 2, 2)),
    case(
        "transposed strides, p = 0.1",
        x=normal(2, 24, 40, 3).map(lambda t: t.transpose(0, 2)),
        p=0.1,
    ),
)
DROPOUT2D_CERTAIN = (
    case("evaluation", public=True, x=normal(4, 3, 5, 6), p=0.3, training=False),
    case("evaluation, p = 1", x=normal(3, 5, 2, 4), p=1.0, training=False),
    case("p = 0", x=normal(3, 4, 5, 2), p=0.0),
    case("p = 1", x=normal(2, 3, 4, 5), p=1.0),
)
DROPOUT2D_REFUSED = (
    case("p above 1", x=normal(2, 3, 4, 5), p=1.5),
    case("p below 0", x=normal(2, 3, 4, 5), p=-0.25),
    case("p above 1 in evaluation", x=normal(2, 3, 4, 5), p=1.5, training=False),
)


def _attention_scaled(scores, p, training):
    """Attention dropout's output where nothing is dropped."""
    return torch.softmax(scores, dim=-1) / (1 - p)


def _uneven(*shape):
    """Scores whose rows stand at very different levels, and a row whose scores lie far apart."""
    levels = torch.tensor([1e4, -1e4, 0.0, 200.0, 0.0], dtype=torch.float64)
    spread = torch.tensor([1.0, 1.0, 1.0, 1.0, 1e4], dtype=torch.float64)
    return normal(*shape, 5, 6).map(lambda t: t * spread[:, None] + levels[:, None])


ATTENTION_TRAINING = (
    case("heads, p = 0.3", public=True, scores=normal(4, 4, 10, 12), p=0.3),
    # Long enough to tell independent weights from an exact number of zeros.
    case("one matrix, p = 0.6", scores=normal(100, 120), p=0.6),
    case("heads, default p", scores=normal(6, 4, 12, 15)),
    case(
        "transposed strides, p = 0.5",
        scores=normal(3, 14, 6, 8).map(lambda t: t.transpose(1, 3)),
        p=0.5,
    ),
)
ATTENTION_CERTAIN = (
    case("evaluation", public=True, scores=normal(2, 3, 5, 6, std=2.0), p=0.3, training=False),
    case("evaluation, p = 1", scores=normal(7, 5), p=1.0, training=False),
    case("p = 0", scores=normal(3, 4, 5, std=2.0), p=0.0),
    case("p = 1", scores=normal(2, 3, 4, 5), p=1.0),
)
# With p = 1 among them, an answer in which nothing is ever dropped earns nothing for its mask.
ATTENTION_STABLE = (
    case("uneven rows", public=True, scores=_uneven(2, 3), p=0.3, training=False),
    case("uneven rows, p = 0", scores=_uneven(4), p=0.0),
    case("uneven rows, p = 1", scores=_uneven(3), p=1.0),
    case(
        "greatest numbers",
        scores=normal(4, 6).map(lambda t: t + torch.tensor([3e38, -3e38, 1e30, 0, -1e30, 1])),
        training=False,
    ),
)
ATTENTION_FLOAT32 = (
    case("evaluation", public=True, scores=normal(2, 3, 5, 6, std=2.0), training=False),
    case("uneven rows", scores=_uneven(2), training=False),
    case("p = 1", scores=normal(3, 4), p=1.0),
)
ATTENTION_REFUSED = (
    case("p above 1", scores=normal(3, 4), p=1.5),
    case("p below 0", scores=normal(3, 4), p=-0.25),
    case("p above 1 in evaluation", scores=normal(3, 4), p=1.5, training=False),
)


def _dropped(*shape, share, **scores):
    """What the backward receives: a gradient, scores and a mask that keeps about that share."""
    return {
        "grad_weights": normal(*shape),
        "scores": normal(*shape, **scores),
        "mask": _mask(*shape, share=share),
    }


ATTENTION_BACKWARD = (
    case("heads, p = 0.3", public=True, **_dropped(2, 3, 5, 6, share=0.7), p=0.3),
    case("one matrix, p = 0.75", **_dropped(9, 8, share=0.25, std=2.0), p=0.75),
    case("default p", **_dropped(4, 6, 7, share=0.9)),
    case(
        "transposed strides, p = 0.4",
        **_dropped(3, 6, 5, share=0.6)
        | {"scores": normal(3, 5, 6).map(lambda t: t.transpose(1, 2))},
        p=0.4,
    ),
    case("p = 0", **_dropped(4, 5, share=2.0), p=0.0),
)
ATTENTION_BACKWARD_CERTAIN = (
    case(
        "evaluation", public=True, **_dropped(2, 3, 4, 5, share=2.0, std=2.0), p=0.3, training=False
    ),
    case("evaluation, p = 1", **_dropped(6, 4, share=2.0), p=1.0, training=False),
    case("p = 1", **_dropped(4, 5, share=0.0), p=1.0),
)
ATTENTION_BACKWARD_STABLE = (
    case(
        "uneven rows", public=True, **_dropped(2, 5, 6, share=0.7) | {"scores": _uneven(2)}, p=0.3
    ),
    case(
        "uneven rows, evaluation",
        **_dropped(3, 5, 6, share=2.0) | {"scores": _uneven(3)},
        training=False,
    ),
    case("uneven rows, p = 1", **_dropped(2, 5, 6, share=0.0) | {"scores": _uneven(2)}, p=1.0),
)


def _alike(names, *shape, **recipe):
    """Arguments of one shape, such as a weight and its gradient."""
    return {name: normal(*shape, **recipe) for name in names}


_SGD = ("weight", "grad")
SGD_PLAIN = (
    case("convolution", public=True, **_alike(_SGD, 4, 3, 3, 2), lr=0.1),
    case("bias", **_alike(_SGD, 11, mean=1.0), lr=0.7, weight_decay=0.0),
    case("one number", **_alike(_SGD), lr=0.01),
)
SGD_DECAY = (
    case("convolution, decay", public=True, **_alike(_SGD, 4, 3, 3, 2), lr=0.1, weight_decay=0.05),
    case("features", **_alike(_SGD, 7, 5, std=3.0), lr=0.5, weight_decay=0.3),
    case("strong decay", **_alike(_SGD, 9, mean=2.0), lr=1.5, weight_decay=1.2),
    case(
        "transposed strides",
        weight=normal(6, 4).map(torch.t),
        grad=normal(4, 6),
        lr=0.2,
        weight_decay=0.1,
    ),
)
SGD_NO_GRADIENT = (
    case(
        "no gradient",
        public=True,
        weight=normal(3, 4),
        grad=torch.zeros(3, 4),
        lr=0.1,
        weight_decay=0.2,
    ),
    case("tiny gradient", weight=normal(5), grad=normal(5, std=1e-9), lr=0.4, weight_decay=0.5),
)

_MOMENTUM = ("weight", "grad", "velocity")
MOMENTUM_PLAIN = (
    case("convolution", public=True, **_alike(_MOMENTUM, 4, 3, 3, 2), lr=0.1),
    case("bias", **_alike(_MOMENTUM, 11, mean=1.0), lr=0.7, momentum=0.4),
    case("transposed strides", **_alike(_SGD, 4, 6), velocity=normal(6, 4).map(torch.t), lr=0.2),
)
MOMENTUM_DECAY = (
    case(
        "convolution, decay",
        public=True,
        **_alike(_MOMENTUM, 4, 3, 3, 2),
        lr=0.1,
        weight_decay=0.05,
    ),
    case("features", **_alike(_MOMENTUM, 7, 5, std=3.0), lr=0.5, momentum=0.3, weight_decay=0.3),
    case("strong decay", **_alike(_MOMENTUM, 9), lr=1.5, momentum=0.99, weight_decay=1.2),
    case("no momentum", **_alike(_MOMENTUM, 8), lr=0.2, momentum=0.0, weight_decay=0.4),
)
MOMENTUM_EDGES = (
    case(
        "first step",
        public=True,
        **_alike(_SGD, 3, 4),
        velocity=torch.zeros(3, 4),
        lr=0.1,
        weight_decay=0.2,
    ),
    case("no gradient", **_alike(_MOMENTUM, 5) | {"grad": torch.zeros(5)}, lr=0.3, momentum=0.8),
)


def _moments(*shape, scale=1.0):
    """A weight, and a gradient and its moments of a given size, as they stand in mid-training."""
    return {
        "weight": normal(*shape),
        "grad": normal(*shape, std=scale),
        "m": normal(*shape, std=0.3 * scale),
        "v": uniform(*shape, low=0.1 * scale**2, high=2.0 * scale**2),
    }


ADAMW_PLAIN = (
    case("convolution", public=True, **_moments(4, 3, 3, 2), step=5, lr=0.1, weight_decay=0.0),
    case("other betas", **_moments(11), step=3, lr=0.7, betas=(0.5, 0.8), weight_decay=0.0),
    case("late", **_moments(6, 4), step=5000, lr=0.2, weight_decay=0.0),
)
ADAMW_DECAY = (
    case(
        "convolution, decay", public=True, **_moments(4, 3, 3, 2), step=4, lr=0.1, weight_decay=0.3
    ),
    case("default decay", **_moments(7, 5, scale=4.0), step=20, lr=0.5, betas=(0.7, 0.95)),
    case("strong decay", **_moments(9, scale=0.2), step=300, lr=1.5, weight_decay=1.2),
    case(
        "transposed strides",
        **_moments(5, 6) | {"weight": normal(6, 5).map(torch.t)},
        step=2,
        lr=0.2,
        weight_decay=0.5,
    ),
)
ADAMW_FIRST = (
    case(
        "first step",
        public=True,
        **_alike(_SGD, 3, 4),
        m=torch.zeros(3, 4),
        v=torch.zeros(3, 4),
        step=1,
        lr=0.1,
    ),
    case(
        "first step, some gradients zero",
        weight=normal(8),
        grad=normal(8).map(lambda t: t * (torch.arange(8) % 2)),
        m=torch.zeros(8),
        v=torch.zeros(8),
        step=1,
        lr=0.05,
        betas=(0.6, 0.9),
        weight_decay=0.1,
    ),
)
ADAMW_EPS = (
    case("large eps", public=True, **_moments(4, 5), step=6, lr=0.1, eps=0.3),
    case("gradients like the default eps", **_moments(12, scale=1e-8), step=3, lr=0.1),
)


def _responses(n, h, w, offsets):
    """Responses of one filter per offset: the higher the offset, the more often it fires.
    With -20 it never does, with 20 it always does."""
    means = torch.tensor(offsets, dtype=torch.float64).view(-1, 1, 1)
    return normal(n, len(offsets), h, w).map(lambda t: t + means)


def _images_apart(t):
    """The first images weak, the last ones strong: shares per image are not the overall share."""
    return t + torch.linspace(-2, 2, len(t), dtype=t.dtype).view(-1, 1, 1, 1)


def _first_filter_zero(t):
    return torch.cat([t[:, :1] * 0, t[:, 1:]], 1)


def _first_filters_constant(t):
    """The first two filters give the same number everywhere, and whole numbers have no rounding."""
    constant = torch.tensor([3.0, -2.0], dtype=t.dtype).view(-1, 1, 1)
    return torch.cat([torch.zeros_like(t[:, :2]) + constant, _clear_of_edges(10)(t[:, 2:])], 1)


def _sides_of_zero(t):
    """Whole numbers, many of them zero. The first filter has zeros alone; the second one has no
    negative, the third one no positive number."""
    zero, up, down = t[:, :1] * 0, t[:, 1:2].abs(), -t[:, 2:3].abs()
    return torch.cat([zero, up, down, t[:, 3:]], 1).round()


# Two filters are dead and two always fire but at one position, in the first image or in the last
# one; one is dead, and one always fires, in the second image alone; and two are, or do, throughout.
_NEARLY = (-20.0, -20.0, 20.0, 20.0, 0.0, 0.0, -20.0, 20.0)


def _with_exceptions(t):
    """What `_NEARLY` says, of responses with these offsets."""
    t = t.clone()
    t[0, 0, 0, 0] = t[-1, 1, -1, -1] = 3.0
    t[0, 2, 0, -1] = t[-1, 3, -1, 0] = -3.0
    t[1, 4] -= 20
    t[1, 5] += 20
    return t


FILTER_ENTROPY = (
    case("four filters", public=True, responses=_responses(4, 5, 7, (-1.0, 0.0, 0.5, 1.5))),
    case("rare and frequent", responses=_responses(9, 7, 4, (-2.0, 0.3, 2.0, -0.7, 1.0, -1.4))),
    case("images that differ", responses=_responses(6, 6, 5, (-0.8, 0.2, 0.9)).map(_images_apart)),
    case(
        "transposed strides",
        responses=_responses(5, 6, 4, (0.0,) * 3).map(lambda t: (t + 0.6).transpose(1, 3)),
    ),
    case("one image", responses=_responses(1, 6, 9, (-1.0, 0.4, 0.1, 1.2, -0.3))),
)
# Shares are whole numbers of 256ths and not near 0 or 1: float32 holds them without rounding.
FILTER_ENTROPY_FLOAT32 = (
    case("four filters", public=True, responses=_responses(4, 4, 16, (-0.7, 0.0, 0.4, 0.8))),
    case("images that differ", responses=_responses(8, 8, 4, (-0.5, 0.2, 0.6)).map(_images_apart)),
)
FILTER_ENTROPY_CERTAIN = (
    case(
        "dead and always firing",
        public=True,
        responses=_responses(3, 4, 6, (-20.0, 0.5, 20.0, -1.0)),
    ),
    case("one position decides", responses=_responses(4, 5, 3, _NEARLY).map(_with_exceptions)),
)
AT_ZERO = (
    case("exact zeros", public=True, responses=_responses(4, 5, 6, (0.0,) * 5).map(_sides_of_zero)),
    case(
        "faint responses",
        responses=_responses(5, 4, 7, (-20.0, 0.4, 20.0, -0.9)).map(lambda t: t * 1e-10),
    ),
)


def _clear_of_edges(bins):
    """Moves the images' pooled responses towards the middle of their bins, so that rounding does
    not decide where they belong. The smallest and the largest stay on the outer edges."""

    def move(t):
        pooled = t.mean((2, 3), keepdim=True)
        low, high = pooled.amin(0), pooled.amax(0)
        position = (pooled - low) / (high - low) * bins
        clear = position.floor() + 0.25 + 0.5 * position.frac()
        clear = torch.where((pooled > low) & (pooled < high), clear, position)
        return t + (clear - position) * (high - low) / bins

    return move


def _two_values(t):
    """Each image is 3 or -1 everywhere, both occur: the pooled responses are on the outer edges."""
    high = t[:, :, :1, :1] > 0.4
    high[0], high[1] = False, True
    return torch.where(high, 3.0, -1.0).to(t.dtype).expand(t.shape)


HISTOGRAM_ENTROPY = (
    case(
        "default bins",
        public=True,
        responses=_responses(32, 5, 6, (0.0, 0.7, -0.4, 2.0)).map(_clear_of_edges(10)),
    ),
    case(
        "skewed, 16 bins",
        responses=normal(64, 5, 3, 4).map(lambda t: _clear_of_edges(16)(torch.exp(1.5 * t))),
        bins=16,
    ),
    case(
        "four bins",
        responses=_responses(25, 7, 3, (1.0, -1.5, 0.0)).map(_clear_of_edges(4)),
        bins=4,
    ),
    case(
        "fewer images than bins",
        responses=_responses(8, 4, 5, (0.5, 0.0, -0.5, 0.2)).map(_clear_of_edges(12)),
        bins=12,
    ),
    case(
        "transposed strides",
        responses=normal(32, 6, 4, 3).map(lambda t: _clear_of_edges(10)(t.transpose(1, 3))),
    ),
)
HISTOGRAM_ENTROPY_EDGES = (
    case(
        "two values",
        public=True,
        responses=_responses(12, 3, 4, (0.0,) * 4).map(_two_values),
    ),
    case(
        "a filter of zeros",
        responses=_responses(20, 4, 3, (0.0, 0.5, -0.5)).map(
            lambda t: _first_filter_zero(_clear_of_edges(8)(t))
        ),
        bins=8,
    ),
    case(
        "filters of one value",
        responses=_responses(15, 4, 4, (0.2, -0.3, 0.0)).map(_first_filters_constant),
    ),
)
FILTER_STATUS = (
    case(
        "dead, always firing, ordinary",
        public=True,
        responses=_responses(4, 5, 6, (-20.0, 0.0, 20.0, 0.5)),
    ),
    case("more filters", responses=_responses(8, 4, 7, (0.2, 20.0, -0.1, -20.0, 0.0, -20.0, 0.1))),
    case(
        "transposed strides",
        responses=_responses(6, 3, 5, (20.0, 0.0, 0.1, -20.0)).map(
            lambda t: t.transpose(2, 3).contiguous().transpose(2, 3)
        ),
    ),
    case("one image", responses=_responses(1, 6, 5, (0.0, -20.0, 20.0))),
)
FILTER_STATUS_EXCEPTIONS = (
    case(
        "all but one position",
        public=True,
        responses=_responses(5, 4, 6, _NEARLY).map(_with_exceptions),
    ),
    case("many small images", responses=_responses(20, 3, 2, _NEARLY).map(_with_exceptions)),
)


def _entropies(count):
    """Entropies in random order, no two equally far from 0.5 bit, one in three of them above."""

    def spread(t):
        rank = t.argsort().argsort()
        distance = (rank + 0.5) / (2 * count)
        return 0.5 + torch.where(rank % 3 == 0, distance, -distance)

    return uniform(count).map(spread)


def _layers(filters, keep, before=3, after=8, kernel=(3, 3), next_kernel=(3, 3)):
    """Arguments of `prune_filters` but for the entropy."""
    return {
        "weight": normal(filters, before, *kernel),
        "bias": normal(filters),
        "next_weight": normal(after, filters, *next_kernel),
        "keep": keep,
    }


PRUNING = (
    case("three of eight", public=True, entropy=_entropies(8), **_layers(8, 3)),
    case(
        "kernels that differ",
        entropy=_entropies(10),
        **_layers(10, 7, before=4, after=12, kernel=(3, 5), next_kernel=(1, 2)),
    ),
    case("layers of one width", entropy=_entropies(9), **_layers(9, 4, before=9, after=9)),
    case("half of twelve", entropy=_entropies(12), **_layers(12, 6, before=2, after=4)),
    case(
        "transposed strides",
        entropy=_entropies(9),
        **{
            **_layers(9, 5),
            "weight": normal(4, 9, 3, 3).map(lambda t: t.transpose(0, 1)),
            "next_weight": normal(9, 11, 2, 3).map(lambda t: t.transpose(0, 1)),
        },
    ),
)
PRUNING_LIMITS = (
    case("all", public=True, entropy=_entropies(6), **_layers(6, 6)),
    case("all but one", entropy=_entropies(7), **_layers(7, 6)),
    case("one", entropy=_entropies(7), **_layers(7, 1)),
)
# Exactly representable, so that equal distances are equal whatever the precision.
PRUNING_TIES = (
    case(
        "several at 0 bits",
        public=True,
        entropy=torch.tensor([0, 0.375, 0, 0.75, 0, 0, 0.875], dtype=torch.float64),
        **_layers(7, 5),
    ),
    case(
        "below and above",
        entropy=torch.tensor([0.75, 0.25, 0.5, 0.625, 0.375, 0.25, 0.75], dtype=torch.float64),
        **_layers(7, 4),
    ),
)
PRUNING_REFUSED = (
    case("keep of 0", entropy=_entropies(5), **_layers(5, 0)),
    case("keep below 0", entropy=_entropies(5), **_layers(5, -2)),
    case("keep beyond the filters", entropy=_entropies(5), **_layers(5, 6)),
)

EXERCISES = (
    Exercise(
        functions=(dropout, dropout_backward),
        checks=(
            drops(
                dropout,
                DROPOUT_TRAINING,
                points={"y": 2, "mask": 2, "generator": 0.5},
                keep=_keep_probability,
                kept=_kept_scaled,
                name="training",
            ),
            values(
                dropout,
                DROPOUT_CERTAIN,
                points={"y": 0.75, "mask": 0.75},
                name="evaluation, p = 0 and p = 1",
            ),
            gradients(dropout_backward, DROPOUT_BACKWARD, points={"grad_x": 2}, name="backward"),
            gradients(
                dropout_backward,
                DROPOUT_BACKWARD_CERTAIN,
                points={"grad_x": 0.5},
                name="backward in evaluation and with p = 1",
            ),
            precision(
                dropout_backward,
                DROPOUT_BACKWARD,
                points={"grad_x": 0.5},
                name="backward in float32",
            ),
            errors(dropout, DROPOUT_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                dropout,
                "device=x.device) >= p",
                "device=x.device) < p",
                name="keep-and-drop-swapped",
                hint="In this course, as in PyTorch, p is the probability of dropping. Other "
                "texts use p for keeping: try p = 0.1 and count the zeros.",
            ),
            edit(
                dropout,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="What is kept must make up for what is dropped: for p = 0.1 nearly "
                "everything is kept, so how large should the factor be?",
            ),
            edit(
                dropout,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(mask, x, 0.0)",
                name="not-scaled",
                hint="Average y over many draws: is it x? Inverted dropout makes the training "
                "output right on average, so that evaluation needs no correction.",
            ),
            edit(
                dropout,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="The original paper multiplies by 1 - p, but in evaluation. Here training "
                "makes up for the loss: in which direction must it scale?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.rand(x.shape[1:], generator=generator) >= p).expand(x.shape)",
                name="one-mask-for-the-batch",
                hint="Compare the masks of two samples of one batch. Each sample should meet a "
                "thinned network of its own.",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.rand(x.shape[:2] + (1,) * (x.dim() - 2), generator=generator) >= p)"
                ".expand(x.shape)",
                name="whole-channels-dropped",
                hint="That is spatial dropout. Here every element is kept or dropped on its own.",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "(torch.randperm(x.numel(), generator=generator) >= round(p * x.numel()))"
                ".view(x.shape)",
                name="exact-number-dropped",
                hint="Count the zeros of several draws. With independent elements, should the "
                "count be the same each time?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator",
                "torch.randn(x.shape, generator=generator",
                name="normal-instead-of-uniform",
                hint="To decide with probability p by comparing with p, which distribution must "
                "the random number have?",
            ),
            edit(
                dropout,
                "torch.rand(x.shape, generator=generator, device=x.device) >= p",
                "torch.randint(0, 2, x.shape, generator=generator, device=x.device) == 1",
                name="fair-coin",
                hint="The mask does not depend on p. Try p = 0.1 and count the zeros.",
            ),
            edit(
                dropout,
                "generator=generator, device=x.device) >= p",
                "generator=torch.Generator().manual_seed(0), device=x.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                dropout,
                "generator=generator, device=x.device) >= p",
                "generator=None, device=x.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                dropout,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "image?",
            ),
            edit(
                dropout,
                "return x, torch.ones_like(",
                "return x * (1 - p), torch.ones_like(",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled so that it matches evaluation on average: "
                "what is left to do in evaluation?",
            ),
            edit(
                dropout,
                "return x, torch.ones_like(",
                "return x / (1 - p) if p < 1 else x, torch.ones_like(",
                name="scaled-up-in-evaluation",
                hint="The factor makes up for what was dropped: what is dropped in evaluation?",
            ),
            edit(
                dropout,
                "torch.where(mask, x * scale, 0.0)",
                "x * mask / torch.tensor(1 - p, dtype=x.dtype)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                dropout,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, grad_y, 0.0)",
                name="backward-not-scaled",
                hint="y = x * scale where kept: what is the derivative of that with respect to x?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "grad_y * scale",
                name="backward-without-mask",
                hint="A dropped x has no influence on the loss: what is its gradient?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(torch.rand(grad_y.shape) >= p, grad_y * scale, 0.0)",
                name="new-mask-in-backward",
                hint="Backward has to undo what this forward did: whose mask says what was kept?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, 0.0, grad_y * scale)",
                name="backward-mask-inverted",
                hint="True means kept: through which elements does the gradient flow?",
            ),
            edit(
                dropout_backward,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="backward-scaled-by-drop-probability",
                hint="The forward multiplied what it kept by a factor; the backward needs the "
                "same one.",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "torch.where(mask, grad_y * scale * scale, 0.0)",
                name="backward-scaled-twice",
                hint="grad_y arrives unscaled: how often does the forward's factor belong to it?",
            ),
            edit(
                dropout_backward,
                "if not training:",
                "if False:",
                name="backward-scaled-in-evaluation",
                hint="In evaluation mode the forward is the identity: what is its derivative?",
            ),
            edit(
                dropout_backward,
                "torch.where(mask, grad_y * scale, 0.0)",
                "grad_y * mask / torch.tensor(1 - p, dtype=grad_y.dtype)",
                name="backward-zero-by-zero",
                hint="With p = 1 nothing was kept: which number do you divide by then?",
            ),
        ),
    ),
    Exercise(
        functions=(dropout2d,),
        checks=(
            drops(
                dropout2d,
                DROPOUT2D_TRAINING,
                points={"y": 3, "mask": 3, "generator": 0.75},
                keep=_keep_probability,
                kept=_kept_scaled,
                name="training",
            ),
            values(
                dropout2d,
                DROPOUT2D_CERTAIN,
                points={"y": 1, "mask": 1},
                name="evaluation, p = 0 and p = 1",
            ),
            errors(dropout2d, DROPOUT2D_REFUSED, points=0.75),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1,",
                "torch.rand(x.shape,",
                name="elements-dropped",
                hint="Spatial dropout decides once per channel of an image: how many decisions is "
                "that, and how many does your mask hold? A mask of shape (N, C, 1, 1) "
                "broadcasts.",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(torch.rand(x.shape, generator=generator, device=x.device) >= p,"
                " x * scale, 0.0)",
                name="mask-drawn-but-not-used",
                hint="Look at one channel of y: is it dropped or kept as a whole, and as the mask "
                "says?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1,",
                "torch.rand(n, 1, *x.shape[2:],",
                name="pixels-dropped",
                hint="Which thing is dropped as a whole, a pixel with all its channels or a "
                "channel with all its pixels?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(1, c, 1, 1, generator=generator, device=x.device) >= p)"
                ".expand(n, c, 1, 1)",
                name="one-mask-for-the-batch",
                hint="Compare the masks of two images of one batch: should they lose the same "
                "channels?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(n, 1, 1, 1, generator=generator, device=x.device) >= p)"
                ".expand(n, c, 1, 1)",
                name="whole-images-dropped",
                hint="Look at one image: are its channels dropped independently of each other?",
            ),
            edit(
                dropout2d,
                "torch.rand(n, c, 1, 1, generator=generator, device=x.device) >= p",
                "(torch.rand(n, c, generator=generator, device=x.device).argsort(1)"
                " >= round(p * c)).view(n, c, 1, 1)",
                name="exact-number-per-image",
                hint="Count the dropped channels of several images. With independent channels, "
                "should the count be the same for each?",
            ),
            edit(
                dropout2d,
                "device=x.device) >= p",
                "device=x.device) < p",
                name="keep-and-drop-swapped",
                hint="In this course, as in PyTorch, p is the probability of dropping. Try p = 0.1"
                " and count the channels that are left.",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "torch.where(mask, x, 0.0)",
                name="not-scaled",
                hint="The next layer sums over channels: what happens to that sum on average when "
                "some are dropped, and who makes up for it?",
            ),
            edit(
                dropout2d,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="For p = 0.1 nearly every channel is kept: how large should the factor be "
                "that makes up for the others?",
            ),
            edit(
                dropout2d,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="Multiplying by 1 - p belongs to evaluation in the original paper's scheme. "
                "Here training makes up for the loss: in which direction must it scale?",
            ),
            edit(
                dropout2d,
                "scale = 1 / (1 - p) if p < 1 else 0.0",
                "scale = n * c / mask.sum().clamp(min=1)",
                name="scaled-by-the-share-kept",
                hint="The factor belongs to the probability p, not to how many channels this draw "
                "happened to keep: averaged over draws, is yours right?",
            ),
            edit(
                dropout2d,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "image?",
            ),
            edit(
                dropout2d,
                "return x, torch.ones(",
                "return x * (1 - p), torch.ones(",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled so that it matches evaluation on average: "
                "what is left to do in evaluation?",
            ),
            edit(
                dropout2d,
                "device=x.device) >= p",
                "device=x.device).bernoulli_(0.5, generator=generator) == 1",
                name="fair-coin",
                hint="The mask does not depend on p. Try p = 0.1 and count the channels that are "
                "left.",
            ),
            edit(
                dropout2d,
                "generator=generator, device=x.device) >= p",
                "generator=torch.Generator(x.device).manual_seed(0), device=x.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                dropout2d,
                "generator=generator, device=x.device) >= p",
                "generator=None, device=x.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                dropout2d,
                "torch.where(mask, x * scale, 0.0)",
                "x * mask / torch.tensor(1 - p, dtype=x.dtype, device=x.device)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                dropout2d,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
        ),
    ),
    Exercise(
        functions=(
            attention_dropout,
            attention_dropout_backward,
        ),
        checks=(
            drops(
                attention_dropout,
                ATTENTION_TRAINING,
                points={"weights": 1.75, "mask": 1, "generator": 0.5},
                keep=_keep_probability,
                kept=_attention_scaled,
                name="training",
            ),
            values(
                attention_dropout,
                ATTENTION_CERTAIN,
                points={"weights": 0.5, "mask": 0.5},
                name="evaluation, p = 0 and p = 1",
            ),
            values(
                attention_dropout,
                ATTENTION_STABLE,
                points={"weights": 0.5, "mask": 0.25},
                name="scores of any size",
            ),
            precision(
                attention_dropout,
                ATTENTION_FLOAT32,
                points={"weights": 0.25, "mask": 0.25},
                name="float32",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD,
                points={"grad_scores": 2},
                name="backward",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD_CERTAIN,
                points={"grad_scores": 0.5},
                name="backward in evaluation and with p = 1",
            ),
            gradients(
                attention_dropout_backward,
                ATTENTION_BACKWARD_STABLE,
                points={"grad_scores": 0.75},
                name="backward, scores of any size",
            ),
            precision(
                attention_dropout_backward,
                ATTENTION_BACKWARD[:2] + ATTENTION_BACKWARD_STABLE,
                points={"grad_scores": 0.5},
                name="backward in float32",
            ),
            errors(attention_dropout, ATTENTION_REFUSED, points=0.25),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "torch.softmax(scores, dim=-2)",
                name="softmax-over-queries",
                hint="In evaluation mode, which sums are one, those of the rows or those of the "
                "columns? Each query shares its attention out among the keys.",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "torch.softmax(scores.flatten(-2), dim=-1).view(scores.shape)",
                name="softmax-over-the-whole-matrix",
                hint="Each query has attention of its own to share out: what does each row sum to "
                "in evaluation mode?",
            ),
            edit(
                attention_dropout,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores)",
                name="exponential-overflows",
                hint="Work out exp(10000) by hand: what is infinity divided by infinity? A softmax"
                " stays the same when a constant is taken off a row.",
            ),
            edit(
                attention_dropout,
                "scores.amax(dim=-1, keepdim=True)",
                "scores.max()",
                name="one-shift-for-all-rows",
                hint="Take one row at 10000 and another at -10000: after your shift, what is left "
                "of the second one?",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "e / (e.sum(dim=-1, keepdim=True) + 1e-8)",
                name="eps-in-the-denominator",
                hint="Once the greatest score is taken off, how small can the sum get? Then is "
                "there anything to be afraid of?",
            ),
            edit(
                attention_dropout,
                "e / e.sum(dim=-1, keepdim=True)",
                "scores",
                name="softmax-forgotten",
                hint="Attention weights are positive and sum to one before anything is dropped: "
                "are yours?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.softmax(torch.where(mask, scores, 0.0), dim=-1) * scale",
                name="scores-dropped",
                hint="A score of zero is no weight of zero: exp(0) is 1. What should be dropped, "
                "scores or weights?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.softmax(torch.where(mask, scores, -torch.inf), dim=-1)",
                name="masked-before-the-softmax",
                hint="Dropped before the softmax, the others take over at once what was dropped: "
                "here they are scaled by 1 / (1 - p), and nothing else. What is a row in "
                "which everything is dropped?",
            ),
            edit(
                attention_dropout,
                "return weights, mask",
                "return weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-12), mask",
                name="rows-renormalised",
                hint="The rows sum to one on average; a single row need not after dropout. By "
                "which factor is what is kept to be scaled?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.where(mask, attention, 0.0)",
                name="not-scaled",
                hint="Average the weights over many draws: are they the attention? What is kept "
                "has to make up for what is dropped.",
            ),
            edit(
                attention_dropout,
                "1 / (1 - p) if p < 1",
                "(1 - p) if p < 1",
                name="scaled-down",
                hint="Training makes up for what is dropped: in which direction must it scale?",
            ),
            edit(
                attention_dropout,
                "1 / (1 - p) if p < 1",
                "1 / p if 0 < p < 1",
                name="scaled-by-drop-probability",
                hint="For p = 0.1 nearly everything is kept: how large should the factor be that "
                "makes up for the rest?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "torch.where(mask, attention * scale * scale, 0.0)",
                name="scaled-twice",
                hint="How many times is something dropped here, and so how many times must it be "
                "made up for?",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores.shape[-2:], generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="one-mask-for-all-heads",
                hint="Compare the masks of two heads: each weight of each head is to be kept or "
                "dropped on its own.",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores[..., :1, :].shape, generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="whole-keys-dropped",
                hint="Look at one column: does a key that is dropped for one query have to be "
                "dropped for all?",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "(torch.rand(scores[..., :1].shape, generator=generator, device=scores.device)"
                " >= p).expand(scores.shape)",
                name="whole-queries-dropped",
                hint="Look at one row: is there a query that sees nothing at all? Each weight is "
                "dropped on its own.",
            ),
            edit(
                attention_dropout,
                "torch.rand(scores.shape, generator=generator, device=scores.device) >= p",
                "torch.rand(scores.shape, generator=generator, device=scores.device)"
                ".argsort(-1) >= round(p * scores.shape[-1])",
                name="exact-number-per-row",
                hint="Count the zeros of several rows. With independent weights, should the count "
                "be the same in each?",
            ),
            edit(
                attention_dropout,
                "device=scores.device) >= p",
                "device=scores.device) < p",
                name="keep-and-drop-swapped",
                hint="p is the probability of dropping: with p = 0.1, how many weights should be "
                "zero?",
            ),
            edit(
                attention_dropout,
                "generator=generator, device=scores.device) >= p",
                "generator=torch.Generator(scores.device).manual_seed(0), "
                "device=scores.device) >= p",
                name="fixed-seed",
                hint="Call it twice: is the mask another one? Seeding is the caller's business.",
            ),
            edit(
                attention_dropout,
                "generator=generator, device=scores.device) >= p",
                "generator=None, device=scores.device) >= p",
                name="generator-ignored",
                hint="Who asks for reproducible results hands in a generator: where is it used?",
            ),
            edit(
                attention_dropout,
                "if not training:",
                "if False:",
                name="active-in-evaluation",
                hint="What should a trained network answer when it is asked twice about the same "
                "sentence?",
            ),
            edit(
                attention_dropout,
                "return attention, torch",
                "return attention * (1 - p), torch",
                name="scaled-in-evaluation-too",
                hint="Training has already been scaled to match evaluation on average: what is "
                "left to do in evaluation?",
            ),
            edit(
                attention_dropout,
                "torch.where(mask, attention * scale, 0.0)",
                "attention * mask / torch.tensor(1 - p, dtype=scores.dtype, device=scores.device)",
                name="zero-by-zero",
                hint="With p = 1 nothing is kept: which number do you divide by then?",
            ),
            edit(
                attention_dropout,
                "if not 0 <= p <= 1:",
                "if training and not 0 <= p <= 1:",
                name="probability-checked-in-training-only",
                hint="A wrong p is wrong in evaluation mode as well, only later found.",
            ),
            edit(
                attention_dropout,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores.sub_(scores.amax(dim=-1, keepdim=True)))",
                name="in-place",
                hint="The backward needs the scores again: are they the same after your call?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return attention * (1 - attention) * grad_attention",
                name="diagonal-only",
                hint="That is how a weight moves with its own score. How does it move with the "
                "other scores of its row?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return grad_attention",
                name="softmax-forgotten-backwards",
                hint="You are back at the attention: the softmax is still between it and the "
                "scores.",
            ),
            edit(
                attention_dropout_backward,
                "e / e.sum(dim=-1, keepdim=True)",
                "dropout_backward(e / e.sum(dim=-1, keepdim=True), mask, p, training)",
                name="dropped-weights-in-the-softmax",
                hint="The softmax came before the dropout: its derivative is written in terms of "
                "its own output. Which tensor is that?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "(attention * grad_attention).mean(dim=-1, keepdim=True)",
                name="mean-for-sum",
                hint="Each score moves all the weights of its row: are their effects added up or "
                "averaged?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "(attention * grad_attention).sum(dim=-2, keepdim=True)",
                name="summed-over-queries",
                hint="Which weights does a score move, those of its row or those of its column?",
            ),
            edit(
                attention_dropout_backward,
                "(attention * grad_attention).sum(dim=-1, keepdim=True)",
                "grad_attention.mean(dim=-1, keepdim=True)",
                name="gradients-averaged-without-weights",
                hint="What is taken off the gradients is their average by attention, not their "
                "plain average: add a little to one score and see which weights change.",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return grad_attention - along",
                name="factor-attention-missing",
                hint="A key with no attention: how much does a small change of its score do?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return attention * (grad_attention + along)",
                name="sign-of-the-sum",
                hint="Add the same number to all scores of a row: what happens to the weights, and"
                " so what must grad_scores sum to?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "torch.where(mask, grad_weights, 0.0)",
                name="backward-not-scaled",
                hint="The forward multiplied what it kept by a factor: what does that do to the "
                "gradient?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "grad_weights / (1 - p) if training and p < 1 else grad_weights",
                name="backward-without-mask",
                hint="A dropped weight has no influence on the loss: what gradient passes through "
                "it?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, ~mask, p, training)",
                name="backward-mask-inverted",
                hint="True means kept: through which weights does the gradient flow?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, torch.rand(scores.shape) >= p, p, training)",
                name="new-mask-in-backward",
                hint="Backward has to undo what this forward did: whose mask says what was kept?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights / (1 - p) if p < 1 else grad_weights, mask, p,"
                " training)",
                name="backward-scaled-twice",
                hint="grad_weights arrives unscaled: how often does the forward's factor belong to"
                " it, and in which mode?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "dropout_backward(grad_weights, mask, p)",
                name="backward-scaled-in-evaluation",
                hint="In evaluation mode nothing is dropped and nothing scaled: what is left of "
                "the backward?",
            ),
            edit(
                attention_dropout_backward,
                "dropout_backward(grad_weights, mask, p, training)",
                "grad_weights * mask / torch.tensor(1 - p, dtype=scores.dtype) if training "
                "else grad_weights",
                name="backward-zero-by-zero",
                hint="With p = 1 nothing was kept: which number do you divide by then?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return dropout_backward(attention * (grad_weights - (attention * grad_weights)"
                ".sum(dim=-1, keepdim=True)), mask, p, training)",
                name="backward-in-forward-order",
                hint="The forward went through the softmax and then the dropout: in which order "
                "does the gradient come back?",
            ),
            edit(
                attention_dropout_backward,
                "return attention * (grad_attention - along)",
                "return torch.where(mask, attention * (grad_attention - along), 0.0)",
                name="gradient-only-where-kept",
                hint="Raise the score of a key whose weight was dropped: do the weights of the "
                "other keys stay as they are?",
            ),
            edit(
                attention_dropout_backward,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores)",
                name="backward-overflows",
                hint="The gradient has to be finite for scores of any finite size: which of your "
                "terms becomes infinite?",
            ),
            edit(
                attention_dropout_backward,
                "scores.amax(dim=-1, keepdim=True)",
                "scores.max()",
                name="one-shift-for-all-rows-backwards",
                hint="Take one row at 10000 and another at -10000: after your shift, what is left "
                "of the second one?",
            ),
        ),
    ),
    Exercise(
        functions=(sgd_step,),
        checks=(
            values(sgd_step, SGD_PLAIN, points={"new_weight": 3}, name="gradient descent"),
            values(sgd_step, SGD_DECAY, points={"new_weight": 4}, name="with weight decay"),
            values(sgd_step, SGD_NO_GRADIENT, points={"new_weight": 1}, name="weight decay alone"),
            precision(sgd_step, SGD_PLAIN + SGD_DECAY, points={"new_weight": 1.5}, name="float32"),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight + lr * gradient",
                name="uphill",
                hint="The gradient points to where the loss grows: which way do you step?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - gradient",
                name="learning-rate-forgotten",
                hint="How far does a step go when lr is halved?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return -lr * gradient",
                name="step-returned",
                hint="You return how far to go: where does the weight arrive?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - lr * grad",
                name="decay-forgotten",
                hint="Where does weight_decay enter? Try a gradient of zero: does the weight "
                "shrink?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + 2 * weight_decay * weight",
                name="decay-twice",
                hint="Here weight_decay multiplies the weight itself: the 2 of the square's "
                "derivative is already within it.",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay / 2 * weight",
                name="decay-halved",
                hint="The 1 / 2 stands in the penalty: what is left of it when you take the "
                "derivative?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight.sign()",
                name="decay-of-the-absolute-value",
                hint="That is the gradient of sum(abs(weight)), an L1 penalty: which penalty is "
                "asked for?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad - weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient of zero, should the weight grow or shrink?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = (1 + weight_decay) * grad",
                name="gradient-decayed",
                hint="What should decay, the weight or the gradient? Try a gradient of zero.",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight.square().sum()",
                name="penalty-for-its-gradient",
                hint="You added the penalty's value: what is its derivative with respect to one "
                "weight?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight / weight.norm()",
                name="decay-over-norm",
                hint="That is the gradient of the norm itself: what is the gradient of its square?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight / weight.numel()",
                name="decay-averaged",
                hint="The penalty is a sum over the weights: does each weight's pull depend on how"
                " many there are?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - lr * grad - weight_decay * weight",
                name="decay-without-learning-rate",
                hint="The penalty is part of the loss, and its gradient part of the gradient: what"
                " does lr multiply?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return (weight - lr * grad) * (1 - lr * weight_decay)",
                name="decay-after-the-step",
                hint="At which weight is the penalty's gradient taken, the one before the step or "
                "the one after?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight.sub_(lr * gradient)",
                name="in-place",
                hint="The caller still needs the old weight: is it the same after your call?",
            ),
        ),
    ),
    Exercise(
        functions=(sgd_momentum_step,),
        checks=(
            values(
                sgd_momentum_step,
                MOMENTUM_PLAIN,
                points={"new_weight": 1.5, "new_velocity": 1.5},
                name="without weight decay",
            ),
            values(
                sgd_momentum_step,
                MOMENTUM_DECAY,
                points={"new_weight": 2, "new_velocity": 2},
                name="with weight decay",
            ),
            values(
                sgd_momentum_step,
                MOMENTUM_EDGES,
                points={"new_weight": 0.75, "new_velocity": 0.75},
                name="first step, and no gradient",
            ),
            precision(
                sgd_momentum_step,
                MOMENTUM_PLAIN + MOMENTUM_DECAY,
                points={"new_weight": 0.5, "new_velocity": 0.5},
                name="float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity + lr * gradient",
                name="learning-rate-twice",
                hint="In this form the velocity holds gradients, and lr comes in once: in which of"
                " the two lines?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * velocity, lr * velocity",
                name="learning-rate-in-the-velocity",
                hint="Sutskever's velocity has the learning rate in it, PyTorch's has not: what "
                "does a change of lr do to the gradients gathered so far?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - velocity, velocity",
                name="learning-rate-forgotten",
                hint="How far does a step go when lr is halved?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity + (1 - momentum) * gradient",
                name="moving-average",
                hint="That averages gradients, as Adam does. Here they are summed up: does the new"
                " gradient get a factor?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = velocity + momentum * gradient",
                name="momentum-on-the-gradient",
                hint="Which of the two should fade, the velocity or the new gradient?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = velocity + gradient",
                name="velocity-never-fades",
                hint="What slows the velocity down when the gradient is zero?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = gradient",
                name="momentum-forgotten",
                hint="What does your step remember of the steps before?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity - gradient",
                name="velocity-downhill-then-subtracted",
                hint="A velocity that points downhill is added to the weight, one that points "
                "uphill is subtracted: which one is yours?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight + lr * velocity, velocity",
                name="uphill",
                hint="The velocity sums up gradients, and they point to where the loss grows: "
                "which way do you step?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * (gradient + momentum * velocity), velocity",
                name="nesterov",
                hint="That looks one step ahead, as Nesterov's method does: the plain one steps by"
                " the new velocity itself.",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * (velocity - gradient), velocity",
                name="newest-gradient-left-out",
                hint="In the first step the old velocity is zero: does your weight move?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad",
                name="decay-forgotten",
                hint="Where does weight_decay enter?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + 2 * weight_decay * weight",
                name="decay-twice",
                hint="Here weight_decay multiplies the weight itself: the 2 of the square's "
                "derivative is already within it.",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad - weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient and a velocity of zero, should the weight grow or shrink?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient, weight = grad, weight - lr * weight_decay * weight",
                name="decay-beside-the-velocity",
                hint="That is decoupled decay, AdamW's idea. In `torch.optim.SGD` the penalty's "
                "gradient is part of the gradient, and so gathers in the velocity.",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = (1 + weight_decay) * grad",
                name="gradient-decayed",
                hint="What should decay, the weight or the gradient? Try a gradient of zero.",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * (velocity + gradient)",
                name="momentum-on-both",
                hint="The new gradient has not had a step to fade: which part does momentum "
                "multiply?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * velocity, gradient",
                name="gradient-returned-for-velocity",
                hint="What does the next step need in order to go on from here?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity.mul_(momentum).add_(gradient)",
                name="in-place",
                hint="The caller's velocity has changed during the call: return a new one.",
            ),
        ),
    ),
    Exercise(
        functions=(adamw_step,),
        checks=(
            values(
                adamw_step,
                ADAMW_PLAIN,
                points={"new_weight": 1, "new_m": 1, "new_v": 1},
                name="without weight decay",
            ),
            values(
                adamw_step,
                ADAMW_DECAY,
                points={"new_weight": 1.5, "new_m": 0.5, "new_v": 0.5},
                name="with weight decay",
            ),
            values(
                adamw_step,
                ADAMW_FIRST,
                points={"new_weight": 1, "new_m": 0.25, "new_v": 0.25},
                name="first step",
            ),
            values(
                adamw_step,
                ADAMW_EPS,
                points={"new_weight": 1, "new_m": 0.25, "new_v": 0.25},
                name="eps",
            ),
            precision(
                adamw_step,
                ADAMW_PLAIN + ADAMW_DECAY + ADAMW_FIRST + ADAMW_EPS,
                points={"new_weight": 0.5, "new_m": 0.25, "new_v": 0.25},
                name="float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "(beta1, beta2), grad, weight_decay = betas, grad + weight_decay * weight, 0.0",
                name="decay-not-decoupled",
                hint="That is Adam with an L2 penalty: the decay passes through the moments, and "
                "weights with large gradients hardly decay. What does the W stand for?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = 0 * weight",
                name="decay-forgotten",
                hint="Where does weight_decay enter? Its default is not zero here.",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps)) - decay, m, v",
                name="decay-without-learning-rate",
                hint="In PyTorch the learning rate scales both parts of the step: does yours?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = -weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient of zero, should the weight grow or shrink?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = 2 * weight_decay * weight",
                name="decay-twice",
                hint="weight_decay multiplies the weight itself: where does your factor 2 come "
                "from?",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return (weight - lr * (m_hat / (torch.sqrt(v_hat) + eps))) "
                "* (1 - lr * weight_decay), m, v",
                name="decay-after-the-step",
                hint="Which weight decays, the one before the step or the one after?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = weight_decay * weight.sign()",
                name="decay-by-the-sign",
                hint="Should a small weight lose as much as a large one?",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m / (torch.sqrt(v) + eps) + decay",
                name="not-corrected",
                hint="Both moments start at zero: how large are they after the first step, "
                "compared with the gradient?",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = m",
                name="first-moment-not-corrected",
                hint="m starts at zero too: what is it after the first step, compared with the "
                "gradient?",
            ),
            edit(
                adamw_step,
                "v_hat = v / (1 - beta2**step)",
                "v_hat = v",
                name="second-moment-not-corrected",
                hint="v starts at zero too: what is it after the first step, compared with the "
                "gradient's square?",
            ),
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "(beta1, beta2), step = betas, step + 1",
                name="step-counted-again",
                hint="step is the number of this step, from 1: who has counted it already?",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = m / (1 - beta1)",
                name="corrected-as-in-the-first-step",
                hint="How much of m's zero start is left after many steps? The correction should "
                "fade.",
            ),
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "beta2, beta1 = betas",
                name="betas-swapped",
                hint="Which moment has the longer memory? The betas come in the order of m and v.",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = (1 - beta1) * m + beta1 * grad",
                name="old-and-new-swapped",
                hint="beta1 = 0.9 should make m change slowly: which part does it multiply?",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = beta1 * m + grad",
                name="first-moment-summed",
                hint="m is an average: for a gradient that stays the same, what should m approach?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + grad**2",
                name="second-moment-summed",
                hint="v is an average: for a gradient that stays the same, what should v approach?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + (1 - beta2) * grad",
                name="gradient-not-squared",
                hint="v is the average of what? Can yours be negative?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + (1 - beta2) * (grad - m) ** 2",
                name="variance-for-second-moment",
                hint="The second moment is the mean of the square, not of the squared deviation "
                "from the mean.",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = grad",
                name="first-moment-not-used",
                hint="The step goes along an average over the steps so far: along what does yours "
                "go?",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / (v_hat + eps) + decay",
                name="root-forgotten",
                hint="Multiply the loss by 10: m_hat grows tenfold, and v_hat? The step should "
                "stay as it is.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / torch.sqrt(v_hat + eps) + decay",
                name="eps-inside-the-root",
                hint="Compare sqrt(v + eps) with sqrt(v) + eps where v is zero.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / ((torch.sqrt(v) + eps) / (1 - beta2**step) ** 0.5) + decay",
                name="eps-before-the-correction",
                hint="eps is added to the root of the corrected moment; the correction does not "
                "apply to eps itself.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / torch.sqrt(v_hat) + decay",
                name="eps-forgotten",
                hint="What is 0 / 0? Some weights never see a gradient.",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return weight + lr * (m_hat / (torch.sqrt(v_hat) + eps) - decay), m, v",
                name="uphill",
                hint="The gradient points to where the loss grows: which way do you step?",
            ),
            edit(
                adamw_step,
                " + decay), m, v",
                " + decay), m_hat, v_hat",
                name="corrected-moments-returned",
                hint="The next step goes on from m and v themselves: what would happen if they "
                "were corrected in every step?",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = m.mul_(beta1).add_((1 - beta1) * grad)",
                name="in-place",
                hint="The caller's moments have changed during the call: return new ones.",
            ),
        ),
    ),
    Exercise(
        functions=(filter_entropy,),
        checks=(
            values(filter_entropy, FILTER_ENTROPY, points={"entropy": 5}),
            values(
                filter_entropy,
                FILTER_ENTROPY_CERTAIN,
                points={"entropy": 2},
                name="dead and always firing filters",
            ),
            values(filter_entropy, AT_ZERO, points={"entropy": 1.5}, name="at and near zero"),
            precision(filter_entropy, FILTER_ENTROPY_FLOAT32, points={"entropy": 1}),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                filter_entropy,
                " / math.log(2)",
                "",
                name="nats-for-bits",
                hint="What should the entropy of a fair coin be in bits, and what is yours?",
            ),
            edit(
                filter_entropy,
                "return -(",
                "return (",
                name="sign-forgotten",
                hint="The logarithm of a share is negative: which sign does an entropy have?",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "torch.xlogy(p, p)",
                name="only-firing-counted",
                hint="A position fires or it does not: two outcomes. A filter that nearly always "
                "fires and one that nearly never does should have the same entropy.",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "p * p.log() + q * q.log()",
                name="zero-times-infinity",
                hint="What does your formula give for a filter that never fires? 0 log 0 is 0 by "
                "convention, but not by arithmetic.",
            ),
            edit(
                filter_entropy,
                "torch.xlogy(p, p) + torch.xlogy(q, q)",
                "p * (p + 1e-8).log() + q * (q + 1e-8).log()",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm avoids the NaN but shifts every entropy: "
                "is a filter that always fires at exactly 0 bits?",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "fires.to(responses.dtype).clamp(1e-6, 1 - 1e-6)",
                name="share-clamped",
                hint="A dead filter has exactly 0 bits. What does keeping the share away from 0 "
                "and 1 make of that?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses >= 0",
                name="zero-fires",
                hint="A ReLU gives 0 for a response of exactly 0: does the filter fire there?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses != 0",
                name="negative-fires",
                hint="Counting what is not zero is right behind a ReLU. Where do these responses "
                "come from?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses > 1e-6",
                name="faint-responses-ignored",
                hint="Scale all responses down: do fewer positions fire?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses > responses.mean((0, 2, 3), keepdim=True)",
                name="threshold-at-the-mean",
                hint="To what is a response compared by the non-linearity that follows: to zero, "
                "or to the filter's mean?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses.mean((2, 3), keepdim=True) > 0",
                name="pooled-before-firing",
                hint="Each position counts for itself here. How many numbers per image does your "
                "share come from?",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses.amax((2, 3), keepdim=True) > 0",
                name="image-fires-as-a-whole",
                hint="You count images in which the filter fires somewhere. Count positions.",
            ),
            edit(
                filter_entropy,
                "responses > 0",
                "responses[:1] > 0",
                name="first-image-only",
                hint="The share is taken over the training data: does your result change with the "
                "second image?",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((2, 3))",
                name="entropy-per-image",
                hint="How many numbers should describe one filter, whatever the number of images?",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((1, 2, 3))",
                name="images-for-filters",
                hint="In (N, C, H, W), which axis counts the filters? It is the one that stays.",
            ),
            edit(
                filter_entropy,
                ".mean((0, 2, 3))",
                ".mean((0, 1, 2))",
                name="channels-last",
                hint="In PyTorch's order the channels are the second axis, not the last one.",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "responses.sigmoid()",
                name="soft-share",
                hint="A position fires or it does not. What does a sigmoid make of a response of "
                "0.1?",
            ),
            edit(
                filter_entropy,
                "q = 1 - p",
                "p = p / p.sum(); q = 1 - p",
                name="shares-of-the-layer",
                hint="p is one filter's share of its own positions. Does the entropy of a filter "
                "depend on its neighbours?",
            ),
            edit(
                filter_entropy,
                "fires.to(responses.dtype)",
                "fires.to(torch.float32)",
                name="single-precision",
                hint="A result has the precision of its input: which one has yours?",
            ),
        ),
    ),
    Exercise(
        functions=(histogram_entropy,),
        checks=(
            values(histogram_entropy, HISTOGRAM_ENTROPY, points={"entropy": 5.5}),
            values(
                histogram_entropy,
                HISTOGRAM_ENTROPY_EDGES,
                points={"entropy": 3},
                name="right edge and zero range",
            ),
            precision(histogram_entropy, HISTOGRAM_ENTROPY, points={"entropy": 1}),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).sum(0) / math.log(2)",
                name="bits-for-nats",
                hint="Luo and Wu take the natural logarithm: which base has yours?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).sum(0) / math.log(bins)",
                name="scaled-to-one",
                hint="What is the largest entropy that ten bins can have, and what is it with you?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-torch.xlogy(p, p).mean(0)",
                name="mean-over-bins",
                hint="An entropy is an expectation: the p_i are the weights already. What is left "
                "to divide by?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "torch.xlogy(p, p).sum(0)",
                name="sign-forgotten",
                hint="The logarithm of a share is negative: which sign does an entropy have?",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-(p * p.log()).sum(0)",
                name="zero-times-infinity",
                hint="What does your formula make of an empty bin? 0 log 0 is 0 by convention, but "
                "not by arithmetic.",
            ),
            edit(
                histogram_entropy,
                "-torch.xlogy(p, p).sum(0)",
                "-(p * (p + 1e-8).log()).sum(0)",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm avoids the NaN but shifts every entropy. "
                "How can empty bins be left out of the sum?",
            ),
            edit(
                histogram_entropy,
                "pooled.amin(0), pooled.amax(0)",
                "pooled.amin(), pooled.amax()",
                name="one-range-for-the-layer",
                hint="Scale the responses of one filter by ten: should that change the entropy of "
                "the others?",
            ),
            edit(
                histogram_entropy,
                "pooled.amin(0), pooled.amax(0)",
                "pooled.amin(0) * 0, pooled.amax(0)",
                name="range-from-zero",
                hint="Pooled responses may be negative, or all far from zero: where does the first "
                "bin begin?",
            ),
            edit(
                histogram_entropy,
                ".clamp(max=bins - 1)",
                "",
                name="largest-value-lost",
                hint="Count the images in your bins: are they all there? The largest one lies on "
                "the right edge.",
            ),
            edit(
                histogram_entropy,
                "position.floor()",
                "position.round()",
                name="rounded-to-the-nearest-edge",
                hint="Between which two edges does a position of 3.7 lie, counting from 0?",
            ),
            edit(
                histogram_entropy,
                "torch.where(high > low, high - low, 1.0)",
                "high - low",
                name="zero-range-divides-by-zero",
                hint="A dead filter gives every image the same number. By what do you divide?",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "counts / counts.sum(0) * bins / span",
                name="density-for-probability",
                hint="Do your p_i add up to 1? A density does so only after multiplying with the "
                "width of the bins.",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "torch.softmax(pooled, 0)",
                name="softmax-of-responses",
                hint="The p_i are shares of images in bins. Where are the bins in your formula?",
            ),
            edit(
                histogram_entropy,
                "counts / counts.sum(0)",
                "counts / counts.sum()",
                name="shares-of-the-layer",
                hint="Do the p_i of each filter add up to 1?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.movedim(1, -1).flatten(0, 2)",
                name="pixels-for-images",
                hint="How many numbers per image go into the histogram of one filter? Global "
                "average pooling leaves one.",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.amax((2, 3))",
                name="maximum-pooled",
                hint="Luo and Wu pool with the average, not with the maximum.",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.clamp(min=0).mean((2, 3))",
                name="rectified-first",
                hint="The responses are pooled as they are: what happened to the negative ones?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "pooled = responses.mean((2, 3)).T",
                name="images-for-filters",
                hint="In (N, C, H, W), over which axis does one filter's histogram run?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "bins, pooled = 10, responses.mean((2, 3))",
                name="bins-ignored",
                hint="The caller says how many bins there are. Does your result change with it?",
            ),
            edit(
                histogram_entropy,
                "pooled = responses.mean((2, 3))",
                "bins, pooled = bins - 1, responses.mean((2, 3))",
                name="edges-counted-for-bins",
                hint="How many edges do ten bins have?",
            ),
        ),
    ),
    Exercise(
        functions=(filter_status,),
        checks=(
            values(filter_status, FILTER_STATUS, points={"status": 4}),
            values(
                filter_status,
                FILTER_STATUS_EXCEPTIONS,
                points={"status": 2.5},
                name="one position decides",
            ),
            values(filter_status, AT_ZERO, points={"status": 2}, name="at and near zero"),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "never.to(torch.int64) - always.to(torch.int64)",
                name="signs-swapped",
                hint="Which of the two is -1: a filter that is dead, or one that always fires?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "-never.to(torch.int64)",
                name="always-firing-forgotten",
                hint="There are three kinds of filters. Behind which of them does a ReLU change "
                "nothing?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(torch.int64)",
                name="dead-forgotten",
                hint="There are three kinds of filters. What does a ReLU leave of one that never "
                "fires?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(torch.int64) + never.to(torch.int64)",
                name="kinds-not-told-apart",
                hint="Dead and always firing are two things: does your result say which?",
            ),
            edit(
                filter_status,
                "always.to(torch.int64) - never.to(torch.int64)",
                "always.to(responses.dtype) - never.to(responses.dtype)",
                name="floating-point-status",
                hint="A status is a whole number: of which type is yours?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses >= 0",
                name="zero-fires",
                hint="A filter that gives nothing but zeros: is it dead, or does it always fire?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses != 0",
                name="negative-fires",
                hint="Dead is not the same as zero: these responses come before the non-linearity, "
                "and what does that make of a negative one?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses > 1e-6",
                name="faint-responses-ignored",
                hint="Scale all responses down: does a filter die of that?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.mean((0, 2, 3), keepdim=True) > 0",
                name="judged-by-the-mean",
                hint="A mean below zero is no death: does the filter fire anywhere?",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.mean((2, 3), keepdim=True) > 0",
                name="pooled-before-firing",
                hint="An image whose mean is below zero may still have positions where the filter "
                "fires.",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses[:1] > 0",
                name="first-image-only",
                hint="A filter that sleeps through one image may wake up at the next.",
            ),
            edit(
                filter_status,
                "responses > 0",
                "responses.transpose(0, 1) > 0",
                name="images-for-filters",
                hint="In (N, C, H, W), which axis counts the filters? It is the one that stays.",
            ),
            edit(
                filter_status,
                "fires.all((0, 2, 3))",
                "fires.all(3).all(2).any(0)",
                name="always-within-one-image",
                hint="Always means in every image. How many of them does yours take?",
            ),
            edit(
                filter_status,
                "~fires.any((0, 2, 3))",
                "~fires.any(3).any(2).all(0)",
                name="dead-within-one-image",
                hint="Dead means in every image. How many of them does yours take?",
            ),
            edit(
                filter_status,
                "fires.all((0, 2, 3))",
                "fires.double().mean((0, 2, 3)) > 0.95",
                name="nearly-always",
                hint="Is a single position without firing enough to make a filter ordinary?",
            ),
            edit(
                filter_status,
                "~fires.any((0, 2, 3))",
                "fires.double().mean((0, 2, 3)) < 0.05",
                name="nearly-dead",
                hint="Is a single position that fires enough to make a filter ordinary?",
            ),
        ),
    ),
    Exercise(
        functions=(prune_filters,),
        checks=(
            values(
                prune_filters,
                PRUNING,
                points={
                    "pruned weight": 1.5,
                    "pruned bias": 1,
                    "pruned next_weight": 2,
                    "kept": 1.5,
                },
            ),
            values(
                prune_filters,
                PRUNING_LIMITS,
                points={
                    "pruned weight": 0.25,
                    "pruned bias": 0.25,
                    "pruned next_weight": 0.25,
                    "kept": 0.25,
                },
                name="one and all",
            ),
            values(
                prune_filters,
                PRUNING_TIES,
                points={
                    "pruned weight": 0.25,
                    "pruned bias": 0.25,
                    "pruned next_weight": 0.25,
                    "kept": 0.75,
                },
                name="equally near",
            ),
            errors(prune_filters, PRUNING_REFUSED, points=1),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "-entropy",
                name="largest-entropy-kept",
                hint="One bit is the entropy of a tossed coin. Is that what a useful filter does?",
            ),
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "entropy - 0.5",
                name="distance-without-sign",
                hint="Filters of 0 bits are dead or always fire. How far is 0 from the middle?",
            ),
            edit(
                prune_filters,
                "(entropy - 0.5).abs()",
                "-(entropy - 0.5).abs()",
                name="farthest-kept",
                hint="You keep the filters at both ends. Where are the useful ones?",
            ),
            edit(
                prune_filters,
                "entropy - 0.5",
                "entropy - math.log(2) / 2",
                name="middle-in-nats",
                hint="The entropies are in bits: how large can one be, and where is the middle?",
            ),
            edit(
                prune_filters,
                "entropy - 0.5",
                "entropy - entropy.mean()",
                name="nearest-the-layers-mean",
                hint="In a layer full of dead filters, which ones are near the mean?",
            ),
            edit(
                prune_filters,
                "order[:keep]",
                "order[: len(order) - keep]",
                name="keep-taken-for-remove",
                hint="Keep 1 of 10: how many filters are left with you?",
            ),
            edit(
                prune_filters,
                "order[:keep].sort().values",
                "order[:keep]",
                name="filters-reordered",
                hint="Sorting by distance mixes up the filters. In which order should they stay?",
            ),
            edit(
                prune_filters,
                "order[:keep].sort().values",
                "torch.arange(keep, device=order.device)",
                name="first-filters-kept",
                hint="Which filters stay should depend on the entropy: change it, and look again.",
            ),
            edit(
                prune_filters,
                "torch.sort(distance, stable=True).indices",
                "len(distance) - 1 - torch.sort(distance.flip(0), stable=True).indices",
                name="ties-to-the-last",
                hint="Of two filters that are equally near, which one stays?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight",
                name="next-layer-untouched",
                hint="How many channels does the next layer receive now, and how many does its "
                "weight expect?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight[kept[kept < len(next_weight)]]",
                name="next-layers-filters-removed",
                hint="Weights are (out, in, kH, kW): which axis of the next layer's weight reads "
                "the filters' output?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept]",
                "next_weight[:, :keep]",
                name="next-layers-first-channels",
                hint="Channel i of the next layer reads filter i: which channels belong to the "
                "filters that stay?",
            ),
            edit(
                prune_filters,
                "bias[kept]",
                "bias",
                name="bias-untouched",
                hint="Every filter has a bias of its own: how many are left?",
            ),
            edit(
                prune_filters,
                "return weight[kept]",
                "return weight[:, kept[kept < weight.shape[1]]]",
                name="inputs-removed-for-filters",
                hint="Weights are (out, in, kH, kW): along which axis do the filters lie?",
            ),
            edit(
                prune_filters,
                "return weight[kept]",
                "return weight * torch.isin(order.sort().values, kept).view(-1, 1, 1, 1)",
                name="zeroed-for-removed",
                hint="Filters of zeros cost as much as others. What shape should the weight have?",
            ),
            edit(
                prune_filters,
                "next_weight[:, kept], kept",
                "next_weight[:, kept], torch.isin(order.sort().values, kept)",
                name="mask-for-indices",
                hint="Return which filters stay, as indices, not one truth value per filter.",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "0 <= keep <= len(weight)",
                name="keep-of-zero-accepted",
                hint="What would a layer without filters hand on?",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "1 <= keep",
                name="keep-beyond-the-filters-accepted",
                hint="Slices do not complain when they reach too far: do you?",
            ),
            edit(
                prune_filters,
                "1 <= keep <= len(weight)",
                "1 <= keep < len(weight)",
                name="keep-of-all-refused",
                hint="Keeping all filters is no pruning, but no mistake either.",
            ),
            edit(
                prune_filters,
                'raise ValueError(f"of {len(weight)} filters, {keep} cannot be kept")',
                "keep = min(max(keep, 1), len(weight))",
                name="keep-clamped",
                hint="Who asks for the impossible should be told: do you do something else "
                "silently?",
            ),
        ),
    ),
)
