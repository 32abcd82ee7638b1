"""How coarsely a device rounds, measured there with the reference on inputs of its own.

Nothing hidden goes to a device: neither the inputs nor the answers that a submission is judged by.
What is measured is a property of a function, a precision and a device, and holds for any inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from autograder.checks.speed import TIME, Rounds
from autograder.exercise import Exercise
from autograder.judging.compare import Expected, ValueExpectation
from autograder.sandbox import Sandbox
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.limits import DeviceUnfit
from autograder.topics.catalogue import Topic
from autograder.truth.kept import Kept
from autograder.truth.oracle import Oracle
from autograder.truth.trial import Trial

SECRET = b"inputs for measuring how a device rounds"
RUNS = 3  # the order of a GPU's atomic additions, and so their rounding, is not the same each time
# A right answer may be off by this many times what the reference is off on the device itself; but
# no device may have this many times the CPU's tolerance, or half precision would pass for single.
MARGIN, MOST = 8.0, 4.0

Noise = Mapping[str, float]  # by output: the error of the reference, in tolerances


class DeviceNoise:
    """Widens what is allowed in low precision where a device needs it.

    Args:
        sandbox: on the device; one session is opened while measuring.
        cache: a folder to keep what was measured in.
    """

    def __init__(self, sandbox: Sandbox, cache: Path | None = None) -> None:
        self._sandbox = sandbox
        self._kept = Kept(cache)
        self._oracle = Oracle(SECRET, kind="gpu")
        self._measured: dict[tuple[str, str], dict[str, Noise]] = {}

    def widened(self, topic: Topic, exercise: Exercise, trials: tuple[Trial, ...]) -> list[Trial]:
        """The trials with the tolerances that hold on the device.

        Raises:
            DeviceUnfit: the device computes with less precision than it was asked for.
        """
        place = topic.name, exercise.name
        if place not in self._measured:
            key = *topic.footing, self._sandbox.device, *place
            self._measured[place] = self._kept.get(key, partial(self._measure, topic, exercise))
        noise = self._measured[place]
        return [_widened(trial, noise.get(trial.check.name, {})) for trial in trials]

    def _measure(self, topic: Topic, exercise: Exercise) -> dict[str, Noise]:
        """By check, the most over its cases and some runs."""
        own = (*self._oracle.trials(topic, exercise), *self._oracle.timed(topic, exercise))
        trials = [trial for trial in own if _is_coarse(trial)]
        noise: dict[str, dict[str, float]] = {}
        if not trials:
            return {}
        files = {part.name: part.solution() for part in (*topic.beside, topic)}
        sources = [Source(name, (text,)) for name, text in files.items()]
        with self._sandbox.session(sources) as session:
            for trial in [trial for trial in trials for _ in range(RUNS)]:
                outcome = trial.judge(session.run(trial.calls))
                most = noise.setdefault(trial.check.name, {})
                for output, finding in outcome.findings.items():
                    excess = float(finding.evidence.get("excess", 0.0))
                    if not finding.passed:
                        raise DeviceUnfit(
                            self._sandbox.device,
                            f"the reference's own {trial.check.name} comes out wrong there "
                            f"({output}: {finding.problem}, {excess:.3g} times what is allowed)",
                            (topic.name, exercise.name),
                        )
                    most[output] = max(most.get(output, 0.0), excess)
        return {check: dict(most) for check, most in noise.items()}


def _is_coarse(trial: Trial) -> bool:
    """Whether rounding matters: in float64 a right answer is right on every device."""
    dtype = getattr(trial.check, "dtype", torch.float64)
    return dtype != torch.float64 and isinstance(trial.expectation, ValueExpectation | Rounds)


def _widened(trial: Trial, noise: Noise) -> Trial:
    if not noise or not _is_coarse(trial):
        return trial
    expectation: ValueExpectation | Rounds = trial.expectation
    if isinstance(expectation, Rounds):
        everything = dict.fromkeys(expectation[0].expected.outputs, noise.get(TIME, 0.0))
        wider = replace(expectation, widen=partial(_wider, noise=everything))
        return replace(trial, expectation=wider)
    return replace(trial, expectation=_wider(expectation, noise))


def _wider(expectation: ValueExpectation, noise: Noise) -> ValueExpectation:
    def widen(expected: Mapping[str, Expected]) -> dict[str, Expected]:
        return {
            name: replace(one, tolerance=one.tolerance * _factor(noise.get(name, 0.0)))
            if one.tolerance is not None
            else one
            for name, one in expected.items()
        }

    return ValueExpectation(widen(expectation.returns), widen(expectation.updates))


def _factor(excess: float) -> float:
    return min(max(1.0, MARGIN * excess), MOST)
