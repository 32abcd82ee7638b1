"""Hold what a submission uses against what it may not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

import torch

from autograder.policy.rules import GRADIENTS, HARMLESS, NAMESPACES, OPERATORS
from autograder.sandbox.codec import Statement
from autograder.sandbox.inside.loading.source import Source

Cost = Literal["report", "warn", "zero"]  # nothing, a warning, the exercise's points
MOST_TEXT = 160


@dataclass(frozen=True)
class Flag:
    """One thing that is not allowed. `line` is 0 for what was seen at run time."""

    rule: Literal["name", "operator", "autograd", "dispatched"]
    what: str  # "torch.nn.functional.relu", "aten::gelu"
    place: str = ""  # "losses.py" or "cell 3"
    line: int = 0
    text: str = ""  # that line

    def document(self) -> dict[str, object]:
        return asdict(self)


def used(
    statements: Sequence[Statement],
    sources: Sequence[Source],
    functions: Collection[str],
    forbidden: Collection[str],
    allowed: Collection[str] = (),
) -> list[Flag]:
    """What is not allowed in the code that these functions reach by name."""
    reached = _reached(statements, functions)
    own_backward = any("backward" in statement.bound for statement in statements)
    flags: dict[tuple[str, int, str], Flag] = {}
    for statement in reached:
        for path, place, line in statement.uses:
            rule = None if _is_allowed(path, (*HARMLESS, *allowed)) else _rule(path, forbidden)
            if rule is None or (own_backward and path == ".backward"):
                continue
            what = path.removeprefix(".")
            old = flags.get((place, line, rule))
            if old is None or len(old.what) < len(what):
                text = _line(sources, place, line)
                flags[place, line, rule] = Flag(rule, what, place, line, text)
    return sorted(flags.values(), key=lambda flag: (flag.place, flag.line))


def dispatched(operators: Iterable[str], forbidden: Collection[str]) -> list[Flag]:
    """What is not allowed among the operators that a call dispatched, as its worker says."""
    names = sorted(operators)
    flags = [
        Flag("dispatched", name)
        for name in names
        if name in _all_operators() and _is_operator(name.rpartition("::")[2], forbidden)
    ]
    if "autograd" in names:
        flags.append(Flag("dispatched", "a backward pass of torch's own"))
    return flags


def _rule(path: str, forbidden: Collection[str]) -> Literal["name", "operator", "autograd"] | None:
    name = path.rpartition(".")[2]
    if path.startswith("torch."):
        if any(path == space or path.startswith(f"{space}.") for space in NAMESPACES):
            return "name"
        if name in GRADIENTS:
            return "autograd"
        return "operator" if _is_operator(name, forbidden) else None
    if path.startswith(".") or path in GRADIENTS:  # of something unknown, perhaps a tensor
        if name in GRADIENTS:
            return "autograd"
        known = hasattr(torch.Tensor, name)
        return "operator" if known and _is_operator(name, forbidden) else None
    return None


def _is_allowed(path: str, allowed: Collection[str]) -> bool:
    """Whether it is what this exercise needs, and no way from there to anything else."""
    return any(path in {name, f"{name}.__init__"} for name in allowed)


def _is_operator(name: str, forbidden: Collection[str]) -> bool:
    plain = name.rstrip("_")
    return plain in OPERATORS or plain in forbidden or "_backward" in plain


@cache
def _all_operators() -> frozenset[str]:
    """The names that torch knows, so that none of a worker's invention gets into a report."""
    return frozenset(name.partition(".")[0] for name in torch._C._dispatch_get_all_op_names())


def _reached(statements: Sequence[Statement], functions: Collection[str]) -> list[Statement]:
    """The statements that bind these functions, whatever these read, and so on."""
    wanted, pending = set(functions), list(functions)
    if not any(wanted & statement.bound for statement in statements):
        return []
    chosen: dict[int, None] = {}
    for at, statement in enumerate(statements):
        if "*" in statement.bound:
            chosen[at] = None
            pending += statement.reads - wanted
            wanted |= statement.reads
    while pending:
        name = pending.pop()
        for at, statement in enumerate(statements):
            if name in statement.bound and at not in chosen:
                chosen[at] = None
                pending += statement.reads - wanted
                wanted |= statement.reads
    return [statements[at] for at in sorted(chosen)]


def _line(sources: Sequence[Source], place: str, line: int) -> str:
    alone = sum(source.notebook for source in sources) < 2
    for source in sources:
        for at, chunk in enumerate(source.chunks):
            if place == source.place(at, alone):
                lines = chunk.split("\n")
                return lines[line - 1].strip()[:MOST_TEXT] if 0 < line <= len(lines) else ""
    return ""
