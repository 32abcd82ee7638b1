"""The model that course authors write against.

A topic under `reference/`, a file or a folder of files, holds plain functions (the solution), and
below them records: `EXERCISES`, each with its checks and their cases, and misconceptions as
one-line edits of the solution. Everything else (stubs, self-check, hidden cases, audit, diagnosis)
is derived.

    EXERCISES = [
        Exercise(
            functions=(relu, relu_backward),
            checks=(
                values(relu, CASES, points={"y": 4}),
                gradients(
                    relu_backward, upstream(relu, relu_backward, CASES), points={"grad_x": 5}
                ),
            ),
            misconceptions=(
                edit(relu, "x > 0", "x > 1", name="wrong-kink", hint="Where does the kink sit?"),
            ),
        ),
    ]
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import sys
from dataclasses import dataclass
from functools import cache

import torch

from autograder.case import Case, Function, Recipe, case, integers, normal, uniform, upstream
from autograder.checks.base import Check
from autograder.errors import AuthoringError

__all__ = [  # all that a topic needs, but for its checks
    "Case",
    "Exercise",
    "Misconception",
    "Recipe",
    "case",
    "edit",
    "integers",
    "normal",
    "uniform",
    "upstream",
]


_LIBRARIES = ("torch", "np", "math")  # which other files of a topic may import
_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, eq=False)
class Misconception:
    """A named one-line edit of a function or a method of the solution, with the hint that teaches
    it away."""

    function: Function
    old: str
    new: str
    name: str
    hint: str


def edit(function: Function, old: str, new: str, *, name: str, hint: str) -> Misconception:
    """The misconception whose solution has `new` where `function`'s source has `old`.

    Raises:
        AuthoringError: `old` does not stand exactly once in the function's source.
    """
    if not (isinstance(name, str) and isinstance(hint, str) and name.strip() and hint.strip()):
        raise AuthoringError(f"misconception {name!r}: it needs a name, and a hint for students")
    count = _source(function).count(old)
    if count != 1:
        raise AuthoringError(
            f"misconception {name!r}: {old!r} stands {count} times in {function.__name__}, "
            "but an edit must apply exactly once"
        )
    if old == new:
        raise AuthoringError(f"misconception {name!r}: {new!r} is what stands there already")
    try:
        ast.parse(_nested(_source(function).replace(old, new)))
    except SyntaxError as error:
        raise AuthoringError(
            f"misconception {name!r}: with {new!r} in its place, {function.__name__} is no Python: "
            f"{error.msg}"
        ) from error
    return Misconception(function, old, new, name, hint)


def undefined(misconception: Misconception) -> list[str]:
    """The names that it reads and that nothing in its topic defines, once all of that is loaded."""
    right = _source(misconception.function)
    wrong = right.replace(misconception.old, misconception.new)
    added = _free(wrong) - _free(right)
    return sorted(added - _defined(misconception.function)) if added else []


@cache
def _free(source: str) -> frozenset[str]:
    """The names that a function reads and does not define."""
    nodes = list(ast.walk(ast.parse(_nested(source))))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    bound = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    bound |= {n.name or "" for n in nodes if isinstance(n, ast.ExceptHandler)}
    bound |= {n.name for n in nodes if isinstance(n, _DEFINING)}
    bound |= {(n.asname or n.name).partition(".")[0] for n in nodes if isinstance(n, ast.alias)}
    return frozenset(read - bound)


def _defined(function: Function) -> set[str]:
    """The names that a function's topic or Python defines."""
    topic = function.__module__.partition(".")[0]  # to students, its files are one
    files = [module for name, module in sys.modules.items() if name.partition(".")[0] == topic]
    return set(_LIBRARIES).union(vars(builtins), *map(vars, files))


def _nested(source: str) -> str:
    """A method stands indented in its class."""
    return f"if True:\n{source}" if source[:1].isspace() else source


@cache
def _source(function: Function) -> str:
    """Once per function: it is the target of many edits, and to find it takes milliseconds."""
    try:
        return inspect.getsource(function)
    except (TypeError, OSError):
        called = getattr(function, "__name__", repr(function))
        raise AuthoringError(f"{called} is no function of the topic, to be edited") from None


