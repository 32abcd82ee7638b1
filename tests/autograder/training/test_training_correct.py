"""Correct solutions, however they are written, train just as the reference does."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autograder.judging.wording import hint_at
from tests.autograder.training.conftest import Prepared

CORPUS = Path(__file__).parents[2] / "corpus" / "correct"
# CI takes a few; `make fairness` takes 30 submissions over 20 secrets.
SUBMISSIONS = int(os.environ.get("GRADMARK_SUBMISSIONS", "6"))
SECRETS = int(os.environ.get("GRADMARK_TRAINING_SECRETS", "1"))


def alternatives():
    """For every exercise, the functions of each correct way to write it."""
    found = {}
    for path in sorted(CORPUS.glob("*/*.py")):
        namespace = {"__name__": path.stem}
        exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)
        functions = {k: f for k, f in namespace.items() if callable(f) and not k.startswith("_")}
        found.setdefault(path.stem.partition("--")[0], []).append(functions)
    return found


ALTERNATIVES = alternatives()


def submission(number):
    """A whole submission, each exercise of it written in some correct way."""
    choose = random.Random(number)
    chosen = {}
    for ways in ALTERNATIVES.values():
        chosen |= ways[(number + choose.randrange(2)) % len(ways)]
    return chosen


def runs(topic):
    """The experiments, as short as can be and still hold everything."""
    module = topic.module
    yield replace(module.CLASSIFIER, steps=3)
    yield replace(module._restyled("styles", module.batch_instance_norm()), steps=2)
    yield replace(module._small_batches("group norm", 4, module.group_norm(8)), steps=2)


@pytest.fixture(scope="module", params=range(SECRETS))
def prepared(request, topic):
    return [Prepared(topic, run, secret=request.param) for run in runs(topic)]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SUBMISSIONS))
def test_a_correct_submission_trains_like_the_reference(prepared, number):
    for run in prepared:
        outcome = run.judge(**submission(number))
        for row, finding in outcome.findings.items():
            assert finding.passed, (run.check.name, row, finding)
            assert finding.evidence["excess"] < 1e-2  # two decades of room


def test_a_longer_run_of_another_convolution_stays_with_the_reference(topic):
    (im2col,) = (
        ways for ways in ALTERNATIVES["conv2d"] if "im2col" in str(ways["conv2d"].__code__)
    )
    outcome = Prepared(topic, replace(topic.module.CLASSIFIER, steps=30)).judge(**im2col)
    assert all(finding.passed for finding in outcome.findings.values())
    assert outcome.findings["training"].evidence["excess"] > 0  # it does compute in its own way
    (curve,) = outcome.curves["training"]
    reference, yours = (series["y"] for series in curve["series"])
    assert yours == pytest.approx(reference, rel=1e-9)
    assert curve["marks"] == []


@pytest.fixture(scope="module")
def single(topic):
    return Prepared(topic, replace(topic.module.CLASSIFIER, steps=12), dtype=torch.float32)


def test_in_float32_the_reference_and_other_ways_stay_in_the_band(single):
    for functions in ({}, submission(0), submission(3)):
        outcome = single.judge(**functions)
        assert all(finding.passed for finding in outcome.findings.values())
        (curve,) = outcome.curves["training"]
        low, high = curve["band"]["low"], curve["band"]["high"]
        assert all(a <= b for a, b in zip(low, high, strict=True))


def test_in_float32_a_bug_within_the_first_steps_is_located(single, topic):
    def half_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
        velocity = momentum * velocity + grad + weight_decay * weight
        return weight - lr / 2 * velocity, velocity

    found = single.judge(sgd_momentum_step=half_step).findings["training"]
    assert (found.problem, found.evidence["step"]) == ("parted", 0)
    assert found.evidence["output"] == "weight"


def test_in_float32_a_bug_after_the_first_steps_leaves_the_band(single, topic):
    schedule = topic.functions()["cosine_schedule"]

    def from_step_six(step, total_steps, base_lr, warmup_steps=0):
        return schedule(step, total_steps, base_lr, warmup_steps) * (1 if step < 6 else 30)

    found = single.judge(cosine_schedule=from_step_six).findings["training"]
    assert found.problem == "band"
    assert found.evidence["step"] > 6


def test_in_float32_a_bug_that_one_start_shows_is_found_there(single, topic):
    relu, calls = topic.functions()["relu"], [0]

    def leaky_from_the_third_start(x):
        calls[0] += 1
        in_third = calls[0] > 2 * (2 * 12 + 2)  # two per step, two in evaluation
        return relu(x) - 0.1 * relu(-x) if in_third else relu(x)

    outcome = single.judge(relu=leaky_from_the_third_start)
    found = outcome.findings["training"]
    assert (found.problem, found.evidence["start"]) == ("band", 2)
    assert "start 3 of 5" in hint_at(found)
    (curve,) = outcome.curves["training"]
    assert curve["title"].endswith("start 3 of 5")


def test_in_float32_what_neither_steps_nor_losses_show_makes_the_error_rate_worse(single, topic):
    update, calls = topic.functions()["sgd_momentum_step"], [0]
    of_a_start = sum(call.function == "sgd_momentum_step" for call in single.calls) // 5

    def forgotten_in_the_end(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
        new, velocity = update(weight, grad, velocity, lr, momentum, weight_decay)
        last = calls[0] % of_a_start >= of_a_start - 10  # the last step's, after the last loss
        calls[0] += 1
        return (torch.zeros_like(new) if last else new), velocity

    findings = single.judge(sgd_momentum_step=forgotten_in_the_end).findings
    assert findings["training"].passed
    assert findings["evaluation"].problem == "metric"
    assert findings["evaluation"].evidence["measured"] < findings["evaluation"].evidence["at_least"]


def test_in_float32_a_run_that_breaks_off_at_a_later_start_fails(single, topic):
    loss, calls = topic.functions()["cross_entropy"], [0]

    def ends(logits, target, weight=None, ignore_index=-100, reduction="mean"):
        calls[0] += 1
        if calls[0] > 30:
            raise RuntimeError
        return loss(logits, target, weight, ignore_index, reduction)

    findings = single.judge(cross_entropy=ends).findings
    assert not any(finding.passed for finding in findings.values())


def test_in_float32_no_value_after_the_first_steps_makes_the_judge_fail(single, topic):
    relu, dropout, calls = topic.functions()["relu"], topic.functions()["dropout"], [0]

    def number_from_step_seven(x):
        calls[0] += 1
        # the second of two in each step, which the dropout follows
        return 1.0 if calls[0] > 2 * 7 and calls[0] % 2 == 0 else relu(x)

    def of_numbers_as_well(x, *arguments, **named):
        return dropout(torch.as_tensor(x), *arguments, **named)

    outcome = single.judge(relu=number_from_step_seven, dropout=of_numbers_as_well)
    assert not outcome.findings["training"].passed


def test_computing_in_float32_inside_is_seen_in_float64(topic):
    reference = topic.functions()["relu_backward"]

    def careless(grad_y, x):
        return reference(grad_y.float(), x.float()).double()

    prepared = Prepared(topic, replace(topic.module.CLASSIFIER, steps=2))
    found = prepared.judge(relu_backward=careless).findings["training"]
    assert found.problem == "parted"
    assert found.evidence["function"] == "relu_backward"
    assert found.evidence["relative"] < 1e-6
