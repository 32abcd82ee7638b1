"""What needs no comparison to be named: another type, an exception, rounding that is too coarse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from autograder.judging.crashes import crash_of
from autograder.judging.finding import Finding
from autograder.judging.wording import hint_at
from autograder.numerics.outcome import Outcome
from autograder.truth.changes import Found
from autograder.truth.matching import UNCHANGED, Place, at_place
from autograder.truth.occasion import occasion
from autograder.truth.trial import Trial

# Errors of this size against the largest number are what float32 leaves, and hardly anything else.
FLOAT32 = (2.0**-34, 2.0**-20)
_SAID = {"dtype", "type", "count", "changed", "accepted", "refused"}


def plainly(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
    """What is wrong in every failing case of a place, as each of them says by itself."""
    failing = [(trial, f) for trial, f in _findings(trials, seen, place) if not f.passed]
    problems = {finding.problem for _, finding in failing}
    if len(problems) != 1:
        return None
    first = failing[0][1]
    if first.problem == "refused" and first.evidence["kind"] == "exception":
        return Found("refused", _refused(first))
    if first.problem in _SAID:
        return Found(first.problem, hint_at(first))
    if first.problem == "failure":
        return _raised(failing, occasion(trials, seen, place))
    return None


def _refused(finding: Finding) -> str:
    e = finding.evidence
    return (
        f"bad input ends in {e['exception']}, by chance or by a check that raises another kind of "
        f"exception: look at the arguments first, and raise {e['expected']}"
    )


def in_part(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
    """What is raised in some of the failing cases, where nothing else explains the others."""
    found = _findings(trials, seen, place)
    raised = [(trial, f) for trial, f in found if f.problem == "failure"]
    if not raised:
        return None
    alone = len(raised) == sum(not f.passed for _, f in found)
    when = occasion(trials, seen, place) if alone else "in some cases, and wrong in others"
    return _raised(raised, when, often=True)


def _raised(
    failing: Sequence[tuple[Trial, Finding]], when: str, *, often: bool = False
) -> Found | None:
    """The kind of exception that all of these cases raise, or the most of them."""
    kinds = Counter(crash_of(finding.evidence) for _, finding in failing)
    kind, _ = kinds.most_common(1)[0]
    if kind is None or (len(kinds) > 1 and not often):
        return None
    told = f"missing {when}".strip()
    raises = "an exception," if len(kinds) == 1 else "exceptions of several kinds, most often"
    what = f"{told}: the call raises {raises} {kind.what} ({kind.hint})"
    return Found(kind.slug, what, cause=f"raised: {kind.slug}")


def by_shape(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
    """How the shapes are wrong, if nothing else is, and when that happens. Sizes are told apart by
    one at most: hidden ones are not to be found out."""
    failing = [f for _, f in _findings(trials, seen, place) if not f.passed]
    if any(finding.problem != "shape" for finding in failing):
        return None
    how = _shapes([(f.evidence["got"], f.evidence["expected"]) for f in failing])
    when = occasion(trials, seen, place)
    if not how and not when:
        return None
    return Found("shape", f"given with {how or 'another shape than it should have'} {when}".strip())


def _shapes(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> str:
    """How these shapes differ from those expected; empty where it cannot be said simply."""
    more = {len(got) - len(expected) for got, expected in pairs}
    if 0 not in more:
        by = more.pop() if len(more) == 1 else 0
        said = {1: "one dimension too many", -1: "one dimension too few"}
        return said.get(by, "another number of dimensions")
    if more != {0}:
        return ""
    if all(sorted(got) == sorted(expected) for got, expected in pairs):
        return "its dimensions in another order"
    sizes = [one for pair in pairs for one in enumerate(zip(*pair, strict=True))]
    off = {(at, got - expected) for at, (got, expected) in sizes if got != expected}
    for by, many_or_few in ((1, "many"), (-1, "few")):
        if all(difference == by for _, difference in off):
            where = " or ".join(str(at) for at, _ in sorted(off))
            return f"one entry too {many_or_few} in dimension {where}"
    if all(got == 1 for _, (got, expected) in sizes if got != expected):
        return "a size of 1 where there should be more"
    if all(expected == 1 < got for _, (got, expected) in sizes if got != expected):
        where = " or ".join(str(at) for at in sorted({at for at, _ in off}))
        return f"several entries in dimension {where}, where there should be one"
    return ""


def in_float32(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
    """Whether all that is wrong may be rounding to float32 on the way."""
    found = _findings(trials, seen, place)
    exact = [f for trial, f in found if trial.check.kind != "precision" and not f.passed]
    coarse = [f for trial, f in found if trial.check.kind == "precision" and not f.passed]
    exact = [f for f in exact if f.problem != "dtype" or f.evidence["got"] != "float32"]
    sizes = [float(f.evidence.get("relative", 0)) for f in exact]
    low, high = FLOAT32
    if coarse or not exact or max(sizes) > high or 2 * sum(s >= low for s in sizes) < len(sizes):
        return None  # where nearly all is settled, nearly nothing is rounded
    what = "off by what float32 rounds away. Does anything on the way, such as a new tensor or a "
    what += "mask that is divided, have another type than x?"
    return Found("rounded-to-float32", what)


def _findings(
    trials: Sequence[Trial], seen: Sequence[Outcome], place: Place
) -> list[tuple[Trial, Finding]]:
    found = []
    for at, trial in at_place(trials, seen, place):
        outcome = seen[at]
        finding = outcome.unchanged if place[1] == UNCHANGED else outcome.findings[place[1]]
        if place[1] != UNCHANGED or finding.problem in {"", "changed"}:
            found.append((trial, finding))
    return found
