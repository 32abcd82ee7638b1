"""Batch norm at its margins: exact statistics, no statistics at all, and why it helps.

Images are `(N, C, H, W)`; statistics are of channels, `(C,)`. What is written here stands beside
the lecture's batch norm: it is the same formula, seen after training. Backwards are
formulas as well: no autograd and no numeric derivative.
"""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal, uniform


def accumulate_statistics(x, mean, var, count):
    """Take one more batch into the statistics of all images so far: a cumulative average.

    A running average with a momentum forgets; statistics over the whole training set weigh every
    value alike. Ioffe & Szegedy (2015, algorithm 2, step 10), and PyTorch's batch norm with
    momentum=None, average the batches' means and unbiased variances; that leaves out that the
    batches' means differ as well. What is asked for here is exact: with n values per channel so far
    and m new ones, of mean mean_b and biased variance var_b,

        mean' = mean + (mean_b - mean) * m / (n + m),
        var'  = (n * var + m * var_b) / (n + m) + (mean_b - mean)^2 * n * m / (n + m)^2

    (Chan, Golub & LeVeque 1979). The arguments are left alone.

    Args:
        x: `(N, C, H, W)`, the batch.
        mean, var: `(C,)`, of what came before; var is biased.
        count: how many values per channel that was: 0 before the first batch, when mean and var
            mean nothing.

    Returns:
        new_mean, new_var `(C,)`, and new_count, a number.
    """
    m = x.numel() // x.shape[1]
    batch_mean = x.mean(dim=(0, 2, 3))
    batch_var = x.var(dim=(0, 2, 3), unbiased=False)
    if count == 0:
        return batch_mean, batch_var, m
    total, shift = count + m, batch_mean - mean
    new_mean = mean + shift * m / total
    new_var = (count * var + m * batch_var) / total + shift**2 * count * m / total**2
    return new_mean, new_var, total


def fold_batch_norm(weight, bias, running_mean, running_var, gamma, beta, eps=1e-5):
    """One convolution for a convolution and the batch norm behind it, for inference.

    In evaluation batch norm is y = gamma * (z - running_mean) / sqrt(running_var + eps) + beta: it
    is affine in the convolution's output z, channel by channel, and so is z in weight and bias.

    Args:
        weight: `(C_out, C_in, kH, kW)`, of the convolution.
        bias: `(C_out,)`, or None.
        running_mean, running_var, gamma, beta: `(C_out,)`, of the batch norm.
        eps: added to the variance.

    Returns:
        new_weight `(C_out, C_in, kH, kW)` and new_bias `(C_out,)`.
    """
    scale = gamma / torch.sqrt(running_var + eps)
    old_bias = torch.zeros_like(running_mean) if bias is None else bias
    return weight * scale[:, None, None, None], (old_bias - running_mean) * scale + beta


def along_a_step(x, y, W1, W2, rates, normalised, eps=1e-5):
    """How the loss and its gradient change along a step, with and without batch norm (Santurkar,
    Tsipras, Ilyas & Madry 2018, "How Does Batch Normalization Help Optimization?", section 3.2).

    The network is x W1, then, if it is normalised, batch norm of its columns with the batch's own
    biased statistics (no gamma and no beta), then ReLU, then W2; the loss is the mean of the
    squared differences from y. From W1, steps against the gradient in W1 are tried, one for each
    rate, each from W1 itself; W2 stays.

    Args:
        x: `(N, D)`; y: `(N, K)`.
        W1: `(D, H)`; W2: `(H, K)`.
        rates: a list of numbers, the lengths of the steps in units of the gradient.
        normalised: whether there is batch norm.
        eps: added to the variance.

    Returns:
        gradient `(D, H)`, that of the loss in W1; losses `(len(rates),)`, after each step; and
        distances `(len(rates),)`, the Euclidean distance of the gradient after each step from the
        one before it.

    Raises:
        ValueError: it is normalised and there is one row.
    """
    if normalised and len(x) < 2:
        raise ValueError("one row has no variance")
    _, gradient = _loss_and_gradient(x, y, W1, W2, normalised, eps)
    after = [_loss_and_gradient(x, y, W1 - rate * gradient, W2, normalised, eps) for rate in rates]
    losses = torch.stack([loss for loss, _ in after])
    distances = torch.stack([torch.linalg.norm(there - gradient) for _, there in after])
    return gradient, losses, distances


