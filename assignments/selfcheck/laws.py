"""Judge random answers by their law: distribution, independence, reproducibility.

Every test yields an upper bound on the probability that a correct sampler looks as bad as what
was seen, from an inequality that holds for every sample size (named at each test), so the stated
false-alarm rate is kept and not merely approached. A check of K tests fails when one bound is
below `FALSE_ALARM / K` (Bonferroni).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from .call import Answer, Call, Seed, Value
from .compare import Expected, compare, describe_type, dtype_name, failed, returned
from .finding import Finding

FALSE_ALARM = 1e-9
BINS = 1024  # of the grid on which distribution functions are compared
_BIN_ENDS = np.arange(1, BINS + 1) / BINS


@dataclass(frozen=True)
class Normal:
    """Independent normal numbers of mean zero."""

    std: float


@dataclass(frozen=True)
class Uniform:
    """Independent numbers, uniform in [-bound, bound]."""

    bound: float


Law: TypeAlias = Normal | Uniform


@dataclass(frozen=True)
class Test:
    """What one test measured, and the logarithm of the bound on its false alarm."""

    __test__ = False

    name: str
    log_p: float
    evidence: dict[str, float | str] = field(default_factory=dict)


def random_calls(call: Call, generator_seeds: Sequence[int], global_seed: int) -> list[Call]:
    """The calls by which a random function is judged: one per generator seed; the first seed once
    more while the global generators differ; and two that draw from the global generator."""

    def with_generator(seed: int | None, at: int) -> Call:
        generator = None if seed is None else Seed(seed)
        arguments = {**call.arguments, "generator": generator}
        return Call(call.function, arguments, call.positional, global_seed + at)

    return [with_generator(seed, at) for at, seed in enumerate(all_seeds(generator_seeds))]


def all_seeds(generator_seeds: Sequence[int]) -> list[int | None]:
    """The seeds of the generators that are given, run by run; None where none is."""
    return [*generator_seeds, generator_seeds[0], None, None]


@dataclass(frozen=True)
class FillExpectation:
    """The law of a tensor that is filled in place, over the calls of `random_calls`."""

    argument: str
    law: Law

    outputs = property(lambda self: (self.argument, "generator"))

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """Findings for the law and for where the randomness comes from."""
        for answer in answers:
            if answer.failure is not None:
                return [failed(output, answer) for output in self.outputs]
        draws = []
        for call, answer in zip(calls, answers, strict=True):
            given, filled = call.arguments[self.argument], answer.arguments[self.argument]
            wrong = _as_given(self.argument, given, filled) or _as_given(
                self.argument, filled, answer.value
            )
            if wrong:
                return [wrong, Finding("generator", "unsettled")]
            assert isinstance(filled, Tensor)  # noqa: S101 - _as_given has seen to it
            draws.append(filled)
        *sample, repeat, first_global, second_global = draws
        source, flags = _source(sample, repeat, first_global, second_global)
        stacked = torch.stack(sample).to(torch.float64)
        # A sum that is finite has only such terms, and takes a tenth of the time.
        if not math.isfinite(float(stacked.sum())) and not bool(torch.isfinite(stacked).all()):
            law = Finding(self.argument, "law", {"test": "finite"})
        else:
            tests = list(_fill_tests(stacked, self.law))
            features = {test.name: _feature(test) for test in tests}
            law = _verdict(self.argument, tests, features | flags)
        return [law, source]


def _as_given(output: str, given: Value, got: Value) -> Finding | None:
    """A finding unless `got` is a tensor of the same shape and type as `given`."""
    if not isinstance(got, Tensor) or not isinstance(given, Tensor):
        return Finding(output, "type", {"expected": "a tensor", "got": describe_type(got)})
    if got.shape != given.shape:
        return Finding(output, "shape", {"expected": list(given.shape), "got": list(got.shape)})
    if got.dtype != given.dtype:
        evidence = {"expected": dtype_name(given.dtype), "got": dtype_name(got.dtype)}
        return Finding(output, "dtype", evidence)
    return None


@dataclass(frozen=True)
class MaskExpectation:
    """The law of a dropout mask, and the output that belongs to each mask.

    `kept` is the output where everything is kept; the right output is `kept` under the mask and
    zero elsewhere. `keep` is the probability that an element of the mask is True.
    """

    output: str
    mask_shape: tuple[int, ...]
    keep: float
    kept: Expected

    outputs = property(lambda self: (self.output, "mask", "generator"))

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """Findings for the output, the mask's law and the randomness' source."""
        for answer in answers:
            if answer.failure is not None:
                return [failed(output, answer) for output in self.outputs]
        masks, outputs = [], []
        for answer in answers:
            values = returned(answer, 2)
            if values is None:
                evidence = {"expected": [self.output, "mask"], "got": 1}
                return [Finding(output, "count", evidence) for output in self.outputs]
            output, mask = values
            like = torch.empty(self.mask_shape, dtype=torch.bool)
            wrong = _as_given("mask", like, mask)
            if wrong:
                unsettled = [Finding(name, "unsettled") for name in (self.output, "generator")]
                return [unsettled[0], wrong, unsettled[1]]
            assert isinstance(mask, Tensor)  # noqa: S101 - _as_given has seen to it
            masks.append(mask)
            outputs.append(output)
        *sample, repeat, first_global, second_global = masks
        source, flags = _source(sample, repeat, first_global, second_global)
        tests = list(_mask_tests(torch.stack(sample), self.keep))
        features = {test.name: _feature(test) for test in tests}
        applied, scales = self._applied(masks, outputs)
        features = features | flags | scales
        law = _verdict("mask", tests, features)
        return [replace(applied, evidence=applied.evidence | features), law, source]

    def _applied(
        self, masks: list[Tensor], outputs: list[Value]
    ) -> tuple[Finding, dict[str, float]]:
        """The worst finding for the outputs under their masks, and where one is wrong what tells
        it from others."""
        truth, precise = self.kept.value, self.kept.low
        assert isinstance(truth, Tensor)  # noqa: S101 - made so by the check
        assert precise is not None  # noqa: S101 - likewise
        worst = Finding(self.output)
        for mask, output in zip(masks, outputs, strict=True):
            exact = torch.where(mask.expand(truth.shape), precise, 0.0)
            found = compare(self.output, Expected(truth, exact, exact, self.kept.tolerance), output)
            if not found.passed:
                worst = found
        if not worst.passed:
            return worst, _scales(truth, masks, outputs)
        if not any(bool(mask.any()) for mask in masks) or all(bool(mask.all()) for mask in masks):
            # Nothing kept, or nothing dropped: there is no dropout here that could be right.
            worst = Finding(self.output, "law", {"test": "share kept"})
        return worst, {}


def _scales(truth: Tensor, masks: list[Tensor], outputs: list[Value]) -> dict[str, float]:
    """The scale of what is kept against what it should be: the mean, over the draws, of its median,
    and how far apart the lowest and the highest tenth of all scales are."""
    ratios: list[Tensor] = []
    wide, usable = truth.to(torch.float64), truth.abs() > 1e-3
    for mask, output in zip(masks, outputs, strict=True):
        under = mask.expand(truth.shape)
        if isinstance(output, Tensor) and output.shape == truth.shape and bool(under.any()):
            seen = (under & usable).flatten().nonzero().squeeze(1)
            ratios.append(output.take(seen).to(torch.float64) / wide.take(seen))
    medians = [float(ratio.median()) if ratio.numel() else math.nan for ratio in ratios]
    together = torch.cat(ratios) if ratios else torch.empty(0)
    scatter = math.nan
    if together.numel():
        ordered, tenth = together.sort().values, together.numel() // 10
        scatter = float(ordered[-1 - tenth] - ordered[tenth])
    scale = sum(medians) / len(medians) if medians else math.nan
    return {"scale": scale, "scatter": scatter}


def _source(
    sample: list[Tensor], repeat: Tensor, first_global: Tensor, second_global: Tensor
) -> tuple[Finding, dict[str, float]]:
    """Draws must follow the given generator, and torch's global one when none is given."""
    same_again = torch.equal(sample[0], repeat)
    differ = not torch.equal(sample[0], sample[1])
    global_differ = not torch.equal(first_global, second_global)
    flags = {
        "repeats": float(same_again),
        "differs": float(differ),
        "global differs": float(global_differ),
    }
    if not differ or not global_differ:
        return Finding("generator", "law", {"test": "fixed draw", **flags}), flags
    if not same_again:
        return Finding("generator", "law", {"test": "other source", **flags}), flags
    return Finding("generator", "", dict(flags)), flags


