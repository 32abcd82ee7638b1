"""What students put into a function that its solution does without: edits of more than one thing.

A small number that guards a logarithm or a quotient, a median for a mean, a mean of other axes than
those of the variance beside it, channels that are dealt out to groups in turn. As with all edits
their words name parameters and intermediate results, never the solution's own expressions.
"""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Iterator, Mapping, Sequence

from autograder.truth.edits import (
    Change,
    Edit,
    Spot,
    expressions,
    other_axes,
    place_of,
    statements,
    words_for,
)

SMALL = tuple(10.0**-n for n in range(4, 17))
BELOW = ": what is right where it is smaller?"
_PROBABILITIES = {"exp", "softmax", "sigmoid"}


def habits(function: ast.FunctionDef, _: Mapping[str, Sequence[str]]) -> Iterator[Edit]:
    """Edits of a function that may be far from right."""
    for place, statement, _block in statements(function):
        for spot, node in expressions(statement):
            for change in (_at_least_one, _median, _unbiased, _in_turn, _rounded, _each_with_each):
                for replacement, kind, what, rank in change(node):
                    yield spot, replacement, kind, f"{place_of(statement)}, {what}", rank
        yield from _as_zero(place, statement)
    yield from _of_another_mean(function)
    yield from _from_there_on(function)


def guards(function: ast.FunctionDef, _: Mapping[str, Sequence[str]]) -> Iterator[Edit]:
    """Edits of a function by small numbers, which matter where something is near zero."""
    for _spot, statement, _block in statements(function):
        for spot, node in expressions(statement):
            for replacement, kind, what, rank in _guarded(node):
                yield spot, replacement, kind, f"{place_of(statement)}, {what}", rank


def _called(node: ast.expr) -> tuple[str, ast.expr | None]:
    """The name of what is called, and what it is called of."""
    if not isinstance(node, ast.Call):
        return "", None
    if isinstance(node.func, ast.Name):
        return node.func.id, node.args[0] if node.args else None
    if isinstance(node.func, ast.Attribute):
        of = node.func.value
        if not (isinstance(of, ast.Name) and of.id in {"torch", "math", "np"}):
            return node.func.attr, of
        return node.func.attr, node.args[0] if node.args else None
    return "", None


def _clamped(node: ast.expr, low: float, high: float | None = None) -> ast.expr:
    ends = [ast.Constant(low)] + ([ast.Constant(high)] if high is not None else [])
    return ast.Call(ast.Attribute(node, "clamp", ast.Load()), list(ends), [])


def _put(call: ast.Call, inner: ast.expr, other: ast.expr) -> ast.expr:
    """The call of something else."""
    again = copy.copy(call)
    if isinstance(call.func, ast.Attribute) and call.func.value is inner:
        again.func = ast.Attribute(other, call.func.attr, ast.Load())
    else:
        again.args = [other, *call.args[1:]]
    return again


def _guarded(node: ast.expr) -> Iterator[Change]:
    name, inner = _called(node)
    is_quotient = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    for small in SMALL:
        if isinstance(node, ast.BinOp) and is_quotient and not isinstance(node.right, ast.Constant):
            about, right = words_for(node.right), node.right
            more = ast.BinOp(right, ast.Add(), ast.Constant(small))
            told = f"{small:g} is added to what is divided by ({about}): can that be zero at all?"
            yield ast.BinOp(node.left, node.op, more), "small-number-added", told, 1
            told = f"what is divided by ({about}) is cut off at {small:g}{BELOW}"
            yield ast.BinOp(node.left, node.op, _clamped(right, small)), "cut-off", told, 1
        if name == "log" and isinstance(node, ast.Call) and inner is not None:
            about = words_for(inner)
            more = ast.BinOp(inner, ast.Add(), ast.Constant(small))
            told = f"{small:g} is added in the logarithm of {about}: can that be zero at all?"
            yield _put(node, inner, more), "small-number-added", told, 1
            told = f"what the logarithm is taken of ({about}) is cut off at {small:g}{BELOW}"
            yield _put(node, inner, _clamped(inner, small)), "cut-off", told, 1
        if is_quotient or (name in _PROBABILITIES and inner is not None):
            about = (
                f"the quotient of {words_for(node)}"
                if is_quotient
                else f"`{name}` of {words_for(node)}"
            )
            told = f"{about} is cut off at {small:g}{BELOW}"
            yield _clamped(node, small), "cut-off", told, 1
            told = f"{about} is cut off at {small:g} and at 1 - {small:g}{BELOW}"
            yield _clamped(node, small, 1 - small), "cut-off", told, 1
            more = ast.BinOp(node, ast.Add(), ast.Constant(small))
            told = f"{small:g} is added to {about}: what is right where that is smaller?"
            yield more, "small-number-added", told, 1


