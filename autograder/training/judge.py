"""Hold a submission's training run against the reference's, call by call, and find where they part.

At each call the same inputs have gone to both, as long as nothing has parted. Where a sketch
differs, the reference is asked about the very inputs that the submission's function got, so the
call at fault is known for certain. It is only ever asked about inputs of the types and shapes that
it met in its own run: what it costs to judge a submission is not the submission's to choose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from autograder.errors import AuthoringError
from autograder.judging.call import Answer, Call, Failure, Results, Value
from autograder.judging.compare import Expected, compare, failed
from autograder.judging.finding import Finding
from autograder.judging.laws import FALSE_ALARM, log_binomial
from autograder.numerics.expectation import Outputs, call_in_precision, expect_values
from autograder.numerics.outcome import Fault, Outcome
from autograder.report import YOURS
from autograder.training.alone import error_rate, loss_of
from autograder.training.band import Band, smoothed
from autograder.training.lockstep import ALLOWED, Lockstep
from autograder.training.program import EVALUATION, ROWS, TRAINING, Operation, Output, Row
from autograder.training.sketch import near, norm

ALSO = 4  # how many functions more are named that are wrong as well


def judge(lockstep: Lockstep, answers: Iterable[Answer]) -> Outcome:
    """Judge a submission's run while it goes on."""
    return _Judge(lockstep).judge(answers)


