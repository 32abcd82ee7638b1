"""Train one set of trusted functions, with nothing beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from autograder.case import draw
from autograder.judging.call import Answer, Call, Results
from autograder.judging.local import LocalSession
from autograder.numerics.tolerance import jittered
from autograder.training.program import Program
from autograder.training.run import Run


@dataclass(frozen=True)
class Trained:
    """How a run went: the loss of each step, and the error rate on the hidden images."""

    losses: tuple[float, ...]
    error_rate: float | None


def train(
    run: Run,
    session: LocalSession,
    seed: Callable[[str], int],
    dtype: torch.dtype = torch.float64,
) -> Trained:
    """Go through a run with the functions of `session`.

    Args:
        seed: seeds of what is drawn, by purpose.
    """
    drawn = draw(run.case(), lambda name: torch.Generator().manual_seed(seed(name)))
    program = run.program(drawn, session.parameters, seed, dtype)
    losses = []
    error: float | None = None
    for at, answer in enumerate(session.run(program.calls)):
        if at in program.losses:
            losses.append(loss_of(answer))
        if at == program.predictions:
            error = error_rate(answer, program)
    return Trained(tuple(losses), error)


def off_by_rounding(
    calls: Sequence[Call], session: LocalSession, step: float, run: int = 0
) -> Iterator[Answer]:
    """Go through calls, with each argument of each of them off by about one part in 1 / step.

    Args:
        run: another number gives another run.
    """
    results = Results(calls)
    for at, call in enumerate(calls):
        resolved = results.resolve(call)
        assert resolved is not None  # noqa: S101 - the reference's own values
        answer = session.call(jittered(resolved, at + run * len(calls), step))
        results.add(answer)
        yield answer


def loss_of(answer: Answer) -> float:
    """The loss that an answer is, or NaN when it is none."""
    value = answer.value
    return float(value) if isinstance(value, Tensor) and value.numel() == 1 else math.nan


def error_rate(answer: Answer, program: Program) -> float | None:
    """The share of the hidden images that the predictions get wrong, if they are predictions."""
    predictions, targets = answer.value, program.targets
    if not isinstance(predictions, Tensor) or predictions.shape != targets.shape:
        return None
    return float((predictions != targets).to(torch.float64).mean())