def _at_least_one(node: ast.expr) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        told = f"what is divided by ({words_for(node.right)}) is at least 1"
        yield ast.BinOp(node.left, node.op, _clamped(node.right, 1.0)), "at-least-one", told, 1


# Over one dimension, several, or all, as `mean` is; of two in the middle the lower one, as torch
# has it, or what lies between them, as numpy has it.
_MEDIAN = """(lambda t, dim=None, keepdim=False: (
    axes := (dim,) if isinstance(dim, int) else dim or tuple(range(t.dim())),
    row := t.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes)),
    {middle}.reshape(t.mean(axes, keepdim).shape),
)[-1])"""
_MIDDLES = ("row.median(-1).values", "torch.quantile(row, 0.5, dim=-1)")


def _median(node: ast.expr) -> Iterator[Change]:
    name, inner = _called(node)
    if name != "mean" or inner is None or not isinstance(node, ast.Call):
        return
    others = (
        node.args
        if isinstance(node.func, ast.Attribute) and node.func.value is inner
        else node.args[1:]
    )
    told = f"{words_for(inner)} has a median where a mean belongs"
    for middle in _MIDDLES:
        median = ast.parse(_MEDIAN.format(middle=middle), mode="eval").body
        of = ast.Call(median, [inner, *others], node.keywords)
        yield of, "median-for-mean", told, 1
    if any(keyword.arg == "axis" for keyword in node.keywords):
        median = ast.Attribute(ast.Name("np", ast.Load()), "median", ast.Load())
        yield ast.Call(median, [inner, *others], node.keywords), "median-for-mean", told, 1


_UNBIASED = """(lambda s, mean: mean * (s.numel() / mean.numel())
    / (s.numel() / mean.numel() - 1))"""


def _unbiased(node: ast.expr) -> Iterator[Change]:
    """A mean of squares that is divided by one less."""
    name, inner = _called(node)
    if name == "mean" and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow):
        again = ast.parse(_UNBIASED, mode="eval").body
        told = f"the sum with {words_for(inner)} is divided by n - 1 where n belongs"
        yield ast.Call(again, [inner, node], []), "unbiased", told, 1


_WHOLE = {"mean", "sum", "amax"}  # what a statistic is worked out by
DIGITS = range(1, 7)


def _as_zero(spot: Spot, statement: ast.stmt) -> Iterator[Edit]:
    """A statistic that is not subtracted, or not added, wherever it is used."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value):
            if _called(value)[0] in _WHOLE:
                nothing = ast.Assign(
                    statement.targets, ast.BinOp(ast.Constant(0), ast.Mult(), value)
                )
                told = f"`{name}` is taken as zero, wherever it stands"
                yield spot, nothing, "taken-as-zero", f"{place_of(statement)}, {told}", 2


def _rounded(node: ast.expr) -> Iterator[Change]:
    """A number that is written down with too few digits."""
    exact = _number(node)
    if exact is None or not math.isfinite(exact) or not exact:
        return
    for digits in DIGITS:
        rounded = float(f"{exact:.{digits}g}")
        if rounded != exact and abs(rounded / exact - 1) < 0.05:
            told = f"a number is rounded to {rounded:g}: are these digits enough?"
            yield ast.Constant(rounded), "number-rounded", told, 2


def _number(node: ast.expr) -> float | None:
    """What an expression of numbers and of `math` alone comes to."""
    parts = list(ast.walk(node))
    if any(isinstance(n, ast.Name) and n.id != "math" for n in parts):
        return None
    if not any(isinstance(n, ast.Attribute | ast.Constant) for n in parts):
        return None
    if not isinstance(node, ast.Constant | ast.Attribute | ast.BinOp | ast.UnaryOp | ast.Call):
        return None
    try:
        # The author's own numbers: nothing of a student's comes here.
        value = eval(ast.unparse(node), {"math": math, "__builtins__": {}})  # noqa: S307
    except (ArithmeticError, ValueError, TypeError, AttributeError, SyntaxError):
        return None
    return value if type(value) is float else None


def _each_with_each(node: ast.expr) -> Iterator[Change]:
    """A column meets a row: what belongs side by side is combined each with each."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), left=left, right=right):
            if isinstance(left, ast.Constant) or isinstance(right, ast.Constant):
                return
            a, b = words_for(left), words_for(right)
            told = f"{a} and {b} are combined each with each: is one a column and the other a row?"
            yield ast.BinOp(_column(left), node.op, right), "each-with-each", told, 3
            yield ast.BinOp(left, node.op, _column(right)), "each-with-each", told, 3


