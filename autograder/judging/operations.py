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
            arguments, by the names of Python's `operator` module; "@load", "@tensors" and
            "@gradients": of a module, by the names of its parameters and buffers.
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


def _load(module: Any, tensors: dict[str, Any]) -> None:
    """Put tensors into a module's parameters and buffers, by name; the module takes their type and
    device."""
    own = dict(module.state_dict())
    trained = {name for name, _ in module.named_parameters()}
    wrong = [f"it lacks {name}, {_sized(t)}" for name, t in tensors.items() if name not in own]
    wrong += [
        f"{name} is {_sized(own[name])} where {_sized(t)} is expected"
        for name, t in tensors.items()
        if name in own and own[name].shape != t.shape
    ]
    wrong += [
        f"it also has {name}, {_sized(own[name])}" for name in own if name in trained - {*tensors}
    ]
    if wrong:
        raise ValueError(f"the module's tensors are not the contract's: {'; '.join(wrong)}")
    for tensor in tensors.values():
        if tensor.is_floating_point():
            module.to(tensor)
    module.load_state_dict(tensors, strict=False)


def _sized(tensor: Any) -> str:
    return f"of shape {tuple(tensor.shape)}"


def _tensors(module: Any, *names: str) -> dict[str, Any]:
    own = dict(module.state_dict())
    for name in names:
        if name not in own:
            raise ValueError(f"the module has no parameter or buffer that is called {name}")
    return {name: own[name] for name in names or own}


def _gradients(module: Any) -> dict[str, Any]:
    return {name: parameter.grad for name, parameter in module.named_parameters()}


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "getattr": getattr,
    "setattr": setattr,
    "keep": _keep,
    "unpack": _unpack,
    "method": _method,
    "load": _load,
    "tensors": _tensors,
    "gradients": _gradients,
}
