"""Losses: how wrong a prediction is, and in which direction it should move.

Each loss of one sample or element is reduced to the batch's: `reduction` is "none", "mean" or
"sum". Each backward receives the gradient with respect to the reduced loss.
"""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, Recipe, case, edit, normal, uniform, upstream


def _reduce(loss, reduction):
    """The loss itself, its mean or its sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss


def _refuse_other_shapes(input, target):
    """Broadcasting would compare every prediction with every target, without a word."""
    if input.shape != target.shape:
        raise ValueError(
            f"input {tuple(input.shape)} and target {tuple(target.shape)} must have one shape"
        )


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
    _refuse_other_shapes(input, target)
    loss = (input - target).abs()
    return _reduce(loss, reduction)


def l1_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `l1_loss`: the sign of input - target, however large the difference.

    Where input equals target every derivative in [-1, 1] is right; PyTorch takes 0.

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * torch.sign(input - target)


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
    _refuse_other_shapes(input, target)
    d = input - target
    loss = d**2
    return _reduce(loss, reduction)


def mse_loss_backward(grad_y, input, target, reduction="mean"):
    """The gradient of `mse_loss`: in proportion to the difference, so outliers pull hardest.

        d loss / d input = 2 * (input - target).

    Args:
        grad_y: the gradient with respect to the loss, of its shape.
        input, target, reduction: what the forward received.

    Returns:
        grad_input, of the shape of input.
    """
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * 2 * (input - target)


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
    _refuse_other_shapes(input, target)
    if beta < 0:
        raise ValueError(f"beta is {beta}, but must be at least 0")
    d = input - target
    near = d.abs() < beta  # nowhere for beta = 0, where the quadratic piece is no number
    loss = torch.where(near, 0.5 * d**2 / beta, d.abs() - 0.5 * beta)
    return _reduce(loss, reduction)


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
    d = input - target
    slope = torch.where(d.abs() < beta, d / beta, torch.sign(d))
    grad_loss = grad_y / input.numel() if reduction == "mean" else grad_y
    return grad_loss * slope


def _log_softmax(logits):
    """The logarithm of softmax over the classes, (N, C): z - log(sum(exp(z))) with every row moved
    down by its greatest logit, which changes nothing but keeps exp from overflowing."""
    z = logits - logits.amax(dim=1, keepdim=True)
    return z - torch.log(torch.exp(z).sum(dim=1, keepdim=True))


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
    kept = target != ignore_index  # (N,)
    index = torch.where(kept, target, 0)  # an ignored target may be no class at all
    w = kept.to(log_probs.dtype)  # (N,), what each sample counts
    if weight is not None:
        w = w * weight.gather(0, index)
    log_pt = log_probs.gather(1, index.unsqueeze(1)).squeeze(1)  # (N,)
    loss = torch.where(kept, -w * log_pt, 0.0)
    if reduction == "mean":
        return loss.sum() / w.sum()
    return _reduce(loss, reduction)


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
    kept = target != ignore_index  # (N,)
    index = torch.where(kept, target, 0)
    w = kept.to(log_probs.dtype)  # (N,)
    if weight is not None:
        w = w * weight.gather(0, index)
    grad_loss = grad_y / w.sum() if reduction == "mean" else grad_y
    slope = -w * grad_loss  # (N,)
    return torch.zeros_like(log_probs).scatter(1, index.unsqueeze(1), slope.unsqueeze(1))


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
    log_probs = _log_softmax(logits)  # (N, C)
    return nll_loss(log_probs, target, weight, ignore_index, reduction)


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
    log_p = _log_softmax(logits)  # (N, C)
    grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, reduction)
    return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)


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
    log_pt = _log_softmax(logits).gather(1, target.unsqueeze(1)).squeeze(1)  # (N,)
    pt = torch.exp(log_pt)
    loss = -((1 - pt) ** gamma) * log_pt
    if alpha is not None:
        loss = loss * alpha.gather(0, target)
    return _reduce(loss, reduction)


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
    log_p = _log_softmax(logits)  # (N, C)
    p = torch.exp(log_p)
    log_pt = log_p.gather(1, target.unsqueeze(1))  # (N, 1)
    pt = torch.exp(log_pt)
    power = torch.where(pt < 1, (1 - pt) ** (gamma - 1), 0.0)
    slope = gamma * power * pt * log_pt - (1 - pt) ** gamma
    if alpha is not None:
        slope = slope * alpha.gather(0, target).unsqueeze(1)
    one_hot = torch.zeros_like(logits).scatter(1, target.unsqueeze(1), 1.0)
    grad_loss = grad_y / len(logits) if reduction == "mean" else grad_y
    return grad_loss.reshape(-1, 1) * slope * (one_hot - p)


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
    loss = torch.clamp(-y * (x1 - x2) + margin, min=0)
    return _reduce(loss, reduction)


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
    grad_loss = grad_y / x1.numel() if reduction == "mean" else grad_y
    costs = -y * (x1 - x2) + margin >= 0
    grad_x1 = torch.where(costs, -y * grad_loss, 0.0)
    return grad_x1, -grad_x1


def _same_first(recipe, count):
    """The recipe's numbers, the first of them 0: an input and a target so changed are equal there,
    and stay equal under relative changes."""

    def put(tensor):
        flat = tensor.flatten()
        flat[:count] = 0.0
        return flat.view(tensor.shape)

    return recipe.map(put)


def _signs(*shape):
    """1 or -1, as likely, and both among the first two."""

    def make(generator, _):
        flat = torch.randint(0, 2, shape, generator=generator).flatten().double() * 2 - 1
        flat[:2] = torch.tensor([1.0, -1.0])
        return flat.view(shape)

    return Recipe(make)


DIFFERENCES = (
    case("rows of four", public=True, input=normal(5, 4), target=normal(5, 4, mean=0.5)),
    case("one row", input=normal(9, std=3.0), target=normal(9)),
    case(
        "each element, transposed strides",
        input=normal(4, 6).map(lambda t: t.T),
        target=normal(6, 4),
        reduction="none",
    ),
    case(
        "sum over images",
        input=normal(2, 3, 4, 5),
        target=normal(2, 3, 4, 5),
        reduction="sum",
    ),
)
DIFFERENCES_FLOAT32 = (
    case("rows of four", public=True, input=normal(5, 4), target=normal(5, 4, mean=0.5)),
    case("each element", input=normal(3, 5), target=normal(3, 5), reduction="none"),
)
EQUAL = (
    case(
        "three of them equal",
        public=True,
        kinks=("input",),
        input=_same_first(normal(3, 4), 3),
        target=_same_first(normal(3, 4), 3),
        reduction="none",
    ),
    case(
        "some of them equal, mean",
        kinks=("input",),
        input=_same_first(normal(3, 4), 5),
        target=_same_first(normal(3, 4), 5),
    ),
)
FAR_FROM_ZERO = (
    case(
        "both about 10000",
        public=True,
        input=normal(4, 5, mean=1e4),
        target=normal(4, 5, mean=1e4),
        reduction="none",
    ),
    case(
        "both about -100000",
        input=normal(20, mean=-1e5),
        target=normal(20, mean=-1e5),
        reduction="none",
    ),
)
OTHER_SHAPES = (
    case("a column for a row", public=True, input=normal(5, 1), target=normal(5)),
    case("one row for all", input=normal(4, 3), target=normal(3)),
    case("one number for each row", input=normal(4, 3), target=normal(4, 1), reduction="sum"),
    case("as many numbers", input=normal(4, 3), target=normal(3, 4), reduction="none"),
)
# Numbers on both sides of beta, and of both signs.
SMOOTH = (
    case("rows of four", public=True, input=normal(5, 4, std=1.5), target=normal(5, 4)),
    case("beta 0.5", public=True, input=normal(4, 6), target=normal(4, 6), beta=0.5),
    case("one row, beta 3", input=normal(15, std=4.0), target=normal(15), beta=3.0),
    case(
        "each element, transposed strides, beta 2",
        input=normal(4, 6, std=3.0).map(lambda t: t.T),
        target=normal(6, 4),
        reduction="none",
        beta=2.0,
    ),
    case(
        "sum over images, beta 0.7",
        input=normal(2, 3, 4, 5),
        target=normal(2, 3, 4, 5),
        reduction="sum",
        beta=0.7,
    ),
)
SMOOTH_FLOAT32 = (
    case("rows of four, beta 1.5", public=True, input=normal(5, 4), target=normal(5, 4), beta=1.5),
    case("each element", input=normal(3, 5), target=normal(3, 5), reduction="none"),
)
SMOOTH_ZERO = (
    case("beta 0", public=True, input=normal(5, 4), target=normal(5, 4), beta=0.0),
    case(
        "beta 0, some of them equal",
        input=_same_first(normal(3, 4), 3),
        target=_same_first(normal(3, 4), 3),
        reduction="none",
        beta=0.0,
    ),
)
SMOOTH_REFUSED = (
    *OTHER_SHAPES,
    case("negative beta", public=True, input=normal(5), target=normal(5), beta=-1.0),
    case("small negative beta", input=normal(3, 4), target=normal(3, 4), beta=-0.01),
)
PAIRS = (
    case("pairs", public=True, x1=normal(12), x2=normal(12), y=_signs(12)),
    case("margin 0.8", public=True, x1=normal(12), x2=normal(12), y=_signs(12), margin=0.8),
    case(
        "rows of pairs, margin 0.5",
        x1=normal(4, 6),
        x2=normal(4, 6),
        y=_signs(4, 6),
        margin=0.5,
    ),
    case(
        "each pair, transposed strides, margin 1.5",
        x1=normal(5, 4).map(lambda t: t.T),
        x2=normal(4, 5),
        y=_signs(4, 5),
        margin=1.5,
        reduction="none",
    ),
    case(
        "sum, margin 0.3",
        x1=normal(3, 8),
        x2=normal(3, 8),
        y=_signs(3, 8),
        margin=0.3,
        reduction="sum",
    ),
)
PAIRS_FLOAT32 = (
    case("margin 0.8", public=True, x1=normal(12), x2=normal(12), y=_signs(12), margin=0.8),
    case("each pair", x1=normal(4, 5), x2=normal(4, 5), y=_signs(4, 5), reduction="none"),
)
TIES = (
    case(
        "four ties",
        public=True,
        kinks=("x1",),
        x1=_same_first(normal(14), 4),
        x2=_same_first(normal(14), 4),
        y=_signs(14),
        reduction="none",
    ),
    case(
        "ties, mean",
        kinks=("x1",),
        x1=_same_first(normal(3, 6), 3),
        x2=_same_first(normal(3, 6), 3),
        y=_signs(3, 6),
    ),
)


def _classes(count, classes):
    """Targets for that many samples, in random order, every class among them."""
    return Recipe(lambda g, _: torch.randperm(count, generator=g) % classes)


def _confident(recipe, right):
    """Logits whose greatest one is the target's in the rows below `right`: p_t rounds to 1."""

    def make(generator, before):
        logits = recipe.make(generator, before)
        sure = (torch.arange(len(logits)) < right).double()
        return logits + 2e4 * sure.unsqueeze(1) * torch.eye(logits.shape[1])[before["target"]]

    return Recipe(make)


