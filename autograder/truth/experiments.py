"""Explain a wrong answer by experiment: ask the reference something else, or change its answer.

Two kinds. A *question* puts another argument in place of one of the call's: its default, zeros,
ones, the other of two; what the reference then answers may be what the submission answered. A
*change* is made to the right answer itself: scaled, turned, shifted, exchanged with another output.
Neither needs anything recorded, and each says in the contract's words what was done.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from autograder.judging.call import Call, Value
from autograder.judging.finding import Finding
from autograder.judging.wording import hint_at

Arguments: TypeAlias = Mapping[str, Value]


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
        yield "first-for-both", "with the first number of {name} for both", _pair(lambda a, b: (a, a))
        second = _pair(lambda a, b: (b, b))
        yield "second-for-both", "with the second number of {name} for both", second


def _tensor(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, Tensor) else None

    return changed


def _floating(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        floating = isinstance(value, Tensor) and value.is_floating_point()
        return change(value) if floating else None

    return changed


def _tensors(name: str) -> Changes:
    yield "as-ones", "with ones for {name}", _floating(torch.ones_like)
    yield "as-zeros", "with zeros for {name}", _floating(torch.zeros_like)
    yield "negated", "with the sign of {name} turned", _floating(torch.neg)
    yield "its-size", "with the absolute value of {name}", _floating(torch.abs)
    yield "its-sign", "with the sign of {name} only", _floating(torch.sign)
    yield "squared", "with {name} squared", _floating(torch.square)
    yield "doubled", "with twice {name}", _floating(lambda t: 2 * t)
    yield "halved", "with half of {name}", _floating(lambda t: t / 2)
    yield "rooted", "with the root of {name}", _floating(torch.sqrt)
    yield "averaged", "with the mean of {name} everywhere", _floating(lambda t: t.mean().expand(t.shape).clone())
    yield "first-for-all", "with the first entry of {name} for all", _tensor(_first_for_all)
    yield "first-item", "with the first item of {name} for all of the batch", _tensor(
        lambda t: t[:1].expand(t.shape).clone() if t.dim() > 1 else t
    )
    for dim in (-1, -2, 0, 1):
        yield (
            f"turned-in-dimension-{dim}",
            f"with {{name}} turned around in dimension {dim}",
            _tensor(lambda t, dim=dim: t.flip(dim) if t.dim() > (dim if dim >= 0 else -dim - 1) else t),
        )
    yield "turned-around", "with {name} turned by 180 degrees", _tensor(
        lambda t: t.flip((-1, -2)) if t.dim() > 1 else t
    )
    yield "transposed", "with {name} transposed", _tensor(
        lambda t: t.transpose(-1, -2) if t.dim() > 1 and t.shape[-1] == t.shape[-2] else t
    )
    yield "clipped", "with negative {name} set to zero", _floating(lambda t: t.clamp(min=0))
    yield "exponential", "with exp of {name}", _floating(torch.exp)
    yield "logarithm", "with the logarithm of {name}", _floating(torch.log)


def _first_for_all(t: Tensor) -> Tensor:
    return t.flatten()[:1].expand(t.numel()).reshape(t.shape).clone() if t.numel() else t


def _exchanged(a: str, b: str) -> Question:
    def ask(call: Call) -> Call | None:
        x, y = call.arguments.get(a), call.arguments.get(b)
        if not isinstance(x, Tensor) or not isinstance(y, Tensor) or x.shape != y.shape:
            return None
        return _with(call, **{a: y, b: x}) if x.dtype == y.dtype else None

    return Question(f"{a}-and-{b}-exchanged", f"with `{a}` and `{b}` exchanged", ask)


def _stands_in(a: str, b: str) -> Question:
    """`a` where `b` belongs."""

    def ask(call: Call) -> Call | None:
        x, y = call.arguments.get(a), call.arguments.get(b)
        if not isinstance(x, Tensor) or not isinstance(y, Tensor) or x.shape != y.shape:
            return None
        return _with(call, **{b: x}) if x.dtype == y.dtype else None

    return Question(f"{a}-for-{b}", f"with `{a}` in place of `{b}`", ask)


@dataclass(frozen=True, eq=False)
class Seen:
    """One answer to one call: what came, what should have come, and all that is right there."""

    got: Tensor
    right: Tensor
    near: Tensor | float  # how far apart two answers may be that are alike
    arguments: Arguments
    others: Mapping[str, Tensor]  # the other outputs, as they should be

    def alike(self, changed: Tensor | None) -> bool:
        """Whether the changed right answer is what came."""
        if changed is None or changed.shape != self.got.shape:
            return False
        near = self.near
        if isinstance(near, Tensor) and near.shape != changed.shape:
            near = 1e-9 * float(self.right.abs().max()) if self.right.numel() else 0.0
        scale = 1.0
        a, b = changed.to(torch.float64), self.got.to(torch.float64)
        if isinstance(near, Tensor) and self.right.numel():
            top, was = a.abs().amax(), self.right.abs().amax().clamp(min=1e-300)
            scale = max(1.0, float(top / was)) if bool(torch.isfinite(top)) else 1.0
        same = (a - b).abs() <= near * scale
        same |= torch.isnan(a) & torch.isnan(b)
        same |= a == b
        return bool(same.all())


@dataclass(frozen=True)
class Found:
    """`what` completes "y is ..."."""

    kind: str
    what: str


def changes(seen: Sequence[Seen]) -> Found | None:
    """What was done to the right answer, in every one of these answers, if anything simple was."""
    if not seen or not all(one.right.is_floating_point() for one in seen):
        return None
    return _change(seen) or _factor(seen) or _offset(seen) or _in_a_region(seen)


def _change(seen: Sequence[Seen]) -> Found | None:
    for kind, what, change in _changes(seen):
        with torch.no_grad():
            if all(_try(one, change) for one in seen):
                return Found(kind, what)
    return None


def _in_a_region(seen: Sequence[Seen]) -> Found | None:
    """The same, where it is only some elements that are wrong, and an argument says which."""
    for told, region in _regions(seen[0]):
        parts = [_part(one, region) for one in seen]
        wrong = [part for part in parts if part is not None and part.got.numel()]
        inside = sum(part.got.numel() for part in wrong)
        if len(wrong) < len(seen) or inside < 3 or sum(map(_bad, wrong)) * 2 < inside:
            continue
        change = _change(wrong) or _factor(wrong) or _offset(wrong)
        what = f"wrong just {told}"
        if change is None:
            return Found("in-a-region", what)
        return Found(f"{change.kind}-in-a-region", f"{what}: there it is {change.what}")
    return None


def _bad(one: Seen) -> int:
    return int((~((one.got - one.right).abs() <= one.near)).sum())


Region: TypeAlias = Callable[[Seen], "Tensor | None"]


def _regions(first: Seen) -> Iterator[tuple[str, Region]]:
    """Where an argument of the output's shape has one sign, or is beyond another argument."""
    names = [n for n in first.arguments if _elementwise(first, n) is not None]
    for name in names:
        yield f"where `{name}` is negative", lambda s, n=name: _elementwise(s, n) < 0
        yield f"where `{name}` is positive", lambda s, n=name: _elementwise(s, n) > 0
        yield f"where `{name}` is zero", lambda s, n=name: _elementwise(s, n) == 0
        yield f"where `{name}` is not positive", lambda s, n=name: _elementwise(s, n) <= 0
        yield f"where `{name}` is not negative", lambda s, n=name: _elementwise(s, n) >= 0
    for a, b in itertools.combinations(names, 2):
        def ahead(s: Seen, a: str = a, b: str = b) -> Tensor:
            return _elementwise(s, a) - _elementwise(s, b)

        yield f"where `{a}` is greater than `{b}`", lambda s, d=ahead: d(s) > 0
        yield f"where `{a}` is less than `{b}`", lambda s, d=ahead: d(s) < 0
        for scalar in ("beta", "margin"):
            if scalar in first.arguments:
                yield (
                    f"where `{a}` and `{b}` are less than `{scalar}` apart",
                    lambda s, d=ahead, n=scalar: d(s).abs() < s.arguments[n],
                )
                yield (
                    f"where `{a}` and `{b}` are `{scalar}` or more apart",
                    lambda s, d=ahead, n=scalar: d(s).abs() >= s.arguments[n],
                )


