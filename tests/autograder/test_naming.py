"""Bugs that no course author recorded as they stand here get a name, and never a wrong one."""

from functools import cache

import pytest
import torch

from autograder.grading.follow_ons import Graded
from autograder.grading.rows import judge
from autograder.handout.public import public_data
from autograder.judging.local import LocalSession
from autograder.judging.selfcheck import items_of, problem
from autograder.truth.changes import Seen, changes, changes_of_some
from autograder.truth.diagnosis import explanations
from autograder.truth.matching import wrong
from autograder.truth.oracle import Oracle
from tests.catalogues import FIRST, SECOND

BATCH_NORM = """
import torch
def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    dims = (0,) if x.dim() == 2 else (0, 2, 3)
    sh = (1, -1) if x.dim() == 2 else (1, -1, 1, 1)
    n = x.numel() // x.shape[1]
    if training:
        if n == 1:
            raise ValueError("need more")
        mu = x.mean(dims)
        var = x.var(dims, unbiased=False)
        running_mean.mul_(1 - momentum).add_(momentum * mu)
        running_var.mul_(1 - momentum).add_(momentum * var * n / (n - 1))
        xhat = (x - mu.reshape(sh)) / torch.sqrt(var.reshape(sh) + eps)
    else:
        xhat = (x - running_mean.reshape(sh)) / torch.sqrt(running_var.reshape(sh) + eps)
    return weight.reshape(sh) * xhat + bias.reshape(sh)
def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    dims = (0,) if x.dim() == 2 else (0, 2, 3)
    sh = (1, -1) if x.dim() == 2 else (1, -1, 1, 1)
    n = x.numel() // x.shape[1]
    if training:
        mu = x.mean(dims).reshape(sh)
        var = x.var(dims, unbiased=False).reshape(sh)
    else:
        mu, var = running_mean.reshape(sh), running_var.reshape(sh)
    std = torch.sqrt(var + eps)
    xhat = (x - mu) / std
    dgamma = (grad_y * xhat).sum(dims)
    dbeta = grad_y.sum(dims)
    dxhat = grad_y * weight.reshape(sh)
    if not training:
        return dxhat / std, dgamma, dbeta
    dvar = (dxhat * (x - mu) * -0.5 * std ** -3).sum(dims).reshape(sh)
    dmu = (-dxhat / std).sum(dims).reshape(sh)
    dx = dxhat / std + dvar * 2 * (x - mu) / n + dmu / n
    return dx, dgamma, dbeta
"""
CROSS_ENTROPY = """
import torch
def cross_entropy(logits, target, weight=None, ignore_index=-100, reduction="mean"):
    m = logits.max(1, keepdim=True).values
    logp = logits - m - (logits - m).exp().sum(1, keepdim=True).log()
    return reduced(logp, target, weight, ignore_index, reduction)
def reduced(logp, target, weight, ignore_index, reduction):
    keep = target != ignore_index
    t = target.clone()
    t[~keep] = 0
    w = torch.ones(logp.shape[1], dtype=logp.dtype) if weight is None else weight
    wt = w[t] * keep
    loss = -logp[torch.arange(len(t)), t] * wt
    loss[~keep] = 0
    if reduction == "mean":
        return loss.sum() / wt.sum()
    return loss.sum() if reduction == "sum" else loss
def cross_entropy_backward(grad_y, logits, target, weight=None, ignore_index=-100,
                           reduction="mean"):
    e = (logits - logits.max(1, keepdim=True).values).exp()
    keep = target != ignore_index
    t = target.clone()
    t[~keep] = 0
    w = torch.ones(logits.shape[1], dtype=logits.dtype) if weight is None else weight
    wt = w[t] * keep
    g = e / e.sum(1, keepdim=True)
    g[torch.arange(len(t)), t] -= 1
    g = g * wt[:, None]
    if reduction == "mean":
        return grad_y * g / wt.sum()
    return grad_y * g if reduction == "sum" else grad_y[:, None] * g
"""
DROPOUT = """
import torch
def dropout(x, p=0.5, training=True, generator=None):
    if p < 0 or p > 1:
        raise ValueError("p")
    if not training:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    mask = torch.rand(x.shape, generator=generator) >= p
    if p == 1:
        return torch.zeros_like(x), mask
    return x * mask / (1 - p), mask
def dropout_backward(grad_y, mask, p=0.5, training=True):
    if not training or p == 0:
        return grad_y.clone()
    return torch.zeros_like(grad_y) if p == 1 else grad_y * mask / (1 - p)
"""
ADAMW = """
import torch
def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    b1, b2 = betas
    w = weight * (1 - lr * weight_decay)
    m = b1 * m + (1 - b1) * grad
    v = b2 * v + (1 - b2) * grad ** 2
    mh = m / (1 - b1 ** step)
    vh = v / (1 - b2 ** step)
    return w - lr * mh / (vh.sqrt() + eps), m, v
"""
SOURCES = {
    "batch_norm": BATCH_NORM,
    "cross_entropy": CROSS_ENTROPY,
    "dropout": DROPOUT,
    "adamw_step": ADAMW,
}


