"""How far a correct answer may be from the truth: measured on the reference, never guessed.

The truth is the reference in float64. How much rounding can move a result is measured by moving
the inputs: `sensitivity` runs the reference on inputs that are off by one part in 2^30 and divides
by that. A correct algorithm at unit roundoff u stays within a small multiple of u * sensitivity
(measured: below 5 for loops, im2col, FFT, one- and two-pass variance at moderate conditioning;
below 10 where a formula subtracts near-equal numbers of its own making, as 1 - tanh^2 does), and
the smallest known bug is orders of magnitude above it in the cases chosen to show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.judging.call import Answer, Call
from autograder.judging.tree import as_tensor, like, mapped

# Multiples of unit roundoff times sensitivity. In each precision the tolerance sits about in the
# middle, in decades, between the rounding of correct algorithms and the smallest bug: float64 has
# ten decades between them, float32 a good three.
ROUNDOFF = {
    torch.float64: 2.0**-53,
    torch.float32: 2.0**-24,
    torch.float16: 2.0**-11,
    torch.bfloat16: 2.0**-8,
}
ALLOWED = {
    torch.float64: 2.0**16,
    torch.float32: 2.0**7,
    torch.float16: 2.0**5,
    torch.bfloat16: 2.0**5,
}

STEP = 2.0**-30
PROBES = 8


def sensitivity(
    call: Call, run: Callable[[Call], Answer], pick: Callable[[Answer], Sequence[Tensor]]
) -> list[Tensor]:
    """For each picked output, |output| + the change per relative change of the inputs, element by
    element; at least its root mean square, because the error of FFT and of blocked algorithms
    spreads from loud regions into quiet ones.

    Shapes are those of the outputs. Where the output is not finite, so is the sensitivity.
    """
    truth = pick(run(call))
    moved = [pick(run(jittered(call, probe))) for probe in range(PROBES)]
    return [amount(t, [run[at] for run in moved]) for at, t in enumerate(truth)]


def amount(truth: Tensor, moved: Sequence[Tensor]) -> Tensor:
    """The sensitivity of one output: what it is, and is at inputs that are off by about `STEP`."""
    largest = torch.zeros_like(truth)
    for there in moved:
        torch.maximum(largest, (there - truth).abs() / STEP, out=largest)
    return _spread(largest + truth.abs())


def jittered(call: Call, seed: int, step: float = STEP) -> Call:
    """The call with each floating-point number in its tensors off by about one part in 1 / step."""
    generator = torch.Generator().manual_seed(seed)

    def move(leaf: Any) -> Any:
        tensor = as_tensor(leaf)
        if tensor is None or not tensor.is_floating_point():
            return leaf
        noise = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        return like(leaf, tensor * (1 + step * noise))

    arguments = {name: mapped(move, value) for name, value in call.arguments.items()}
    return Call(call.function, arguments, call.positional, call.seed)


def _spread(amount: Tensor) -> Tensor:
    finite = amount[torch.isfinite(amount)]
    if finite.numel() == 0:
        return amount
    return amount.clamp(min=float(finite.square().mean().sqrt()))


def tolerance(sensitivity: Tensor, noise: Tensor, dtype: torch.dtype) -> Tensor:
    """The allowed error in a given precision.

    Args:
        sensitivity: as measured by `sensitivity`.
        noise: how far the reference itself is from the truth in that precision.
    """
    finite = noise[torch.isfinite(noise)]
    floor = 8 * float(finite.square().mean().sqrt()) if finite.numel() else 0.0
    return (ALLOWED[dtype] * ROUNDOFF[dtype] * sensitivity).clamp(min=floor)
