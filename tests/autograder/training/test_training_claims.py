"""The reference reproduces what was published, at toy scale: students are graded on the first steps
of these runs, so that they are worth taking has to be shown once."""

import math
from dataclasses import replace

import pytest

from autograder.judging.local import LocalSession
from autograder.training import (
    batch_instance_norm,
    batch_norm,
    group_norm,
    instance_norm,
    kaiming,
    xavier,
)
from autograder.training.alone import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(topic):
    session = LocalSession(topic.functions())

    def run(described):
        def seed(purpose):
            return sum(map(ord, purpose)) * 31

        return train(replace(described, steps=described.whole), session, seed)

    return run


def test_batch_norm_needs_a_batch_and_group_norm_does_not(trained, topic):
    """Wu & He 2018: after two epochs, batch norm's error at 2 images per step is at least 4 times
    that at 32, and group norm's under 2.5 times."""
    error = {
        (norm.function, batch): trained(topic.module._small_batches("", batch, norm)).error_rate
        for norm in (batch_norm(), group_norm(8))
        for batch in (32, 2)
    }
    assert error["batch_norm", 2] >= 4 * error["batch_norm", 32]
    assert error["group_norm", 2] < 2.5 * error["group_norm", 32]
    assert error["batch_norm", 32] < 0.1


def test_xavier_stalls_at_30_layers_and_kaiming_learns(trained, topic):
    """He et al. 2015, figure 3: after 15 epochs of 20 steps."""
    final = {
        weights.__name__: sum(trained(topic.module._deep(30, "", weights, 0.003)).losses[-20:]) / 20
        for weights in (xavier, kaiming)
    }
    assert final["xavier"] > 2.25
    assert final["kaiming"] < 1.0


def test_at_22_layers_both_learn_and_kaiming_earlier(trained, topic):
    """He et al. 2015, figure 2: by epoch 15, Xavier's loss has come down from ln 10 as well."""
    losses = {
        weights.__name__: trained(topic.module._deep(22, "", weights, 0.01)).losses
        for weights in (xavier, kaiming)
    }

    def mean(values):
        return sum(values) / len(values)

    assert mean(losses["kaiming"][80:100]) < mean(losses["xavier"][80:100]) - 0.3
    assert mean(losses["kaiming"][-20:]) < 1.0
    assert mean(losses["xavier"][-20:]) < math.log(10) - 0.2


def test_batch_instance_norm_keeps_style_where_it_helps(trained, topic):
    """Nam & Kim 2018: on digits of many styles the error of batch-instance norm is below that of
    batch norm, and that below instance norm's, after 15 epochs."""
    norms = (batch_instance_norm(), batch_norm(), instance_norm())
    both, batch, instance = (trained(topic.module._restyled("", norm)).error_rate for norm in norms)
    assert both < batch < instance


def test_the_signal_goes_down_by_the_root_of_two_per_layer_with_xavier(topic):
    """The theory of He et al. 2015: half of the variance is lost in every ReLU."""
    from autograder.truth.oracle import Oracle

    (depth,) = (e for e in topic.exercises if e.name == "depth")
    check = next(c for c in depth.checks if c.name == "the signal after xavier_normal_")
    trials = Oracle(b"a secret for the signal").trials(topic, replace_checks(depth, check))
    for trial in trials:
        sizes = trial.expectation.band.mean.exp()
        layers = len(sizes)
        lost = float(sizes[-1] / sizes[1])  # the first layer has another width
        assert lost == pytest.approx(2 ** (-(layers - 2) / 2), rel=0.5)


def replace_checks(exercise, *checks):
    return replace(exercise, checks=checks)
