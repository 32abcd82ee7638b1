"""What is right, worked out once: cases drawn, truth and tolerance measured, suspects' answers.

An oracle belongs to one secret and one version of the reference; everything it says is kept, so
that the reference costs nothing per submission. It computes on the CPU, whatever device submissions
run on: nothing that is expected of them is ever in their device's memory.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from autograder.case import Arguments, Case, On, draw, graded_on
from autograder.checks.base import Check, Keep
from autograder.errors import AuthoringError, located
from autograder.exercise import Exercise
from autograder.judging.call import Call
from autograder.judging.local import LocalSession
from autograder.judging.travel import untravelled
from autograder.topics.catalogue import Topic
from autograder.truth import parameters, sweeps
from autograder.truth.edits import Mutant, mutants
from autograder.truth.kept import Drawer, Keeping, Kept
from autograder.truth.repeats import handed_out, on_the_same_objects
from autograder.truth.suspects import Answers, Suspects
from autograder.truth.trial import Suspect, Trial, never_updated

PUBLIC_SECRET = b"public"
MOST_MUTANTS = 12
Place = tuple[Topic, Exercise]


def digest_of(secret: bytes, *place: str) -> bytes:
    """What follows from a secret for one place and purpose."""
    return hmac.digest(secret, "\0".join(place).encode(), hashlib.sha256)


def seed_of(secret: bytes, *place: str) -> int:
    """The same, as a seed."""
    return int.from_bytes(digest_of(secret, *place)[:4], "little")


@dataclass(frozen=True)
class _Drawing:
    """Where cases are drawn for: what the reference says there, and what is kept of it."""

    topic: Topic
    exercise: Exercise
    reference: LocalSession
    drawer: Drawer


class Oracle:
    """Trials and suspects by exercise, for one course.

    Args:
        cache: a folder to keep in what the reference gave; None keeps nothing.
        kind: of the device that submissions are graded on, by which cases are chosen.
    """

    def __init__(self, secret: bytes, cache: Path | None = None, kind: On = "cpu") -> None:
        self._secret = secret
        self._kind = kind
        self._kept = Kept(cache)
        self._unknown = secrets.token_bytes(32)
        self._afresh: dict[tuple[str, ...], tuple[Call, ...]] = {}
        self._answers = Answers()
        # No functools.cache of bound methods: in such a circle, an oracle that nobody needs any
        # more, which may hold a gigabyte, waits for a collection that counts objects, not bytes.
        self._trials: dict[Place, tuple[Trial, ...]] = {}
        self._timed: dict[Place, tuple[Trial, ...]] = {}
        self._suspects: dict[Place, tuple[Suspect, ...]] = {}
        self._others: dict[Place, Suspects] = {}
        self._seen: dict[tuple[Topic, Exercise, str], tuple[Mutant, ...]] = {}

    def trials(self, topic: Topic, exercise: Exercise) -> tuple[Trial, ...]:
        """Every case of every check that takes no times, drawn and answered, public cases first."""
        place = topic, exercise
        if place not in self._trials:
            with self._drawing(*place, "trials") as drawing:
                self._trials[place] = self._drawn(drawing)
        return self._trials[place]

    def timed(self, topic: Topic, exercise: Exercise) -> tuple[Trial, ...]:
        """Every case whose answers are timed."""
        place = topic, exercise
        if place not in self._timed:
            with self._drawing(*place, "timed") as drawing:
                self._timed[place] = tuple(
                    self._trial(drawing, check, case)
                    for check in exercise.checks
                    if check.timed
                    for case in graded_on(check.cases, self._kind)
                )
        return self._timed[place]

    def suspects(self, topic: Topic, exercise: Exercise) -> tuple[Suspect, ...]:
        """What each misconception gives."""
        place = topic, exercise
        if place not in self._suspects:
            self._suspects[place] = self._suspected(topic, exercise)
        return self._suspects[place]

    def others(self, topic: Topic, exercise: Exercise) -> Suspects:
        """Suspects that nobody recorded, answered as far as they are asked."""
        place = topic, exercise
        if place not in self._others:
            self._others[place] = Suspects(topic, exercise, self.trials(*place), self._answers)
        return self._others[place]

    def seen(self, topic: Topic, exercise: Exercise, way: str, subject: str) -> tuple[Mutant, ...]:
        """Of another way to write a function, edits that the function's cases see."""
        place = topic, exercise, way
        if place not in self._seen:
            trials = [t for t in self.trials(topic, exercise) if t.check.subject == subject]
            found = []
            for mutant in mutants(topic, way, subject)[:MOST_MUTANTS]:
                session = LocalSession(mutant.functions(topic.functions()))
                if any(t.is_off(t.judge(session.run(t.calls))) for t in trials):
                    found.append(mutant)
            self._seen[place] = tuple(found)
        return self._seen[place]

    @contextmanager
    def _drawing(self, topic: Topic, exercise: Exercise, what: str) -> Iterator[_Drawing]:
        key = digest_of(self._secret, topic.name, exercise.name, what, self._kind).hex()
        with self._kept.drawer((*topic.footing, key)) as drawer:
            yield _Drawing(topic, exercise, LocalSession(topic.functions()), drawer)

    def _drawn(self, drawing: _Drawing) -> tuple[Trial, ...]:
        topic, exercise, reference = drawing.topic, drawing.exercise, drawing.reference
        trials: list[Trial] = []
        for check in exercise.checks:
            if check.timed:
                continue
            cases = sorted(graded_on(check.cases, self._kind), key=lambda case: not case.public)
            own = [self._trial(drawing, check, case) for case in cases]
            unchanged = sorted(never_updated(check, own))
            if unchanged:
                raise AuthoringError(
                    f"{topic.path.name}: {exercise.name}, {check.name}: there are points for "
                    f"{unchanged[0]}, a parameter that the solution changes in no case"
                )
            single = self._single(drawing, own)
            trials += own + single + self._otherwise(drawing, own)
        written = list(trials)
        for subject in dict.fromkeys(trial.check.subject for trial in written):
            of_function = [trial for trial in written if trial.check.subject == subject]
            trials += self._of_another_mode(drawing, of_function)
            trials += self._finer(drawing, of_function)
        for check in sweeps.asked_again(exercise.checks):
            own = [trial for trial in written if trial.check is check]
            trials += self._special(drawing, own)
            first = next(trial for trial in own if trial.case is sweeps.first_of(check))
            then = self._trial(drawing, check, sweeps.again(check))
            again = handed_out(first, then)
            again = again or on_the_same_objects(first, then.arguments, reference)
            trials += [then, again] if again is not None else [then]
        for lower, trial in sweeps.in_float32(exercise.checks, written):
            more = self._trial(drawing, lower, trial.case, trial.arguments)
            trials.append(more)
        return tuple(trials)

    def _special(self, drawing: _Drawing, own: Sequence[Trial]) -> list[Trial]:
        """The first case of a check in whole numbers, and that with rows alike, where that tells
        anything."""
        found: dict[str, Trial] = {}
        for trial in own:
            swept = sweeps.special(trial.check, trial.case, trial.arguments, drawing.reference)
            for what, case, arguments in swept:
                if what not in found:
                    more = self._trial(drawing, trial.check, case, arguments)
                    if sweeps.clear(more.expectation):
                        found[what] = more
            if len(found) == sweeps.SPECIAL:
                break
        return list(found.values())

    def _of_another_mode(self, drawing: _Drawing, own: Sequence[Trial]) -> list[Trial]:
        return [
            self._trial(drawing, trial.check, case, arguments)
            for trial, case, arguments in parameters.otherwise(own, drawing.reference)
        ]

    def _finer(self, drawing: _Drawing, own: Sequence[Trial]) -> list[Trial]:
        """The first case of a function that allows it, in numbers that float32 cannot hold."""
        for trial in own:
            made = sweeps.finer(trial.check, trial.case, trial.arguments, drawing.reference)
            if made is not None:
                case, arguments = made
                return [self._trial(drawing, trial.check, case, arguments)]
        return []

    def _single(self, drawing: _Drawing, own: Sequence[Trial]) -> list[Trial]:
        """Cases of a check with sizes of one, as few as cut each axis that can be cut."""
        made = [one for t in own for one in sweeps.single(t.check, t.case, t.arguments)]
        found: list[Trial] = []
        covered: set[sweeps.Axis] = set()
        while made and len(found) < sweeps.MOST_SINGLE:
            best = max(range(len(made)), key=lambda at: len(made[at][2] - covered))
            case, arguments, axes = made.pop(best)
            if axes <= covered:
                break
            if not sweeps.admitted(own[0].check, arguments, drawing.reference):
                continue
            more = self._trial(drawing, own[0].check, case, arguments)
            if sweeps.clear(more.expectation):
                found.append(more)
                covered |= axes
        return found

    def _otherwise(self, drawing: _Drawing, own: Sequence[Trial]) -> list[Trial]:
        """The first case of a check with its targets strided, and with zeros, where that tells."""
        found = []
        for sweep in (sweeps.strided, sweeps.with_zeros):
            made = (sweep(trial.check, trial.case, trial.arguments) for trial in own)
            first = next((one for one in made if one is not None), None)
            if first is not None:
                check = own[0].check
                found.append(self._trial(drawing, check, first[0], first[1]))
        return found

    def _trial(
        self, drawing: _Drawing, check: Check, case: Case, arguments: Arguments | None = None
    ) -> Trial:
        """The case with these arguments, or with others that are drawn for it."""
        topic, exercise = drawing.topic, drawing.exercise
        secret = PUBLIC_SECRET if case.public else self._secret
        place = topic.name, exercise.name, check.name, case.name

        def seed(purpose: str) -> int:
            return seed_of(secret, *place, purpose)

        key = *topic.footing, digest_of(secret, *place, "kept").hex()
        keep = Keeping(self._kept, key, drawing.drawer, (check.name, repr(case.kinks)))
        where = f"{topic.path.name}: {exercise.name}, {check.name}, case {case.name!r}"
        with located(where, topic.path):
            if arguments is None:
                arguments = draw(
                    case, lambda name: torch.Generator().manual_seed(seed(f"argument {name}"))
                )
            for name, value in arguments.items():
                why = untravelled(value)
                if why:
                    raise AuthoringError(f"{name}{why}")
            calls, expectation = check.prepare(case, arguments, seed, drawing.reference, keep)
        return Trial(check, case, arguments, tuple(calls), expectation)

    def afresh(
        self, topic: Topic, exercise: Exercise, occasion: str, trial: Trial
    ) -> tuple[Call, ...]:
        """The calls of a trial with other numbers, which nobody has met before this process, and
        which are others on each occasion."""
        place = topic.name, exercise.name, trial.check.name, trial.case.name, occasion
        if place not in self._afresh:
            reference = LocalSession(topic.functions())

            def seed(purpose: str) -> int:
                return seed_of(self._unknown, *place, purpose)

            drawn = draw(
                trial.case, lambda name: torch.Generator().manual_seed(seed(f"argument {name}"))
            )
            calls, _ = trial.check.prepare(trial.case, drawn, seed, reference, Keep())
            self._afresh[place] = tuple(calls)
        return self._afresh[place]

    def _suspected(self, topic: Topic, exercise: Exercise) -> tuple[Suspect, ...]:
        trials = self.trials(topic, exercise)
        suspects = []
        for misconception in exercise.misconceptions:
            session = LocalSession(topic.functions(misconception))
            outcomes = tuple(trial.judge(session.run(trial.calls)) for trial in trials)
            suspects.append(Suspect(misconception, outcomes))
        return tuple(suspects)