FOCAL = (
    case("three classes", public=True, target=_classes(6, 3), logits=normal(6, 3)),
    case(
        "class weights",
        target=_classes(9, 5),
        logits=normal(9, 5, std=2.0),
        alpha=uniform(5, low=0.2, high=2.0),
    ),
    case(
        "class weights, each sample, gamma 0.5",
        target=_classes(8, 4),
        logits=normal(4, 8).map(lambda t: t.T),
        alpha=uniform(4, low=0.2, high=2.0),
        gamma=0.5,
        reduction="none",
    ),
    case(
        "sum, gamma 3",
        target=_classes(7, 4),
        logits=normal(7, 4),
        gamma=3.0,
        reduction="sum",
    ),
    case(
        "gamma 0",
        target=_classes(6, 4),
        logits=normal(6, 4),
        alpha=uniform(4, low=0.2, high=2.0),
        gamma=0.0,
    ),
)
FOCAL_LARGE = (
    case(
        "rows at different levels",
        public=True,
        target=_classes(6, 3),
        logits=normal(6, 3).map(lambda t: t + torch.linspace(-2e3, 2e3, 6).unsqueeze(1).double()),
    ),
    case("logits of 1e4", target=_classes(8, 4), logits=normal(8, 4, std=1e4), reduction="none"),
    case(
        "sure and right, gamma 0.5",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.5,
        reduction="none",
    ),
    case(
        "sure and right, gamma 0",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.0,
    ),
)
FOCAL_FLOAT32 = (
    case("four classes", public=True, target=_classes(12, 4), logits=normal(12, 4)),
    case(
        "sure and right, gamma 0.5",
        target=_classes(6, 3),
        logits=_confident(normal(6, 3), right=4),
        gamma=0.5,
        reduction="sum",
    ),
)


def _ignoring(count, classes, ignore_index, ignored):
    """Targets for that many samples, of which so many, at random, are to be ignored."""

    def make(generator, _):
        target = torch.randperm(count, generator=generator) % classes
        target[torch.randperm(count, generator=generator)[:ignored]] = ignore_index
        return target

    return Recipe(make)


