"""Known bugs are caught by a training run, and the run says where they are.

The bugs are the misconceptions of the topics, each put alone into a submission that is right
otherwise. What they are expected to do to a run was worked out from the functions, not from the
grader: where a function first gets something that its bug makes a difference to.
"""

from dataclasses import replace

import pytest
import torch

from autograder.judging.wording import explain, hint_at
from autograder.training.program import EVALUATION, TRAINING
from autograder.truth.diagnosis import recognise
from tests.autograder.training.conftest import Prepared

STEPS = 8  # of which the first five are the warm-up
NORM, LOSS, SGD = "batch_norm", "cross_entropy", "sgd_momentum_step"


@pytest.fixture(scope="module")
def prepared(topic):
    """The classifier's run, shortened."""
    return Prepared(topic, replace(topic.module.CLASSIFIER, steps=STEPS))


def bug_in(catalogue, home, name):
    found = [
        (t, m)
        for t in catalogue["all"].topics
        for e in t.exercises
        if e.name == home
        for m in e.misconceptions
        if m.name == name
    ]
    ((where, bug),) = found
    edited = where.functions(bug)
    return bug, {name: edited[name] for name in where.defined}


# exercise, misconception, the row it shows in, the first step, where, the function
BUGS = [
    # forwards and the loss: in the first step
    ("conv2d", "kernel-turned-around", TRAINING, 0, "conv2d 1", "conv2d"),
    ("conv2d", "mean-over-the-window", TRAINING, 0, "conv2d 1", "conv2d"),
    ("conv2d", "padding-before-only", TRAINING, 0, "conv2d 1", "conv2d"),
    ("conv2d", "stride-on-rows-only", TRAINING, 0, "conv2d 2", "conv2d"),
    (NORM, "eps-outside-root", TRAINING, 0, "batch_norm 1", NORM),
    (NORM, "eps-forgotten", TRAINING, 0, "batch_norm 1", NORM),
    (NORM, "divided-by-variance", TRAINING, 0, "batch_norm 1", NORM),
    (NORM, "unbiased-batch-variance", TRAINING, 0, "batch_norm 1", NORM),
    (NORM, "running-statistics-in-training", TRAINING, 0, "batch_norm 1", NORM),
    ("relu", "leaky", TRAINING, 0, "relu 1", "relu"),
    ("relu", "clipped-at-one", TRAINING, 0, "relu 1", "relu"),
    ("dropout", "not-scaled", TRAINING, 0, "dropout", "dropout"),
    ("dropout", "keep-and-drop-swapped", TRAINING, 0, "dropout", "dropout"),
    (LOSS, "sum-for-mean", TRAINING, 0, "the loss", LOSS),
    (LOSS, "logarithm-to-base-two", TRAINING, 0, "the loss", LOSS),
    # gradients and rates: in the first step too, although no loss shows it before the second
    (LOSS, "mean-forgotten-in-backward", TRAINING, 0, "the loss", "cross_entropy_backward"),
    ("dropout", "backward-not-scaled", TRAINING, 0, "dropout", "dropout_backward"),
    ("relu", "gradient-passes-everywhere", TRAINING, 0, "relu 2", "relu_backward"),
    (NORM, "mean-path-dropped", TRAINING, 0, "batch_norm 2", "batch_norm_backward"),
    (NORM, "variance-path-dropped", TRAINING, 0, "batch_norm 2", "batch_norm_backward"),
    (NORM, "statistics-constant", TRAINING, 0, "batch_norm 2", "batch_norm_backward"),
    (NORM, "eps-forgotten-backwards", TRAINING, 0, "batch_norm 2", "batch_norm_backward"),
    (NORM, "grad-bias-averaged", TRAINING, 0, "batch_norm 2", "batch_norm_backward"),
    ("conv2d", "kernel-turned-in-grad-x", TRAINING, 0, "conv2d 3", "conv2d_backward"),
    ("conv2d", "grad-weight-averaged", TRAINING, 0, "conv2d 3", "conv2d_backward"),
    ("conv2d", "overlaps-overwritten", TRAINING, 0, "conv2d 2", "conv2d_backward"),
    ("cosine_schedule", "warm-up-from-zero", TRAINING, 0, "the schedule", "cosine_schedule"),
    (SGD, "uphill", TRAINING, 0, "the update", SGD),
    (SGD, "moving-average", TRAINING, 0, "the update", SGD),
    (SGD, "decay-twice", TRAINING, 0, "the update", SGD),
    (SGD, "decay-beside-the-velocity", TRAINING, 0, "the update", SGD),
    # what needs a past: not before there is one
    # (before a batch norm a bias has no gradient, so only the last layer's comes to matter)
    ("conv2d", "bias-forgotten", TRAINING, 1, "conv2d 3", "conv2d"),
    (SGD, "momentum-forgotten", TRAINING, 1, "the update", SGD),
    (SGD, "velocity-never-fades", TRAINING, 1, "the update", SGD),
    ("cosine_schedule", "warm-up-one-too-long", TRAINING, 5, "the schedule", "cosine_schedule"),
    ("cosine_schedule", "one-step-ahead", TRAINING, 5, "the schedule", "cosine_schedule"),
    ("cosine_schedule", "zero-one-step-early", TRAINING, 6, "the schedule", "cosine_schedule"),
    # what no loss ever shows
    (NORM, "biased-running-variance", EVALUATION, 0, "batch_norm 1", NORM),
    (NORM, "running-deviation", EVALUATION, 0, "batch_norm 1", NORM),
    (NORM, "momentum-swapped", EVALUATION, 0, "batch_norm 1", NORM),
    (NORM, "batch-statistics-in-evaluation", EVALUATION, STEPS, "batch_norm 1", NORM),
    (NORM, "affine-skipped-in-evaluation", EVALUATION, STEPS, "batch_norm 1", NORM),
    ("dropout", "active-in-evaluation", EVALUATION, STEPS, "dropout", "dropout"),
    ("dropout", "scaled-in-evaluation-too", EVALUATION, STEPS, "dropout", "dropout"),
    ("predict", "smallest", EVALUATION, STEPS, "the prediction", "predict"),
]  # fmt: skip