def _elementwise(seen: Seen, name: str) -> Any:
    """An argument that has the output's shape, or None."""
    value = seen.arguments.get(name)
    same = isinstance(value, Tensor) and value.shape == seen.right.shape and value.numel() > 1
    return value if same and value.is_floating_point() else None  # type: ignore[union-attr]


def _part(one: Seen, region: Region) -> Seen | None:
    """What lies in the region, if all that is wrong is there, and most that is there is wrong."""
    try:
        inside = region(one)
    except (RuntimeError, LookupError, TypeError):
        return None
    if inside is None or one.got.shape != one.right.shape:
        return None
    near = one.near if isinstance(one.near, Tensor) else torch.full_like(one.right, one.near)
    if near.shape != one.right.shape:
        return None
    bad = ~((one.got - one.right).abs() <= near)
    if not bool(bad.any()) or bool((bad & ~inside).any()):
        return None
    arguments = {
        n: v[inside] if isinstance(v, Tensor) and v.shape == one.right.shape else v
        for n, v in one.arguments.items()
    }
    others = {n: v[inside] for n, v in one.others.items() if v.shape == one.right.shape}
    return Seen(one.got[inside], one.right[inside], near[inside], arguments, others)


def _try(one: Seen, change: Callable[[Seen], Tensor | None]) -> bool:
    try:
        return one.alike(change(one))
    except (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError):
        return False