@dataclass(frozen=True, eq=False)
class Exercise:
    """One or more functions or classes graded together, named after the first one; or, without
    functions and with a name, an experiment with functions that other exercises asked for.

    `unchanged` is the points for leaving arguments as they were, judged over all calls of the
    functions. `forbidden` names torch operators that would do this exercise in one call, beside
    those that no exercise needs (`autograder.policy.rules`); `allowed` names what this one needs of
    all that is forbidden elsewhere, such as "torch.nn.Module". `ways` are pairs of a function and
    another right way to write it, a helper beside it: wherever students' code is commonly closer to
    that, what is wrong with theirs is recognised by edits of it. `follow_on` is the share of a
    line's points that it costs when the line is right for what another function of the submission
    gives, whose error costs points already.
    """

    functions: tuple[Function, ...] = ()
    checks: tuple[Check, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    unchanged: float = 1.0
    forbidden: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    name: str = ""
    ways: tuple[tuple[Function, Function], ...] = ()
    follow_on: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.functions) == bool(self.name):
            raise AuthoringError("an exercise has either functions or, if it has none, a name")
        for field in ("functions", "checks", "misconceptions", "forbidden", "allowed", "ways"):
            if not isinstance(getattr(self, field), tuple | list):
                raise AuthoringError(f"{self._called}: {field} is a tuple, with a comma after one")
        if not all(callable(function) for function in self.functions):
            raise AuthoringError(f"{self._called}: functions are the solution's own, not names")
        for function in (*self.functions, *(m.function for m in self.misconceptions)):
            if getattr(function, "__dict__", {}).get("is_script"):
                raise AuthoringError(
                    f"{self._called}: {function.__name__} is a script, which students do not write"
                )
        for function in self.functions:
            owner, _, own = getattr(function, "__qualname__", "").rpartition(".")
            if owner and not owner.endswith("<locals>"):
                raise AuthoringError(
                    f"{self._called}: {own} stands in {owner}: functions are what stands at the "
                    f"top of the file, such as {owner.partition('.')[0]}"
                )
        if self.functions:
            object.__setattr__(self, "name", self.functions[0].__name__)
        else:
            object.__setattr__(self, "unchanged", 0.0)
        if not 0 <= self.follow_on <= 1:
            raise AuthoringError(f"{self.name}: follow_on is a share: from 0 (free) to 1")
        if not self.checks:
            raise AuthoringError(f"{self.name}: an exercise needs a check")
        if not (isinstance(self.unchanged, int | float) and 0 <= self.unchanged < math.inf):
            raise AuthoringError(f"{self.name}: unchanged is points, 0 or more")
        if strange := [name for name in self.forbidden if not _is_known(name)]:
            raise AuthoringError(f"{self.name}: forbidden names {strange[0]}, which torch has not")
        if strange := [name for name in self.allowed if not _exists(name)]:
            raise AuthoringError(f"{self.name}: allowed names {strange[0]}, which torch has not")
        names = [check.name for check in self.checks]
        if len(set(names)) < len(names):
            raise AuthoringError(f"{self.name}: two checks have one name; give them `name=`")
        hints = [misconception.name for misconception in self.misconceptions]
        if len(set(hints)) < len(hints):
            raise AuthoringError(f"{self.name}: two misconceptions have one name")
        proven = {check.subject for check in self.checks if check.kind == "gradients"}
        for check in self.checks:
            shown = [output for output in check.points if output.startswith("grad_")]
            if shown and check.kind in {"values", "precision"} and check.subject not in proven:
                raise AuthoringError(
                    f"{self.name}: {check.name} judges {', '.join(shown)}, by the name a gradient, "
                    f"which nothing proves: judge it by gradients({check.subject}, ...)"
                )
        told = [check for check in self.checks if not check.long]  # a self-check has no long ones
        if self.functions and told and not any(c.public for check in told for c in check.cases):
            raise AuthoringError(
                f"{self.name}: no case is public, so its self-check would pass whatever is written:"
                " give one case(..., public=True)"
            )

    @property
    def _called(self) -> str:
        first = self.functions[0] if isinstance(self.functions, tuple | list) else self.functions
        return self.name or str(getattr(first, "__name__", first))

    @property
    def max_score(self) -> float:
        return self.unchanged + sum(sum(check.points.values()) for check in self.checks)


def _is_known(name: str) -> bool:
    """Whether it is what torch calls an operator, as a function, a method or in aten."""
    spaces = torch, torch.Tensor, torch.nn.functional, torch.ops.aten
    return any(hasattr(space, name) for space in spaces)


def _exists(path: str) -> bool:
    """Whether torch has something under a full name, such as "torch.nn.Module"."""
    found: object = torch
    for name in path.split(".")[1:]:
        found = getattr(found, name, None)
    return path.startswith("torch.") and found is not None
