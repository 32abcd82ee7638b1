"""Layers in numpy: forward with a cache, backward from it.

Every forward returns `(out, cache)`, where the cache is whatever its own backward needs; every
backward takes the gradient of the loss in `out` and that cache. Arrays are `(N, D)`: a row for each
sample. Results have the dtype of the input. Backwards are written as formulas, without numeric
derivatives.
"""

import numpy as np

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, integers, normal, uniform


def affine_forward(x, w, b):
    """A fully connected layer, out = x w + b, for samples of any shape.

    Args:
        x: `(N, d_1, ..., d_k)`: each sample is flattened to D = d_1 * ... * d_k numbers.
        w: `(D, M)`.
        b: `(M,)`.

    Returns:
        out `(N, M)`, and a cache for `affine_backward`.
    """
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w)


def affine_backward(dout, cache):
    """The gradients of `affine_forward` in x, w and b, in their shapes.

    Args:
        dout: `(N, M)`.
        cache: what the forward gave.

    Returns:
        dx, dw, db, of the shapes of x, w and b.
    """
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def batchnorm_forward(x, gamma, beta, bn_param):
    """Batch normalisation of each column (Ioffe & Szegedy 2015), with running averages in a dict.

    In mode "train", with mean and (biased) variance over the rows,

        out = gamma * (x - mean) / sqrt(var + eps) + beta,

    and `bn_param["running_mean"]` and `bn_param["running_var"]` are updated:

        running = momentum * running + (1 - momentum) * batch.

    In mode "test" the running averages take the place of the batch's, and are kept.

    Args:
        x: `(N, D)`.
        gamma, beta: `(D,)`.
        bn_param: a dict with "mode", and perhaps "eps" (1e-5), "momentum" (0.9) and the running
            averages `(D,)`, which begin with zeros. After a call in mode "train" it has both.

    Returns:
        out `(N, D)`, and a cache for `batchnorm_backward`.

    Raises:
        ValueError: the mode is neither "train" nor "test".
    """
    mode, eps = bn_param["mode"], bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    if mode not in ("train", "test"):
        raise ValueError(f"mode must be train or test, not {mode}")
    if mode == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
    else:
        mean, var = running_mean, running_var
    inverse_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inverse_std
    return gamma * x_hat + beta, (mode, gamma, x_hat, inverse_std)


def batchnorm_backward(dout, cache):
    """The gradients of `batchnorm_forward` in x, gamma and beta, in the mode it was called in.

    In mode "train" mean and variance depend on x as well.

    Args:
        dout: `(N, D)`.
        cache: what the forward gave.

    Returns:
        dx `(N, D)`, dgamma and dbeta `(D,)`.
    """
    mode, gamma, x_hat, inverse_std = cache
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dx_hat = dout * gamma
    if mode == "train":  # x_hat has mean 0 and variance 1, whatever x is: no gradient goes there
        dx_hat = dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)
    return dx_hat * inverse_std, dgamma, dbeta


def dropout_forward(x, dropout_param):
    """Inverted dropout (Srivastava et al. 2014), with random numbers that are given.

    In mode "train" an element is kept where its random number is below p, and divided by p; in mode
    "test" out is x.

    Args:
        x: any shape.
        dropout_param: a dict with "mode", "p", the probability of *keeping* an element, and in mode
            "train" "random", numbers of the shape of x that are uniform in [0, 1).

    Returns:
        out, of the shape of x, and a cache for `dropout_backward`.
    """
    if dropout_param["mode"] == "test":
        return x.copy(), None
    p = dropout_param["p"]
    mask = ((dropout_param["random"] < p) / p).astype(x.dtype)
    return x * mask, mask


def dropout_backward(dout, cache):
    """The gradient of `dropout_forward` in x, in the mode it was called in.

    Args:
        dout: of the shape of x.
        cache: what the forward gave.

    Returns:
        dx, of the shape of x.
    """
    return dout.copy() if cache is None else dout * cache