Change: TypeAlias = tuple[str, str, Callable[[Seen], "Tensor | None"]]


def _changes(seen: Sequence[Seen]) -> Iterator[Change]:
    first = seen[0]
    yield "sign-turned", "the right one with its sign turned", lambda s: -s.right
    yield "all-zero", "zero everywhere", lambda s: torch.zeros_like(s.right)
    for name in first.others:
        yield f"is-{name}", f"what `{name}` should be", lambda s, n=name: s.others[n]
    for name, value in first.arguments.items():
        if isinstance(value, Tensor):
            yield f"is-{name}", f"`{name}` itself", lambda s, n=name: _argument(s, n)
    names = [n for n, v in first.arguments.items() if _numeric(v)]
    for name in names:
        yield (
            f"{name}-once-too-often",
            f"the right one times `{name}`",
            lambda s, n=name: s.right * _beside(s, n),
        )
        yield (
            f"{name}-forgotten",
            f"the right one divided by `{name}`",
            lambda s, n=name: s.right / _beside(s, n),
        )
        yield (
            f"{name}-added",
            f"the right one plus `{name}`",
            lambda s, n=name: s.right + _beside(s, n),
        )
        yield (
            f"{name}-taken-away",
            f"the right one minus `{name}`",
            lambda s, n=name: s.right - _beside(s, n),
        )
    for name, value in first.arguments.items():
        if not isinstance(value, bool) and isinstance(value, float):
            yield (
                f"one-minus-{name}-once-too-often",
                f"the right one times 1 - `{name}`",
                lambda s, n=name: s.right * (1 - _beside(s, n)),
            )
            yield (
                f"one-minus-{name}-forgotten",
                f"the right one divided by 1 - `{name}`",
                lambda s, n=name: s.right / (1 - _beside(s, n)),
            )
    for what, count in _counts(first):
        yield (
            f"times-{_slug(what)}",
            f"the right one times {what}",
            lambda s, w=what: s.right * dict(_counts(s))[w],
        )
        yield (
            f"over-{_slug(what)}",
            f"the right one divided by {what}",
            lambda s, w=what: s.right / dict(_counts(s))[w],
        )
        if count > 1:
            yield (
                "unbiased",
                f"the right one times n / (n - 1), n being {what}",
                lambda s, w=what: s.right * (dict(_counts(s))[w] / (dict(_counts(s))[w] - 1)),
            )
            yield (
                "biased",
                f"the right one times (n - 1) / n, n being {what}",
                lambda s, w=what: s.right * ((dict(_counts(s))[w] - 1) / dict(_counts(s))[w]),
            )
    yield "squared", "the right one squared", lambda s: s.right.square()
    yield "rooted", "the root of the right one", lambda s: s.right.sqrt()
    yield "its-size", "the right one without its sign", lambda s: s.right.abs()
    yield "clipped", "the right one with what is negative set to zero", lambda s: s.right.clamp(min=0)
    yield "upside-down", "one over the right one", lambda s: 1 / s.right
    yield "exponential", "exp of the right one", lambda s: s.right.exp()
    yield "logarithm", "the logarithm of the right one", lambda s: s.right.log()
    yield "complement", "one minus the right one", lambda s: 1 - s.right
    yield "rounded", "the right one, rounded to whole numbers", lambda s: s.right.round()
    yield "reduced", "the sum of the right one", lambda s: s.right.sum()
    yield "reduced", "the mean of the right one", lambda s: s.right.mean()
    dims = first.right.dim()
    if dims >= 2:
        yield "transposed", "the right one with rows and columns exchanged", lambda s: s.right.transpose(-1, -2)
        yield (
            "laid-out-otherwise",
            "the right numbers in another order: rows and columns were exchanged on the way",
            lambda s: s.right.transpose(-1, -2).reshape(s.right.shape),
        )
        yield "transposed", "the right one with its first two dimensions exchanged", lambda s: s.right.transpose(0, 1)
        yield (
            "laid-out-otherwise",
            "the right numbers in another order: the first two dimensions were exchanged",
            lambda s: s.right.transpose(0, 1).reshape(s.right.shape),
        )
        yield "turned-around", "the right one turned by 180 degrees", lambda s: s.right.flip((-1, -2))
    if dims == 4:
        for order in itertools.permutations(range(4)):
            if order != (0, 1, 2, 3):
                yield (
                    "laid-out-otherwise",
                    "the right numbers in another order: dimensions were exchanged on the way",
                    lambda s, o=order: s.right.permute(o).reshape(s.right.shape),
                )
    for dim in range(dims):
        told = f"dimension {dim}"
        yield "turned-around", f"the right one turned around in {told}", lambda s, d=dim: s.right.flip(d)
        for by in (1, -1):
            yield "shifted", f"the right one shifted in {told}", lambda s, d=dim, b=by: s.right.roll(b, d)
        yield "reduced", f"the right one summed over {told}", lambda s, d=dim: s.right.sum(d)
        yield "reduced", f"the right one averaged over {told}", lambda s, d=dim: s.right.mean(d)
        yield (
            "averaged",
            f"the right one averaged over {told}",
            lambda s, d=dim: s.right.mean(d, keepdim=True).expand(s.right.shape),
        )
        yield (
            "summed",
            f"the right one summed over {told}",
            lambda s, d=dim: s.right.sum(d, keepdim=True).expand(s.right.shape),
        )
        yield (
            "first-for-all",
            f"the right one's first entry of {told}, for all",
            lambda s, d=dim: s.right.narrow(d, 0, 1).expand(s.right.shape),
        )