class _Judge:
    """Judges one run while it goes on. What the submission gave is dropped as soon as nothing
    refers to it any more."""

    def __init__(self, lockstep: Lockstep) -> None:
        self._of = lockstep
        self._program = lockstep.program
        self._results = Results(lockstep.program.calls)
        # Calls, and what of them, that gave another type or shape than the reference.
        self._misfits: set[tuple[int, int | str | None]] = set()
        self._found: dict[Row, Finding] = {}  # what is wrong
        self._faults: list[Fault] = []
        self._excess: dict[Row, float] = {TRAINING: 0.0, EVALUATION: 0.0}
        self._also: dict[str, None] = {}  # further functions that are wrong, in order
        self._losses: list[list[float]] = [[] for _ in lockstep.starts]
        self._visible: int | None = None  # the first step whose loss shows it
        self._error_rates: list[float | None] = []
        self._answers: list[Answer] = []

    def judge(self, answers: Iterable[Answer]) -> Outcome:
        # The answers first: a session that is not asked to the end takes it for given up.
        for answer, (start, at, operation) in zip(answers, self._operations(), strict=True):
            self._answers.append(replace(answer, value=None, arguments={}))
            right = self._take(start, at, operation, answer)
            program = self._of.starts[start]
            if at in program.losses:
                self._losses[start].append(loss_of(answer))
            if at == program.predictions:
                self._error_rates.append(error_rate(answer, program))
                right = right and TRAINING not in self._found  # other starts would show no more
            if not right:
                break
        self._by_chance()
        findings: dict[str, Finding] = {row: self._finding(row) for row in ROWS}
        return Outcome(
            tuple(self._answers),
            findings,
            Finding("unchanged"),
            {TRAINING: [self._curve()]},
            tuple(self._faults),
        )

    def _operations(self) -> Iterator[tuple[int, int, Operation]]:
        for start, program in enumerate(self._of.starts):
            for at, operation in enumerate(program.operations):
                yield start, at, operation

    def _take(self, start: int, at: int, operation: Operation, answer: Answer) -> bool:
        """Look at an answer; return whether there is a point in looking at the next one."""
        if start:
            call: Call | None = operation.call
        else:
            call = self._results.resolve(operation.call)
            self._results.add(answer)
        if call is None or answer.failure is not None:
            self._stopped(operation, answer)
            return False
        if start:
            return True
        tracks = zip(operation.outputs, self._of.trace.tracks[at], strict=True)
        self._misfits |= {(at, o.item) for o, track in tracks if not track.fits(o.of(answer))}
        if operation.own_mask is not None:
            self._under_own_mask(operation, call, answer)
        else:
            self._compare(at, operation, call, answer)
        if at in self._program.losses and self._visible is None:
            (track,) = self._of.trace.tracks[at]
            if track.distance(answer.value, self._of.sketcher) > 1:
                self._visible = operation.step
        return True

    def _askable(self, operation: Operation) -> bool:
        """Whether its arguments are of the types and shapes of the reference's own run."""
        return not any((ref.call, ref.item) in self._misfits for _, ref in operation.call.refs)

    def _compare(self, at: int, operation: Operation, call: Call, answer: Answer) -> None:
        in_step = TRAINING not in self._found and operation.step < self._of.compared
        last = operation.step == self._program.steps
        for row in dict.fromkeys(output.row for output in operation.outputs):
            tracks = [
                (output, track)
                for output, track in zip(operation.outputs, self._of.trace.tracks[at], strict=True)
                if output.row == row
            ]
            fits = not any((at, output.item) in self._misfits for output, _ in tracks)
            if row in self._found:
                self._look_further(operation, call, answer)
            elif in_step or not fits or (last and not self._found and self._exact):
                excess = max(
                    track.distance(output.of(answer), self._of.sketcher) for output, track in tracks
                )
                if excess > 1:
                    self._accuse(operation, row, call, answer, excess)
                else:
                    self._excess[row] = max(self._excess[row], excess)
            elif row == EVALUATION and (last or self._exact):
                self._accuse(operation, row, call, answer, None)

    @property
    def _exact(self) -> bool:
        return self._of.dtype == torch.float64

    def _deviates(self, operation: Operation, call: Call, answer: Answer) -> bool:
        """Whether an answer is not what the reference gives for the same arguments."""
        truth = self._of.reference.call(call_in_precision(call, torch.float64))
        if truth.failure is not None:
            return True
        return not all(
            near(a, b, ALLOWED[self._of.dtype])
            for a, b in zip(operation.values(answer), operation.values(truth), strict=True)
        )

    def _accuse(
        self, operation: Operation, row: Row, call: Call, answer: Answer, excess: float | None
    ) -> None:
        """Ask the reference about the call, and note what is wrong with it.

        Args:
            excess: how far its answer is from what the reference gave in its own run; None when
                that has other arguments, because the runs have parted already.
        """
        askable = self._askable(operation)
        if excess is None and not (askable and self._deviates(operation, call, answer)):
            return
        fault = self._examine(operation, call, answer) if askable else None
        findings = fault.expectation.judge([call], [answer]) if fault is not None else []
        names = {output.name for output in operation.outputs if output.row == row}
        wrong = [finding for finding in findings if finding.output in names and not finding.passed]
        place = self._place(operation)
        if wrong and fault is not None:
            evidence = {**place, **wrong[0].evidence, **_size(wrong[0], fault)}
            evidence |= {"output": wrong[0].output, "cause": wrong[0].problem}
            self._found[row] = Finding(row, "parted", evidence)
            self._faults.append(fault)
        elif TRAINING not in self._found:
            # The call is right: what came before was off by less than it takes to be sure.
            self._found[row] = Finding(row, "drift", {**place, "excess": excess or math.inf})

    def _examine(self, operation: Operation, call: Call, answer: Answer) -> Fault | None:
        outputs = Outputs(
            tuple(o.name for o in operation.outputs if not isinstance(o.item, str)),
            tuple(o.name for o in operation.outputs if isinstance(o.item, str)),
        )
        try:
            expectation = expect_values(call, outputs, self._of.reference)
        except AuthoringError:  # arguments that the reference can make nothing of
            return None
        return Fault(call, answer, outputs, expectation)

    def _look_further(self, operation: Operation, call: Call, answer: Answer) -> None:
        """Whether what comes soon after the first fault is at fault as well."""
        known = [finding.evidence for finding in self._found.values()]
        soon = operation.step <= min(evidence["step"] for evidence in known) + 1
        new = call.function not in {evidence["function"] for evidence in known} | self._also.keys()
        if not (soon and new and len(self._also) < ALSO and self._askable(operation)):
            return
        if self._deviates(operation, call, answer):
            fault = self._examine(operation, call, answer)
            if fault and any(not f.passed for f in fault.expectation.judge([call], [answer])):
                self._faults.append(fault)
                self._also[call.function] = None

    def _under_own_mask(self, operation: Operation, call: Call, answer: Answer) -> None:
        """Hold an output against the mask that came with it."""
        own = operation.own_mask
        if TRAINING in self._found or own is None or not self._askable(operation):
            return
        y, mask = operation.values(answer)
        right = self._of.reference.call(call).value
        if not isinstance(right, tuple):  # x is nothing that the reference can work with
            return
        wrong = _unlike("mask", right[1], mask) or _unlike("y", right[0], y)
        if wrong is None:
            share, keep = float(mask.to(torch.float64).mean()), 1 - own.p
            allowed = math.log(FALSE_ALARM / self._program.steps)
            if log_binomial(share, mask.numel(), keep) < allowed:
                law = {"test": "share kept", "measured": share, "wanted": keep}
                wrong = Finding("mask", "law", law)
        if wrong is None:
            x = call.arguments["x"]
            given = {"grad_y": x, "mask": mask, "p": own.p, "training": True}
            kept = replace(operation, outputs=(Output("y", None, TRAINING),))
            masked = Call(own.function, given, len(given))
            answered = Answer(y)
            if self._deviates(kept, masked, answered):
                fault = self._examine(kept, masked, answered)
                found = fault.expectation.judge([masked], [answered])[0] if fault else None
                if found is not None and fault is not None and not found.passed:
                    wrong = replace(found, evidence={**found.evidence, **_size(found, fault)})
        if wrong is not None:
            evidence = {**self._place(operation), **wrong.evidence, "own_mask": True}
            evidence |= {"output": wrong.output, "cause": wrong.problem}
            self._found[TRAINING] = Finding(TRAINING, "parted", evidence)

    def _stopped(self, operation: Operation, answer: Answer) -> None:
        if answer.failure is None:
            answer = replace(answer, failure=Failure("input"))
        evidence = {**self._place(operation), **failed("", answer).evidence, "cause": "failure"}
        evidence |= {"output": "", "file": self._of.reference.home(operation.call.function)}
        for row in ROWS:
            done = row == TRAINING and operation.step == self._program.steps
            if row not in self._found and not done:
                self._found[row] = Finding(row, "parted", evidence)

    def _place(self, operation: Operation) -> dict[str, Any]:
        return {
            "step": operation.step,
            "evaluation": operation.step == self._program.steps,
            "layer": operation.where,
            "function": operation.call.function,
        }

    def _by_chance(self) -> None:
        """Where steps are not compared one by one, losses must be in the bands, and the error rate
        on average over all starts no worse than the reference's."""
        chance = self._of.trace.chance
        if chance is None or TRAINING in self._found:
            return
        for start, (band, losses) in enumerate(zip(chance.bands, self._losses, strict=True)):
            means = smoothed(torch.tensor(losses, dtype=torch.float64)).tolist()
            first = 0 if start else self._of.compared  # step of this start that nothing compares
            at = next((at for at in range(first, len(means)) if band.outside(at, means[at])), None)
            if at is not None:
                self._found[TRAINING] = self._out_of(band, start, at, means[at])
                return
        errors = [error for error in self._error_rates if error is not None]
        if len(errors) == len(self._of.starts) and (
            (measured := sum(errors) / len(errors)) > chance.worst_error_rate
        ):
            place = {"step": self._program.steps, "evaluation": True, "layer": "", "function": ""}
            limits = {"measured": 1 - measured, "at_least": 1 - chance.worst_error_rate}
            self._found.setdefault(EVALUATION, Finding(EVALUATION, "metric", {**place, **limits}))

    def _out_of(self, band: Band, start: int, at: int, mean: float) -> Finding:
        low, usual, high = (float(part[at].exp()) for part in (band.low, band.mean, band.high))
        starts = len(self._of.starts)
        return Finding(
            TRAINING,
            "band",
            {
                "start": start,
                "step": at,
                "evaluation": False,
                "layer": "the loss",
                "function": "",
                "place": f"start {start + 1} of {starts}, step {at}" if start else f"step {at}",
                "what": "the loss, averaged over the steps before,",
                "times": mean / usual,
                "low": low / usual,
                "high": high / usual,
            },
        )

    def _finding(self, row: Row) -> Finding:
        found = self._found.get(row)
        if found is None and row == EVALUATION and TRAINING in self._found:
            # With parameters that training got wrong, answers may be right that show nothing.
            return Finding(row, "unsettled")
        if found is None:
            evidence: dict[str, Any] = {"excess": self._excess[row]}
        else:
            evidence = {**found.evidence, "also": list(self._also)}
            if self._told(found):
                evidence["visible"] = self._visible
        if row == EVALUATION and self._error_rates and self._error_rates[0] is not None:
            evidence["error_rate"] = self._error_rates[0]
            evidence["reference_error_rate"] = self._of.trace.error_rate
        return Finding(row, found.problem if found else "", evidence)

    def _told(self, found: Finding) -> bool:
        """Whether the losses could tell: those that follow from a fault, or all."""
        known = self._visible is not None or len(self._losses[0]) == self._program.steps
        return known and not found.evidence.get("own_mask", False)

    def _curve(self) -> dict[str, Any]:
        """The losses from the start where something is wrong, or from the first."""
        found = [self._found[row].evidence for row in ROWS if row in self._found]
        marks = []
        for evidence in found[:1]:
            at = min(evidence["step"], self._program.steps - 1)
            marks.append({"x": at, "label": f"{evidence['layer']}: {evidence['function']}"})
        start = found[0].get("start", 0) if found else 0
        title, chance = self._of.title, self._of.trace.chance
        usual = chance.losses[start] if chance is not None and start else self._of.trace.losses
        series = {"reference": usual, YOURS: self._losses[start]}
        return {
            "title": f"{title}, start {start + 1} of {len(self._of.starts)}" if start else title,
            "x": "step",
            "y": "loss",
            "log": True,
            "series": [
                {"name": name, "x": list(range(len(losses))), "y": list(losses)}
                for name, losses in series.items()
            ],
            "band": chance and chance.bands[start].document(list(range(self._program.steps))),
            "marks": marks,
        }


