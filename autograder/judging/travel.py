"""What can be handed to a call and returned by one: nothing else crosses to a worker or back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .call import Foreign, Seed

# The types of numbers that arrays may have; tensors may have one more.
ARRAYS = {"float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8"}
TENSORS = ARRAYS | {"bfloat16"}
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