def _log_probs(*shape):
    """Logarithms of probabilities."""
    return normal(*shape, std=1.5).map(_log_softmax)


def _class_weights(count):
    return uniform(count, low=0.2, high=2.0)


def _classification(name, scores):
    """Cases for a loss of class scores that its first argument `name` holds: ordinary ones, with
    ignored targets, degenerate ones, and for float32. `scores` makes the recipe for a shape."""

    def one(title, target, shape, public=False, transposed=False, **arguments):
        recipe = scores(*shape)
        if transposed:  # the same numbers, the classes' strides the longer ones
            recipe = recipe.map(lambda t: t.T.contiguous().T)
        return case(title, public=public, target=target, **{name: recipe}, **arguments)

    ordinary = (
        one("three classes", _classes(6, 3), (6, 3), public=True),
        one("class weights", _classes(9, 5), (9, 5), public=True, weight=_class_weights(5)),
        one(
            "each sample, class weights, transposed strides",
            _classes(8, 4),
            (8, 4),
            transposed=True,
            weight=_class_weights(4),
            reduction="none",
        ),
        one(
            "sum, class weights", _classes(7, 4), (7, 4), weight=_class_weights(4), reduction="sum"
        ),
        one("fewer samples than classes", _classes(3, 6), (3, 6)),
    )
    ignored = (
        one("two ignored", _ignoring(8, 4, -100, 2), (8, 4), public=True),
        one("three ignored", _ignoring(9, 3, -100, 3), (9, 3), weight=_class_weights(3)),
        one(
            "class 1 ignored",
            _classes(10, 4),
            (10, 4),
            weight=_class_weights(4),
            ignore_index=1,
        ),
        one(
            "each sample, ignore_index -1",
            _ignoring(8, 3, -1, 2),
            (8, 3),
            weight=_class_weights(3),
            ignore_index=-1,
            reduction="none",
        ),
        one(
            "sum, ignore_index 255",
            _ignoring(7, 4, 255, 2),
            (7, 4),
            ignore_index=255,
            reduction="sum",
        ),
    )
    degenerate = (
        one("all but one ignored", _ignoring(5, 3, -100, 4), (5, 3), weight=_class_weights(3)),
        one("all ignored", _ignoring(4, 3, -100, 4), (4, 3), public=True),
        one("all ignored, sum", _ignoring(4, 3, -100, 4), (4, 3), public=True, reduction="sum"),
        one(
            "all ignored, class weights",
            _ignoring(5, 4, 9, 5),
            (5, 4),
            ignore_index=9,
            weight=_class_weights(4),
        ),
    )
    float32 = (
        one("four classes", _classes(12, 4), (12, 4), public=True),
        one(
            "each sample, class weights",
            _classes(8, 5),
            (8, 5),
            weight=_class_weights(5),
            reduction="none",
        ),
    )
    return ordinary, ignored, degenerate, float32


NLL, NLL_IGNORED, NLL_DEGENERATE, NLL_FLOAT32 = _classification("log_probs", _log_probs)
ENTROPY, ENTROPY_IGNORED, ENTROPY_DEGENERATE, ENTROPY_FLOAT32 = _classification(
    "logits", lambda *shape: normal(*shape, std=1.5)
)
ENTROPY_LARGE = (
    case(
        "rows at different levels",
        public=True,
        target=_classes(6, 3),
        logits=normal(6, 3).map(lambda t: t + torch.linspace(-2e3, 2e3, 6).unsqueeze(1).double()),
    ),
    case("logits of 1e4", target=_classes(8, 4), logits=normal(8, 4, std=1e4), reduction="none"),
    case(
        "class weights, logits of 1e3",
        target=_classes(9, 3),
        logits=normal(9, 3, std=1e3),
        weight=_class_weights(3),
    ),
)

