"""What all cases have in common where random numbers do not follow their law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.judging.finding import Finding
from autograder.judging.wording import hint_at
from autograder.truth.changes import Arguments, Found, sizes, slug_of

WIDE = 0.1  # of its spread a mean may be off by that, and by no more where it is all right
NEAR = 0.03  # how far a measured spread may be from what explains it


@dataclass(frozen=True)
class OffLaw:
    """A finding about random numbers, and what the call was given."""

    finding: Finding
    arguments: Arguments


def by_law(off: Sequence[OffLaw], cases: int) -> Found | None:
    """What is wrong with the numbers in each of these cases, if it is one thing.

    Args:
        cases: how many there are, with those in which nothing is wrong.
    """
    tests = {str(one.finding.evidence["test"]) for one in off}
    together = {test for test in tests if test.startswith("evenness") or "alike" in test}
    if together and len(tests) > 1 and tests <= {*together, "share kept"}:
        said = "its elements hang together, or are kept apart: each should be drawn on its own"
        return Found("not-independent", f"not as it should be: {said}")
    if tests == {"spread", "mean"} and all(_is_wide(one.finding) for one in off):
        return _spread([float(one.finding.evidence["spread"]) for one in off], off)
    if len(tests) != 1:
        return None
    (test,) = tests
    if test == "fixed draw" and len(off) < cases:
        return None  # what is fixed is fixed everywhere; few and likely numbers repeat by chance
    if test == "spread":
        return _spread([float(one.finding.evidence["measured"]) for one in off], off)
    kind = slug_of(test.partition(" over ")[0].partition(" of ")[0].partition(" in ")[0])
    said, output = hint_at(off[0].finding), f"{off[0].finding.output} "
    told = f"it {said.removeprefix(output)}" if said.startswith(output) else said
    return Found(kind, f"not as it should be: {told}")


def _is_wide(finding: Finding) -> bool:
    """Whether all that is wrong is the spread: of numbers that are spread too wide the mean is
    further off, too."""
    e = finding.evidence
    return e["test"] == "spread" or abs(float(e["mean"])) < WIDE * float(e["spread"]) > WIDE


_POWERS = ((1.0, ""), (0.5, "the root of "), (-1.0, "1 / "), (-0.5, "1 / the root of "))


def _spread(measured: Sequence[float], off: Sequence[OffLaw]) -> Found:
    """By what the standard deviation is off: the same in each case, or a size that can be counted,
    or the root of one."""
    factor = sum(measured) / len(measured)
    if len(measured) > 1 and all(abs(m - factor) < NEAR * factor for m in measured):
        return Found("spread", f"spread {factor:.3g} times as wide as it should be, in every case")
    counted = [sizes(one.arguments) for one in off]
    for power, told in _POWERS:
        for what in counted[0]:
            wanted = [float(counts.get(what, 1)) ** power for counts in counted]
            pairs = list(zip(measured, wanted, strict=True))
            if all(w not in {0.0, 1.0} and abs(m / w - 1) < NEAR for m, w in pairs):
                return Found("spread", f"spread too wide by {told}{what}")
    if all(m < 1 for m in measured):
        return Found("spread", "spread too narrow in every case")
    if all(m > 1 for m in measured):
        return Found("spread", "spread too wide in every case")
    return Found("spread", "spread too wide in some cases and too narrow in others")
