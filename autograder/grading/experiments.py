"""Whole experiments, trained by the solution: what the first steps, which are graded, lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from autograder.checks.curve import CurveCheck
from autograder.judging.local import LocalSession
from autograder.topics.catalogue import Assignment, Catalogue, Topic
from autograder.training import Run
from autograder.training.alone import Trained, train
from autograder.training.band import smoothed
from autograder.truth.kept import Kept
from autograder.truth.oracle import PUBLIC_SECRET, digest_of, seed_of

AT_THE_END = 20  # steps whose mean loss is reported


@dataclass(frozen=True)
class Experiment:
    """A run of a check, and where it stands."""

    topic: Topic
    exercise: str
    check: str
    run: Run

    @property
    def place(self) -> tuple[str, str, str, str]:
        return self.topic.name, self.exercise, self.check, self.run.name


@dataclass(frozen=True)
class Result:
    """An experiment and how it went."""

    experiment: Experiment
    trained: Trained

    @property
    def final_loss(self) -> float:
        """The mean of the last steps'."""
        last = self.trained.losses[-AT_THE_END:]
        return sum(last) / len(last)

    def document(self) -> dict[str, Any]:
        _, exercise, check, run = self.experiment.place
        return {
            "exercise": exercise,
            "check": check,
            "run": run,
            "steps": len(self.trained.losses),
            "final_loss": self.final_loss,
            "error_rate": self.trained.error_rate,
            "losses": list(self.trained.losses),
        }


def experiments(assignment: Assignment) -> Iterator[Experiment]:
    """All runs that an assignment's checks train on a machine without a GPU."""
    for topic, exercise in assignment.exercises:
        for check in exercise.checks:
            if isinstance(check, CurveCheck):
                for run in (run for run in check.runs if run.on != "gpu"):
                    yield Experiment(topic, exercise.name, check.name, run)


def train_whole(
    assignment: str,
    reference: Path | None = None,
    *,
    processes: int = 1,
    cache: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Result]:
    """Train the solution through every experiment of an assignment, in float64.

    What is drawn is the same each time, and has nothing to do with any course's secret.

    Args:
        reference: the folder of topics; None: the one that comes with Gradmark.
        cache: a folder to keep the results in.
        progress: called with the last run that is done, how many steps are done, and how many
            there are in all.

    Raises:
        KeyError: there is no such assignment.
        AuthoringError: a topic is not well formed.
    """
    found = list(experiments(_catalogue(reference)[assignment]))
    longest_first = sorted(range(len(found)), key=lambda at: -found[at].run.whole_steps)
    steps, done = sum(one.run.whole_steps for one in found), 0
    trained: dict[int, Trained] = {}
    progress("experiments", done, steps)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        at_work = {
            pool.submit(_train, assignment, reference, at, cache): at for at in longest_first
        }
        for future in as_completed(at_work):
            at = at_work[future]
            trained[at] = future.result()
            done += found[at].run.whole_steps
            progress(found[at].run.name, done, steps)
    return [Result(one, trained[at]) for at, one in enumerate(found)]


def curves(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """One curve per check, with the smoothed losses of its runs: by exercise and check."""
    by_check: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        _, exercise, check, _ = result.experiment.place
        by_check.setdefault((exercise, check), []).append(result)
    return {
        f"{exercise}-{check}".replace(" ", "-"): {
            "title": f"{exercise}: {check}" if len(some) > 1 else exercise,
            "x": "images seen",
            "y": "loss, smoothed",
            "log": True,
            "series": [_series(result) for result in some],
            "band": None,
            "marks": [],
        }
        for (exercise, check), some in by_check.items()
    }


def _series(result: Result) -> dict[str, Any]:
    losses = smoothed(torch.tensor(result.trained.losses, dtype=torch.float64)).tolist()
    run = result.experiment.run
    return {"name": run.name, "x": [run.batch * (n + 1) for n in range(len(losses))], "y": losses}


# In the processes that train.


@cache
def _catalogue(reference: Path | None) -> Catalogue:
    return Catalogue.load(reference)


def _train(assignment: str, reference: Path | None, at: int, cache: Path | None) -> Trained:
    torch.set_num_threads(1)
    one = list(experiments(_catalogue(reference)[assignment]))[at]
    run = replace(one.run, steps=one.run.whole_steps)

    def seed(purpose: str) -> int:
        return seed_of(PUBLIC_SECRET, *one.place, "whole", purpose)

    def make() -> Trained:
        return train(run, LocalSession(one.topic.functions()), seed)

    key = digest_of(PUBLIC_SECRET, *one.place, "whole").hex()
    return Kept(cache).get((*one.topic.footing, "cpu", key), make)
