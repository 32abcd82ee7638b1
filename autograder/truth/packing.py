"""What is expected of many calls as one text and a few tensors, which are read at one go.

One by one, a thousand small tensors take longer to read than the reference takes to answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.judging.compare import Expected, ValueExpectation
from autograder.judging.tree import array_as_tensor

Packed = tuple[str, list[Tensor]]  # the numbers of each type are one tensor


def packed(expectations: Mapping[str, ValueExpectation]) -> Packed:
    """Raises TypeError: one of them has in it what is neither tensor, array nor plain value."""
    numbers: dict[torch.dtype, list[Tensor]] = {}
    lengths: dict[torch.dtype, int] = {}

    def flat(tensor: Tensor) -> list[Any]:
        at = lengths.get(tensor.dtype, 0)
        numbers.setdefault(tensor.dtype, []).append(tensor.detach().flatten())
        lengths[tensor.dtype] = at + tensor.numel()
        return [list(numbers).index(tensor.dtype), at, *tensor.shape]

    def node(value: Any) -> Any:
        match value:
            case Expected(value=inner, low=low, high=high, tolerance=tolerance):
                bounds = [low, tolerance] if low is high else [low, tolerance, high]
                return {"expected": [node(inner), *map(node, bounds)]}
            case Tensor():
                return {"tensor": flat(value)}
            case np.ndarray():
                return {"array": flat(array_as_tensor(value))}
            case tuple():
                return {"tuple": [node(item) for item in value]}
            case dict():
                return {"dict": [[node(key), node(item)] for key, item in value.items()]}
            case None | bool() | int() | float() | str():
                return value
        raise TypeError(f"a {type(value).__name__} is nothing that is kept")

    tree = {key: [node(one.returns), node(one.updates)] for key, one in expectations.items()}
    return json.dumps(tree), [torch.cat(parts) for parts in numbers.values()]


def unpacked(text: str, numbers: Sequence[Tensor]) -> dict[str, ValueExpectation]:
    """What was packed. Raises LookupError, TypeError, ValueError or RuntimeError for anything
    else."""

    def tensor(of: int, at: int, *shape: int) -> Tensor:
        # Not a view: whoever keeps one of them would keep them all.
        return numbers[of].narrow(0, at, math.prod(shape)).view(shape).clone()

    def value(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        ((kind, parts),) = node.items()
        match kind:
            case "expected":
                inner, low, tolerance, *high = map(value, parts)
                return Expected(inner, low, high[0] if high else low, tolerance)
            case "tensor":
                return tensor(*parts)
            case "array":
                return tensor(*parts).numpy()
            case "tuple":
                return tuple(map(value, parts))
        return {value(key): value(item) for key, item in parts}

    return {key: ValueExpectation(*map(value, both)) for key, both in json.loads(text).items()}