_COLUMN = "(lambda t: t.unsqueeze(-1) if t.dim() == 1 and len(t) < 100 else None)"


def _column(node: ast.expr) -> ast.expr:
    return ast.Call(ast.parse(_COLUMN, mode="eval").body, [node], [])


_AXES = "0", "1", "-1", "-2", "(2, 3)", "(3, 4)", "(-2, -1)", "(0, 1)", "(1, 2, 3)", "(0, 2, 3)"


def _from_there_on(function: ast.FunctionDef) -> Iterator[Edit]:
    """All that is reduced from some statement on is reduced over other dimensions."""
    named = {
        keyword.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in {"dim", "axis"} and isinstance(keyword.value, ast.Name)
    }
    for name in sorted(named):
        for place, statement, _block in statements(function):
            used = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id == name]
            if not used or any(isinstance(n.ctx, ast.Store) for n in used):
                continue
            for axes in _AXES:
                others = ast.parse(f"{name} = {axes}").body
                there = ast.If(ast.Constant(True), [*others, statement], [])
                told = f"and after that, what is reduced is reduced over {_dimensions(axes)}"
                yield place, there, "axes", f"{place_of(statement)}, {told}", 2


def _dimensions(axes: str) -> str:
    return f"dimension{'s' if ',' in axes else ''} {axes}"


_SHAPED = {"reshape", "view", "unflatten"}


def _in_turn(node: ast.expr) -> Iterator[Change]:
    """Two sizes of a new shape exchanged, and their dimensions put in order after that."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr not in _SHAPED:
        return
    for at in range(len(node.args) - 1):
        one, other = node.args[at : at + 2]
        if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
            continue
        again = copy.copy(node)
        again.args = [*node.args[:at], other, one, *node.args[at + 2 :]]
        transpose = ast.Attribute(again, "transpose", ast.Load())
        turned = ast.Call(transpose, [ast.Constant(at), ast.Constant(at + 1)], [])
        about = words_for(node.func.value)
        counted = words_for(one if isinstance(other, ast.Constant | ast.UnaryOp) else other)
        if isinstance(one, ast.Name):
            counted = words_for(one)
        told = f"what lies side by side in {about} is dealt out by {counted} in turn, not in runs"
        yield turned, "dealt-out-in-turn", told, 2


def _of_another_mean(function: ast.FunctionDef) -> Iterator[Edit]:
    """A mean that is used in one place is another one there: over other axes, or a median."""
    found = list(statements(function))
    for _, statement, _ in found:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value):
                pass
            case _:
                continue
        if _called(value)[0] != "mean":
            continue
        others = [*_median(value)]
        for at, keyword in enumerate(value.keywords):
            if keyword.arg in {"dim", "axis"}:
                others += other_axes(value, at, words_for(_called(value)[1] or value))
        for _, later, _ in found:
            if later is statement:
                continue
            for spot, node in expressions(later):
                if (
                    isinstance(node, ast.Name)
                    and node.id == name
                    and isinstance(node.ctx, ast.Load)
                ):
                    for replacement, kind, what, rank in others:
                        told = f"`{name}` is another one than it should be: {what}"
                        yield spot, replacement, kind, f"{place_of(later)}, {told}", rank