def _verdict(output: str, tests: list[Test], features: dict[str, float]) -> Finding:
    allowed = math.log(FALSE_ALARM / len(tests))
    # The tests stand in the order in which they explain: a wrong spread moves the extremes too.
    failing = (test for test in tests if test.log_p < allowed)
    worst = next(failing, None) or min(tests, key=lambda test: test.log_p)
    evidence: dict[str, Any] = {
        "test": worst.name,
        "log10_p": max(worst.log_p / math.log(10), -999.0),
        "log10_allowed": allowed / math.log(10),
        **worst.evidence,
        **features,
    }
    if worst.log_p < allowed:
        chances = {test.name: max(test.log_p / math.log(10), -999.0) for test in tests}
        evidence["chances"] = {name: round(p, 1) for name, p in chances.items()}
    return Finding(output, "" if worst.log_p >= allowed else "law", evidence)


def _feature(test: Test) -> float:
    measured = test.evidence.get("measured", math.nan)
    return float(measured)


def _fill_tests(sample: Tensor, law: Law) -> Iterator[Test]:
    """Tests of a stack of draws (R, *shape)."""
    n = sample.numel()
    if isinstance(law, Normal):
        z = sample / law.std
        expected_spread = 1.0
        cdf = torch.special.ndtr(z)
    else:
        z = sample / law.bound
        expected_spread = math.sqrt(1 / 3)
        cdf = ((z + 1) / 2).clamp(0, 1)

    total = float(z.sum())
    squares = float((z * z).sum())
    if isinstance(law, Normal):
        mean_log_p = _log_two_normal_tails(abs(total) / math.sqrt(n))
        spread_log_p = _log_chi_square(squares, n)
    else:
        mean_log_p = math.log(2) - total * total / (2 * n)  # Hoeffding, |z| <= 1
        deviation = squares - n / 3
        spread_log_p = math.log(2) - 2 * deviation * deviation / n  # Hoeffding, 0 <= z^2 <= 1
    sums = (z.flatten(1).sum(1) / expected_spread / math.sqrt(n / len(z))).square().sum()
    yield Test("mean", mean_log_p, {"measured": total / n / expected_spread, "wanted": 0.0})
    ratio = math.sqrt(squares / n) / expected_spread
    yield Test("spread", spread_log_p, {"measured": ratio, "wanted": 1.0})

    yield Test("exactness", _log_near_zero(float(sums), len(z)), {"measured": float(sums)})

    # The greatest distance of the distribution functions over a grid, which is at most that over
    # all points: so Dvoretzky-Kiefer-Wolfowitz, with Massart's constant, bounds it too.
    # By numpy in half the time: of a power of two as many bins, scaling is exact.
    bins = (cdf.flatten().numpy() * BINS).astype(np.int64)
    counts = np.bincount(bins, minlength=BINS + 1)
    counts[BINS - 1] += counts[BINS]  # the last bin has both of its ends
    distance = float(np.abs(counts[:BINS].cumsum() / n - _BIN_ENDS).max())
    yield Test("shape", math.log(2) - 2 * n * distance**2, {"measured": distance, "wanted": 0.0})

    largest = float(z.abs().max())
    yield Test("extremes", _log_largest(largest, n, law), {"measured": largest, "wanted": math.nan})
    for name, a, b in _pairs(z):
        s, pairs = float((a * b).sum()), a.numel()
        if isinstance(law, Normal):
            # Chernoff for products of independent normals, with lambda = s / (n + s).
            log_p = math.log(2) - s * s / (2 * (pairs + abs(s)))
        else:
            log_p = math.log(2) - s * s / (2 * pairs)  # Hoeffding
        correlation = s / pairs / expected_spread**2
        yield Test(name, log_p, {"measured": correlation, "wanted": 0.0})


