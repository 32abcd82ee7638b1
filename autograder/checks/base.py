"""What every kind of check shares."""

from __future__ import annotations

import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch

from autograder.case import Arguments, Case, Recipe, graded_on
from autograder.checks.script import Program, is_script, record, yields
from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Session, ordered
from autograder.judging.compare import ValueExpectation, unchanged
from autograder.judging.finding import Finding
from autograder.judging.local import LocalSession
from autograder.judging.script import ScriptExpectation
from autograder.judging.travel import untravelled
from autograder.judging.tree import plain
from autograder.numerics.expectation import in_precision, refuse_failure
from autograder.numerics.outcome import Outcome


class Expectation(Protocol):
    """What the answers to the calls of one case should be; judged without the reference."""

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]: ...


Made = TypeVar("Made")


class SeedSource(Protocol):
    """Seeds for one case, by purpose: the same purpose gives the same seed."""

    def __call__(self, purpose: str) -> int: ...


class Keep:
    """What a case's preparation asks of the reference: made anew here, and by others kept for the
    next time."""

    def run(self, make: Callable[[], Made]) -> Made:
        """What follows from the case, and takes long: training."""
        return make()

    def expected(
        self, calls: Sequence[Call], make: Callable[[], ValueExpectation]
    ) -> ValueExpectation:
        """What follows from these calls."""
        return make()


