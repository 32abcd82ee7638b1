"""Hold what a submission uses against what it may not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

import torch

from autograder.policy.rules import GRADIENTS, HARMLESS, NAMESPACES, OPERATORS, ROUNDABOUT
from autograder.sandbox.codec import Statement
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.inside.scan import UNSEEN

Cost = Literal["report", "warn", "zero"]  # nothing, a warning, the exercise's points
MOST_TEXT = 160
MOST_FLAGS = 100  # of one exercise
NOT_LOOKED_AT = "not looked at: too deeply nested"
TOO_LONG = "not looked at: that would take too long"


@dataclass(frozen=True)
class Flag:
    """One thing that is not allowed. `line` is 0 for what was seen at run time."""

    rule: Literal["name", "operator", "autograd", "dispatched"]
    what: str  # "torch.nn.functional.relu", "aten::gelu"
    place: str = ""  # "losses.py" or "cell 3"
    line: int = 0
    text: str = ""  # that line

    @property
    def is_seen(self) -> bool:
        """Whether it was looked at, and is no guess."""
        return self.what not in (NOT_LOOKED_AT, TOO_LONG)

    def document(self) -> dict[str, object]:
        return asdict(self)


class Code:
    """A submission's source as its scan has seen it, ready to be asked about by exercise."""

    def __init__(self, statements: Sequence[Statement] | None, sources: Sequence[Source]) -> None:
        """Args: statements: None where looking at them took more than it may."""
        self._is_seen = statements is not None
        self._statements = statements or ()
        self._binding: dict[str, list[int]] = {}  # by name, the statements that bind it
        for at, statement in enumerate(self._statements):
            for name in statement.bound:
                self._binding.setdefault(name, []).append(at)
        self._lines: dict[str, list[str]] = {}
        alone = sum(source.notebook for source in sources) < 2
        for source in sources:
            for at, chunk in enumerate(source.chunks):
                self._lines.setdefault(source.place(at, alone), chunk.split("\n"))

    def used(
        self,
        functions: Collection[str],
        forbidden: Collection[str],
        allowed: Collection[str] = (),
    ) -> list[Flag]:
        """What is not allowed in the code that these functions reach by name: the first MOST_FLAGS
        things, and of what was not looked at that it was not."""
        if not self._is_seen:
            return [Flag("name", TOO_LONG)]
        flags: dict[tuple[str, int, str], Flag] = {}
        for statement in self._reached(functions):
            for path, place, line in statement.uses:
                if path == UNSEEN:
                    flags[place, line, path] = Flag("name", NOT_LOOKED_AT, place, line)
                rule = None if _is_allowed(path, (*HARMLESS, *allowed)) else _rule(path, forbidden)
                if rule is None or self._is_own(path):
                    continue
                what = path.removeprefix(".").removesuffix("()")
                old = flags.get((place, line, rule))
                if old is None or len(old.what) < len(what):
                    text = self._line(place, line)
                    flags[place, line, rule] = Flag(rule, what, place, line, text)
        return sorted(flags.values(), key=lambda flag: (flag.place, flag.line))[:MOST_FLAGS]

    def reads(self, function: str) -> frozenset[str]:
        """The names that the code of this function comes to by name."""
        reached = self._reached([function])
        attributes = {path.rpartition(".")[2] for one in reached for path, _, _ in one.uses}
        return frozenset(attributes.union(*(one.reads for one in reached)))

    def _is_own(self, path: str) -> bool:
        """Whether it may be a method of the submission's own: its layers may have a `backward`, but
        one that takes nothing is torch's."""
        return path in {".backward", ".backward()"} and path.removeprefix(".") in self._binding

    def _reached(self, functions: Collection[str]) -> list[Statement]:
        """The statements that bind these functions, whatever these read, and so on."""
        if not any(name in self._binding for name in functions):
            return []
        chosen = set(self._binding.get("*", ()))
        wanted = set(functions).union(*(self._statements[at].reads for at in chosen))
        pending = list(wanted)
        while pending:
            for at in self._binding.get(pending.pop(), ()):
                if at not in chosen:
                    chosen.add(at)
                    pending += self._statements[at].reads - wanted
                    wanted |= self._statements[at].reads
        return [self._statements[at] for at in sorted(chosen)]

    def _line(self, place: str, line: int) -> str:
        lines = self._lines.get(place, [])
        return lines[line - 1].strip()[:MOST_TEXT] if 0 < line <= len(lines) else ""


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
    if "forward" in names:
        flags.append(Flag("dispatched", "a forward derivative of torch's own"))
    return flags


def _rule(path: str, forbidden: Collection[str]) -> Literal["name", "operator", "autograd"] | None:
    name = path.rpartition(".")[2]
    if {path, f".{name}"} & ROUNDABOUT or path.removesuffix("()") in ROUNDABOUT:
        return "name"
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
