"""Whether a callable is the submission's own, whatever it has been wrapped in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any

_DEPTH = 5  # of wrappings
_PARTS = 20  # of one wrapping that are looked at


def is_own(value: Any, own_code: Callable[[str], bool], own_module: Callable[[str], bool]) -> bool:
    """Whether it was written in the submission, or wraps something that was.

    Args:
        own_code: whether code of this file name is the submission's.
        own_module: whether a class of this module's name is.
    """

    def own(value: Any, depth: int) -> bool:
        if isinstance(value, FunctionType) and own_code(value.__code__.co_filename):
            return True
        if isinstance(value, type):
            return own_module(str(value.__dict__.get("__module__")))
        if isinstance(value, functools.partial):
            return True  # somebody put it together, and nobody else hands partials out
        if depth == _DEPTH:
            return False
        if isinstance(value, MethodType):
            return (
                own(value.__func__, depth + 1)
                or own(type(value.__self__), depth + 1)
                or (isinstance(value.__self__, type) and own(value.__self__, depth + 1))
            )
        return any(own(part, depth + 1) for part in _inside(value) if callable(part))

    try:
        return own(value, 0)
    except Exception:  # an object may answer anything in its own way
        return False


def _inside(value: Any) -> Iterator[Any]:
    """What a wrapper holds: `__wrapped__`, what its closure closes over, its attributes."""
    yield getattr(value, "__wrapped__", None)
    for cell in (getattr(value, "__closure__", None) or ())[:_PARTS]:
        if isinstance(cell, CellType):
            try:
                yield cell.cell_contents
            except ValueError:  # still empty
                continue
    held = getattr(value, "__dict__", None)
    if isinstance(held, dict):
        yield from list(held.values())[:_PARTS]
