"""Hold a student's backward against finite differences of their own forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .call import Answer, Call, Session, Value
from .compare import describe_type, failed, returned
from .finding import Finding

STEP = 1e-5
DIRECTIONS = 4
ALLOWED = 1e-6  # relative; central differences in float64 are off by about 1e-9


def against_forward(
    output: str,
    argument: str,
    returns: Sequence[str],
    forward: Call,
    backward: Call,
    session: Session,
) -> Finding:
    """Move the argument along random directions: the forward must change as the gradient says.

    Args:
        output: the gradient, such as "grad_x"; `argument` is what it belongs to, such as "x".
        returns: all that the backward returns, in order.
        forward: the call in float64 whose backward `backward` is; its first returned value counts.
    """
    answer = session.call(backward)
    if answer.failure is not None:
        return failed(output, answer)
    values = returned(answer, len(returns))
    if values is None:
        got = len(answer.value) if isinstance(answer.value, tuple) else 1
        return Finding(output, "count", {"expected": list(returns), "got": got})
    gradient, at = values[list(returns).index(output)], forward.arguments[argument]
    grad_y = backward.arguments["grad_y"]
    assert isinstance(at, Tensor) and isinstance(grad_y, Tensor)  # noqa: S101, PT018 - released so
    if not isinstance(gradient, Tensor):
        got_type = describe_type(gradient)
        return Finding(output, "type", {"expected": "a tensor", "got": got_type})
    if gradient.shape != at.shape:
        shapes = {"expected": list(at.shape), "got": list(gradient.shape)}
        return Finding(output, "shape", shapes)
    generator = torch.Generator().manual_seed(0)
    for _ in range(DIRECTIONS):
        direction = torch.randn(at.shape, generator=generator, dtype=torch.float64)
        ends = []
        for sign in (1, -1):
            moved = {argument: at + sign * STEP * direction}
            there = session.call(_moved(forward, moved))
            if there.failure is not None:
                return failed(output, there)
            ends.append(_first(there))
        up, down = ends
        if not (isinstance(up, Tensor) and isinstance(down, Tensor) and up.shape == grad_y.shape):
            return Finding(output, "forward", {"function": forward.function})
        changes = grad_y * (up - down) / (2 * STEP)
        promises = gradient * direction
        change, promise = changes.sum().item(), promises.sum().item()
        scale = max(changes.abs().sum().item(), promises.abs().sum().item())
        if not abs(change - promise) <= ALLOWED * scale:
            evidence = {"function": forward.function, "change": change, "promise": promise}
            return Finding(output, "difference", evidence)
    return Finding(output)


def _moved(call: Call, moved: Mapping[str, Value]) -> Call:
    return Call(call.function, {**call.arguments, **moved}, call.positional, call.seed)


def _first(answer: Answer) -> Value:
    return answer.value[0] if isinstance(answer.value, tuple) and answer.value else answer.value
