"""Are the gradients that a script yields those of what else it yields?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.checks.script import run_plainly
from autograder.checks.values import GradientCheck
from autograder.judging.differences import DIRECTIONS, STEP
from autograder.judging.tree import as_tensor, is_float, leaves, like, mapped
from autograder.truth.trial import Trial

# A script may hold a whole network, whose curvature adds to what central differences are off by.
ALLOWED, FLOOR = 1e-5, 1e-9


def script_gradients(check: GradientCheck, trials: Sequence[Trial]) -> Iterator[str]:
    """The outputs `grad_x` of a script against finite differences of what else it yields: of
    `loss`, or of each output `y` that it takes a `grad_y` for."""
    wanted = {output for output in check.points if output.startswith("grad_")}
    shown: set[str] = set()
    for trial in trials:
        if trial.check is not check or trial.case.kinks or check.unverified:
            continue
        for output in sorted(wanted):
            fits = _script_difference(check.function, trial.arguments, output)
            if fits is not None:
                shown.add(output)
            if fits is False:
                yield (
                    f"{check.name}, case {trial.case.name!r}: {output} is not the gradient that "
                    "finite differences of the same script give"
                )
                return
    missing = wanted - shown
    if missing and not check.unverified:
        yield (
            f"{check.name}: nothing shows that {', '.join(sorted(missing))} is a gradient: let the "
            "script take an argument of that name without grad_, and yield `loss`, or `y` for a "
            "grad_y that it takes; or say why not, as gradients(..., unverified=...)"
        )


def _script_difference(script: Any, arguments: Mapping[str, Any], output: str) -> bool | None:
    """Whether an output is the gradient; None where it has no argument to be the gradient in."""
    name = output.removeprefix("grad_")
    plain = dict(arguments)
    if name not in plain:
        return None
    first = run_plainly(script, plain)
    weights = {
        key: plain[f"grad_{key}"] for key in first if f"grad_{key}" in plain and key != output
    } or ({"loss": 1.0} if "loss" in first else {})
    if not weights:
        return None
    generator = torch.Generator().manual_seed(0)
    promised = dict(leaves(first[output]))
    for where, leaf in leaves(plain[name]):
        if not (is_float(leaf) or isinstance(leaf, float)) or where not in promised:
            continue
        if not (is_float(promised[where]) or isinstance(promised[where], float)):
            return False  # None, say, for a parameter that nothing flows back to
        at, gradient = _numbers(leaf), _numbers(promised[where])
        if gradient.shape != at.shape:
            return False
        for _ in range(DIRECTIONS):
            direction = torch.randn(at.shape, generator=generator, dtype=torch.float64)
            ends = []
            for sign in (1, -1):
                beside = at + sign * STEP * direction
                moved = float(beside) if isinstance(leaf, float) else like(leaf, beside)
                there = {**plain, name: _with(plain[name], leaf, moved)}
                ends.append(run_plainly(script, there))
            changes = [
                (_numbers(weight) * (_numbers(up) - _numbers(down)) / (2 * STEP))
                for key, weight in weights.items()
                for (_, up), (_, down) in zip(
                    leaves(ends[0][key]), leaves(ends[1][key]), strict=True
                )
            ]
            change = sum(float(part.sum()) for part in changes)
            promise = float((gradient.double() * direction).sum())
            scale = max(
                sum(float(part.abs().sum()) for part in changes),
                float((gradient.double() * direction).abs().sum()),
            )
            if not abs(change - promise) <= ALLOWED * scale + FLOOR:
                return False
    return True


def _with(value: Any, old: Any, new: Any) -> Any:
    return mapped(lambda leaf: new if leaf is old else leaf, value)


def _numbers(value: Any) -> Tensor:
    tensor = as_tensor(value)
    return torch.tensor(float(value), dtype=torch.float64) if tensor is None else tensor.double()
