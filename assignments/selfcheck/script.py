"""Hold the answers to a script's calls against what the solution gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .call import Answer, Call, Held, Value
from .compare import Expected, compare, failed
from .finding import Finding
from .laws import FillExpectation, MaskExpectation
from .tree import leaves

STEP = ", step "  # between an output's name and which time it is yielded, from the second on


@dataclass(frozen=True)
class ScriptExpectation:
    """Per output, and per step where it is yielded often, which call of the script gives it, and
    the truth; and the arguments that calls may change, because the solution does."""

    places: Mapping[str, int]
    truths: Mapping[str, Expected]
    changes: tuple[str, ...]

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """One finding per output, the first that is wrong of its steps. Where a call could not be
        made, what an earlier one lacked is the finding."""
        findings: dict[str, Finding] = {}
        spoiled = _spoiled(calls, answers)
        for name, place in self.places.items():
            output, _, step = name.partition(STEP)
            if output in findings and not findings[output].passed:
                continue
            answer = answers[place]
            if place in spoiled:
                found = failed(output, answers[spoiled[place]])
            elif answer.failure is None:
                found = compare(output, self.truths[name], answer.value)
            else:
                found = failed(output, root(answers[: place + 1]))
            if answer.failure is None and not found.passed:
                found = _earlier(output, calls, answers, place) or found
            if step and not found.passed:
                found = replace(found, evidence={**found.evidence, "repeat": int(step)})
            findings[output] = found
        return list(findings.values())

    @property
    def outputs(self) -> list[str]:
        """The names of what is yielded, each once."""
        return list(dict.fromkeys(name.partition(STEP)[0] for name in self.places))

    def steps(self, output: str) -> list[str]:
        """The names in `places` of an output's steps, in order."""
        return [name for name in self.places if name.partition(STEP)[0] == output]


def _earlier(
    output: str, calls: Sequence[Call], answers: Sequence[Answer], place: int
) -> Finding | None:
    """Of what is wrong with an object, that an earlier call which took it has failed: `x.grad` is
    None where the module was never applied to x."""
    wanted, met = [place], set[int]()
    while wanted:
        number = wanted.pop()
        if number not in met:
            met.add(number)
            wanted += _taken(calls, number)
    for number, answer in enumerate(answers[:place]):
        if answer.failure is not None and met.intersection(_taken(calls, number)):
            return failed(output, root(answers[: number + 1]))
    return None


def _taken(calls: Sequence[Call], number: int) -> list[int]:
    """The calls whose objects a call takes."""
    parts = [leaf for value in calls[number].arguments.values() for _, leaf in leaves(value)]
    return [number - part.back for part in parts if isinstance(part, Held)]


def _spoiled(calls: Sequence[Call], answers: Sequence[Answer]) -> dict[int, int]:
    """The calls with an object that could not be set up, or with what such an object was used on,
    each with the call that failed to: what they give shows nothing else."""
    objects: dict[int, int] = {}
    found: dict[int, int] = {}
    for number, (call, answer) in enumerate(zip(calls, answers, strict=False)):
        taken = _taken(calls, number)
        cause = next((objects[at] for at in taken if at in objects), None)
        if cause is None and call.function in _SETTING and answer.failure is not None:
            cause = number if answer.failure.kind != "input" else None
        if cause is not None:
            found[number] = cause
            objects.update(dict.fromkeys([number, *taken], cause))
    return found


_SETTING = {"@load", "@setattr"}


def root(answers: Sequence[Answer]) -> Answer:
    """The last answer, or if it only lacks what an earlier call should have given, the first that
    failed by itself."""
    last = answers[-1]
    if last.failure is None or last.failure.kind != "input":
        return last
    return next((a for a in answers if a.failure and a.failure.kind != "input"), last)


@dataclass(frozen=True)
class RandomScript:
    """A script that draws at random, run again and again: what its runs yield is judged as the
    answers of a random function are."""

    law: FillExpectation | MaskExpectation
    lengths: tuple[int, ...]  # of the runs, in calls
    outputs: tuple[str, ...]  # that make up an answer: the filled tensor, or output and mask
    places: tuple[int, ...]  # of the calls that give them, in each run
    like: Value  # what the first of them is like: its shape and type

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """The findings of the law about what each run yields."""
        made, given, start = [], [], 0
        filled = self.outputs[0]
        for length in self.lengths:
            run = answers[start : start + length]
            start += length
            wrong = next((p for p in self.places if run[p].failure is not None), None)
            if wrong is not None:
                found = root(run[: wrong + 1])
                return [failed(output, found) for output in self.law.outputs]
            values = [run[place].value for place in self.places]
            answer = Answer(tuple(values) if len(values) > 1 else values[0], {filled: values[0]})
            made.append(answer)
            given.append(Call("", {filled: self.like}, 0))
        return self.law.judge(given, made)
