"""Explain a wrong answer by experiment: ask the reference something else.

A question puts another argument in place of one of a call's: its default, zeros, ones, the other of
two; what the reference then answers may be what the submission answered. Nothing has to be recorded
for it, and each question says in the contract's words what was asked.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from autograder.judging.call import Call, Value


@dataclass(frozen=True, eq=False)
class Question:
    """`what` completes "what conv2d gives ..."; `ask` gives the other call, None where it is the
    same one or makes no sense."""

    kind: str
    what: str
    ask: Callable[[Call], Call | None]


def questions(function: Callable[..., Any], calls: Sequence[Call]) -> list[Question]:
    """What can be asked instead of these calls of a function."""
    found = []
    parameters = inspect.signature(function).parameters
    tensors = [n for n in parameters if _all(calls, n, Tensor)]
    for name, parameter in parameters.items():
        if name == "generator":
            continue
        given = [call.arguments[name] for call in calls if name in call.arguments]
        if parameter.default is not inspect.Parameter.empty:
            found.append(_left_out(name))
        for kind, what, change in _scalars(name, given):
            found.append(_changed(name, kind, what, change))
        if any(isinstance(value, Tensor) for value in given):
            for kind, what, change in _tensors(name):
                found.append(_changed(name, kind, what, change))
        strings = sorted({value for value in given if isinstance(value, str)})
        for value in strings:
            found.append(_put(name, f"{name}-{value}", f"with {name}={value!r} always", value))
    for a, b in itertools.combinations(tensors, 2):
        found += [_exchanged(a, b), _stands_in(a, b), _stands_in(b, a)]
        found += [_multiplied(a, b), _multiplied(b, a)]
    counts = [n for n in parameters if any(type(c.arguments.get(n)) is int for c in calls)]
    for name, count in itertools.product(tensors, counts):
        found.append(_in_runs(name, count))
    return found


def _all(calls: Sequence[Call], name: str, kind: type) -> bool:
    given = [call.arguments[name] for call in calls if name in call.arguments]
    return bool(given) and all(isinstance(value, kind) for value in given)


def _with(call: Call, **changed: Value) -> Call:
    return Call(call.function, {**call.arguments, **changed}, call.positional, call.seed)


def _put(name: str, kind: str, what: str, value: Value) -> Question:
    def ask(call: Call) -> Call | None:
        given = call.arguments.get(name)
        return None if given == value else _with(call, **{name: value})

    return Question(kind, what, ask)


def _left_out(name: str) -> Question:
    def ask(call: Call) -> Call | None:
        names = list(call.arguments)
        if name not in names:
            return None
        left = {n: v for n, v in call.arguments.items() if n != name}
        return Call(call.function, left, min(call.positional, names.index(name)), call.seed)

    return Question(f"{name}-ignored", f"when `{name}` is left at its default", ask)


Changes: TypeAlias = Iterator[tuple[str, str, Callable[[Any], Any]]]


def _changed(name: str, kind: str, what: str, change: Callable[[Any], Any]) -> Question:
    def ask(call: Call) -> Call | None:
        if name not in call.arguments:
            return None
        value = call.arguments[name]
        other = change(value)
        if other is None or (not isinstance(value, Tensor) and other == value):
            return None
        return _with(call, **{name: other})

    return Question(f"{name}-{kind}", what.format(name=f"`{name}`"), ask)


def _number(change: Callable[[float], Any]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            return change(value)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None

    return changed


def _pair(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda v: change(*v) if isinstance(v, tuple) and len(v) == 2 else None


def _scalars(name: str, given: Sequence[Value]) -> Changes:
    if any(isinstance(v, bool) for v in given):
        yield "turned", "when {name} is turned", lambda v: not v if isinstance(v, bool) else None
    if any(isinstance(v, int | float) and not isinstance(v, bool) for v in given):
        yield "as-zero", "with {name} = 0", _number(lambda v: type(v)(0))
        yield "as-one", "with {name} = 1", _number(lambda v: type(v)(1))
        yield "negated", "with the sign of {name} turned", _number(lambda v: -v)
        yield "doubled", "with twice {name}", _number(lambda v: 2 * v)
        yield "halved", "with half of {name}", _number(lambda v: v / 2)
        yield "squared", "with {name} squared", _number(lambda v: v * v)
        yield "rooted", "with the root of {name}", _number(lambda v: math.sqrt(v))
        yield "complement", "with 1 - {name} for {name}", _number(lambda v: 1 - v)
        yield "inverted", "with 1 / {name} for {name}", _number(lambda v: 1 / v)
        yield "one-more", "with {name} + 1", _number(lambda v: v + 1)
        yield "one-less", "with {name} - 1", _number(lambda v: v - 1)
    if any(isinstance(v, tuple) for v in given):
        yield "exchanged", "with the two numbers of {name} exchanged", _pair(lambda a, b: (b, a))
        first = _pair(lambda a, b: (a, a))
        yield "first-for-both", "with the first number of {name} for both", first
        second = _pair(lambda a, b: (b, b))
        yield "second-for-both", "with the second number of {name} for both", second


def _tensor(change: Callable[[Tensor], Tensor | None]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, Tensor) else None

    return changed


def _floating(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        floating = isinstance(value, Tensor) and value.is_floating_point()
        return change(value) if floating else None

    return changed


_FLOATING: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("as-ones", "with ones for {name}", torch.ones_like),
    ("as-zeros", "with zeros for {name}", torch.zeros_like),
    ("negated", "with the sign of {name} turned", torch.neg),
    ("its-size", "with the absolute value of {name}", torch.abs),
    ("its-sign", "with the sign of {name} only", torch.sign),
    ("squared", "with {name} squared", torch.square),
    ("doubled", "with twice {name}", lambda t: 2 * t),
    ("halved", "with half of {name}", lambda t: t / 2),
    ("rooted", "with the root of {name}", torch.sqrt),
    (
        "averaged",
        "with the mean of {name} everywhere",
        lambda t: torch.full_like(t, float(t.mean())),
    ),
    ("clipped", "with negative {name} set to zero", torch.relu),
    ("exponential", "with exp of {name}", torch.exp),
    ("logarithm", "with the logarithm of {name}", torch.log),
    ("complement", "with 1 - {name} for {name}", lambda t: 1 - t),
    ("softmax", "with a softmax of {name} over its last dimension", lambda t: t.softmax(-1)),
)


def _tensors(name: str) -> Changes:
    for kind, what, change in _FLOATING:
        yield kind, what, _floating(change)
    for dim in (-1, 1, 0):
        what = f"with {{name}} divided by the root of its size in dimension {dim}"
        yield f"over-a-root-in-dimension-{dim}", what, _floating(partial(_over_root, dim))
    yield "first-for-all", "with the first entry of {name} for all", _tensor(_first_for_all)
    yield "first-item", "with the first item of {name} for all of the batch", _tensor(_first_item)
    for which, at in (("first", 0), ("last", -1)):
        what = f"with the {which} item of {{name}} alone, and zeros for the others"
        yield f"{which}-item-only", what, _floating(partial(_only_item, at))
    for dim in (-1, -2, 0, 1):
        what = f"with {{name}} turned around in dimension {dim}"
        yield f"turned-in-dimension-{dim}", what, _tensor(partial(_flipped, (dim,)))
    turned = _tensor(partial(_flipped, (-1, -2)))
    yield "turned-around", "with {name} turned by 180 degrees", turned
    yield "transposed", "with the last two dimensions of {name} exchanged", _tensor(_transposed)
    told = "with the numbers of {name} in another order: its dimensions are exchanged on the way"
    for count in (3, 4):
        for order in itertools.permutations(range(count)):
            if list(order) != sorted(order):
                yield "laid-out-otherwise", told, _tensor(partial(_laid_out, order))
                yield "laid-out-otherwise", told, _tensor(partial(_read_otherwise, order))


def _over_root(dim: int, t: Tensor) -> Tensor:
    return t / math.sqrt(t.shape[dim]) if t.dim() > max(dim, 0) else t


def _only_item(at: int, t: Tensor) -> Tensor:
    if t.dim() < 2:
        return t
    kept = torch.zeros_like(t)
    kept[at] = t[at]
    return kept


def _laid_out(order: tuple[int, ...], t: Tensor) -> Tensor | None:
    """Written down with its dimensions in another order, and read in the right one."""
    return t.permute(order).reshape(t.shape).clone() if t.dim() == len(order) else None


def _read_otherwise(order: tuple[int, ...], t: Tensor) -> Tensor | None:
    """Written down as it is, and read with its dimensions in another order."""
    if t.dim() != len(order):
        return None
    back = sorted(range(len(order)), key=order.__getitem__)
    return t.reshape([t.shape[dim] for dim in order]).permute(back).clone()


def _first_item(t: Tensor) -> Tensor:
    return t[:1].expand(t.shape).clone() if t.dim() > 1 else t


def _flipped(dims: tuple[int, ...], t: Tensor) -> Tensor:
    return t.flip(dims) if all(-t.dim() <= dim < t.dim() for dim in dims) else t


def _transposed(t: Tensor) -> Tensor:
    """As a reshape that mistakes rows for columns has it."""
    return t.mT.reshape(t.shape).clone() if t.dim() > 1 else t


def _first_for_all(t: Tensor) -> Tensor:
    return t.flatten()[:1].expand(t.numel()).reshape(t.shape).clone() if t.numel() else t


def _exchanged(a: str, b: str) -> Question:
    def ask(call: Call) -> Call | None:
        x, y = call.arguments.get(a), call.arguments.get(b)
        if not isinstance(x, Tensor) or not isinstance(y, Tensor) or x.shape != y.shape:
            return None
        return _with(call, **{a: y, b: x}) if x.dtype == y.dtype else None

    return Question(f"{a}-and-{b}-exchanged", f"with `{a}` and `{b}` exchanged", ask)


def _multiplied(a: str, b: str) -> Question:
    """`b` with `a` multiplied in."""

    def ask(call: Call) -> Call | None:
        x, y = call.arguments.get(a), call.arguments.get(b)
        if not isinstance(x, Tensor) or not isinstance(y, Tensor) or x.shape != y.shape:
            return None
        return _with(call, **{b: x * y}) if x.dtype == y.dtype else None

    return Question(f"{b}-times-{a}", f"with `{b}` multiplied by `{a}`", ask)


def _in_runs(name: str, count: str) -> Question:
    """Averaged over as many runs of entries as an argument counts: one number for each group."""

    def ask(call: Call) -> Call | None:
        value, runs = call.arguments.get(name), call.arguments.get(count)
        if not isinstance(value, Tensor) or type(runs) is not int or not value.dim():
            return None
        if runs < 1 or len(value) % runs or not value.is_floating_point():
            return None
        parts = value.reshape(runs, len(value) // runs, *value.shape[1:])
        same = parts.mean(1, keepdim=True).expand(parts.shape).reshape(value.shape)
        return _with(call, **{name: same.clone()})

    what = f"with the mean of `{name}` over each of `{count}` groups in place of its entries"
    return Question(f"{name}-averaged-by-{count}", what, ask)


def _stands_in(a: str, b: str) -> Question:
    """`a` where `b` belongs."""

    def ask(call: Call) -> Call | None:
        x, y = call.arguments.get(a), call.arguments.get(b)
        if not isinstance(x, Tensor) or not isinstance(y, Tensor) or x.shape != y.shape:
            return None
        return _with(call, **{b: x}) if x.dtype == y.dtype else None

    return Question(f"{a}-for-{b}", f"with `{a}` in place of `{b}`", ask)