@cache
def oracle():
    return Oracle(b"the tests' own secret")


def place_of(exercise_name):
    exercises = [*FIRST["all"].exercises, *SECOND["all"].exercises]
    return {exercise.name: (topic, exercise) for topic, exercise in exercises}[exercise_name]


def recorded(exercise_name):
    return [one.name for one in place_of(exercise_name)[1].misconceptions]


def named(exercise_name, source):
    """Name and hint of each explanation, as one line; None when every answer is right. What the
    source leaves out is as the solution has it."""
    topic, exercise = place_of(exercise_name)
    trials = oracle().trials(topic, exercise)
    namespace = {**topic.functions(), "__name__": topic.name}
    exec(source, namespace)
    session = LocalSession(namespace)
    seen = [trial.judge(session.run(trial.calls)) for trial in trials]
    if not wrong(trials, seen):
        return None
    known, others = oracle().suspects(topic, exercise), oracle().others(topic, exercise)
    return [f"{e.name}: {e.hint}" for e in explanations(trials, known, others, seen)]


@pytest.mark.parametrize("exercise", SOURCES)
def test_what_is_right_has_no_name(exercise):
    assert named(exercise, SOURCES[exercise]) is None


@pytest.mark.parametrize(
    ("exercise", "old", "new", "wanted"),
    [
        # A misconception in one mode only.
        (
            "batch_norm",
            "torch.sqrt(running_var.reshape(sh) + eps)",
            "(torch.sqrt(running_var.reshape(sh)) + eps)",
            "eps-outside-root: In “evaluation”",
        ),
        # An argument that is read another way.
        (
            "adamw_step",
            "mh = m / (1 - b1 ** step)\n    vh = v / (1 - b2 ** step)",
            "mh = m / (1 - b1)\n    vh = v / (1 - b2)",
            "new_weight-step-as-one: Your new_weight is exactly what `adamw_step` gives with",
        ),
        ("batch_norm", "momentum * mu)", "2 * momentum * mu)", "running_mean-"),
        # A term, a factor, an axis, a count of the formula.
        ("batch_norm", "* -0.5 * std", "* -1.0 * std", "grad_x-factor"),
        ("batch_norm", "dmu / n", "dmu", "the division by `m` is left out"),
        ("cross_entropy", "e.sum(1, keepdim=True)", "e.sum(0, keepdim=True)", "dimension 0"),
        ("cross_entropy", "loss.sum() / wt.sum()", "loss.mean()", "mean-over-the-samples"),
        # What was done to the right answer.
        (
            "batch_norm",
            "momentum * var * n / (n - 1)",
            "momentum * (var * n / (n - 1) + eps)",
            "running_var-offset",
        ),
        ("batch_norm", "return dx, dgamma", "return grad_y, dgamma", "grad-y-returned"),
        # Two misconceptions in one place.
        (
            "batch_norm",
            "var = x.var(dims, unbiased=False)\n        running_mean",
            "var = x.var(dims)\n        running_mean",
            "unbiased-batch-variance",
        ),
        # Random answers, with a degenerate case that differs from the recorded one.
        (
            "dropout",
            "x * mask / (1 - p), mask",
            "x * mask / p, mask",
            "scaled-by-drop-probability",
        ),
        ("dropout", ">= p", "< p", "keep-and-drop-swapped"),
    ],
)
def test_a_bug_that_nobody_recorded_is_named(exercise, old, new, wanted):
    assert SOURCES[exercise].count(old) == 1
    found = named(exercise, SOURCES[exercise].replace(old, new))
    assert any(wanted in line for line in found), found


def test_when_nothing_fits_it_is_said_when_it_happens():
    odd = "out = weight.reshape(sh) * xhat + bias.reshape(sh)\n    return out"
    odd += " if training else out.sin().exp()"
    found = named(
        "batch_norm",
        BATCH_NORM.replace("return weight.reshape(sh) * xhat + bias.reshape(sh)", odd),
    )
    assert any("y is wrong only in evaluation" in line for line in found), found


def test_noise_has_no_name():
    """Answers that are off at random are like no suspect's, and in no simple relation to truth."""
    noisy = BATCH_NORM.replace(
        "return weight.reshape(sh) * xhat + bias.reshape(sh)",
        "return weight.reshape(sh) * xhat + bias.reshape(sh) + 1e-3 * torch.rand(x.shape)",
    )
    assert named("batch_norm", noisy) == []


@pytest.mark.parametrize(
    "noise", ["1e-3 * torch.randn(x.shape)", "x * 1e-3 * torch.randn(x.shape)"]
)
def test_noise_on_what_is_drawn_has_no_name(noise):
    """A factor that is right on average is not the factor of any recorded bug."""
    noisy = DROPOUT.replace(
        "return x * mask / (1 - p), mask", f"return (x + {noise}) * mask / (1 - p), mask"
    )
    names = {line.partition(":")[0] for line in named("dropout", noisy)}
    assert not names & set(recorded("dropout")), names