def _numeric(value: Value) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _argument(seen: Seen, name: str) -> Tensor | None:
    value = seen.arguments.get(name)
    return value if isinstance(value, Tensor) else None


def _beside(seen: Seen, name: str) -> Tensor:
    """An argument, as it meets the output: numbers per channel along dimension 1."""
    value = seen.arguments[name]
    if not isinstance(value, Tensor):
        return torch.tensor(float(value), dtype=torch.float64)  # type: ignore[arg-type]
    value = value.to(torch.float64)
    right = seen.right
    if value.dim() == 1 and right.dim() > 2 and value.shape[0] == right.shape[1]:
        return value.view(1, -1, *[1] * (right.dim() - 2))
    if value.dim() == 1 and right.dim() == 2 and value.shape[0] == right.shape[0] != right.shape[1]:
        return value.view(-1, 1)
    return value


def _counts(seen: Seen) -> list[tuple[str, int]]:
    return _sizes(seen.arguments)


def _sizes(arguments: Arguments) -> list[tuple[str, int]]:
    """What there is to count in a call."""
    found: dict[str, int] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            shapes[f"`{name}`"] = tuple(value.shape)
    for name, shape in shapes.items():
        for dim, size in enumerate(shape):
            found[f"the size of {name} in dimension {dim}"] = size
        found[f"the number of elements of {name}"] = math.prod(shape)
        if len(shape) == 4:
            n, c, h, w = shape
            found[f"the number of pixels of {name}"] = h * w
            found[f"the number of pixels of all images of {name}"] = n * h * w
            found[f"the number of values in one item of {name}"] = c * h * w
            found[f"the fan out of {name}"] = n * h * w
        elif len(shape) > 1:
            found[f"the number of values in one item of {name}"] = math.prod(shape[1:])
    return list(found.items())


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text).split())


def _factor(seen: Sequence[Seen]) -> Found | None:
    """One number times the right answer, or one per item, channel, row or the like."""
    if all(one.right.numel() == 1 for one in seen):
        return _factor_of_numbers(seen)
    constant: set[float] = set()
    for one in seen:
        ratio = _ratio(one, ())
        if ratio is None:
            break
        constant.add(float(f"{float(ratio.flatten()[0]):.6g}"))
    else:
        if len(constant) == 1:
            (factor,) = constant
            if factor != 1:
                return Found("factor", f"{factor:.4g} times the right one")
        return Found("factor", "the right one times a factor, another one in each case")
    dims = seen[0].right.dim()
    for kept, told in _axes(dims):
        if all(_ratio(one, kept) is not None for one in seen):
            return Found("factor", f"the right one times a factor, one for each {told}")
    return None