class Check(ABC):
    """One kind of evidence, over cases; `points` are per output.

    `gated`: passing takes no working solution (refusing bad input, say), so it counts only when
    another check of the exercise, one that does, has earned something.
    `long`: the calls of a case build on each other and are many, so they are put on their own and
    judged while they are answered.
    `timed`: it is about how long right answers take, which is measured apart from everything else.
    """

    kind: ClassVar[str]
    gated: ClassVar[bool] = False
    named: ClassVar[bool] = True  # whether its outputs are the function's, under their names
    long: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    cases: tuple[Case, ...]
    points: Mapping[str, float]
    name: str

    @property
    @abstractmethod
    def subject(self) -> str:
        """What the evidence is about: the function, if it is one."""

    @property
    @abstractmethod
    def updates(self) -> frozenset[str]:
        """The outputs that are arguments: what a call may change in place."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """The names of the functions that it calls."""

    @abstractmethod
    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Any]:
        """The calls to make for a case whose arguments were drawn, and what to expect of them."""

    @abstractmethod
    def judge(self, expectation: Any, calls: Sequence[Call], answers: Iterable[Answer]) -> Outcome:
        """What the answers to the calls are worth."""

    def may_change(self, expectation: Any) -> Collection[str]:
        """The arguments that a call may change in place."""
        return expectation.changes if isinstance(expectation, ScriptExpectation) else self.updates

    @property
    def long_runs(self) -> int:
        """How many runs of many calls it takes: each adds to the time that a submission has."""
        return self._cases_at_a_time if self.long else 0

    @property
    def _cases_at_a_time(self) -> int:
        return max(len(graded_on(self.cases, "cpu")), len(graded_on(self.cases, "gpu")))

    def stage(self, expectation: Any, call: int) -> str:
        """For who waits: how far a long case is with its call of that number, or nothing new."""
        return ""

    def resembles(self, expectation: Any, seen: Outcome, suspected: Outcome) -> Mapping[str, bool]:
        """Per output, whether what was seen is what a suspected solution gives."""
        return {
            output: finding.problem == suspected.findings[output].problem
            and all(
                finding.evidence.get(key) == suspected.findings[output].evidence.get(key)
                for key in ("kind", "exception")
            )
            for output, finding in seen.findings.items()
        }

    def same(self, expectation: Any, seen: Outcome, other: Outcome) -> Mapping[str, bool]:
        """Per output, whether two solutions give the same there, right or wrong."""
        return self.resembles(expectation, seen, other)

    def _validate(self) -> None:
        if not all(isinstance(case, Case) for case in self.cases):
            raise AuthoringError(f"{self.name}: its cases are case(...) records in a tuple")
        names = [case.name for case in self.cases]
        if len(set(names)) < len(names):
            raise AuthoringError(f"{self.name}: two cases have one name")
        if not names:
            raise AuthoringError(f"{self.name}: a check needs at least one case")
        if not graded_on(self.cases, "cpu") or not graded_on(self.cases, "gpu"):
            raise AuthoringError(
                f"{self.name}: there are cases for one kind of device only, and its points must be "
                'to be had on every one: give one on="cpu" and one on="gpu"'
            )
        if any(case.on and case.public for case in self.cases):
            raise AuthoringError(f"{self.name}: a public case is one for every device")
        numbers = (isinstance(n, int | float) and math.isfinite(n) for n in self.points.values())
        if not all(numbers):
            raise AuthoringError(f"{self.name}: points are numbers, by the outputs' names")
        if min(self.points.values(), default=0) <= 0:
            raise AuthoringError(
                f"{self.name}: every output needs points, or its bugs cost nothing"
            )


@dataclass(frozen=True)
class FunctionCheck(Check):
    """Evidence about one function, from calls that stand alone."""

    function: Callable[..., Any]
    cases: tuple[Case, ...]
    points: Mapping[str, float]
    name: str
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        self._validate()
        if self.scripted:
            # What is no part of the solution: students are not asked to write it.
            self.function.__dict__["is_script"] = True
            self._validate_new()
            self._validate_yields()
        elif self._parameters[:1] == ["new"]:
            raise AuthoringError(
                f"{self.name}: {self.function.__name__} takes `new` as a script does, but yields "
                "nothing that could be judged"
            )
        parameters = self._parameters
        for case in self.cases:
            unknown = set(case.arguments) - set(parameters)
            if unknown:
                raise AuthoringError(
                    f"{self.name}, case {case.name!r}: {self.function.__name__} takes no "
                    f"{', '.join(sorted(unknown))}"
                )
            lacking = self._required - set(case.arguments)
            if lacking:
                raise AuthoringError(
                    f"{self.name}, case {case.name!r}: {self.function.__name__} also takes "
                    f"{', '.join(sorted(lacking))}"
                )
            elsewhere = set(case.kinks) - set(case.arguments)
            if elsewhere:
                raise AuthoringError(
                    f"{self.name}, case {case.name!r}: kinks names {', '.join(sorted(elsewhere))}, "
                    "which is no argument of the case"
                )
            kinks: object = case.kinks
            if not isinstance(kinks, tuple | list):
                raise AuthoringError(
                    f"{self.name}, case {case.name!r}: kinks is a tuple, with a comma after one"
                )
            for name, value in case.arguments.items():
                why = untravelled(plain(value), but=(Recipe, np.generic))
                if why:
                    raise AuthoringError(f"{self.name}, case {case.name!r}: {name}{why}")
        stated = _stated(self.function) if self.named and not self.scripted else ""
        known = {*parameters, *re.findall(r"\w+", stated)}
        strange = [name for name in self.points if stated and not known & set(name.split())]
        if strange:
            raise AuthoringError(
                f"{self.name}: there are points for {', '.join(strange)}, which "
                f"{self.function.__name__} neither takes nor, by its docstring, returns: {stated!r}"
            )

    def _validate_yields(self) -> None:
        yielded = yields(self.function)
        known = {*yielded, "generator"}  # of random numbers, that they follow the one given
        strange = [name for name in self.points if self.named and name not in known]
        if strange:
            raise AuthoringError(
                f"{self.name}: there are points for {', '.join(strange)}, which "
                f"{self.function.__name__} does not yield: it yields {', '.join(yielded)}"
            )

    def _validate_new(self) -> None:
        first = next(iter(inspect.signature(self.function).parameters), "")
        if not first or any(first in case.arguments for case in self.cases):
            raise AuthoringError(
                f"{self.name}: {self.function.__name__} is a script, for it yields: its first "
                "parameter is `new`, and the case's arguments come after that"
            )

    @property
    def subject(self) -> str:
        return self.function.__name__

    @cached_property
    def scripted(self) -> bool:
        """Whether its function is a script, and no function that students write."""
        return is_script(self.function)

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def _parameters(self) -> list[str]:
        return list(self._signature.parameters)[int(self.scripted) :]

    @property
    def _required(self) -> set[str]:
        """What each case must give; what input is refused, its functions alone can tell."""
        parameters = self._signature.parameters
        needed = {name for name in self._parameters if _is_needed(parameters[name])}
        return needed - {"generator"} if self.named or self.scripted else set()

    @cached_property
    def needs(self) -> frozenset[str]:
        if not self.scripted:
            return frozenset({self.function.__name__})
        known = self.function.__globals__
        named = {name: known.get(name) for name in self.function.__code__.co_names}
        own = self.function.__module__.partition(".")[0]
        return frozenset(
            name
            for name, value in named.items()
            if callable(value) and getattr(value, "__module__", "").partition(".")[0] == own
        )

    @cached_property
    def updates(self) -> frozenset[str]:
        return frozenset() if self.scripted else frozenset(self.points) & set(self._parameters)

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Expectation]:
        calls = self.calls(arguments, seeds)
        return calls, self.expect(case, calls, reference)

    def program(
        self,
        arguments: Arguments,
        reference: LocalSession,
        seeds: SeedSource,
        outputs: Collection[str],
    ) -> Program:
        """The calls of its script, which must give just these outputs.

        Raises:
            AuthoringError: it gives others, or the solution refuses what it is asked.
        """
        program = record(self.function, arguments, reference, seeds)
        if program.failed is not None:
            refuse_failure(program.failed)
        if set(program.names) != set(outputs):
            raise AuthoringError(
                f"{self.function.__name__} yields {', '.join(program.names) or 'nothing'}, but "
                f"there are points for {', '.join(outputs)}"
            )
        return program

    def judge(
        self, expectation: Expectation, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        given = tuple(answers)
        findings = {finding.output: finding for finding in expectation.judge(calls, given)}
        return Outcome(given, findings, unchanged(calls, given, self.may_change(expectation)))

    @abstractmethod
    def calls(self, arguments: Arguments, seeds: SeedSource) -> list[Call]:
        """The calls to make for a case whose arguments were drawn."""

    @abstractmethod
    def expect(self, case: Case, calls: Sequence[Call], reference: Session) -> Expectation:
        """What the reference says about them."""

    def call(self, arguments: Arguments, seed: int) -> Call:
        """Arguments in the signature's order: by position as far as none is left out."""
        present = {name: in_precision(value, self.dtype) for name, value in arguments.items()}
        parameters = list(self._signature.parameters)
        return ordered(self.function.__name__, parameters, present, seed)

    def bound(self, call: Call) -> Arguments:
        """The arguments of such a call, with the defaults of those that the case leaves out."""
        bound = self._signature.bind(**call.arguments)
        bound.apply_defaults()
        return bound.arguments


def _is_needed(parameter: inspect.Parameter) -> bool:
    variable = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return parameter.default is parameter.empty and parameter.kind not in variable


def listed(cases: Iterable[Case], name: str) -> tuple[Case, ...]:
    """The cases of a check, as its verb is given them."""
    if isinstance(cases, Case):
        raise AuthoringError(f"{name}: its cases are case(...) records in a tuple")
    return tuple(cases)


def credited(points: Mapping[str, float], name: str) -> dict[str, float]:
    """The points of a check, as its verb is given them."""
    if not isinstance(points, Mapping):
        raise AuthoringError(f"{name}: points are numbers, by the outputs' names")
    return dict(points)


def _stated(function: Callable[..., Any]) -> str:
    """What a docstring says below "Returns:", on one line, if it begins with a name."""
    doc = inspect.getdoc(function) or ""
    section = re.search(r"^Returns:\n((?:[ ]+.*\n?|\n)+)", doc, re.MULTILINE)
    text = " ".join(section[1].split()) if section else ""
    return text if re.match(r"[(`]*[a-z_]\w*`?[,:;)]", text) else ""
