"""What a call may do besides calling a function: with objects that earlier calls gave."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


def operation(name: str, find: Callable[[str], Any]) -> Callable[..., Any] | None:
    """What a call's function stands for, or None when there is no such thing.

    Args:
        name: "Linear" or "Linear.forward": what the submission defines, or a member of that;
            ".forward": a method of the call's first argument;
            "@keep", "@unpack", "@method", "@getattr", "@setattr", "@add": what is done with the
            arguments, by the names of Python's `operator` module.
        find: what the submission defines under a name.
    """
    if name.startswith("."):
        return lambda owner, *args, **named: getattr(owner, name[1:])(*args, **named)
    if name.startswith("@"):
        return _OPERATIONS.get(name[1:]) or getattr(operator, name[1:], None)
    first, *members = name.split(".")
    found = find(first)
    for member in members:
        found = getattr(found, member, None)
    return found  # type: ignore[no-any-return]


def _keep(value: Any) -> Any:
    return value


def _unpack(value: Any, count: int, at: int) -> Any:
    if not isinstance(value, tuple | list) or len(value) != count:
        raise TypeError(f"this must return {count} values")
    return value[at]


def _method(owner: Any, name: str, *args: Any, **named: Any) -> Any:
    return getattr(owner, name)(*args, **named)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "getattr": getattr,
    "setattr": setattr,
    "keep": _keep,
    "unpack": _unpack,
    "method": _method,
}
