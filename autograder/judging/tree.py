"""Values with others in them: tuples, lists and dicts, of tensors, arrays and plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in a value, and where: at `["W1"]` or `[0]`; a plain value is itself, at ""."""
    if isinstance(value, tuple | list):
        for at, item in enumerate(value):
            yield from leaves(item, f"{path}[{at}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}[{key!r}]")
    else:
        yield path, value


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """The same value with each of its leaves changed."""
    if isinstance(value, tuple | list):
        return type(value)(mapped(change, item) for item in value)
    if isinstance(value, dict):
        return {key: mapped(change, item) for key, item in value.items()}
    return change(value)


def as_tensor(leaf: Any) -> Tensor | None:
    """The numbers of a tensor or an array, in the same memory; None for anything else."""
    if isinstance(leaf, Tensor):
        return leaf
    if isinstance(leaf, np.ndarray):
        return array_as_tensor(leaf)
    return None


def array_as_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """Raises TypeError for a type of number that torch does not have."""
    if any(step < 0 for step in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)


def is_float(leaf: Any) -> TypeGuard[Tensor | np.ndarray[Any, Any]]:
    """Whether it is a tensor or an array of floating-point numbers."""
    if isinstance(leaf, Tensor):
        return leaf.is_floating_point()
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def like(leaf: Any, tensor: Tensor) -> Any:
    """The tensor, as an array if `leaf` is one."""
    return tensor.numpy() if isinstance(leaf, np.ndarray) else tensor


def plain(value: Any) -> Any:
    """Numpy's numbers, and its arrays without dimensions, as numbers of Python."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value
