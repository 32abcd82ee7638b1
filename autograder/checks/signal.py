"""Initialisation, judged by what it is for: how large the signal is, layer after layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from autograder.case import Arguments, Case, case, integers
from autograder.checks.base import Check, Keep, SeedSource
from autograder.judging.call import Answer, Call, Failure, Ref, Results, Seed, Value, ordered
from autograder.judging.compare import failed
from autograder.judging.finding import Finding
from autograder.judging.laws import FALSE_ALARM
from autograder.judging.local import LocalSession
from autograder.numerics.expectation import Outputs, expect_values
from autograder.numerics.outcome import Outcome
from autograder.report import YOURS
from autograder.training.band import Band, band_of
from autograder.training.data import Data
from autograder.training.sketch import near

RUNS = 48  # of the reference, with other random numbers each
IMAGES = 16
OUTPUT = "signal"  # the one output that such a check has


@dataclass(frozen=True)
class Depth:
    """What to expect of the signal in a network of so many layers."""

    layers: tuple[int, ...]  # the places of the calls whose output is measured
    band: Band
    reference: LocalSession
    title: str

    def judge(self, calls: Sequence[Call], answers: Iterable[Answer]) -> Outcome:
        measured: list[float] = []
        kept: list[Answer] = []
        found: Finding | None = None
        results = Results(calls)
        for at, answer in enumerate(answers):
            call = results.resolve(calls[at])
            results.add(answer)
            kept.append(replace(answer, value=None, arguments={}))
            if answer.failure is not None or call is None:
                found = found or self._stopped(at, calls[at], answer)
                break
            if found is None and not self._right(call, answer):
                found = self._wrong(at, call, answer)
            if at in self.layers:
                measured.append(_size(answer.value))
                if found is None and self.band.outside(len(measured) - 1, measured[-1]):
                    found = self._outside(len(measured) - 1, measured[-1])
        finding = found or Finding(OUTPUT)
        curve = self._curve(measured, finding)
        return Outcome(tuple(kept), {OUTPUT: finding}, Finding("unchanged"), {OUTPUT: [curve]})

    def _right(self, call: Call, answer: Answer) -> bool:
        """Whether the network itself is right: a signal of the right size could be made up."""
        arguments = call.arguments.values()
        if any(isinstance(value, Seed) for value in arguments):  # of what is drawn, the form
            filled = next(value for value in arguments if isinstance(value, Tensor))
            given = answer.value
            return isinstance(given, Tensor) and (
                (given.shape, given.dtype) == (filled.shape, filled.dtype)
            )
        truth, value = self.reference.call(call).value, answer.value
        if not isinstance(truth, Tensor) or not isinstance(value, Tensor):
            return False
        # What is right goes into the next call of the reference: in another type it could not.
        return value.dtype == truth.dtype and near(value, truth, 1e-9)

    def _wrong(self, at: int, call: Call, answer: Answer) -> Finding | None:
        expectation = expect_values(call, Outputs(("y",)), self.reference)
        (finding,) = expectation.judge([call], [answer])
        if finding.passed:
            return None
        layer = sum(place < at for place in self.layers)
        place = {"step": 0, "evaluation": False, "layer": f"layer {layer}"}
        wrong = {"function": call.function, "output": "y", "cause": finding.problem, "also": []}
        return Finding(OUTPUT, "parted", {**finding.evidence, **place, **wrong})

    def _stopped(self, at: int, call: Call, answer: Answer) -> Finding:
        if answer.failure is None:
            answer = replace(answer, failure=Failure("input"))
        layer = sum(place < at for place in self.layers)
        place = {"step": 0, "evaluation": False, "layer": f"layer {layer}"}
        evidence = {**place, **failed("", answer).evidence, "function": call.function}
        evidence |= {"output": "", "cause": "failure", "also": []}
        file = self.reference.home(call.function)
        return Finding(OUTPUT, "parted", {**evidence, "file": file})

    def _outside(self, layer: int, measured: float) -> Finding:
        usual = float(self.band.mean[layer].exp())
        low, high = float(self.band.low[layer].exp()), float(self.band.high[layer].exp())
        evidence = {
            "leaves_at": layer,
            "place": f"layer {layer}",
            "what": "the signal's standard deviation",
            "times": measured / usual,
            "low": low / usual,
            "high": high / usual,
        }
        return Finding(OUTPUT, "band", evidence)

    def _curve(self, measured: list[float], finding: Finding) -> dict[str, Any]:
        layers = list(range(len(self.layers)))
        usual = self.band.mean.exp().tolist()
        left = finding.evidence.get("leaves_at")
        marks = [] if left is None else [{"x": left, "label": "leaves the band"}]
        return {
            "title": self.title,
            "x": "layer",
            "y": "standard deviation",
            "log": True,
            "series": [
                {"name": "reference", "x": layers, "y": usual},
                {"name": YOURS, "x": layers[: len(measured)], "y": measured},
            ],
            "band": self.band.document(layers),
            "marks": marks,
        }


@dataclass(frozen=True)
class SignalCheck(Check):
    """The signal's standard deviation in a deep plain network stays where correct initialisations
    have it, whatever their random numbers."""

    kind: ClassVar[str] = "curve"
    long: ClassVar[bool] = True
    updates: ClassVar[frozenset[str]] = frozenset()

    fill: str
    settings: Mapping[str, Value]
    depths: tuple[int, ...]
    width: int
    data: Data
    points: Mapping[str, float]
    name: str
    cases: tuple[Case, ...] = field(init=False)

    def __post_init__(self) -> None:
        images = integers(IMAGES, low=0, high=self.data.count)
        cases = tuple(case(f"{depth} layers", images=images) for depth in self.depths)
        object.__setattr__(self, "cases", cases)
        self._validate()

    @property
    def subject(self) -> str:
        return self.fill

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.fill, "conv2d", "relu"})

    def prepare(
        self,
        case: Case,
        arguments: Arguments,
        seeds: SeedSource,
        reference: LocalSession,
        keep: Keep,
    ) -> tuple[Sequence[Call], Depth]:
        (depth,) = (depth for depth in self.depths if case.name == f"{depth} layers")
        images = arguments["images"]
        assert isinstance(images, Tensor)  # noqa: S101 - drawn above
        x = self.data.load().images[images]
        calls, layers = self._calls(depth, x, reference.parameters, seeds)
        band = keep.run(lambda: self._band(depth, x, seeds, reference))
        return calls, Depth(layers, band, reference, f"{self.name}, {case.name}")

    def _band(self, depth: int, x: Tensor, seeds: SeedSource, reference: LocalSession) -> Band:
        """Of the sizes that the reference leaves, with other random numbers in each run."""
        sizes = []
        for run in range(RUNS):

            def others(purpose: str, run: int = run) -> int:
                return seeds(f"{purpose}, run {run} of the reference")

            calls, layers = self._calls(depth, x, reference.parameters, others)
            answers = enumerate(reference.run(calls))
            sizes.append([_size(answer.value) for at, answer in answers if at in layers])
        return band_of(torch.tensor(sizes, dtype=torch.float64), FALSE_ALARM)

    def judge(
        self, expectation: Depth, calls: Sequence[Call], answers: Iterable[Answer]
    ) -> Outcome:
        return expectation.judge(calls, answers)

    def _calls(
        self, depth: int, x: Tensor, parameters: Callable[[str], Sequence[str]], seeds: SeedSource
    ) -> tuple[list[Call], tuple[int, ...]]:
        """Draw each layer's weights, go through it, and through a ReLU to the next one."""
        calls: list[Call] = []
        layers: list[int] = []
        signal: Value = x
        channels, size = x.shape[1], x.shape[2]

        def add(function: str, **given: Value) -> Ref:
            calls.append(ordered(function, parameters(function), given))
            return Ref(len(calls) - 1)

        for layer in range(depth):
            kernel = size if layer == 0 else 1
            empty = torch.zeros(self.width, channels, kernel, kernel, dtype=x.dtype)
            (tensor,) = parameters(self.fill)[:1]
            seed = Seed(seeds(f"weights of layer {layer}"))
            weight = add(self.fill, **{tensor: empty, "generator": seed, **self.settings})
            bias = torch.zeros(self.width, dtype=x.dtype)
            y = add("conv2d", x=signal, weight=weight, bias=bias)
            layers.append(y.call)
            signal = add("relu", x=y)
            channels = self.width
        return calls, tuple(layers)


def _size(value: Value) -> float:
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.numel() < 2:
        return 0.0
    return float(value.std())


def signal(
    fill: str,
    data: Data,
    points: float = 1.0,
    *,
    depths: Sequence[int] = (22, 30),
    width: int = 128,
    settings: Mapping[str, Value] | None = None,
    name: str = "",
) -> SignalCheck:
    """Check an initialisation by the size of the signal in plain ReLU networks with its weights.

    Args:
        fill: the function that fills a weight with random numbers.
        settings: its arguments beside the tensor and the generator.
    """
    name = name or f"the signal after {fill}"
    depths = tuple(depths)
    return SignalCheck(fill, settings or {}, depths, width, data, {OUTPUT: points}, name)