def _mask_tests(masks: Tensor, keep: float) -> Iterator[Test]:
    """Tests of a stack of masks (R, *mask_shape) whose elements are True with probability keep."""
    share = float(masks.to(torch.float64).mean())
    if keep in {0.0, 1.0}:
        log_p = 0.0 if share == keep else -math.inf
        yield Test("share kept", log_p, {"measured": share, "wanted": keep})
        return
    n = masks.numel()
    yield Test("share kept", log_binomial(share, n, keep), {"measured": share, "wanted": keep})

    # Too uneven or too even over any group of axes: whole channels dropped, one mask for the
    # batch, exactly round(n * p) zeros in every call.
    kept = masks.to(torch.float64)
    axes = [axis for axis in range(masks.dim()) if masks.shape[axis] > 1]
    # Over groups of axes, each from one over an axis less: counts are exact.
    totals: dict[tuple[int, ...], Tensor] = {(): kept}

    def total(summed: tuple[int, ...]) -> Tensor:
        if summed not in totals:
            totals[summed] = total(summed[:-1]).sum(dim=summed[-1], keepdim=True)
        return totals[summed]

    for size in range(1, len(axes)):
        for summed in itertools.combinations(axes, len(axes) - size):
            counts = total(summed)
            groups, members = counts.numel(), n // counts.numel()
            least, most = (float(count) / members for count in torch.aminmax(counts))
            chances = {share: log_binomial(share, members, keep) for share in (least, most)}
            extreme = min(chances, key=chances.__getitem__)
            log_p = chances[extreme] + math.log(groups)
            if least == most:
                log_p = min(log_p, (groups - 1) * _log_most_likely(members, keep))
            over = " and ".join(
                "draws" if axis == 0 else f"dimension {axis - 1}"
                for axis in axes
                if axis not in summed
            )
            yield Test(f"evenness over {over}", log_p, {"extreme": extreme, "wanted": keep})
    spread = max(keep, 1 - keep)
    for name, a, b in _pairs(kept - keep):
        s, pairs = float((a * b).sum()), a.numel()
        log_p = math.log(2) - 2 * s * s / (pairs * spread * spread)  # Hoeffding
        correlation = s / pairs / (keep * (1 - keep))
        yield Test(name, log_p, {"measured": correlation, "wanted": 0.0})