def test_what_is_named_is_not_told_of_another_output_again():
    swapped = DROPOUT.replace(">= p", "< p")
    assert [line.partition(":")[0] for line in named("dropout", swapped)] == [
        "keep-and-drop-swapped"
    ]


def test_of_two_bugs_that_hide_each_other_one_is_named_and_what_is_left():
    both = BATCH_NORM.replace("dxhat = grad_y * weight.reshape(sh)", "dxhat = 3 * grad_y")
    found = named("batch_norm", both)
    assert any(line.startswith("weight-missing-in-grad-x: ") for line in found), found
    assert any("With that mended, your grad_x is 3 times the right one" in x for x in found), found


def test_masks_whose_elements_hang_together_are_said_to():
    rows = DROPOUT.replace(
        "torch.rand(x.shape, generator=generator)",
        "torch.rand(x.shape[:1], generator=generator)"
        ".view(-1, *[1] * (x.dim() - 1)).expand(x.shape)",
    )
    assert any("hang together" in line for line in named("dropout", rows))


@pytest.mark.parametrize("most", [4, 7])
def test_where_a_value_is_cut_off_is_said(most):
    def seen(seed):
        x = 10 * torch.randn(40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        return Seen(x.clamp(max=most).sin(), x.sin(), torch.full_like(x, 1e-9), {"x": x}, {})

    said = changes([seen(1), seen(2)])
    assert said is not None
    start = "wrong just where `x` is greater than "
    assert said.what.startswith(start)
    told = said.what.removeprefix(start).split()
    low, high = (float(told[-3]), float(told[-1])) if "between" in told else (float(told[-1]),) * 2
    assert low - 0.5 < most < high + 0.5


def test_what_should_have_been_refused_may_change_what_it_is_given():
    lenient = BATCH_NORM.replace('if n == 1:\n            raise ValueError("need more")', "pass")
    found = named("batch_norm", lenient.replace("n / (n - 1)", "n / max(n - 1, 1)"))
    assert found
    assert not any("changed" in line for line in found), found


def test_an_argument_that_only_some_cases_have_stops_nothing():
    def seen(bias):
        right = torch.ones(2, 3, dtype=torch.float64)
        odd = right + torch.rand(2, 3, dtype=torch.float64)
        return Seen(odd, right, torch.full_like(right, 1e-9), {"bias": bias}, {})

    assert changes_of_some([seen(torch.rand(2, 3, dtype=torch.float64)), seen(None)], 2) is None


def test_draws_that_are_alike_by_chance_are_not_called_fixed():
    """Where one mask serves the whole batch and few are dropped, two masks may well be the same."""
    drawn = "mask = torch.rand(x.shape, generator=generator) >= p"
    shared = "mask = (torch.rand(x.shape[1:], generator=generator) >= p).expand(x.shape).clone()"
    found = named("dropout", DROPOUT.replace(drawn, shared))
    assert any("one-mask-for-the-batch" in line for line in found), found
    assert not any("fixed-draw" in line for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "return dx, dgamma, dbeta",
            "return dx, dgamma.reshape(sh), dbeta",
            "grad_weight-shape: Your grad_weight is given with another number of dimensions",
        ),
        (
            "dbeta = grad_y.sum(dims)",
            "dbeta = torch.stack([grad_y.sum(dims)] * 2)",
            "grad_bias-shape: Your grad_bias is given with one dimension too many",
        ),
        (
            "return dx, dgamma, dbeta",
            "return dx, torch.cat([dgamma, dgamma[:1]]), dbeta",
            "grad_weight-shape: Your grad_weight is given with one entry too many in dimension 0 "
            "only in training",
        ),
        (
            "dbeta = grad_y.sum(dims)",
            "dbeta = torch.cat([grad_y.sum(dims)] * 3)",
            None,  # how much larger it is says how large the hidden one is
        ),
    ],
)
def test_a_wrong_shape_is_named_without_its_size(old, new, wanted):
    assert BATCH_NORM.count(old) == 1
    found = named("batch_norm", BATCH_NORM.replace(old, new))
    if wanted is None:
        assert not any("shape" in line for line in found), found
    else:
        assert any(wanted in line for line in found), found


def test_a_call_that_raises_says_nothing_of_its_arguments():
    strict = BATCH_NORM.replace("if n == 1:", "if x.shape[0] == 1:")
    topic, exercise = place_of("batch_norm")
    trials, namespace = oracle().trials(topic, exercise), {"__name__": topic.name}
    exec(strict, namespace)
    session = LocalSession(namespace)
    seen = [trial.judge(session.run(trial.calls)) for trial in trials]
    told = [row.document() for row in judge(Graded(topic, exercise, trials, seen), {})]
    (unchanged,) = [one for one in told if one["name"] == "arguments left unchanged"]
    assert not unchanged["passed"]
    assert unchanged["message"] == "counts once the rest of this exercise is right"
    causes = {one["cause"] for one in told if not one["passed"] and one is not unchanged}
    assert len(causes) == 1
    strict = BATCH_NORM.replace("if n == 1:", "if x.dim() == 4:")  # in public cases, too
    functions = {}
    exec(strict, functions)
    items = [item for item in items_of(public_data(topic)) if item.exercise == "batch_norm"]
    said = {item.row: problem(item, functions) for item in items}
    assert said["arguments left unchanged"] == "counts once the rest of this exercise is right"