def _unlike(name: str, right: Value, value: Value) -> Finding | None:
    """What is wrong with the type of a value, if anything is."""
    if isinstance(right, Tensor) and isinstance(value, Tensor):
        right = value if right.shape == value.shape and right.dtype == value.dtype else right
    found = compare(name, Expected(right), value)
    return None if found.passed else found


def _size(finding: Finding, fault: Fault) -> dict[str, Any]:
    """How much a wrong tensor is off: its ratio to the right one, if there is one ratio, and the
    size of the error over its own."""
    expected = {**fault.expectation.returns, **fault.expectation.updates}[finding.output]
    outputs = fault.outputs.of(fault.answer)
    value = outputs[finding.output] if outputs is not None else None
    if finding.problem != "value" or expected.low is None or not isinstance(value, Tensor):
        return {}
    got, truth = value.to(torch.float64).reshape(-1), expected.low.reshape(-1)
    large = truth.abs() > 0.05 * truth.abs().max()
    ratios = got[large] / truth[large]
    middle = float(ratios.median()) if ratios.numel() else math.nan
    size: dict[str, Any] = {"relative": norm(got - truth) / max(norm(truth), 1e-300)}
    if norm(got - middle * truth) <= 0.05 * norm(got - truth):
        size["ratio"] = middle
    return size