def _pairs(z: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Disjoint pairs of elements, which are independent in a correct sample (R, *shape)."""
    half = z.shape[0] // 2
    yield "draws alike", z[:half], z[half : 2 * half]
    for axis in range(1, z.dim()):
        half = z.shape[axis] // 2
        if half == 0:
            continue
        first, second = z.narrow(axis, 0, half), z.narrow(axis, half, half)
        yield f"halves of dimension {axis - 1} alike", first, second
        before = (slice(None),) * axis
        even, odd = (z[(*before, slice(at, 2 * half, 2))] for at in (0, 1))
        yield f"neighbours in dimension {axis - 1} alike", even, odd


def _log_two_normal_tails(t: float) -> float:
    return math.log(2) + float(torch.special.log_ndtr(torch.tensor(-t, dtype=torch.float64)))


def _log_near_zero(squares: float, count: int) -> float:
    """That so many means, each in units of its deviation, have squares that add up to so little:
    the ball's volume, as no log-concave law of deviation 1 is denser than 1 (Bobkov & Chistyakov
    2015)."""
    radius = math.log(max(math.pi * squares, 1e-300))
    return min(0.0, count / 2 * radius - math.lgamma(count / 2 + 1))


def _log_chi_square(z: float, n: int) -> float:
    """Both tails of chi-square with n degrees of freedom (Laurent & Massart 2000, lemma 1)."""
    deviation = z - n
    if deviation < 0:
        return math.log(2) - deviation * deviation / (4 * n)
    root = (math.sqrt(n + 2 * deviation) - math.sqrt(n)) / 2
    return math.log(2) - root * root


def _log_largest(largest: float, n: int, law: Law) -> float:
    """The largest of n absolute values, too large or (truncated tails) too small."""
    if isinstance(law, Uniform):
        if largest > 1 + 1e-6:
            return -math.inf
        return math.log(2) + n * math.log(max(min(largest, 1.0), 1e-300))
    tail = 2 * float(torch.special.ndtr(torch.tensor(-largest, dtype=torch.float64)))
    too_small = n * math.log1p(-tail) if tail < 1 else -math.inf
    too_large = math.log(n) + _log_two_normal_tails(largest)
    return math.log(2) + min(too_small, too_large)


def log_binomial(share: float, n: int, p: float) -> float:
    """Both tails of a binomial share (Chernoff: n times the Kullback-Leibler divergence)."""
    divergence = 0.0
    if share > 0:
        divergence += share * math.log(share / p)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - p))
    return math.log(2) - n * divergence


def _log_most_likely(n: int, p: float) -> float:
    """An upper bound on the probability of any one count of a binomial: by Stirling, it is at most
    1.1 / sqrt(2 pi n p q) once n p q >= 1."""
    variance = n * p * (1 - p)
    return min(0.0, math.log(1.1) - 0.5 * math.log(2 * math.pi * variance)) if variance > 1 else 0.0
