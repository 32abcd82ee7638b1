"""What is wrong with a failed submission: compare it with solutions that are known to be wrong.

The recorded misconceptions come first, then experiments on the reference, then edits made by
machine; each has to give what the submission gave. A bug shows at a *place*: an output of a
function. What explains a place in all its cases is preferred to what explains it in one check
only, or in all cases but degenerate ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from autograder.case import Arguments
from autograder.checks.base import FunctionCheck
from autograder.checks.errors import REFUSAL
from autograder.exercise import Misconception
from autograder.judging.call import Answer
from autograder.judging.compare import ValueExpectation
from autograder.judging.local import LocalSession
from autograder.numerics.expectation import ALIKE, Outputs, alike
from autograder.numerics.outcome import Fault, Outcome
from autograder.topics.catalogue import Topic
from autograder.truth.chances import OffLaw, by_law
from autograder.truth.changes import (
    CONVINCING,
    Found,
    Seen,
    changes,
    changes_of_some,
    is_cancellation,
    is_rounding,
    is_zero,
    multiples,
    scaled,
    scaled_part,
)
from autograder.truth.matching import (
    UNCHANGED,
    Agreement,
    Compared,
    Place,
    State,
    at_place,
    compared,
    state_of,
    weight_of,
    wrong,
)
from autograder.truth.occasion import occasion
from autograder.truth.plain import by_shape, in_float32, in_part, plainly
from autograder.truth.suspects import INSTEAD, REPEATED, Lazy, Suspects
from autograder.truth.trial import Suspect, Trial


@dataclass(frozen=True)
class Explanation:
    """A name for what is wrong, and the hint that teaches it away.

    `cause` is what is the same where two functions are wrong in one way, `of` where it is wrong;
    empty where there is nothing to be said of both at once.
    """

    name: str
    hint: str
    cause: str = field(default="", compare=False)
    of: str = field(default="", compare=False)


def explanations(
    trials: Sequence[Trial],
    recorded: Sequence[Suspect],
    suspects: Suspects,
    seen: Sequence[Outcome],
) -> list[Explanation]:
    """What explains the places that fail, as little as is needed, the likeliest first."""
    whole = diagnose(trials, recorded, seen)
    found = [Explanation(s.misconception.name, s.misconception.hint) for s in whole]
    left = set(wrong(trials, seen))
    for suspect in whole:  # what is named already is not told of another place again
        left -= {p for p in left if _agreement(trials, seen, suspect, p).covers}
    for function in suspects.subjects:
        places = sorted(p for p in left if p[0] == function and p[1] not in _KNOWN_ALONE)
        if _is_fixed(trials, seen, function):  # one draw is no sample: its law says nothing
            places = [p for p in places if not _is_by_law(trials, seen, p)]
        if (function, "mask") in places:  # what y says of a law is what its mask says
            places = [p for p in places if p[1] == "mask" or not _is_by_law(trials, seen, p)]
        if places:
            named = {explanation.name for explanation in found}
            found += _of_function_at(function, places, trials, recorded, suspects, seen, named)
        for place in sorted(p for p in left if p[0] == function and p[1] in _KNOWN_ALONE):
            plain = plainly(trials, seen, place) or _by_law(trials, seen, place)
            if plain is not None:
                found.append(_said(plain, place))
    names = {explanation.name for explanation in found}
    said = [suspect for suspect in recorded if suspect.misconception.name in names]
    for suspect in whole:  # what others explain that something else needs has no need of a name
        others = [one for one in said if one is not suspect]
        places = [p for p in wrong(trials, seen) if _covers(trials, seen, suspect, p)]
        if all(any(_covers(trials, seen, one, p) for one in others) for p in places):
            said.remove(suspect)
            names.remove(suspect.misconception.name)
    needed = [explanation for explanation in found if explanation.name in names]
    once = {explanation.name: explanation for explanation in reversed(_told_once(needed))}
    return list(once.values())[::-1]


def _covers(
    trials: Sequence[Trial], seen: Sequence[Outcome], suspect: Suspect, place: Place
) -> bool:
    return _agreement(trials, seen, suspect, place) is Agreement.WHOLE


def _told_once(found: Sequence[Explanation]) -> list[Explanation]:
    """What is wrong in two functions alike is told of the first, and that it holds there, too."""
    told: dict[object, list[Explanation]] = {}
    for one in found:
        told.setdefault(one.cause or one, []).append(one)
    return [_and_of(first, [one.of for one in rest if one.of]) for first, *rest in told.values()]


def _and_of(first: Explanation, others: Sequence[str]) -> Explanation:
    if not others:
        return first
    return replace(first, hint=f"{first.hint} The same holds for {', and for '.join(others)}.")


# What only recorded misconceptions explain: whether bad input is refused, whether arguments are
# left alone, where randomness comes from.
_KNOWN_ALONE = {REFUSAL, UNCHANGED, "generator"}


@dataclass
class _Candidate:
    """A suspect, and how far it explains each place."""

    explanations: Callable[[Sequence[str], str], list[Explanation]]  # of outputs, in a scope
    at: dict[Place, Compared]
    names: frozenset[str] = frozenset()  # of what is recorded: more than one for two bugs at once
    at_home: bool = True  # not what is recorded of a function beside this one
    rank: int = 0  # of what is edited: how far-fetched

    def explained(self, places: Iterable[Place], least: Agreement) -> list[Place]:
        found = [p for p in places if p in self.at and self.at[p].agreement >= least]
        if least == Agreement.SOME and not self.names:  # of few cases many an edit is right
            found = [p for p in found if self.at[p].agreement > least or self.at[p].often]
        return found

    def covers(self, place: Place) -> bool:
        return place in self.at and self.at[place].agreement.covers

    def against(self, places: Iterable[Place], least: Agreement) -> int:
        """How many cases of what it explains speak against it."""
        return sum(self.at[p].against for p in self.explained(places, least))

    def extent(self, places: Iterable[Place], least: Agreement) -> tuple[int, int]:
        """How many places it explains, and how many cases of them."""
        explained = self.explained(places, least)
        return len(explained), sum(self.at[p].count(State.SAME) for p in explained)


def _of_function_at(
    function: str,
    places: Sequence[Place],
    trials: Sequence[Trial],
    recorded: Sequence[Suspect],
    suspects: Suspects,
    seen: Sequence[Outcome],
    named: Collection[str],
) -> list[Explanation]:
    """What explains the places of one function that no misconception explains in all cases; of
    two that explain as much, what is `named` already."""
    candidates: list[_Candidate] = []
    found: list[Explanation] = []
    left = list(places)

    def settle(least: Agreement) -> None:
        """Take those that explain most of what is left; two at once only where they explain it
        all."""
        while left:
            some = [
                c
                for c in candidates
                if least >= Agreement.ALMOST or (len(c.names) < 2 and c.rank < FAR_FETCHED)
            ]
            known = {*named, *(one.name for one in found)}
            best = max(
                some,
                key=lambda c: (
                    *c.extent(left, least),
                    c.at_home,
                    len(c.names & known),
                    -c.against(left, least),
                ),
                default=None,
            )
            covered = best.explained(left, least) if best is not None else []
            if best is None or not covered:
                return
            scope = "" if least >= Agreement.ALMOST else _scope(best.at[covered[0]])
            told = best.explanations([output for _, output in covered], scope)
            if len(best.names) > 1:  # of pairs that explain as much, what all of them have
                pairs = [c for c in some if len(c.names) > 1]
                extent = best.extent(left, least)
                alike = [pair.names for pair in pairs if pair.extent(left, least) == extent]
                told = [one for one in told if all(one.name in names for names in alike)]
            found.extend(told)
            left[:] = [p for p in left if p not in covered and not best.covers(p)]

    probes = {place: _probes(trials, seen, place) for place in places}

    def try_all(lazies: Iterable[Lazy], places: Sequence[Place] | None = None) -> None:
        tried = left if places is None else places
        for lazy in lazies:
            at = {
                place: result
                for place in tried
                if (result := _tried(lazy, trials, seen, place, probes[place])) is not None
            }
            if at:
                names = frozenset(m.name for m in lazy.misconceptions)
                at_home = lazy.kind != REPEATED
                told = partial(_told, lazy, function)
                candidates.append(_Candidate(told, at, names, at_home, lazy.rank))

    def change_all() -> None:
        for place in list(left):
            some = _seen(trials, seen, place, all_of_them=False)
            given = [at for at in _failing(trials, seen, place) if not _raises(seen, at, place)]
            given = [at for at in given if trials[at].check.kind != "precision"]
            if len(some) == len(given) and is_zero(some):
                change: Found | None = Found("all-zero", "zero everywhere")
            else:
                change = changes(_seen(trials, seen, place))
            if change is not None:
                in_a_region = change.kind.endswith("in-a-region")  # which says where by itself
                scope = "Your {}" if in_a_region else _where_wrong(trials, seen, place)
                found.append(_changed(change, place, scope))
                left.remove(place)
            elif (change := _by_law(trials, seen, place)) is not None:
                found.append(_changed(change, place))
                left.remove(place)

    def beside_all() -> None:
        """Two bugs, of which one is recorded and the other one is a factor."""
        for place in list(left):
            for suspect in recorded:
                if compared(trials, seen, suspect.outcomes.__getitem__, place).count(State.THEIRS):
                    continue  # then it is not in the submission
                given = _seen(trials, seen, place, beside=suspect)
                change = scaled(given) if len(given) > 1 else None
                if change is not None:
                    found.extend(_known([suspect.misconception], [place[1]], ""))
                    found.append(_changed(change, place, "With that mended, your {}"))
                    left.remove(place)
                    break

    def apart(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
        """By what all of the right answer was scaled but what one argument adds to it."""
        for lazy in suspects.questions[function]:
            name = lazy.kind.removesuffix(ADDS_NOTHING)
            if name != lazy.kind:
                change = scaled(_seen(trials, seen, place, without=lazy))
                if change is not None:
                    what = f"{change.what}, but for what `{name}` adds"
                    return Found(f"{change.kind}-but-for-{name}", what)
        return None

    def added(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
        return multiples(_seen(trials, seen, place))

    def float32(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
        found = in_float32(trials, seen, place)
        if found is None or not is_rounding(_seen(trials, seen, place, all_of_them=False)):
            return None
        return found

    def cancelled(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
        if not is_cancellation(_seen(trials, seen, place)):
            return None
        what = "off by what is lost where two numbers near 1 are subtracted. How many digits of a "
        return Found("digits-cancelled", what + "small difference are left?")

    def mostly_named() -> None:
        """What is named already, and is wrong in no other case, explains the most of a place: no
        other name is needed for the rest."""
        known = {*named, *(one.name for one in found)}
        told = [c for c in candidates if c.names and c.names <= known]
        left[:] = [p for p in left if not any(p in c.at and c.at[p].mostly for c in told)]

    def partly(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
        """By what number one term of the right answer was multiplied."""
        right = _seen(trials, seen, place)
        for lazy in edits if len(right) > 1 else ():
            if lazy.kind != "term-left-out":
                continue
            without = [one.right for one in _seen(trials, seen, place, without=lazy)]
            factor = scaled_part(right, without)
            if factor is not None:
                told = lazy.what.replace("is left out", f"is {factor:.4g} times what it should be")
                return Found("term-scaled", f"what comes out when, {told}")
        return None

    def say_all(say: Callable[[Sequence[Trial], Sequence[Outcome], Place], Found | None]) -> None:
        said: dict[Found, list[Place]] = {}
        for place in list(left):
            what = say(trials, seen, place)
            if what is not None:
                said.setdefault(what, []).append(place)
                left.remove(place)
        found.extend(_said(what, *of) for what, of in said.items())

    for suspect in recorded:
        at = {p: compared(trials, seen, suspect.outcomes.__getitem__, p) for p in left}
        names = frozenset({suspect.misconception.name})
        candidates.append(_Candidate(partial(_known, [suspect.misconception]), at, names))
    settle(Agreement.ALMOST)
    say_all(plainly)
    edits = suspects.edits[function]
    try_all(suspects.borrowed[function])
    try_all(suspects.constants[function])
    settle(Agreement.ALMOST)
    if any(_is_near(trials, seen, place) for place in left):
        try_all(suspects.guards[function])
        settle(Agreement.ALMOST)
    say_all(cancelled)
    say_all(float32)
    try_all(suspects.others[function])
    try_all(suspects.questions[function])
    try_all(lazy for lazy in edits if lazy.rank <= LIKELY)
    settle(Agreement.ALMOST)
    change_all()
    try_all(lazy for lazy in edits if lazy.rank > LIKELY)
    settle(Agreement.ALMOST)
    mostly_named()
    # Of what is drawn one thing says enough: two at once would say whatever is seen.
    try_all(suspects.pairs[function], [p for p in left if not _is_drawn(trials, seen, p)])
    settle(Agreement.ALMOST)
    beside_all()
    say_all(apart)
    say_all(partly)
    say_all(by_shape)
    settle(Agreement.CHECK)
    settle(Agreement.FAILING)
    for place in list(left):
        fail = sum(trials[at].check.kind != "precision" for at in _failing(trials, seen, place))
        part = changes_of_some(_seen(trials, seen, place, all_of_them=False), fail)
        if part is not None:
            found.append(_changed(part, place, "In some of the cases that fail, your {}"))
            left.remove(place)
    when: dict[str, list[Place]] = {}
    for place in left:
        when.setdefault(occasion(trials, seen, place), []).append(place)
    left = when.pop("", [])
    settle(Agreement.SOME)
    say_all(added)
    say_all(in_part)
    return found + [_occasional(when, places) for when, places in when.items()]


NEAR = 1e-2  # where a small number is wrongly added, some case is off by less, in its size
TELLING = 12  # so many wrong numbers of one case tell suspects apart
ADDS_NOTHING = "-as-zeros"  # how questions are called that put zeros for an argument
FAR_FETCHED = 4  # the rank of edits that must explain all cases
LIKELY = 2  # the rank of edits that come before changes of the right answer


def _occasional(when: str, places: Sequence[Place]) -> Explanation:
    told, verb, about = _subject(places)
    hint = f"Your {told} {verb} wrong {when}, and right in all other cases."
    return Explanation(f"{about}-in-some-cases", hint, f"in some cases: {when}", _of(places))


def _of(places: Sequence[Place]) -> str:
    return f"{_subject(places)[0]} of `{places[0][0]}`"


def _subject(places: Sequence[Place]) -> tuple[str, str, str]:
    """Outputs of one function as a sentence has them, its verb, and what a name begins with."""
    outputs = [output for _, output in places]
    told = " and ".join([", ".join(outputs[:-1]), outputs[-1]] if len(outputs) > 1 else outputs)
    return told, *(("is", outputs[0]) if len(outputs) == 1 else ("are", places[0][0]))


def _scope(result: Compared) -> str:
    if result.agreement is Agreement.FAILING:
        return "In the cases that fail"
    if result.agreement is Agreement.SOME:
        return "In some of the cases that fail"
    return "In " + " and ".join(f"“{check}”" for check in result.checks)


def _known(
    misconceptions: Sequence[Misconception], outputs: Sequence[str], scope: str
) -> list[Explanation]:
    before = f"{scope}: " if scope else ""
    return [Explanation(m.name, before + m.hint) for m in misconceptions]


def _told(lazy: Lazy, function: str, outputs: Sequence[str], scope: str) -> list[Explanation]:
    if lazy.misconceptions:
        return _known(lazy.misconceptions, outputs, scope)
    places = [(function, output) for output in outputs]
    told, verb, about = _subject(places)
    your = f"{scope}, your" if scope else "Your"
    cause = f"{lazy.kind}: {lazy.what}"
    if lazy.edit:
        cause = f"{lazy.kind}: {lazy.what.partition(', ')[2]}"  # wherever it stands
        what = f"comes out when, {lazy.what}"
        what += "" if what.endswith("?") else ". What belongs there?"
    elif lazy.kind.endswith(INSTEAD):
        what = f"{lazy.what}. What is asked for?"
    else:
        what = f"`{function}` gives {lazy.what}"
        what += "" if what.endswith("?") else ". What is asked for?"
    hint = f"{your} {told} {verb} exactly what {what}"
    return [Explanation(f"{about}-{lazy.kind}", hint, cause if not scope else "", _of(places))]


def _changed(change: Found, place: Place, your: str = "Your {}") -> Explanation:
    return Explanation(
        f"{place[1]}-{change.kind}", f"{your.format(place[1])} is {change.what}. Why?"
    )


def _where_wrong(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> str:
    """Your output, or what is wrong of it, where some cases are right."""
    exact = [at for at, t in at_place(trials, seen, place) if t.check.kind != "precision"]
    right = any(seen[at].findings[place[1]].passed for at in exact)
    return "Where your {} is wrong, it" if right else "Your {}"


def _said(found: Found, *places: Place) -> Explanation:
    function, output = places[0]
    if output in {REFUSAL, UNCHANGED}:
        what = found.what if found.what.startswith(function) else f"{function}: {found.what}"
        return Explanation(f"{function}-{found.kind}", f"{what}.")
    if found.kind in {"dtype", "type", "count"}:
        return Explanation(f"{output}-{found.kind}", f"{function}: {found.what}.")
    told, verb, about = _subject(places)
    end = "" if found.what.endswith("?") else "."
    hint = f"Your {told} {verb} {found.what}{end}"
    cause = found.cause or f"{found.kind}: {found.what}"
    return Explanation(f"{about}-{found.kind}", hint, cause, _of(places))


def _by_law(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> Found | None:
    """What is off where random numbers do not follow their law."""
    off, cases = [], list(at_place(trials, seen, place))
    for at, trial in cases:
        finding = seen[at].findings.get(place[1])
        if finding is not None and finding.problem == "law":
            off.append(OffLaw(finding, _arguments(trial)))
    return by_law(off, len(cases))


def _is_fixed(trials: Sequence[Trial], seen: Sequence[Outcome], function: str) -> bool:
    """Whether a function draws the same each time."""
    found = _by_law(trials, seen, (function, "generator"))
    return found is not None and found.kind == "fixed-draw"


def _is_by_law(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> bool:
    """Whether all that is wrong at a place is the law of random numbers."""
    problems = {
        finding.problem
        for at, _ in at_place(trials, seen, place)
        if (finding := seen[at].findings.get(place[1])) is not None and not finding.passed
    }
    return problems == {"law"}


def _is_near(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> bool:
    """Whether a case is off by next to nothing."""
    return any(
        float(finding.evidence.get("relative", 1)) < NEAR
        for at, _ in at_place(trials, seen, place)
        if (finding := seen[at].findings.get(place[1])) is not None and finding.problem == "value"
    )


def _is_drawn(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> bool:
    """Whether a place is wrong only where it is drawn at random."""
    return all(trials[at].check.kind == "statistics" for at in _failing(trials, seen, place))


def _failing(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> list[int]:
    output = place[1]
    return [
        at
        for at, _ in at_place(trials, seen, place)
        if output in seen[at].findings and not seen[at].findings[output].passed
    ]


def _raises(seen: Sequence[Outcome], at: int, place: Place) -> bool:
    return seen[at].findings[place[1]].problem == "failure"


def _probes(trials: Sequence[Trial], seen: Sequence[Outcome], place: Place) -> list[int]:
    """The failing cases of a place, that which tells most first."""
    output = place[1]
    failing = _failing(trials, seen, place)
    sizes = {at: _size(trials[at]) for at in failing}

    def telling(at: int) -> tuple[bool, bool, int, bool, int]:
        finding = seen[at].findings[output]
        is_value = finding.problem in {"value", "law"}
        enough = min(weight_of(finding), TELLING)
        rounding = trials[at].check.kind == "precision"
        odd = not trials[at].case.public  # what is public is ordinary, as a rule
        return (not is_value, rounding, -enough, odd, sizes[at])

    return sorted(failing, key=telling)


def _size(trial: Trial) -> int:
    """How many numbers the calls take: what it costs to ask a suspect."""
    values = [value for call in trial.calls for value in call.arguments.values()]
    return sum(value.numel() for value in values if isinstance(value, Tensor))


def _tried(
    lazy: Lazy,
    trials: Sequence[Trial],
    seen: Sequence[Outcome],
    place: Place,
    probes: Sequence[int],
) -> Compared | None:
    """Compare a suspect, but only if it may explain anything."""
    for probe in probes[:1]:
        theirs = lazy.outcome(probe)
        if theirs is None or state_of(trials[probe], place[1], seen[probe], theirs) != State.SAME:
            return None
        if not lazy.misconceptions and seen[probe].findings[place[1]].problem == "nonfinite":
            return None  # many an edit gives NaN there
    result = compared(trials, seen, lazy.outcome, place)
    return result if result.weight >= CONVINCING else None


def _seen(
    trials: Sequence[Trial],
    seen: Sequence[Outcome],
    place: Place,
    *,
    all_of_them: bool = True,
    without: Lazy | None = None,
    beside: Suspect | None = None,
) -> list[Seen]:
    """The wrong answers of a place, with what is right there; empty where one cannot be read and
    all of them are asked for.

    Args:
        without: the reference without one argument: what that adds is taken away from both.
        beside: a misconception that is in the submission, too: what it gives stands for what is
            right.
    """
    output, found = place[1], []
    for at, trial in at_place(trials, seen, place):
        finding = seen[at].findings.get(output)
        expectation = trial.expectation
        if finding is None or finding.passed or trial.check.kind == "precision":
            continue
        if not isinstance(expectation, ValueExpectation):
            if all_of_them and trial.check.kind == "statistics":
                return []
            continue
        names = Outputs(tuple(expectation.returns), tuple(expectation.updates))
        answer = seen[at].answers[0]
        given = names.of(answer) if answer.failure is None else None
        right = {**expectation.returns, **expectation.updates}
        got, expected = (given or {}).get(output), right[output]
        if (
            not isinstance(got, Tensor)
            or not isinstance(expected.value, Tensor)
            or got.dtype != expected.value.dtype
            or got.dtype == torch.bool
            or (expected.tolerance is None and got.is_floating_point())
        ):
            if all_of_them:
                return []
            continue
        others = {
            n: e.value for n, e in right.items() if n != output and isinstance(e.value, Tensor)
        }
        truth = expected.value
        whole = torch.zeros_like(truth)  # whole numbers are equal or not
        near = whole if expected.tolerance is None else ALIKE * expected.tolerance
        if without is not None and (asked := without.outcome(at)) is not None:
            rest = names.of(asked.answers[0]) if asked.answers[0].failure is None else None
            base = (rest or {}).get(output)
            fits = isinstance(base, Tensor) and base.shape == truth.shape == got.shape
            if not isinstance(base, Tensor) or not fits or not bool(base.any()):
                return []
            got, truth = got - (truth - base), base
        if beside is not None:
            theirs = beside.outcomes[at].answers[0]
            given = names.of(theirs) if theirs.failure is None else None
            instead = (given or {}).get(output)
            if not isinstance(instead, Tensor) or instead.shape != got.shape:
                return []
            truth = instead
        found.append(Seen(got, truth, near, _arguments(trial), others))
    return found


def _arguments(trial: Trial) -> Arguments:
    check, call = trial.check, trial.calls[0]
    if isinstance(check, FunctionCheck) and call.function == check.subject:
        return check.bound(call)
    return dict(call.arguments)


def _agreement(
    trials: Sequence[Trial], seen: Sequence[Outcome], suspect: Suspect, place: Place
) -> Agreement:
    return compared(trials, seen, suspect.outcomes.__getitem__, place).agreement


def diagnose(
    trials: Sequence[Trial], suspects: Sequence[Suspect], seen: Sequence[Outcome]
) -> list[Suspect]:
    """The suspects that explain what was seen, as few as are needed.

    A suspect explains a place when it is wrong there in some case and what was seen is what it
    gives in every case. One that explains every place where it shows is preferred to one that
    explains only some (a submission may hold two bugs); the failing places are covered greedily.
    """
    failing = wrong(trials, seen)
    by_law = {place for place in failing if _is_by_law(trials, seen, place)}
    explained: dict[int, set[Place]] = {}
    whole: dict[int, bool] = {}
    against: dict[int, int] = {}
    for at, suspect in enumerate(suspects):
        shows = wrong(trials, suspect.outcomes)
        if shows & failing:
            held = {p: compared(trials, seen, suspect.outcomes.__getitem__, p) for p in shows}
            explained[at] = {
                place for place in shows & failing if held[place].agreement is Agreement.WHOLE
            }
            against[at] = sum(one.against for one in held.values())
            if shows & by_law - explained[at]:  # of one draw one law explains all outputs
                explained[at] -= by_law
            whole[at] = explained[at] == shows
            if not whole[at] and all(output in _KNOWN_ALONE for _, output in explained[at]):
                explained[at] = set()  # many a bug shows there alike
    found: list[Suspect] = []
    left = set(failing)
    while explained:
        best = max(explained, key=lambda at: (whole[at], len(explained[at] & left), -against[at]))
        covered = explained.pop(best) & left
        if covered:
            found.append(suspects[best])
            left -= covered
        elif not any(places & left for places in explained.values()):
            break
    return found


def recognise(topic: Topic, faults: Iterable[Fault]) -> list[Misconception]:
    """The misconceptions that would have answered a faulty call just as the submission did, one for
    each fault that any explains."""
    found: dict[str, Misconception] = {}
    for fault in faults:
        for home in (topic, *topic.beside):
            for misconception in _of_function(home, fault.call.function):
                session = LocalSession(home.functions(misconception))
                theirs = session.call(fault.call)
                if theirs.failure is None and _explains(theirs, fault):
                    found.setdefault(misconception.name, misconception)
                    break
    return list(found.values())


def _of_function(topic: Topic, function: str) -> Iterator[Misconception]:
    for exercise in topic.exercises:
        if any(f.__name__ == function for f in exercise.functions):
            yield from exercise.misconceptions


def _explains(theirs: Answer, fault: Fault) -> bool:
    wrong = any(not f.passed for f in fault.expectation.judge([fault.call], [theirs]))
    return wrong and all(alike(fault.expectation, fault.outputs, fault.answer, theirs).values())