def _loss_and_gradient(x, y, W1, W2, normalised, eps):
    """The loss, and its gradient in W1."""
    z = x @ W1
    std = 1.0
    if normalised:
        std = torch.sqrt(z.var(dim=0, unbiased=False) + eps)
        z = (z - z.mean(dim=0)) / std
    hidden = z.clamp(min=0)
    error = hidden @ W2 - y
    grad_z = 2 / error.numel() * error @ W2.T * (z > 0)
    if normalised:
        grad_z = (grad_z - grad_z.mean(dim=0) - z * (grad_z * z).mean(dim=0)) / std
    return (error**2).mean(), x.T @ grad_z


def whole_set(new, batches, zeros):
    mean, var, count = zeros, zeros, 0
    for batch in batches:
        mean, var, count = new(accumulate_statistics, batch, mean, var, count)
    yield "mean", mean
    yield "var", var
    yield "count", count


def gradient_of_the_loss(new, x, y, W1, W2, normalised):
    gradient, losses, _ = new(along_a_step, x, y, W1, W2, [0.0], normalised)
    yield "loss", losses[0]
    yield "grad_W1", gradient


def _batches(*rows, channels=3, spread=1.0):
    return [normal(n, channels, 2, 3, mean=at * spread, std=1.0 + at) for at, n in enumerate(rows)]


def _folded(name, shape, public=False, bias=True, variance=(0.3, 2.0), **more):
    channels = shape[0]
    return case(
        name,
        public=public,
        weight=normal(*shape),
        bias=normal(channels) if bias else None,
        running_mean=normal(channels),
        running_var=uniform(channels, low=variance[0], high=variance[1]),
        gamma=normal(channels),
        beta=normal(channels),
        **more,
    )


def _network(name, rows, public=False, normalised=True, **more):
    return case(
        name,
        public=public,
        x=normal(rows, 4, mean=0.5),
        y=normal(rows, 2),
        W1=normal(4, 6),
        W2=normal(6, 2),
        normalised=normalised,
        **more,
    )


SETS = (
    case("three batches", public=True, batches=_batches(4, 2, 3), zeros=torch.zeros(3).double()),
    case("one batch", batches=_batches(5, channels=2), zeros=torch.zeros(2).double()),
    case("far apart", batches=_batches(2, 1, 4, 2, spread=5.0), zeros=torch.zeros(3).double()),
)
ACCUMULATE = (
    case(
        "a second batch",
        public=True,
        x=normal(3, 4, 2, 2, mean=1.0),
        mean=normal(4),
        var=uniform(4, low=0.5, high=2.0),
        count=20,
    ),
    case("the first batch", x=normal(2, 3, 3, 1), mean=normal(3), var=normal(3), count=0),
)
FOLD = (
    _folded("with a bias", (4, 3, 3, 3), public=True),
    _folded("without a bias", (3, 2, 1, 5), bias=False),
    _folded("eps that matters", (2, 3, 2, 2), variance=(0.0, 0.02), eps=0.02),
)
STEPS = (
    _network("normalised", 8, public=True, rates=[0.1, 0.5, 2.0]),
    _network("not normalised", 8, public=True, normalised=False, rates=[0.1, 0.5]),
    _network("two rates", 20, rates=[0.01, 4.0]),
    _network("another eps", 5, rates=[0.3], eps=0.2),
    _network("two rows", 2, rates=[0.3], eps=0.5),
)
STARTS = (
    _network("normalised", 7, public=True),
    _network("not normalised", 7, normalised=False),
)