def test_the_list_is_long_enough():
    assert len({(home, name) for home, name, *_ in BUGS}) >= 40


@pytest.mark.parametrize(
    ("home", "name", "row", "step", "where", "function"),
    BUGS,
    ids=[f"{home}-{name}" for home, name, *_ in BUGS],
)
def test_a_bug_is_caught_and_located(
    catalogue, topic, prepared, home, name, row, step, where, function
):
    bug, functions = bug_in(catalogue, home, name)
    outcome = prepared.judge(**functions)
    found = outcome.findings[row]
    assert found.problem == "parted"
    assert found.evidence["step"] == step
    assert found.evidence["layer"].startswith(where)
    assert found.evidence["function"] == function
    if row == "evaluation":
        assert outcome.findings["training"].passed
    if outcome.faults:  # there is none for dropout in training, where nothing repeats its mask
        assert bug.name in [m.name for m in recognise(topic, outcome.faults)]


@pytest.mark.slow
def test_a_longer_run_finds_what_takes_a_while_to_matter(topic):
    """A gate of batch-instance norm must have moved far before it matters that nothing stops it."""
    run = topic.module._restyled("styles", topic.module.batch_instance_norm())
    prepared = Prepared(topic, run)
    found = prepared.judge(clip_rho_=lambda rho: rho).findings["training"]
    assert found.problem == "parted"
    assert found.evidence["function"] == "clip_rho_"
    assert 5 < found.evidence["step"] < run.steps
    assert all(finding.passed for finding in prepared.judge().findings.values())


SIGNATURES = [
    ("batch_norm", "eps-outside-root", "the first loss shows it"),
    ("batch_norm", "mean-path-dropped", "the second loss is the first"),
    ("sgd_momentum_step", "momentum-forgotten", "the loss of step 2 is the first"),
    ("batch_norm", "biased-running-variance", "no loss shows it"),
]


@pytest.mark.parametrize(("home", "name", "sentence"), SIGNATURES)
def test_the_wording_tells_from_which_step_on_the_losses_show_a_bug(
    catalogue, prepared, home, name, sentence
):
    _, functions = bug_in(catalogue, home, name)
    found = next(f for f in prepared.judge(**functions).findings.values() if not f.passed)
    assert sentence in hint_at(found)
    assert sentence in explain(found)


def pretending(function, fake):
    """Answers of the right shapes and types, with nothing right in them."""

    def falsified(value):
        if isinstance(value, tuple):
            return tuple(falsified(item) for item in value)
        return fake(value) if isinstance(value, torch.Tensor) else -value

    def pretend(*args, **kwargs):
        copies = [arg.clone() if isinstance(arg, torch.Tensor) else arg for arg in args]
        return falsified(function(*copies, **kwargs))

    return pretend


@pytest.mark.parametrize("fake", [torch.zeros_like, torch.ones_like])
def test_nothing_is_earned_by_answers_of_the_right_shape(prepared, topic, fake):
    called = {call.function for call in prepared.calls}
    fakes = {name: pretending(topic.functions()[name], fake) for name in called}
    outcome = prepared.judge(**fakes)
    assert not any(finding.passed for finding in outcome.findings.values())


def test_parameters_that_make_every_answer_right_earn_nothing(prepared, topic):
    def to_nan(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
        return torch.full_like(weight, float("nan")), velocity

    def to_zero(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
        return torch.zeros_like(weight), velocity

    for step in (to_nan, to_zero):
        findings = prepared.judge(sgd_momentum_step=step).findings
        assert findings["training"].problem == "parted"
        assert not findings["evaluation"].passed


def test_two_bugs_are_both_named(catalogue, prepared, topic):
    _, first = bug_in(catalogue, "batch_norm", "mean-path-dropped")
    second, schedule = bug_in(catalogue, "relu", "gradient-passes-everywhere")
    outcome = prepared.judge(**first, **schedule)
    found = outcome.findings["training"].evidence
    assert found["function"] == "relu_backward"
    assert found["also"] == ["batch_norm_backward"]
    names = {m.name for m in recognise(topic, outcome.faults)}
    assert names == {second.name, "mean-path-dropped"}