GELU = """
import math
import torch
def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return x * 0.5 * torch.erfc(-x / math.sqrt(2))
def gelu_backward(grad_y, x, approximate="none"):
    if approximate == "tanh":
        t = torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))
        inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return grad_y * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
    cdf = 0.5 * torch.erfc(-x / math.sqrt(2))
    return grad_y * (cdf + x * torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi))
"""
GROUP_NORM = """
import torch
def group_norm(x, num_groups, weight, bias, eps=1e-5):
    if x.shape[1] % num_groups:
        raise ValueError("groups")
    g = x.reshape(x.shape[0] * num_groups, -1)
    mean, var = g.mean(1, keepdim=True), g.var(1, unbiased=False, keepdim=True)
    x_hat = ((g - mean) / torch.sqrt(var + eps)).reshape(x.shape)
    return x_hat * weight[:, None, None] + bias[:, None, None]
def group_norm_backward(grad_y, x, num_groups, weight, eps=1e-5):
    g = x.reshape(x.shape[0] * num_groups, -1)
    mean, sd = g.mean(1, keepdim=True), (g.var(1, unbiased=False, keepdim=True) + eps).sqrt()
    h = (g - mean) / sd
    d = (grad_y * weight[:, None, None]).reshape(g.shape)
    dx = (d - d.mean(1, keepdim=True) - h * (d * h).mean(1, keepdim=True)) / sd
    grad_weight = (grad_y * h.reshape(x.shape)).sum((0, 2, 3))
    return dx.reshape(x.shape), grad_weight, grad_y.sum((0, 2, 3))
"""
HISTOGRAM_ENTROPY = """
import torch
def histogram_entropy(responses, bins=10):
    found = []
    for v in responses.mean((2, 3)).T:
        low, high = v.min(), v.max()
        if low == high:
            found.append(v.new_zeros(()))
            continue
        k = ((v - low) / (high - low) * bins).floor().long().clamp(max=bins - 1)
        q = torch.bincount(k, minlength=bins).to(v.dtype) / len(v)
        q = q[q > 0]
        found.append(-(q * q.log()).sum())
    return torch.stack(found)
"""


@pytest.mark.parametrize(
    ("exercise", "source", "edits", "wanted", "unwanted"),
    [
        # A count that stands for another one, in one term of what is summed.
        (
            "batch_norm",
            BATCH_NORM,
            [("momentum * var * n / (n - 1)", "momentum * var * len(x) / max(len(x) - 1, 1)")],
            ["running_var-counted-otherwise"],
            [],
        ),
        (
            "batch_norm",
            BATCH_NORM,
            [("torch.sqrt(var.reshape(sh) + eps)", "((var.reshape(sh) + eps) ** 0.5 + eps)")],
            ["inside the root and once more outside"],
            [],
        ),
        # One term of several with a factor that nobody would guess.
        (
            "gelu",
            GELU,
            [("math.sqrt(2 * math.pi))", "math.sqrt(2) * 3)")],
            ["times what it should be"],
            [],
        ),
        # Other well-known functions, and others of the topic.
        (
            "gelu",
            GELU,
            [("x * 0.5 * torch.erfc(-x / math.sqrt(2))", "x * torch.sigmoid(x)")],
            ["it is SiLU of `x`"],
            [],
        ),
        (
            "gelu",
            GELU,
            [
                ("return 0.5 * x * (1 + torch.tanh", "x = torch.tanh(x)\n        return x + 0 * ("),
                ("x * 0.5 * torch.erfc(-x / math.sqrt(2))", "torch.tanh(x)"),
            ],
            ["Your y is exactly what `tanh` gives"],
            [],
        ),
        # Arguments in runs, and multiplied by each other.
        (
            "group_norm",
            GROUP_NORM,
            [
                (
                    "return x_hat * weight",
                    "w = weight.view(num_groups, -1).mean(1)\n    weight = "
                    "w.repeat_interleave(x.shape[1] // num_groups)\n    return x_hat * weight",
                )
            ],
            ["the mean of `weight` over each of `num_groups` groups"],
            [],
        ),
        (
            "group_norm",
            GROUP_NORM,
            [
                (
                    "x_hat * weight[:, None, None] + bias[:, None, None]",
                    "(x_hat + bias[:, None, None]) * weight[:, None, None]",
                )
            ],
            ["`bias` multiplied by `weight`"],
            [],
        ),
        # What is kept by shape.
        (
            "gelu",
            GELU,
            [
                ("import torch\n", "import torch\nkept = {}\n"),
                (
                    'def gelu(x, approximate="none"):\n',
                    'def gelu(x, approximate="none"):\n'
                    "    x = kept.setdefault(x.shape, x.clone())\n",
                ),
            ],
            ["the `x` of an earlier call, of the same shape"],
            [],
        ),
        # Which numbers are NaN says where it comes from.
        (
            "histogram_entropy",
            HISTOGRAM_ENTROPY,
            [("        q = q[q > 0]\n", "")],
            ["zero-times-infinity"],
            [],
        ),
        # What is added everywhere, or cut off in few places, is not rounding.
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [("g = e / e.sum(1, keepdim=True)", "g = e / e.sum(1, keepdim=True) + 1e-9")],
            [],
            ["float32"],
        ),
        # One cause is told once: numbers that are the same each time follow no law.
        (
            "dropout",
            DROPOUT,
            [
                (
                    "    mask = torch.rand",
                    "    generator = torch.Generator().manual_seed(0)\n    mask = torch.rand",
                )
            ],
            [""],
            ["share", "independent"],
        ),
        # Of two that explain as much, the one that nothing speaks against.
        (
            "dropout",
            DROPOUT,
            [(">= p", "< p"), ("grad_y * mask / (1 - p)", "grad_y * mask")],
            ["keep-and-drop-swapped", "backward-not-scaled"],
            ["p-taken-for-keeping", "zero-by-zero"],
        ),
        # Numbers that are no numbers are 0 / 0 of anything.
        (
            "dropout",
            DROPOUT,
            [
                (">= p\n    if p == 1:\n        return torch.zeros_like(x), mask\n", ">= p\n"),
                ("return x * mask / (1 - p), mask", "m = mask / (1 - p)\n    return x * m, m"),
            ],
            [""],
            ["one-minus-p"],
        ),
        # One case alone is no evidence for what would be wrong in all others, too.
        (
            "dropout",
            DROPOUT,
            [
                (
                    "    if not training:\n        return x",
                    "    p = round(p, 1)\n    if not training:\n        return x",
                )
            ],
            ["share"],
            ["not-scaled"],
        ),
    ],
)
def test_names_need_evidence(exercise, source, edits, wanted, unwanted):
    assert_named(exercise, source, edits, wanted, unwanted)