def _factor_of_numbers(seen: Sequence[Seen]) -> Found | None:
    """The same where each case gives one number: it takes several cases."""
    first = seen[0]
    if len(seen) < 2 or first.got.numel() != 1 or not float(first.right):
        return None
    factor = float(first.got) / float(first.right)
    if math.isfinite(factor) and factor and all(_try(s, lambda s: s.right * factor) for s in seen):
        return Found("factor", f"{factor:.4g} times the right one")
    return None


def _offset(seen: Sequence[Seen]) -> Found | None:
    dims = seen[0].right.dim()
    for kept, told in [((), "case"), *_axes(dims)]:
        if all(_shift(one, kept) for one in seen):
            return Found("offset", f"the right one plus an amount, the same for all of one {told}")
    return None


def _axes(dims: int) -> list[tuple[tuple[int, ...], str]]:
    """Axes along which a factor or an offset may differ, and what they count."""
    if dims == 4:
        return [
            ((0,), "item"),
            ((1,), "channel"),
            ((0, 1), "channel of each item"),
        ]
    if dims == 3:
        return [((0,), "item"), ((0, 1), "row of each item")]
    return [((0,), "row"), ((1,), "column")] if dims == 2 else []


def _ratio(one: Seen, kept: tuple[int, ...]) -> Tensor | None:
    """got / right, if it is the same along all but the kept axes, of several elements."""
    got, right = one.got.to(torch.float64), one.right.to(torch.float64)
    if got.shape != right.shape or not _several(right, kept):
        return None
    axes = [a for a in range(right.dim()) if a not in kept]
    dot = (got * right).sum(axes, keepdim=True) if axes else got * right
    square = (right * right).sum(axes, keepdim=True) if axes else right * right
    if not bool(torch.isfinite(square).all()) or not bool((square > 0).all()):
        return None
    ratio = dot / square
    if not bool((ratio.abs() > 1e-6).all()):
        return None
    return ratio if one.alike(right * ratio) else None


def _shift(one: Seen, kept: tuple[int, ...]) -> bool:
    got, right = one.got.to(torch.float64), one.right.to(torch.float64)
    if got.shape != right.shape or not _several(right, kept):
        return False
    axes = [a for a in range(right.dim()) if a not in kept]
    shift = (got - right).mean(axes, keepdim=True) if axes else got - right
    return bool(torch.isfinite(shift).all()) and one.alike(right + shift)


def _several(right: Tensor, kept: tuple[int, ...]) -> bool:
    """Whether there are three elements or more for each number that is to be found."""
    free = math.prod(right.shape[a] for a in range(right.dim()) if a not in kept)
    return right.numel() > 0 and free >= 3


@dataclass(frozen=True)
class OffLaw:
    """A finding about random numbers that do not follow their law, and what the call was given."""

    finding: Finding
    arguments: Arguments


def by_law(off: Sequence[OffLaw]) -> Found | None:
    """What all cases have in common that do not follow their law."""
    tests = {one.finding.evidence["test"] for one in off}
    if len(tests) != 1:
        return None
    (test,) = tests
    if test == "spread":
        return _spread([float(one.finding.evidence["measured"]) for one in off], off)
    kind = _slug(str(test).partition(" over ")[0].partition(" of ")[0].partition(" in ")[0])
    said = hint_at(off[0].finding).partition(f"{off[0].finding.output} ")[2]
    return Found(kind, f"not as it should be: it {said}") if said else None


def _spread(measured: Sequence[float], off: Sequence[OffLaw]) -> Found:
    """By what the standard deviation is off: the same in each case, or a size that can be counted,
    or the root of one."""
    factor = sum(measured) / len(measured)
    if len(measured) > 1 and all(abs(m / factor - 1) < 0.03 for m in measured):
        return Found("spread", f"spread {factor:.3g} times as wide as it should be, in every case")
    for power, told in ((1.0, ""), (0.5, "the root of "), (-1.0, "1 / "), (-0.5, "1 / the root of ")):
        for what in dict(_sizes(off[0].arguments)):
            wanted = [dict(_sizes(one.arguments)).get(what, 0) for one in off]
            if all(w and abs(m / w**power - 1) < 0.03 for m, w in zip(measured, wanted, strict=True)):
                return Found("spread", f"spread too wide by {told}{what}")
    narrow = all(m < 1 for m in measured)
    if narrow or all(m > 1 for m in measured):
        return Found("spread", f"spread too {'narrow' if narrow else 'wide'} in every case")
    return Found("spread", "spread too wide in some cases and too narrow in others")