EXERCISES = (
    Exercise(
        functions=(accumulate_statistics,),
        checks=(
            values(whole_set, SETS, points={"mean": 2, "var": 3, "count": 1}),
            values(
                accumulate_statistics,
                ACCUMULATE,
                points={"new_mean": 1, "new_var": 1, "new_count": 0.5},
            ),
            precision(
                accumulate_statistics,
                ACCUMULATE,
                points={"new_mean": 0.5, "new_var": 0.5, "new_count": 0.25},
            ),
        ),
        misconceptions=(
            edit(
                accumulate_statistics,
                " + shift**2 * count * m / total**2",
                "",
                name="mean-of-variances",
                hint="Two batches of variance 0 with different means: is the variance of all 0?",
            ),
            edit(
                accumulate_statistics,
                "unbiased=False",
                "unbiased=True",
                name="unbiased-batch-variance",
                hint="By what is the sum of squares of one batch divided: by m, or by m - 1?",
            ),
            edit(
                accumulate_statistics,
                "m = x.numel() // x.shape[1]",
                "m = len(x)",
                name="images-counted-not-values",
                hint="How many values of a channel are in a batch?",
            ),
            edit(
                accumulate_statistics,
                "mean + shift * m / total",
                "mean + 0.1 * shift",
                name="momentum-as-in-training",
                hint="Does the first batch weigh as much as the last?",
            ),
        ),
    ),
    Exercise(
        functions=(fold_batch_norm,),
        checks=(
            values(fold_batch_norm, FOLD, points={"new_weight": 2, "new_bias": 3}),
            precision(fold_batch_norm, FOLD[:2], points={"new_weight": 0.5, "new_bias": 0.5}),
        ),
        misconceptions=(
            edit(
                fold_batch_norm,
                "(old_bias - running_mean) * scale + beta",
                "old_bias - running_mean * scale + beta",
                name="bias-not-scaled",
                hint="What does batch norm do to a bias that the convolution has added?",
            ),
            edit(
                fold_batch_norm,
                "torch.sqrt(running_var + eps)",
                "(torch.sqrt(running_var) + eps)",
                name="eps-outside-root",
                hint="Is eps added to a variance or to a standard deviation?",
            ),
            edit(
                fold_batch_norm,
                "(old_bias - running_mean) * scale + beta",
                "old_bias * scale + beta",
                name="mean-forgotten",
                hint="What does batch norm subtract before it scales?",
            ),
            edit(
                fold_batch_norm,
                "gamma / torch.sqrt(running_var + eps)",
                "gamma / (running_var + eps)",
                name="divided-by-variance",
                hint="Which of the two has the unit of z: its variance or its root?",
            ),
        ),
    ),
    Exercise(
        functions=(along_a_step,),
        checks=(
            gradients(gradient_of_the_loss, STARTS, points={"loss": 1, "grad_W1": 3}),
            values(along_a_step, STEPS, points={"gradient": 1, "losses": 2, "distances": 2}),
            errors(
                along_a_step,
                (_network("one row", 1, rates=[0.1]),),
                points=0.5,
            ),
        ),
        misconceptions=(
            edit(
                along_a_step,
                "W1 - rate * gradient",
                "W1 + rate * gradient",
                name="uphill",
                hint="In which direction does a step make the loss smaller?",
            ),
            edit(
                along_a_step,
                "torch.linalg.norm(there - gradient)",
                "(torch.linalg.norm(there) - torch.linalg.norm(gradient)).abs()",
                name="difference-of-lengths",
                hint="How far apart are two gradients of one length in opposite directions?",
            ),
            edit(
                along_a_step,
                "torch.linalg.norm(there - gradient)",
                "torch.linalg.norm(there - gradient) / torch.linalg.norm(gradient)",
                name="relative-distance",
                hint="Is the distance divided by anything?",
            ),
        ),
    ),
)