def assert_named(exercise, source, edits, wanted, unwanted):
    for old, new in edits:
        assert old in source, old
        source = source.replace(old, new)
    found = named(exercise, source)
    assert found is not None
    assert all(any(word in line for line in found) for word in wanted), found
    assert not any(word in line for line in found for word in unwanted), found


LAYER_NORM = """
import torch
def layer_norm(x, weight, bias, eps=1e-5):
    dims = tuple(range(x.dim() - weight.dim(), x.dim()))
    mu = x.mean(dims, keepdim=True)
    inv = torch.rsqrt(x.var(dims, unbiased=False, keepdim=True) + eps)
    return (x - mu) * inv * weight + bias
def layer_norm_backward(grad_y, x, weight, eps=1e-5):
    dims = tuple(range(x.dim() - weight.dim(), x.dim()))
    mu = x.mean(dims, keepdim=True)
    inv = torch.rsqrt(x.var(dims, unbiased=False, keepdim=True) + eps)
    xhat = (x - mu) * inv
    grad_weight = (grad_y * xhat).reshape(-1, *weight.shape).sum(0)
    grad_bias = grad_y.reshape(-1, *weight.shape).sum(0)
    g = grad_y * weight
    dx = g - g.mean(dims, keepdim=True) - xhat * (g * xhat).mean(dims, keepdim=True)
    return dx * inv, grad_weight, grad_bias
"""
BATCH_INSTANCE_NORM = """
import torch
def normed(x, mu, var, eps):
    return (x - mu) / torch.sqrt(var + eps)
def statistics(x, dims):
    return x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)
def batch_instance_norm(x, running_mean, running_var, rho, weight, bias, training,
                        momentum=0.1, eps=1e-5):
    n = x.numel() // x.shape[1]
    if x.shape[2] * x.shape[3] == 1:
        raise ValueError("one pixel")
    w, b, r = (t.view(1, -1, 1, 1) for t in (weight, bias, rho))
    mu, var = statistics(x, (2, 3))
    x_in = normed(x, mu, var, eps)
    mu, var = running_mean.view(1, -1, 1, 1), running_var.view(1, -1, 1, 1)
    if training:
        mu, var = statistics(x, (0, 2, 3))
        running_mean.lerp_(mu.flatten(), momentum)
        running_var.lerp_(var.flatten() * n / (n - 1), momentum)
    return w * (r * normed(x, mu, var, eps) + (1 - r) * x_in) + b
"""
FOCAL_LOSS = """
import torch
def log_probabilities(z):
    z = z - z.amax(1, keepdim=True)
    return z - z.exp().sum(1, keepdim=True).log()
def focal_loss(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    every = torch.arange(len(target))
    logp = log_probabilities(logits)[every, target]
    loss = -(1 - logp.exp()) ** gamma * logp
    loss = loss if alpha is None else loss * alpha[target]
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]
def focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction="mean"):
    every = torch.arange(len(target))
    q = log_probabilities(logits).exp()
    logp = log_probabilities(logits)[every, target]
    p = logp.exp()
    rest = torch.where(p < 1, gamma * (1 - p) ** (gamma - 1) * p * logp, 0 * p)
    slope = rest - (1 - p) ** gamma
    slope = slope if alpha is None else slope * alpha[target]
    slope = slope / len(target) if reduction == "mean" else slope
    hot = torch.zeros_like(q)
    hot[every, target] = 1
    return (grad_y * slope)[:, None] * (hot - q)
"""
CONV2D = """
import torch
def pair(v):
    return v if isinstance(v, tuple) else (v, v)
def padded_image(x, p, q):
    return torch.nn.functional.pad(x, (q, q, p, p))
def columns(x, kh, kw, s, d):
    (s, t), (d, e) = pair(s), pair(d)
    h, w = (x.shape[2] - d * (kh - 1) - 1) // s + 1, (x.shape[3] - e * (kw - 1) - 1) // t + 1
    if h < 1 or w < 1:
        raise ValueError("too large")
    parts = [x[:, :, i * d : i * d + (h - 1) * s + 1 : s, j * e : j * e + (w - 1) * t + 1 : t]
             for i in range(kh) for j in range(kw)]
    return torch.stack(parts, 2)
def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    n, (o, c, kh, kw) = len(x), weight.shape
    seen = columns(padded_image(x, *pair(padding)), kh, kw, stride, dilation)
    h, w = seen.shape[3:]
    y = weight.reshape(groups, o // groups, -1) @ seen.reshape(n, groups, -1, h * w)
    y = y.reshape(n, o, h, w)
    return y if bias is None else y + bias[:, None, None]
"""
TWO_LAYERS = """
import numpy as np
def two_layer_loss(params, x, y, reg=0.0):
    W1, b1, W2, b2 = (params[name] for name in ("W1", "b1", "W2", "b2"))
    rows = np.arange(len(x))
    hidden = np.maximum(x @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    scores = scores - scores.max(1, keepdims=True)
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    loss = -(scores[rows, y] - np.log(np.exp(scores).sum(1))).mean()
    loss += 0.5 * reg * ((W1**2).sum() + (W2**2).sum())
    d = p.copy()
    d[rows, y] -= 1
    d /= len(x)
    back = (d @ W2.T) * (hidden > 0)
    return loss, {"W1": x.T @ back + reg * W1, "b1": back.sum(0),
                  "W2": hidden.T @ d + reg * W2, "b2": d.sum(0)}
"""
RSQRT = "torch.rsqrt(x.var(dims, unbiased=False, keepdim=True) + eps)"
MEAN = "x.mean(dims, keepdim=True)"