EXERCISES = (
    Exercise(
        functions=(l1_loss, l1_loss_backward),
        checks=(
            values(l1_loss, DIFFERENCES, points={"loss": 3}, name="loss"),
            precision(l1_loss, DIFFERENCES_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, DIFFERENCES),
                points={"grad_input": 3},
                name="backward",
            ),
            gradients(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, EQUAL),
                points={"grad_input": 1},
                name="backward where input equals target",
            ),
            precision(
                l1_loss_backward,
                upstream(l1_loss, l1_loss_backward, DIFFERENCES_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(l1_loss, OTHER_SHAPES, points=1),
        ),
        misconceptions=(
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = input - target",
                name="absolute-value-missing",
                hint="Can your loss become negative? Look at a prediction that is too small.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = (input - target) ** 2",
                name="square-for-absolute-value",
                hint="A difference of 10 should cost ten times as much as one of 1: how much "
                "does yours?",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = torch.sqrt((input - target) ** 2 + 1e-8)",
                name="smoothed-at-zero",
                hint="What does your loss give for a perfect prediction? A small number under a "
                "root stays.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = input.abs() - target.abs()",
                name="difference-of-absolute-values",
                hint="How far apart are -1 and 1? The order of the two operations matters.",
            ),
            edit(
                l1_loss,
                "loss = (input - target).abs()",
                "loss = 0.5 * (input - target).abs()",
                name="halved",
                hint="The factor 1/2 belongs to squares, where it cancels against a 2.",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(input - target, reduction).abs()",
                name="absolute-value-after-the-reduction",
                hint="Errors of +1 and -1 must not cancel: what comes first, the sum or the "
                "absolute value?",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.mean()",
                name="reduction-ignored",
                hint="What shape should the result have with reduction='none'?",
            ),
            edit(
                l1_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "(input - target)",
                name="difference-for-sign",
                hint="How steep is |d| at d = 10, and how steep at d = 0.1?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "torch.sign(target - input)",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "torch.sign(input)",
                name="sign-of-the-input",
                hint="The kink is where input equals target. Where is it in your gradient?",
            ),
            edit(
                l1_loss_backward,
                "torch.sign(input - target)",
                "(input > target)",
                name="nothing-from-below",
                hint="What is the slope of |d| for negative d? It is not 0.",
            ),
            edit(
                l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y / len(input) if",
                name="divided-by-the-batch-only",
                hint="By how many did the forward divide: by rows, or by elements?",
            ),
            edit(
                l1_loss_backward,
                'if reduction == "mean" else grad_y',
                "",
                name="every-reduction-a-mean",
                hint="Only one of the three reductions divides.",
            ),
            edit(
                l1_loss_backward,
                "grad_loss * torch.sign",
                "(grad_loss / grad_y) * torch.sign",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
    Exercise(
        functions=(mse_loss, mse_loss_backward),
        checks=(
            values(mse_loss, DIFFERENCES, points={"loss": 3}, name="loss"),
            precision(mse_loss, DIFFERENCES_FLOAT32, points={"loss": 0.5}, name="float32"),
            precision(
                mse_loss, FAR_FROM_ZERO, points={"loss": 0.5}, name="large numbers in float32"
            ),
            gradients(
                mse_loss_backward,
                upstream(mse_loss, mse_loss_backward, DIFFERENCES),
                points={"grad_input": 3.5},
                name="backward",
            ),
            precision(
                mse_loss_backward,
                upstream(mse_loss, mse_loss_backward, DIFFERENCES_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(mse_loss, OTHER_SHAPES, points=1),
        ),
        misconceptions=(
            edit(
                mse_loss,
                "loss = d**2",
                "loss = 0.5 * d**2",
                name="half-of-the-square",
                hint="Books put a factor before the square to make the derivative neat. Does the "
                "formula that was asked for have one?",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = d.abs()",
                name="absolute-value-for-square",
                hint="A difference of 10 should cost a hundred times as much as one of 1.",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = input**2 - target**2",
                name="difference-of-squares",
                hint="How wrong is 1 where -1 was wanted? The order of the two operations matters.",
            ),
            edit(
                mse_loss,
                "loss = d**2",
                "loss = input**2 - 2 * input * target + target**2",
                name="square-expanded",
                hint="In float32, what is left of 10001 ** 2 - 2 * 10001 * 10000 + 10000 ** 2? "
                "Compare the sizes of the terms with that of their sum.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(d, reduction) ** 2",
                name="square-after-the-reduction",
                hint="Errors of +1 and -1 must not cancel: what comes first, the sum or the "
                "square?",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) ** 0.5",
                name="root-of-the-mean",
                hint="That has the unit of the target, and another name.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                mse_loss,
                "return _reduce(loss, reduction)",
                "return loss.mean()",
                name="reduction-ignored",
                hint="What shape should the result have with reduction='none'?",
            ),
            edit(
                mse_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * (input - target)",
                name="two-missing",
                hint="Differentiate the square: is there something in the forward that would "
                "cancel its exponent?",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * (target - input)",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * (input - target) ** 2",
                name="exponent-not-lowered",
                hint="Is your gradient negative anywhere? It should be where the prediction is "
                "too small.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2 * (input - target)",
                "grad_loss * 2 * torch.sign(input - target)",
                name="sign-for-difference",
                hint="Near the target the slope of a square gets small. Does yours?",
            ),
            edit(
                mse_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                mse_loss_backward,
                "grad_y / input.numel() if",
                "grad_y / len(input) if",
                name="divided-by-the-batch-only",
                hint="By how many did the forward divide: by rows, or by elements?",
            ),
            edit(
                mse_loss_backward,
                'if reduction == "mean" else grad_y',
                "",
                name="every-reduction-a-mean",
                hint="Only one of the three reductions divides.",
            ),
            edit(
                mse_loss_backward,
                "grad_loss * 2",
                "(grad_loss / grad_y) * 2",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
    Exercise(
        functions=(smooth_l1_loss, smooth_l1_loss_backward),
        checks=(
            values(smooth_l1_loss, SMOOTH, points={"loss": 3}, name="loss"),
            values(smooth_l1_loss, SMOOTH_ZERO, points={"loss": 1}, name="beta of zero"),
            precision(smooth_l1_loss, SMOOTH_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                smooth_l1_loss_backward,
                upstream(smooth_l1_loss, smooth_l1_loss_backward, SMOOTH),
                points={"grad_input": 3.5},
                name="backward",
            ),
            precision(
                smooth_l1_loss_backward,
                upstream(smooth_l1_loss, smooth_l1_loss_backward, SMOOTH_FLOAT32),
                points={"grad_input": 0.5},
                name="backward in float32",
            ),
            errors(smooth_l1_loss, SMOOTH_REFUSED, points=1),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs() + 0.5 * beta",
                name="line-moved-up",
                hint="Put |d| = beta into both pieces: do they give the same?",
            ),
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs()",
                name="line-not-moved",
                hint="Put |d| = beta into both pieces: do they give the same?",
            ),
            edit(
                smooth_l1_loss,
                "d.abs() - 0.5 * beta",
                "d.abs() - 0.5",
                name="line-moved-for-beta-one",
                hint="By how much the line has to move so that it meets the parabola depends on "
                "where they meet.",
            ),
            edit(
                smooth_l1_loss,
                "0.5 * d**2 / beta",
                "0.5 * d**2",
                name="parabola-not-scaled",
                hint="At |d| = beta the parabola has to be as steep as the line. How steep is "
                "yours for beta = 2?",
            ),
            edit(
                smooth_l1_loss,
                "0.5 * d**2 / beta",
                "d**2 / beta",
                name="half-forgotten",
                hint="At |d| = beta the parabola has to be as steep as the line: differentiate "
                "both.",
            ),
            edit(
                smooth_l1_loss,
                "d = input - target",
                "d, beta = input - target, 1.0",
                name="beta-ignored",
                hint="Try another beta than 1: does the loss change?",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) * (beta or 1)",
                name="huber-instead",
                hint="How steep is your line far out? Huber's loss and this one differ by a "
                "factor.",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d < beta",
                name="absolute-value-missing-in-the-condition",
                hint="Which piece does d = -10 belong to?",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d.abs() > beta",
                name="pieces-swapped",
                hint="Which of the two pieces is for small differences?",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d**2 < beta",
                name="square-in-the-condition",
                hint="beta is compared with a distance, not with its square.",
            ),
            edit(
                smooth_l1_loss,
                "near = d.abs() < beta",
                "near = d.abs() <= beta",
                name="zero-over-zero",
                hint="For beta = 0 and input = target, which piece is chosen, and what is 0 / 0?",
            ),
            edit(
                smooth_l1_loss,
                "torch.where(near, 0.5 * d**2 / beta, d.abs() - 0.5 * beta)",
                "near * (0.5 * d**2 / beta) + ~near * (d.abs() - 0.5 * beta)",
                name="mask-times-infinity",
                hint="A mask of zeros does not remove an infinity: what is your quadratic piece "
                "for beta = 0?",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of elements? A mean does not.",
            ),
            edit(
                smooth_l1_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(input) if reduction == 'mean' else _reduce(loss, "
                "reduction)",
                name="mean-over-the-batch-only",
                hint="With four features per row there are four errors per row: by how many do "
                "you divide?",
            ),
            edit(
                smooth_l1_loss,
                "_refuse_other_shapes(input, target)",
                "pass",
                name="shapes-broadcast",
                hint="What is the shape of (5, 1) minus (5,)? See whether every number of it is an "
                "error that you meant.",
            ),
            edit(
                smooth_l1_loss,
                "if beta < 0:",
                "if False:",
                name="negative-beta-accepted",
                hint="What would a negative distance mean? Say so instead of computing something.",
            ),
            edit(
                smooth_l1_loss_backward,
                "beta, d / beta, ",
                "beta, d, ",
                name="beta-missing-in-backward",
                hint="Is your gradient continuous at |d| = beta, for another beta than 1?",
            ),
            edit(
                smooth_l1_loss_backward,
                "beta, d / beta, ",
                "beta, 2 * d / beta, ",
                name="half-missing-in-backward",
                hint="What becomes of the factor 0.5 when the square is differentiated?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.where(d.abs() < beta, d / beta, torch.sign(d))",
                "torch.clamp(d, -beta, beta)",
                name="gradient-of-huber",
                hint="How steep is the line far out? Clipping d itself gives the gradient of "
                "another loss.",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.sign(d))",
                "1.0)",
                name="one-for-sign",
                hint="How steep is |d| on the left?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.sign(d))",
                "d)",
                name="difference-for-sign",
                hint="How steep is |d| at d = 10, and how steep at d = 20?",
            ),
            edit(
                smooth_l1_loss_backward,
                "torch.where(d.abs() < beta",
                "torch.where(d < beta",
                name="absolute-value-missing-in-backward",
                hint="Which piece does d = -10 belong to?",
            ),
            edit(
                smooth_l1_loss_backward,
                "d = input - target",
                "d = target - input",
                name="sign-reversed",
                hint="When the prediction is too large and grows, does the loss grow or fall?",
            ),
            edit(
                smooth_l1_loss_backward,
                "grad_y / input.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of elements. Where is that in the gradient?",
            ),
            edit(
                smooth_l1_loss_backward,
                "return grad_loss * slope",
                "return (grad_loss / grad_y) * slope",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
    Exercise(
        functions=(nll_loss, nll_loss_backward),
        checks=(
            values(nll_loss, NLL, points={"loss": 2.5}, name="loss"),
            values(nll_loss, NLL_IGNORED, points={"loss": 1.5}, name="ignored targets"),
            values(nll_loss, NLL_DEGENERATE, points={"loss": 0.5}, name="nothing to average"),
            precision(nll_loss, NLL_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL),
                points={"grad_log_probs": 2.5},
                name="backward",
            ),
            gradients(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL_IGNORED),
                points={"grad_log_probs": 1.5},
                name="backward with ignored targets",
            ),
            precision(
                nll_loss_backward,
                upstream(nll_loss, nll_loss_backward, NLL_FLOAT32),
                points={"grad_log_probs": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                nll_loss,
                "-w * log_pt",
                "w * log_pt",
                name="sign-missing",
                hint="Can your loss be negative? The logarithm of a probability is never above 0.",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * torch.exp(log_pt)",
                name="probability-for-its-logarithm",
                hint="What comes in, and what does the name of the loss say is summed: "
                "likelihoods, or their logarithms?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * torch.log(log_pt)",
                name="logarithm-taken-twice",
                hint="The input is a logarithm already: what is the logarithm of a negative "
                "number?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-w * log_probs.sum(dim=1)",
                name="every-class-counted",
                hint="Which of the classes does the likelihood of the target speak of?",
            ),
            edit(
                nll_loss,
                "-w * log_pt",
                "-log_pt",
                name="weights-in-the-divisor-only",
                hint="A weighted mean has the weights above and below the line.",
            ),
            edit(
                nll_loss,
                "w = w * weight.gather(0, index)",
                "pass",
                name="class-weights-ignored",
                hint="What does weight do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                nll_loss,
                "w = w * weight.gather(0, index)",
                "w = w * weight[0]",
                name="one-weight-for-all-classes",
                hint="weight has one entry per class: which one belongs to which sample?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.mean()",
                name="mean-over-the-samples",
                hint="With weights 1 and 3, how is a weighted mean of two numbers formed? By "
                "what is divided, and does an ignored sample count there?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / kept.sum()",
                name="weights-missing-in-the-divisor",
                hint="Double all class weights: a weighted mean does not change. Does yours?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / (kept.sum() if weight is None else weight.sum())",
                name="divided-by-the-weights-of-the-classes",
                hint="A class may occur five times in the batch, or never. How often does its "
                "weight enter your divisor?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / log_probs.numel()",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum()",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                nll_loss,
                "return loss.sum() / w.sum()",
                "return loss.sum() / w.sum().clamp(min=1e-12)",
                name="empty-mean-hidden",
                hint="What is the mean of no numbers? A quiet 0 would look like a perfect batch.",
            ),
            edit(
                nll_loss,
                "w = kept.to(log_probs.dtype)",
                "w = torch.ones_like(log_probs[:, 0])",
                name="ignored-samples-in-the-divisor",
                hint="An ignored sample adds nothing to the sum. What does it add to the divisor?",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = target != -100",
                name="ignore-index-fixed",
                hint="Try another ignore_index than -100.",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = target >= 0",
                name="negative-targets-ignored",
                hint="May a class such as 1 be ignored? What says which targets are: their sign, "
                "or an argument?",
            ),
            edit(
                nll_loss,
                "kept = target != ignore_index",
                "kept = torch.ones_like(target, dtype=torch.bool)",
                name="ignored-targets-looked-up",
                hint="Which column do you read for a target of -100?",
            ),
            edit(
                nll_loss,
                "torch.where(kept, -w * log_pt, 0.0)",
                "(-w * log_pt)[kept]",
                name="ignored-samples-left-out",
                hint="With reduction='none' there is one number per sample: also for those that "
                "are ignored?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = w * grad_loss",
                name="sign-reversed",
                hint="When the target's log-probability grows, does the loss grow or fall?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * (grad_loss / grad_y)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * grad_loss / torch.exp(log_probs.gather(1, index[:, None])[:, 0])",
                name="derivative-by-the-probability",
                hint="The derivative is asked for with respect to what comes in. Is that p, or "
                "log p?",
            ),
            edit(
                nll_loss_backward,
                "slope = -w * grad_loss",
                "slope = -w * grad_loss * log_probs.gather(1, index[:, None])[:, 0]",
                name="value-for-derivative",
                hint="What is the derivative of -w * x with respect to x? Does it depend on x?",
            ),
            edit(
                nll_loss_backward,
                "torch.zeros_like(log_probs).scatter(1, index.unsqueeze(1), slope.unsqueeze(1))",
                "slope.unsqueeze(1).repeat(1, log_probs.shape[1])",
                name="every-class-gets-the-gradient",
                hint="Which entries of a row does the loss of a sample depend on?",
            ),
            edit(
                nll_loss_backward,
                "torch.zeros_like(log_probs).scatter(1,",
                "(-slope.unsqueeze(1) * torch.exp(log_probs)).scatter_add(1,",
                name="gradient-of-cross-entropy",
                hint="Who takes the softmax here? Only its logarithm comes in, so only the last "
                "step is differentiated.",
            ),
            edit(
                nll_loss_backward,
                "w = w * weight.gather(0, index)",
                "pass",
                name="class-weights-missing-in-backward",
                hint="weight scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the summed weights. Where is that in the gradient?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y / len(target) if",
                name="divided-by-the-samples-in-backward",
                hint="By what did the forward divide, with class weights and ignored targets?",
            ),
            edit(
                nll_loss_backward,
                "grad_y / w.sum() if",
                "grad_y / kept.sum() if",
                name="divisor-without-weights-in-backward",
                hint="Double all class weights: does your gradient under reduction='mean' "
                "change? The loss does not.",
            ),
            edit(
                nll_loss_backward,
                "w = kept.to(log_probs.dtype)",
                "w = torch.ones_like(log_probs[:, 0])",
                name="ignored-samples-get-a-gradient",
                hint="The loss does not depend on an ignored sample: what is its gradient?",
            ),
            edit(
                nll_loss_backward,
                "kept = target != ignore_index",
                "kept = target != -100",
                name="ignore-index-fixed-in-backward",
                hint="Try another ignore_index than -100.",
            ),
        ),
    ),
    Exercise(
        functions=(cross_entropy, cross_entropy_backward),
        checks=(
            values(cross_entropy, ENTROPY, points={"loss": 2}, name="loss"),
            values(cross_entropy, ENTROPY_IGNORED, points={"loss": 1}, name="ignored targets"),
            values(
                cross_entropy, ENTROPY_DEGENERATE, points={"loss": 0.5}, name="nothing to average"
            ),
            values(cross_entropy, ENTROPY_LARGE, points={"loss": 1}, name="large logits"),
            precision(cross_entropy, ENTROPY_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY),
                points={"grad_logits": 2},
                name="backward",
            ),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_IGNORED),
                points={"grad_logits": 1},
                name="backward with ignored targets",
            ),
            gradients(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_LARGE),
                points={"grad_logits": 1},
                name="backward, large logits",
            ),
            precision(
                cross_entropy_backward,
                upstream(cross_entropy, cross_entropy_backward, ENTROPY_FLOAT32),
                points={"grad_logits": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(torch.softmax(logits, dim=1))",
                name="softmax-taken-twice",
                hint="Logits come in, not probabilities: how often does your function normalise "
                "them?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits",
                name="softmax-missing",
                hint="What is the loss when all logits are raised by 1? It should not change.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.softmax(logits, dim=1)",
                name="logarithm-missing",
                hint="How large does the loss of a target with probability near 0 become? It "
                "should have no bound.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(logits) / 0.6931471805599453",
                name="logarithm-to-base-two",
                hint="With equal logits for two classes the loss is 0.693: what is yours, and "
                "which base is that?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = _log_softmax(logits.T).T",
                name="softmax-over-the-batch",
                hint="Should the probabilities of a sample depend on what else is in the batch?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1) + 1e-8)",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm keeps it finite, and wrong. Can "
                "log(softmax) be worked out without taking the logarithm of a probability?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1).clamp(1e-7, 1 - 1e-7))",
                name="probability-clipped",
                hint="A clipped probability keeps the logarithm finite, and wrong: what should a "
                "loss of 1000 become?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = torch.log(torch.softmax(logits, dim=1))",
                name="probability-rounds-to-zero",
                hint="A probability of exp(-1000) rounds to 0, and its logarithm is infinite. "
                "Simplify log(exp(z_t) / sum(exp(z))) on paper first.",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))",
                name="exponential-overflows",
                hint="exp(1000) is infinite. Which number may be subtracted from a row of logits "
                "without changing its softmax?",
            ),
            edit(
                cross_entropy,
                "log_probs = _log_softmax(logits)",
                "log_probs = logits - logits.max() - torch.log(torch.exp(logits - "
                "logits.max()).sum(dim=1, keepdim=True))",
                name="one-maximum-for-the-batch",
                hint="Two rows of logits may lie 1000 apart: is the greatest logit of the batch "
                "a good shift for both?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return -nll_loss(log_probs, target, weight, ignore_index, reduction)",
                name="sign-missing",
                hint="Can your loss be negative? The logarithm of a probability is never above 0.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, None, ignore_index, reduction)",
                name="class-weights-ignored",
                hint="What does weight do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / len(target) "
                "if reduction == 'mean' else nll_loss(log_probs, target, weight, ignore_index, "
                "reduction)",
                name="mean-over-the-samples",
                hint="With weights 1 and 3, how is a weighted mean of two numbers formed? By "
                "what is divided, and does an ignored sample count there?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / (target != "
                "ignore_index).sum() if reduction == 'mean' else nll_loss(log_probs, target, "
                "weight, ignore_index, reduction)",
                name="weights-missing-in-the-divisor",
                hint="Double all class weights: a weighted mean does not change. Does yours?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum') / "
                "logits.numel() if reduction == 'mean' else nll_loss(log_probs, target, weight, "
                "ignore_index, reduction)",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, ignore_index, 'sum' if reduction == "
                "'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, target, weight, -100, reduction)",
                name="ignore-index-fixed",
                hint="Try another ignore_index than -100.",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return nll_loss(log_probs, torch.where(target == ignore_index, 0, target), "
                "weight, -100, reduction)",
                name="ignored-targets-as-class-zero",
                hint="A target that is ignored has to be replaced by some class to be looked up. "
                "Does that class then count?",
            ),
            edit(
                cross_entropy,
                "return nll_loss(log_probs, target, weight, ignore_index, reduction)",
                "return torch.nan_to_num(nll_loss(log_probs, target, weight, ignore_index, "
                "reduction))",
                name="empty-mean-hidden",
                hint="What is the mean of no numbers? A quiet 0 would look like a perfect batch.",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return grad_log_p",
                name="only-the-target-gets-a-gradient",
                hint="Softmax ties the classes together: what happens to p_t when another "
                "class's logit grows?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return -torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                name="target-not-subtracted",
                hint="A sample that is classified perfectly should get no gradient. What is "
                "yours when p_t is 1?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True) - grad_log_p",
                name="sign-reversed",
                hint="When the target's logit grows, does the loss grow or fall?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return (grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)) * "
                "torch.exp(log_p) * (1 - torch.exp(log_p))",
                name="softmax-differentiated-twice",
                hint="p minus the target is the derivative by the logits already: is there "
                "another factor of softmax left to differentiate?",
            ),
            edit(
                cross_entropy_backward,
                "return grad_log_p - torch.exp(log_p) * grad_log_p.sum(dim=1, keepdim=True)",
                "return grad_log_p - logits * grad_log_p.sum(dim=1, keepdim=True)",
                name="softmax-missing-in-backward",
                hint="From what is the target subtracted: from the logits, or from what softmax "
                "makes of them?",
            ),
            edit(
                cross_entropy_backward,
                "log_p = _log_softmax(logits)",
                "log_p = _log_softmax(logits.T).T",
                name="softmax-over-the-batch-in-backward",
                hint="Do your probabilities of one sample add up to 1?",
            ),
            edit(
                cross_entropy_backward,
                "log_p = _log_softmax(logits)",
                "log_p = logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))",
                name="exponential-overflows-in-backward",
                hint="exp(1000) is infinite: what does the gradient become when the softmax is "
                "infinity over infinity?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(torch.ones_like(grad_y), log_p, target, weight, "
                "ignore_index, reduction)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, None, ignore_index, "
                "reduction)",
                name="class-weights-missing-in-backward",
                hint="weight scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "'sum' if reduction == 'mean' else reduction)",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the summed weights. Where is that in the gradient?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y / (len(target) if reduction == 'mean' "
                "else 1), log_p, target, weight, ignore_index, 'sum' if reduction == 'mean' else "
                "reduction)",
                name="divided-by-the-samples-in-backward",
                hint="By what did the forward divide, with class weights and ignored targets?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, torch.where(target == "
                "ignore_index, 0, target), weight, -100, reduction)",
                name="ignored-samples-get-a-gradient",
                hint="The loss does not depend on an ignored sample: what is its gradient?",
            ),
            edit(
                cross_entropy_backward,
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, ignore_index, "
                "reduction)",
                "grad_log_p = nll_loss_backward(grad_y, log_p, target, weight, -100, reduction)",
                name="ignore-index-fixed-in-backward",
                hint="Try another ignore_index than -100.",
            ),
        ),
    ),
    Exercise(
        functions=(focal_loss, focal_loss_backward),
        checks=(
            values(focal_loss, FOCAL, points={"loss": 2.5}, name="loss"),
            values(focal_loss, FOCAL_LARGE, points={"loss": 1.5}, name="large logits"),
            precision(focal_loss, FOCAL_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL),
                points={"grad_logits": 3},
                name="backward",
            ),
            gradients(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL_LARGE),
                points={"grad_logits": 1.5},
                name="backward, large logits",
            ),
            precision(
                focal_loss_backward,
                upstream(focal_loss, focal_loss_backward, FOCAL_FLOAT32),
                points={"grad_logits": 0.5},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.exp(log_pt.mean())",
                name="averaged-before-modulating",
                hint="Each sample has a p_t of its own. Which mean is taken too early when p_t is "
                "made from a cross-entropy that is already reduced?",
            ),
            edit(
                focal_loss,
                "pt = torch.exp(log_pt)",
                "pt = torch.exp(log_pt * (1 if alpha is None else alpha[target]))",
                name="probability-from-weighted-loss",
                hint="p_t is what softmax gives, whatever the class weighs: does alpha stand "
                "inside your p_t?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - log_pt) ** gamma",
                name="log-probability-in-the-modulation",
                hint="The modulating factor lies between 0 and 1. Does yours? Look at what you "
                "subtract from 1.",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt) * gamma",
                name="times-gamma",
                hint="gamma is an exponent: what should gamma = 0 give?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "pt**gamma",
                name="hard-samples-turned-down",
                hint="Which samples should count less, those with p_t near 1 or those near 0?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt) ** 2",
                name="gamma-fixed",
                hint="Try another gamma than 2: does the loss change?",
            ),
            edit(
                focal_loss,
                "(1 - pt) ** gamma",
                "(1 - pt**gamma)",
                name="power-of-the-probability",
                hint="Look at the brackets: what is raised to the power gamma?",
            ),
            edit(
                focal_loss,
                "loss = loss * alpha.gather(0, target)",
                "pass",
                name="class-weights-ignored",
                hint="What does alpha do in your loss? Give one class a weight of 0 and look.",
            ),
            edit(
                focal_loss,
                "loss * alpha.gather(0, target)",
                "loss * alpha[0]",
                name="one-weight-for-all-classes",
                hint="alpha has one entry per class: which one belongs to which sample?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / logits.numel() if reduction == 'mean' else "
                "_reduce(loss, reduction)",
                name="mean-over-the-classes-too",
                hint="There is one loss per sample: by how many do you divide?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, reduction) / (1 if alpha is None or reduction != 'mean' else "
                "alpha[target].mean())",
                name="mean-divides-by-weights",
                hint="Weighted cross-entropy divides by the summed weights. What does the focal "
                "loss divide by?",
            ),
            edit(
                focal_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of samples? A mean does not.",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "torch.log(torch.softmax(logits, dim=1) + 1e-8).gather",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm keeps it finite, and wrong. Can "
                "log(softmax) be worked out without taking the logarithm of a probability?",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "(logits - torch.log(torch.exp(logits).sum(dim=1, keepdim=True))).gather",
                name="exponential-overflows",
                hint="exp(1000) is infinite. Which number may be subtracted from a row of logits "
                "without changing its softmax?",
            ),
            edit(
                focal_loss,
                "_log_softmax(logits).gather",
                "(logits - logits.max() - torch.log(torch.exp(logits - logits.max())"
                ".sum(dim=1, keepdim=True))).gather",
                name="one-maximum-for-the-batch",
                hint="Two rows of logits may lie 1000 apart: is the greatest logit of the batch a "
                "good shift for both?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt - (1 - pt) ** gamma",
                "-((1 - pt) ** gamma)",
                name="modulation-treated-as-constant",
                hint="p_t stands in the loss twice: which of the two has no term in your gradient?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt - (1 - pt) ** gamma",
                "gamma * power * pt * log_pt + (1 - pt) ** gamma",
                name="sign-of-the-cross-entropy-term",
                hint="With gamma = 0 your gradient should be that of cross-entropy: is it?",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt",
                "gamma * power * log_pt",
                name="probability-missing-in-the-chain",
                hint="The derivative of p_t with respect to log(p_t) is not 1: follow the chain "
                "once more.",
            ),
            edit(
                focal_loss_backward,
                "gamma * power * pt * log_pt",
                "-gamma * power * pt * log_pt",
                name="inner-derivative-forgotten",
                hint="1 - p_t falls when p_t grows: what does that do to the sign of this term?",
            ),
            edit(
                focal_loss_backward,
                "(1 - pt) ** (gamma - 1), 0.0)",
                "(1 - pt) ** gamma, 0.0)",
                name="exponent-not-lowered",
                hint="What is the derivative of u ** gamma with respect to u?",
            ),
            edit(
                focal_loss_backward,
                "torch.where(pt < 1, (1 - pt) ** (gamma - 1), 0.0)",
                "(1 - pt) ** (gamma - 1)",
                name="zero-times-infinity",
                hint="A sample can be so easy that p_t rounds to 1. What is 0 ** (gamma - 1) "
                "then, for gamma below 1?",
            ),
            edit(
                focal_loss_backward,
                "(one_hot - p)",
                "(one_hot - pt)",
                name="target-probability-for-every-class",
                hint="Each logit has its own probability in the derivative of log(p_t): which one "
                "did you use?",
            ),
            edit(
                focal_loss_backward,
                "(one_hot - p)",
                "one_hot",
                name="only-the-target-gets-a-gradient",
                hint="Softmax ties the classes together: what happens to p_t when another class's "
                "logit grows?",
            ),
            edit(
                focal_loss_backward,
                "slope = slope * alpha.gather(0, target).unsqueeze(1)",
                "pass",
                name="class-weights-missing-in-backward",
                hint="alpha scales the loss of a sample: what does it do to its gradient?",
            ),
            edit(
                focal_loss_backward,
                "grad_y / len(logits) if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by N. Where is that in the gradient?",
            ),
            edit(
                focal_loss_backward,
                "grad_loss.reshape(-1, 1) * slope",
                "slope / (len(logits) if reduction == 'mean' else 1)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
    Exercise(
        functions=(margin_ranking_loss, margin_ranking_loss_backward),
        checks=(
            values(margin_ranking_loss, PAIRS, points={"loss": 3.5}, name="loss"),
            precision(margin_ranking_loss, PAIRS_FLOAT32, points={"loss": 0.5}, name="float32"),
            gradients(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, PAIRS),
                points={"grad_x1": 2, "grad_x2": 2},
                name="backward",
            ),
            gradients(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, TIES),
                points={"grad_x1": 0.5, "grad_x2": 0.5},
                name="backward at the kink",
            ),
            precision(
                margin_ranking_loss_backward,
                upstream(margin_ranking_loss, margin_ranking_loss_backward, PAIRS_FLOAT32),
                points={"grad_x1": 0.25, "grad_x2": 0.25},
                name="backward in float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(y * (x1 - x2) + margin",
                name="order-reversed",
                hint="y = 1 says that x1 should be the larger. What does a pair cost that is so?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-(x1 - x2) + margin",
                name="label-ignored",
                hint="Which of the two scores should be the larger? Ask y.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2)",
                name="margin-omitted",
                hint="A pair in the right order by a hair's breadth is not good enough.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2) - margin",
                name="margin-subtracted",
                hint="Does a greater margin ask for more, or for less? See what it does to your "
                "loss.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2 + margin)",
                name="margin-multiplied-by-the-label",
                hint="The margin is asked for in either direction: what does yours do for y = -1?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin",
                "torch.clamp(-y * (x1 - x2).abs() + margin",
                name="distance-for-difference",
                hint="A distance is the same whichever score is larger. Is the loss?",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "-y * (x1 - x2) + margin",
                name="hinge-missing",
                hint="What does a pair cost that is in order by far more than the margin?",
            ),
            edit(
                margin_ranking_loss,
                "min=0)",
                "max=0)",
                name="hinge-the-other-way",
                hint="Can your loss be positive? A loss that can only fall below 0 rewards what "
                "costs nothing.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "torch.clamp(-y * (x1 - x2), min=0) + margin",
                name="margin-outside-the-hinge",
                hint="What does a pair cost that is in order by more than the margin? It should "
                "be nothing.",
            ),
            edit(
                margin_ranking_loss,
                "torch.clamp(-y * (x1 - x2) + margin, min=0)",
                "torch.clamp(-y * (x1 - x2) + margin, min=0) ** 2",
                name="hinge-squared",
                hint="By how much does the cost grow when the scores are moved by 1, and by 2?",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / (loss > 0).sum() if reduction == 'mean' else "
                "_reduce(loss, reduction)",
                name="mean-over-the-costly-pairs",
                hint="Do pairs that cost nothing count in your mean?",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return _reduce(loss, 'sum' if reduction == 'mean' else reduction)",
                name="sum-for-mean",
                hint="Does your loss grow with the number of pairs? A mean does not.",
            ),
            edit(
                margin_ranking_loss,
                "return _reduce(loss, reduction)",
                "return loss.sum() / len(x1) if reduction == 'mean' else _reduce(loss, reduction)",
                name="mean-over-the-rows-only",
                hint="A row may hold several pairs: by how many do you divide?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return grad_x1, grad_x1",
                name="both-pulled-one-way",
                hint="Only the difference of the scores counts: if x1 should rise, what should x2 "
                "do?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return -grad_x1, grad_x1",
                name="gradients-swapped",
                hint="For y = 1 and a pair in the wrong order, should a step against the gradient "
                "raise x1, or lower it?",
            ),
            edit(
                margin_ranking_loss_backward,
                "return grad_x1, -grad_x1",
                "return grad_x1, torch.zeros_like(grad_x1)",
                name="second-score-held-fixed",
                hint="Both scores come from the network: who pulls the second one?",
            ),
            edit(
                margin_ranking_loss_backward,
                "-y * grad_loss, 0.0)",
                "-grad_loss, 0.0)",
                name="label-missing-in-backward",
                hint="For y = -1 the scores should move the other way. Do yours?",
            ),
            edit(
                margin_ranking_loss_backward,
                "torch.where(costs, -y * grad_loss, 0.0)",
                "-y * grad_loss",
                name="satisfied-pairs-pulled",
                hint="What is the slope of the loss where it is 0?",
            ),
            edit(
                margin_ranking_loss_backward,
                "costs = -y * (x1 - x2) + margin",
                "costs = -y * (x1 - x2)",
                name="margin-missing-in-backward",
                hint="A pair in the right order by less than the margin still costs something. "
                "Does it get a gradient?",
            ),
            edit(
                margin_ranking_loss_backward,
                "+ margin >= 0",
                "+ margin <= 0",
                name="hinge-reversed-in-backward",
                hint="Which pairs get a gradient, those that cost something or those that do not?",
            ),
            edit(
                margin_ranking_loss_backward,
                "grad_y / x1.numel() if",
                "grad_y if",
                name="mean-forgotten-in-backward",
                hint="The mean divides by the number of pairs. Where is that in the gradient?",
            ),
            edit(
                margin_ranking_loss_backward,
                "torch.where(costs, -y * grad_loss, 0.0)",
                "torch.where(costs, -y * grad_loss / grad_y, 0.0)",
                name="upstream-ignored",
                hint="The loss may be one part of a larger one: where does grad_y enter?",
            ),
        ),
    ),
)
