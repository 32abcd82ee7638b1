"""Which functions a function calls, as far as their names say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import CodeType, FunctionType
from typing import Any


def named(functions: Sequence[Any], asked: Collection[str]) -> set[str]:
    """What these functions name, and helpers of theirs that nobody asks for."""
    found: set[str] = set()
    left = [function for function in functions if isinstance(function, FunctionType)]
    codes = [(function.__code__, function.__globals__) for function in left]
    for code, known in codes:  # grows while it is gone through
        codes += [(c, known) for c in code.co_consts if isinstance(c, CodeType)]
        new = set(code.co_names) - found
        found |= new
        helpers = (known.get(name) for name in new - {*asked})
        codes += [(h.__code__, h.__globals__) for h in helpers if isinstance(h, FunctionType)]
    return found