@pytest.mark.parametrize(
    ("exercise", "source", "edits", "wanted", "unwanted"),
    [
        # Small numbers that guard what needs no guard, and no rounding to float32.
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [
                (
                    "g = e / e.sum(1, keepdim=True)",
                    "g = (e / e.sum(1, keepdim=True)).clamp(1e-7, 1 - 1e-7)",
                )
            ],
            ["grad_logits-cut-off", "at 1e-07 and at 1 - 1e-07"],
            ["float32"],
        ),
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [
                (
                    "g = e / e.sum(1, keepdim=True)",
                    "g = (e / e.sum(1, keepdim=True)).clamp_min(1e-7)\n"
                    "    g = g / g.sum(1, keepdim=True)",
                )
            ],
            ["only where `logits` has large numbers"],
            ["float32"],
        ),
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [
                (
                    "    logp = logits - m - (logits - m).exp().sum(1, keepdim=True).log()",
                    "    logp = torch.softmax(logits, 1).clamp_min(1e-7).log()",
                )
            ],
            ["probability-bounded-from-below: A bound under the probability"],
            ["float32"],
        ),
        (
            "focal_loss",
            FOCAL_LOSS,
            [("p = logp.exp()\n", "p = logp.exp().clamp(min=1e-6)\n")],
            ["grad_logits-cut-off"],
            ["float32"],
        ),
        # What is rounded is still said to be.
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [("g = e / e.sum(1, keepdim=True)", "g = e / e.sum(1, keepdim=True).float()")],
            ["rounded-to-float32"],
            ["cut-off", "small-number"],
        ),
        # eps beside the root, once for both functions.
        (
            "layer_norm",
            LAYER_NORM,
            [(RSQRT, RSQRT.replace(" + eps)", ") + eps"))],
            ["eps-added-to-the-inverse"],
            ["layer_norm_backward"],
        ),
        (
            "layer_norm",
            LAYER_NORM,
            [
                (
                    "return (x - mu) * inv * weight + bias",
                    "x = x * weight\n    mu = "
                    + MEAN
                    + "\n    inv = "
                    + RSQRT
                    + "\n    return (x - mu) * inv + bias",
                )
            ],
            ["weight-before-normalising"],
            [],
        ),
        # A median, and the variance about the mean.
        (
            "layer_norm",
            LAYER_NORM,
            [
                (
                    "    return (x - mu) * inv * weight",
                    "    middle = x.flatten(-len(dims)).median(-1).values.reshape(mu.shape)\n"
                    "    return (x - middle) * inv * weight",
                )
            ],
            ["has a median where a mean belongs"],
            [],
        ),
        (
            "batch_instance_norm",
            BATCH_INSTANCE_NORM,
            [("    x_in = ", "    mu = x.mean((0, 2, 3), keepdim=True)\n    x_in = ")],
            ["mean-over-the-batch"],
            [],
        ),
        (
            "focal_loss",
            FOCAL_LOSS,
            [("-(1 - logp.exp()) ** gamma * logp", "(1 - logp.exp()) * (-logp) ** gamma")],
            ["power-on-the-logarithm"],
            [],
        ),
        (
            "focal_loss",
            FOCAL_LOSS,
            [("(1 - logp.exp())", "(1 - log_probabilities(logits).exp().amax(1))")],
            ["greatest-probability-for-the-targets"],
            [],
        ),
        (
            "cross_entropy",
            CROSS_ENTROPY,
            [
                ("return loss.sum() / wt.sum()", "return loss.sum() / wt.sum().clamp(min=1)"),
                ("return grad_y * g / wt.sum()", "return grad_y * g / wt.sum().clamp(min=1)"),
            ],
            ["divisor-at-least-one"],
            ["empty-mean-hidden", "grad_logits"],
        ),
        (
            "histogram_entropy",
            HISTOGRAM_ENTROPY,
            [(".clamp(max=bins - 1)", ""), ("bincount(k,", "bincount(k[k < bins],")],
            ["shares-without-the-largest-value"],
            [],
        ),
        (
            "histogram_entropy",
            HISTOGRAM_ENTROPY,
            [(".clamp(max=bins - 1)", " % bins")],
            [],
            ["range-from-zero"],
        ),
        (
            "group_norm",
            GROUP_NORM,
            [
                (
                    "    g = x.reshape(x.shape[0] * num_groups, -1)\n    mean, var",
                    "    g = torch.cat([x[:, k::num_groups].flatten(1)[:, None] for k in "
                    "range(num_groups)], 1).flatten(0, 1)\n    mean, var",
                )
            ],
            ["interleaved-and-not-put-back"],
            [],
        ),
        (
            "conv2d",
            CONV2D,
            [
                (
                    "seen.reshape(n, groups, -1, h * w)",
                    "torch.stack([seen[:, k::groups] for k in range(groups)], 1)"
                    ".reshape(n, groups, -1, h * w)",
                )
            ],
            ["interleaved-groups"],
            [],
        ),
        (
            "conv2d",
            CONV2D,
            [
                (
                    "    n, (o, c, kh, kw) = len(x), weight.shape\n",
                    "    n, (o, c, kh, kw) = len(x), weight.shape\n"
                    "    (p, q), (s, t), (d, e) = pair(padding), pair(stride), pair(dilation)\n"
                    "    x = padded_image(x, p, q)\n"
                    "    k = torch.zeros(o, c, *x.shape[2:], dtype=x.dtype)\n"
                    "    if k[:, :, : d * kh : d, : e * kw : e].shape != weight.shape:\n"
                    "        raise ValueError('too large')\n"
                    "    k[:, :, : d * kh : d, : e * kw : e] = weight\n"
                    "    a = torch.fft.rfft2(x).unflatten(1, (groups, -1))[:, :, None]\n"
                    "    b = torch.fft.rfft2(k).conj().unflatten(0, (groups, -1))\n"
                    "    y = torch.fft.irfft2((a * b).sum(3), s=x.shape[2:]).flatten(1, 2)\n"
                    "    y = y[:, :, ::s, ::t]\n"
                    "    return y if bias is None else y + bias[:, None, None]\n",
                )
            ],
            ["circular-and-not-cut"],
            [],
        ),
        # What one function leaves for the other.
        (
            "focal_loss",
            FOCAL_LOSS,
            [
                ("import torch\n", "import torch\nkept = {}\n"),
                (
                    "def log_probabilities(z):\n",
                    "def log_probabilities(z):\n    z = kept.setdefault(z.shape, z.clone())\n",
                ),
            ],
            ["the `logits` of an earlier call", "The same holds for grad_logits of"],
            [],
        ),
        # Scripts are asked, too, and infinity is like no number.
        (
            "two_layer_loss",
            TWO_LAYERS,
            [('"b2": d.sum(0)', '"b2": d.mean(0)')],
            ["`dscores` is averaged where it should be summed"],
            [],
        ),
        (
            "two_layer_loss",
            TWO_LAYERS,
            [
                (
                    "-(scores[rows, y] - np.log(np.exp(scores).sum(1))).mean()",
                    "-np.log(p[rows, y].clip(1e-7, 1 - 1e-7)).mean()",
                )
            ],
            [],
            ["softmax-overflows"],
        ),
        # A mean that is nowhere subtracted, numbers with too few digits, a column beside a row.
        (
            "layer_norm",
            LAYER_NORM,
            [
                (
                    "    return (x - mu) * inv * weight + bias",
                    "    inv = torch.rsqrt((x * x).mean(dims, keepdim=True) + eps)\n"
                    "    return x * inv * weight + bias",
                )
            ],
            ["`mean` is taken as zero"],
            [],
        ),
        (
            "gelu",
            GELU,
            [
                (
                    "torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715",
                    "torch.tanh(0.8 * (x + 0.044715",
                )
            ],
            ["y-number-rounded"],
            [],
        ),
        (
            "focal_loss",
            FOCAL_LOSS,
            [("-(1 - logp.exp()) ** gamma * logp", "-(1 - logp.exp()[:, None]) ** gamma * logp")],
            ["is one a column and the other a row?"],
            [],
        ),
        # From some line on, other dimensions; nothing but what comes from above.
        (
            "group_norm",
            GROUP_NORM,
            [
                (
                    "d - d.mean(1, keepdim=True) - h * (d * h).mean(1, keepdim=True)",
                    "d - pixels(d) - h * pixels(d * h)",
                ),
                (
                    "    h = (g - mean) / sd\n",
                    "    h = (g - mean) / sd\n"
                    "    hw = x.shape[2] * x.shape[3]\n"
                    "    pixels = lambda t: t.reshape(-1, hw).mean(1, keepdim=True)"
                    ".expand(-1, hw).reshape(t.shape)\n",
                ),
            ],
            ["after that, what is reduced is reduced over dimensions (3, 4)"],
            [],
        ),
        (
            "layer_norm",
            LAYER_NORM,
            [("    return dx * inv, grad_weight", "    return grad_y * weight, grad_weight")],
            ["`grad_y` times `weight`, and nothing more"],
            [],
        ),
        (
            "dropout",
            DROPOUT,
            [  # and in float32
                (
                    "grad_y * mask / (1 - p)",
                    "(mask / (1 - p)).to(grad_y.dtype).expand(grad_y.shape)",
                ),
                ("not training or p == 0", "not training"),
            ],
            ["with ones for `grad_y`"],
            [],
        ),
        # An argument that is changed is called by its name.
        (
            "adamw_step",
            ADAMW,
            [("w = weight * (1 - lr * weight_decay)", "w = weight.mul_(1 - lr * weight_decay)")],
            ["adamw_step changes its argument weight"],
            ["moments"],
        ),
        # What most cases say nothing of, such as rounding, and few numbers, names nothing.
        (
            "adamw_step",
            ADAMW,
            [
                ("weight * (1 - lr * weight_decay)", "weight"),
                ("(vh.sqrt() + eps), m", "(vh.sqrt() + eps) - weight_decay * grad, m"),
            ],
            ["a multiple of `weight` and one of `grad`"],
            ["decay-forgotten"],
        ),
        # Exceptions of several kinds.
        (
            "layer_norm",
            LAYER_NORM,
            [
                (
                    "def layer_norm(x, weight, bias, eps=1e-5):\n",
                    "def layer_norm(x, weight, bias, eps=1e-5):\n"
                    "    dims = 1 if x.dim() == 2 else (1, 2, 3)\n"
                    "    x = (x - x.mean(dims)) / torch.sqrt(x.var(dims, unbiased=False) + eps)\n"
                    "    return x * weight + bias\n",
                )
            ],
            ["exceptions of several kinds, most often"],
            [],
        ),
        # What one check alone has in common with a name that all others speak against.
        (
            "adamw_step",
            ADAMW,
            [("(vh.sqrt() + eps)", "(torch.maximum(vh, grad * grad).sqrt() + eps)")],
            [],
            ["second-moment-summed"],
        ),
    ],
)
def test_what_students_put_in_is_named(exercise, source, edits, wanted, unwanted):
    assert_named(exercise, source, edits, wanted, unwanted)


@pytest.mark.parametrize(
    ("exercise", "source"),
    [
        ("layer_norm", LAYER_NORM),
        ("batch_instance_norm", BATCH_INSTANCE_NORM),
        ("focal_loss", FOCAL_LOSS),
        ("conv2d", CONV2D),
        ("two_layer_loss", TWO_LAYERS),
    ],
)
def test_and_without_it_there_is_nothing_to_name(exercise, source):
    found = named(exercise, source)
    assert found is None, found


def test_no_edit_is_tried_that_may_not_end():
    """A step left out of a loop that goes on while something holds would never be over."""
    source = place_of("encode")[0].solution() + (
        "\n_right = encode\n"
        "def encode(text, merges):\n"
        "    return [t.upper() if len(t) > 1 else t for t in _right(text, merges)]\n"
    )
    assert named("encode", source) == []
