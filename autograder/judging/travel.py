"""What can be handed to a call and returned by one: nothing else crosses to a worker or back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .call import Foreign, Seed, Value
from .tree import plain

# The types of numbers that arrays may have; tensors may have one more.
ARRAYS = {"float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8"}
TENSORS = ARRAYS | {"bfloat16"}
_NESTED, _ITEMS, _KEY, _TEXT, _NAME = 8, 1024, 200, 10_000, 80  # the wire's own bounds
WHAT_DOES = "only tensors, arrays, numbers, text, None, and tuples, lists and dicts of these can"


def untravelled(value: Any, *, but: tuple[type, ...] = ()) -> str:
    """Why a value cannot cross: where in it stands what; empty if it can.

    Args:
        but: types that are seen to elsewhere.
    """
    for where, leaf in _parts(value):
        if not _fits(leaf) and not isinstance(leaf, but):
            return f"{where} is {_kind(leaf)}, which cannot travel: {WHAT_DOES}"
    return ""


def leave(value: Any, depth: int = 0) -> Value:
    """What a function returned as it comes home: just what crosses from a worker, so that the
    self-check says of it what the grader says."""
    if isinstance(value, Tensor):
        # A copy: the function may keep the tensor and change it in a later call.
        dtype = str(value.dtype)
        if dtype.removeprefix("torch.") not in TENSORS:
            return _foreign(dtype)
        if value.layout is not torch.strided:
            return _foreign(type(value).__name__)
        return value.detach().cpu().clone(memory_format=torch.contiguous_format)
    value = plain(value)
    if isinstance(value, np.ndarray):
        known = value.dtype.name in ARRAYS
        order = value.dtype.newbyteorder("=")
        return np.array(value, order, order="C", subok=False) if known else _foreign("ndarray")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _foreign("int")
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)[:_TEXT]
    if isinstance(value, torch.Generator):
        return Seed(value.initial_seed())
    fits = depth < _NESTED
    if fits and isinstance(value, tuple | list) and len(value) <= _ITEMS:
        return tuple(leave(item, depth + 1) for item in value)
    if fits and isinstance(value, dict) and len(value) <= _ITEMS:
        if all(type(key) is str and len(key) <= _KEY for key in value):
            return {key: leave(item, depth + 1) for key, item in value.items()}
        return _foreign("dict")
    return _foreign(type(value).__name__)


def _foreign(name: str) -> Foreign:
    return Foreign(name[:_NAME] if name[:_NAME].replace(".", "").isidentifier() else "object")


def _parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if type(value) in {tuple, list}:
        for at, item in enumerate(value):
            yield from _parts(item, f"{path}[{at}]")
    elif type(value) is dict and all(type(key) is str for key in value):
        for key, item in value.items():
            yield from _parts(item, f"{path}[{key!r}]")
    else:
        yield path, value


def _fits(leaf: Any) -> bool:
    if isinstance(leaf, Tensor):
        plain = leaf.layout is torch.strided
        return plain and str(leaf.dtype).removeprefix("torch.") in TENSORS
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.name in ARRAYS and leaf.dtype.isnative
    return leaf is None or type(leaf) in {bool, int, float, str, Seed}


def _kind(leaf: Any) -> str:
    if isinstance(leaf, Foreign):
        return f"an object of type {leaf.type_name}"
    if isinstance(leaf, Tensor | np.ndarray):
        return f"of type {leaf.dtype}"
    if isinstance(leaf, dict):
        return "a dict whose keys are no text"
    return f"an object of type {type(leaf).__name__}"