def two_layer_loss(params, x, y, reg=0.0):
    """Loss and gradients of the network affine - ReLU - affine - softmax.

    The loss is the mean over the samples of -log p(y), with p the softmax of the scores, plus
    0.5 * reg times the sum of the squares of both weight matrices (not of the biases). Scores may
    have any finite size.

    Args:
        params: a dict with "W1" `(D, H)`, "b1" `(H,)`, "W2" `(H, C)` and "b2" `(C,)`.
        x: `(N, D)`.
        y: `(N,)`, the right class of each sample, in 0..C-1.
        reg: the strength of regularisation.

    Returns:
        loss, a number, and grads, a dict with the gradient in each of params, by the same names.
    """
    hidden = np.maximum(x @ params["W1"] + params["b1"], 0)
    scores = hidden @ params["W2"] + params["b2"]
    rows = np.arange(len(x))
    log_p = scores - scores.max(axis=1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    penalty = (params["W1"] ** 2).sum() + (params["W2"] ** 2).sum()
    loss = -log_p[rows, y].mean() + 0.5 * reg * penalty

    dscores = np.exp(log_p)
    dscores[rows, y] -= 1
    dscores /= len(x)
    dhidden = (dscores @ params["W2"].T) * (hidden > 0)
    grads = {
        "W1": x.T @ dhidden + reg * params["W1"],
        "b1": dhidden.sum(axis=0),
        "W2": hidden.T @ dscores + reg * params["W2"],
        "b2": dscores.sum(axis=0),
    }
    return loss, grads


def affine(new, x, w, b, grad_out):
    out, cache = new(affine_forward, x, w, b)
    yield "out", out
    dx, dw, db = new(affine_backward, grad_out, cache)
    yield "grad_x", dx
    yield "grad_w", dw
    yield "grad_b", db


def batchnorm(new, x, gamma, beta, bn_param, grad_out):
    out, cache = new(batchnorm_forward, x, gamma, beta, bn_param)
    yield "out", out
    dx, dgamma, dbeta = new(batchnorm_backward, grad_out, cache)
    yield "grad_x", dx
    yield "grad_gamma", dgamma
    yield "grad_beta", dbeta


def dropout(new, x, dropout_param, grad_out):
    out, cache = new(dropout_forward, x, dropout_param)
    yield "out", out
    yield "grad_x", new(dropout_backward, grad_out, cache)


def two_layer_net(new, params, x, y, reg):
    loss, grads = new(two_layer_loss, params, x, y, reg)
    yield "loss", loss
    yield "grad_params", grads


def running_averages(new, bn_param, first, second, gamma, beta):
    kept = new.keep(bn_param)
    new(batchnorm_forward, first, gamma, beta, kept)
    new(batchnorm_forward, second, gamma, beta, kept)
    yield "running_mean", kept["running_mean"]
    yield "running_var", kept["running_var"]
    kept["mode"] = "test"
    out, _ = new(batchnorm_forward, first, gamma, beta, kept)
    yield "test_out", out
    yield "kept_mean", kept["running_mean"]


def _affine(name, shape, outputs, public=False):
    inputs = int(np.prod(shape[1:]))
    return case(
        name,
        public=public,
        x=normal(*shape).numpy(),
        w=normal(inputs, outputs).numpy(),
        b=normal(outputs).numpy(),
        grad_out=normal(shape[0], outputs).numpy(),
    )


def _batchnorm(name, rows, columns, public=False, spread=1.0, mean=0.5, **settings):
    return case(
        name,
        public=public,
        x=normal(rows, columns, std=spread, mean=mean).numpy(),
        gamma=normal(columns, mean=1.0).numpy(),
        beta=normal(columns).numpy(),
        bn_param=settings,
        grad_out=normal(rows, columns).numpy(),
    )


def _averages(columns):
    return {
        "running_mean": normal(columns).numpy(),
        "running_var": uniform(columns, low=0.5, high=2.0).numpy(),
    }


def _sequence(name, columns, public=False, **settings):
    return case(
        name,
        public=public,
        bn_param={"mode": "train", **settings},
        first=normal(7, columns, mean=1.0).numpy(),
        second=normal(4, columns, std=2.0).numpy(),
        gamma=normal(columns, mean=1.0).numpy(),
        beta=normal(columns).numpy(),
    )


def _dropout(name, *shape, mode="train", p=0.7, public=False):
    param = {"mode": mode, "p": p}
    if mode == "train":
        param["random"] = uniform(*shape).numpy()
    return case(
        name,
        public=public,
        x=normal(*shape).numpy(),
        dropout_param=param,
        grad_out=normal(*shape).numpy(),
    )


def _network(name, rows, sizes, reg, public=False, spread=1.0):
    inputs, hidden, classes = sizes
    return case(
        name,
        public=public,
        params={
            "W1": normal(inputs, hidden).numpy(),
            "b1": normal(hidden).numpy(),
            "W2": normal(hidden, classes, std=spread).numpy(),
            "b2": normal(classes).numpy(),
        },
        x=normal(rows, inputs).numpy(),
        y=integers(rows, low=0, high=classes).numpy(),
        reg=reg,
    )


AFFINE = (
    _affine("five samples", (5, 6), 4, public=True),
    _affine("images", (3, 2, 4, 5), 7),
    _affine("one sample", (1, 3), 2),
)
BATCHNORM = (
    _batchnorm("training", 6, 4, public=True, mode="train"),
    _batchnorm("testing", 5, 3, mode="test", **_averages(3)),
    _batchnorm("eps that matters", 8, 3, spread=0.1, mode="train", eps=0.03),
)
SEQUENCES = (
    _sequence("from nothing", 3, public=True),
    _sequence("from averages", 4, momentum=0.6, **_averages(4)),
)
DROPOUT = (
    _dropout("training", 6, 5, public=True),
    _dropout("few are kept", 4, 3, 5, p=0.2),
    _dropout("testing", 4, 5, mode="test"),
)
NETWORK = (
    _network("three classes", 6, (5, 8, 3), 0.0, public=True),
    _network("regularised", 4, (3, 6, 4), 0.7),
    _network("large scores", 5, (4, 7, 3), 0.1, spread=300.0),
)

EXERCISES = (
    Exercise(
        functions=(affine_forward, affine_backward),
        checks=(
            gradients(affine, AFFINE, points={"out": 2, "grad_x": 2, "grad_w": 2, "grad_b": 1}),
            precision(
                affine,
                AFFINE[:2],
                points={"out": 0.5, "grad_x": 0.5, "grad_w": 0.5, "grad_b": 0.5},
                name="affine in float32",
            ),
        ),
        misconceptions=(
            edit(
                affine_backward,
                "(dout @ w.T).reshape(x.shape)",
                "dout @ w.T",
                name="input-shape-lost",
                hint="The gradient in x has the shape of x: what did the forward do to it first?",
            ),
            edit(
                affine_backward,
                "dout.sum(axis=0)",
                "dout.mean(axis=0)",
                name="bias-gradient-averaged",
                hint="b is added to every row: do its gradients add up, or are they averaged?",
            ),
            edit(
                affine_backward,
                "-1).T @ dout",
                "-1).T @ dout / len(x)",
                name="weight-gradient-averaged",
                hint="Is there a mean over samples in the forward?",
            ),
            edit(
                affine_forward,
                "x.reshape(len(x), -1)",
                "np.swapaxes(x, 1, -1).reshape(len(x), -1)",
                name="axes-swapped-before-flattening",
                hint="Flatten each sample in the order in which it lies in memory.",
            ),
        ),
    ),
    Exercise(
        functions=(batchnorm_forward, batchnorm_backward),
        checks=(
            gradients(
                batchnorm,
                BATCHNORM,
                points={"out": 2, "grad_x": 3, "grad_gamma": 1, "grad_beta": 1},
            ),
            values(
                running_averages,
                SEQUENCES,
                points={"running_mean": 1, "running_var": 1, "test_out": 1, "kept_mean": 0.5},
            ),
            precision(
                batchnorm,
                BATCHNORM[:2],
                points={"out": 0.5, "grad_x": 0.5, "grad_gamma": 0.25, "grad_beta": 0.25},
                name="batchnorm in float32",
            ),
            errors(
                batchnorm_forward,
                (
                    case(
                        "no such mode",
                        x=normal(3, 2).numpy(),
                        gamma=normal(2).numpy(),
                        beta=normal(2).numpy(),
                        bn_param={"mode": "valid"},
                    ),
                ),
                points=0.5,
            ),
        ),
        misconceptions=(
            edit(
                batchnorm_forward,
                "1 / np.sqrt(var + eps)",
                "1 / (np.sqrt(var) + eps)",
                name="eps-outside-root",
                hint="Is eps added to a variance or to a standard deviation?",
            ),
            edit(
                batchnorm_forward,
                "x.var(axis=0)",
                "x.var(axis=0, ddof=1)",
                name="unbiased-variance",
                hint="By what does a biased variance divide: by N, or by N - 1?",
            ),
            edit(
                batchnorm_forward,
                "momentum * running_mean + (1 - momentum) * mean",
                "(1 - momentum) * running_mean + momentum * mean",
                name="momentum-reversed",
                hint="Which of the two does momentum = 0.9 keep most of?",
            ),
            edit(
                batchnorm_forward,
                "momentum * running_var + (1 - momentum) * var",
                "momentum * running_var + (1 - momentum) * np.sqrt(var)",
                name="running-std",
                hint="What does its name say that running_var averages?",
            ),
            edit(
                batchnorm_backward,
                "dx_hat - dx_hat.mean(axis=0) - x_hat",
                "dx_hat - x_hat",
                name="mean-path-dropped",
                hint="The mean depends on every x: where does its gradient go?",
            ),
            edit(
                batchnorm_backward,
                'if mode == "train":',
                "if True:",
                name="batch-statistics-in-test",
                hint="In mode test the averages are constants: what is left of the gradient?",
            ),
        ),
    ),
    Exercise(
        functions=(dropout_forward, dropout_backward),
        checks=(
            gradients(dropout, DROPOUT[:2], points={"out": 2, "grad_x": 2}, name="training"),
            gradients(dropout, DROPOUT, points={"out": 1, "grad_x": 1}, name="in both modes"),
            precision(dropout, DROPOUT[:1], points={"out": 0.5, "grad_x": 0.5}, name="in float32"),
        ),
        misconceptions=(
            edit(
                dropout_forward,
                '(dropout_param["random"] < p) / p',
                '(dropout_param["random"] < p) * 1.0',
                name="not-inverted",
                hint="Is the mean of out that of x while training?",
            ),
            edit(
                dropout_forward,
                '(dropout_param["random"] < p) / p',
                '(dropout_param["random"] < 1 - p) / (1 - p)',
                name="p-drops",
                hint="Is p the probability of keeping an element or of dropping it?",
            ),
            edit(
                dropout_forward,
                "return x.copy(), None",
                'return x * dropout_param["p"], None',
                name="scaled-in-test",
                hint="Inverted dropout scales while it trains: what is left for the test?",
            ),
            edit(
                dropout_backward,
                "dout * cache",
                "dout * (cache > 0)",
                name="backward-not-scaled",
                hint="By what did the forward multiply the elements that it kept?",
            ),
        ),
    ),
    Exercise(
        functions=(two_layer_loss,),
        checks=(
            gradients(two_layer_net, NETWORK, points={"loss": 3, "grad_params": 6}),
            precision(
                two_layer_net,
                NETWORK[:2],
                points={"loss": 0.5, "grad_params": 1},
                name="two_layer_net in float32",
            ),
        ),
        misconceptions=(
            edit(
                two_layer_loss,
                "0.5 * reg * penalty",
                "reg * penalty",
                name="penalty-not-halved",
                hint="The derivative of 0.5 * w^2 is w: does your loss fit your gradient?",
            ),
            edit(
                two_layer_loss,
                "scores - scores.max(axis=1, keepdims=True)",
                "scores",
                name="softmax-overflows",
                hint="What is exp(1000)? Softmax does not change when a number is subtracted.",
            ),
            edit(
                two_layer_loss,
                "-log_p[rows, y].mean()",
                "-np.log(np.exp(log_p[rows, y]) + 1e-8).mean()",
                name="epsilon-in-the-logarithm",
                hint="A small number inside the logarithm keeps it finite, and wrong. What should "
                "a loss of 1000 become?",
            ),
            edit(
                two_layer_loss,
                "-log_p[rows, y].mean()",
                "-np.log(np.exp(log_p[rows, y]).clip(1e-8, 1 - 1e-8)).mean()",
                name="probability-clipped",
                hint="A clipped probability keeps the logarithm finite, and wrong. What should a "
                "loss of 1000 become?",
            ),
            edit(
                two_layer_loss,
                "    dscores /= len(x)\n",
                "",
                name="gradient-not-averaged",
                hint="The loss is a mean over samples: what does that do to the gradients?",
            ),
            edit(
                two_layer_loss,
                " * (hidden > 0)",
                "",
                name="relu-forgotten-backwards",
                hint="Where ReLU gave 0, how much of the gradient passes?",
            ),
            edit(
                two_layer_loss,
                '"W2": hidden.T @ dscores + reg * params["W2"]',
                '"W2": hidden.T @ dscores',
                name="only-first-layer-regularised",
                hint="Which weights stand in the penalty?",
            ),
            edit(
                two_layer_loss,
                '"b1": dhidden.sum(axis=0)',
                '"b1": dhidden.sum(axis=0) + reg * params["b1"]',
                name="bias-regularised",
                hint="Do biases stand in the penalty?",
            ),
        ),
    ),
)
