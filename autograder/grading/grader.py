"""Grade a submission: the whole way on one screen."""

from __future__ import annotations

import gc
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib import metadata
from itertools import chain, groupby, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import torch

from autograder.case import On
from autograder.exercise import Exercise
from autograder.grading.budget import FREE, Budget
from autograder.grading.follow_ons import FollowOn, Graded, Told, follow_ons, may_follow
from autograder.grading.noise import DeviceNoise
from autograder.grading.rows import judge, points_of, public_lines, timed_rows
from autograder.grading.timing import times
from autograder.handin.submission import Source, Submission
from autograder.judging.call import Answer, Call
from autograder.judging.finding import Finding
from autograder.judging.selfcheck import beside
from autograder.judging.wording import explain, follows_from, mend_first
from autograder.numerics.outcome import Outcome
from autograder.policy import Code, Cost, Flag, dispatched
from autograder.report import SCHEMA, Report
from autograder.sandbox import Limits, Loading, Sandbox, Session
from autograder.topics.catalogue import EVERYTHING, Assignment, Catalogue, Topic
from autograder.truth.diagnosis import Explanation, explanations, recognise
from autograder.truth.oracle import Oracle
from autograder.truth.trial import Trial

Progress = Callable[[str, int, int], None]
MAX_OUTPUT = 16_384
MAX_KEPT_BYTES = 32 * 2**20  # of the answers to one exercise, once they are judged
MAX_PROBLEMS = 10  # of loading that a report names


def _silent(name: str, done: int, total: int) -> None:
    """Tells nobody."""


class Grader:
    """A warm grader: one sandbox and one oracle, for any number of submissions.

    It sets torch to one thread in this process: the cases are small, and graders run side by side.

    Args:
        cache: a folder to keep the reference's training runs in, from one grader to the next.
        sandbox: one that may still be on its way, instead of a new one; it is closed with this.

    Raises:
        SandboxUnavailable: this machine cannot confine student code, or lacks the device.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        secret: bytes,
        device: str = "cpu",
        *,
        confined: bool = True,
        limits: Limits | None = None,
        cache: Path | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        torch.set_num_threads(1)
        self._catalogue = catalogue
        self._sandbox = sandbox or Sandbox(device, limits or Limits(), confined)
        self._device = self._sandbox.device
        self._cache = cache
        self._noise = DeviceNoise(self._sandbox, cache) if self._sandbox.profile.context else None
        self._kind: On = "cpu" if self._sandbox.profile.device == "cpu" else "gpu"
        self._oracle = Oracle(secret, cache, self._kind)
        self._settled: set[str] = set()  # the assignments whose cases are drawn

    def drawing_from(self, secret: bytes) -> Grader:
        """The same warm sandbox with the hidden cases of another course's secret.

        Closing either closes the sandbox of both.
        """
        other = copy(self)
        other._oracle = Oracle(secret, self._cache, self._kind)
        other._settled = set()
        return other

    def grade(
        self,
        assignment: str,
        submission: Submission,
        progress: Progress = _silent,
        *,
        policy: Cost = "report",
        explained: bool = True,
    ) -> Report:
        """Run every check of the assignment and write the report.

        Args:
            progress: called before each exercise, and in each step of a training run, with what
                is graded now ("classifier", then "classifier, step 40 of 100"), how many exercises
                are done, and how many there are.
            policy: what it costs to use what is not allowed: nothing ("report": the instructor
                sees it), a warning to the student, or the exercise's points ("zero").
            explained: whether what is wrong gets a name. No score depends on it, and to look for
                one takes most of the time where everything is wrong.

        Raises:
            KeyError: there is no such assignment.
            SandboxFault: the sandbox failed, through no fault of the submission.
        """
        chosen = self._catalogue[assignment]
        began = time.monotonic()
        graded: list[Graded] = []
        entries: dict[int, dict[str, Any]] = {}
        left = MAX_KEPT_BYTES  # for exercises that wait for what is found about others
        count = len(chosen.exercises)
        tells = [partial(_tell, progress, at, count) for at in range(count)]
        runs = sum(_runs(exercise) for _, exercise in chosen.exercises)
        for place in chosen.exercises:  # the first time it takes as long as a sandbox's start
            self.trials(*place)
        if assignment not in self._settled:
            self._settled.add(assignment)
            gc.freeze()  # looking through what is kept for good takes longer than grading
        with (
            self._sandbox.scan(submission.sources) as scan,
            self._sandbox.session(submission.sources, runs, chosen.homes) as session,
        ):
            budget = self._budget(runs)
            entry_of = partial(self._entry, budget=budget, explained=explained)
            traced = [*self._traced(chosen, session)]
            public = self._public(chosen.exercises, session, budget)
            again = self._traced(chosen, session, public)
            code = Code(scan.statements, submission.sources)
            for asked in chain(*public):  # judged while these calls run
                if session.has_answered:
                    break
                _ = asked.outcome
            traced += again
            answered = self._answered(chosen.exercises, session, public, tells, budget)
            for at, one in enumerate(answered):
                if may_follow(one, code) and one.size <= left:
                    left -= one.size
                else:  # of answers that are judged, only the findings are kept
                    entries[at] = entry_of(one)
                    one = replace(one, outcomes=[o.without_values() for o in one.outcomes])
                graded.append(one)
            loading = session.loading
        open_again = partial(self._sandbox.session, submission.sources, homes=chosen.homes)
        told = follow_ons(graded, code, self._oracle, open_again, budget)
        for at, (one, found) in enumerate(zip(graded, told, strict=True)):
            if at not in entries:
                entries[at] = entry_of(one, found)
        exercises = [entries[at] for at in range(count)]
        for place, entry, tell in zip(chosen.exercises, exercises, tells, strict=True):
            self._take_times(*place, entry, open_again, budget, tell)
        for entry, seen in zip(exercises, flags(chosen, code, traced), strict=True):
            entry["policy"] = [flag.document() for flag in seen]
            if policy == "zero" and any(flag.is_seen for flag in seen):
                entry["score"] = 0.0
        return {
            "schema": SCHEMA,
            "view": "full",
            "assignment": assignment,
            "title": chosen.title,
            "submission": {"filename": submission.filename, "digest": submission.digest},
            "score": points_of(sum(exercise["score"] for exercise in exercises)),
            "max_score": points_of(chosen.max_score),
            "notes": [*submission.notes, *_notes(loading)],
            "policy": policy,
            "exercises": exercises,
            "seconds": time.monotonic() - began,
            "environment": {
                "gradmark": metadata.version("gradmark"),
                "torch": torch.__version__,
                "python": platform.python_version(),
                "device": self._device,
                "confined": self._sandbox.confined,
                "sandbox": self._sandbox.profile.name,
                "reference": chosen.digest,
            },
        }

    def check(
        self, assignment: str, submission: Submission, progress: Progress = _silent
    ) -> dict[str, Any]:
        """Run the public cases alone, and say what the self-check would: nothing of it is hidden,
        and nothing counts.

        Returns:
            `notes` on the file, `unseen` (what grading looks at beside), and `exercises`: each
            with `name`, `checks` (`name`, and a `message` that is empty where nothing is wrong) and
            what its calls printed as `output`.

        Raises:
            KeyError: there is no such assignment.
            SandboxFault: the sandbox failed, through no fault of the submission.
        """
        chosen = self._catalogue[assignment]
        public: list[list[Outcome]] = []
        runs = sum(_runs(exercise) for _, exercise in chosen.exercises)
        for place in chosen.exercises:
            self.trials(*place)
        with self._sandbox.session(submission.sources, runs, chosen.homes) as session:
            budget = self._budget(runs)
            for at, place in enumerate(chosen.exercises):
                progress(place[1].name, at, len(chosen.exercises))
                (asked,) = self._public([place], session, budget)
                public.append([one.outcome for one in asked])
            loading = session.loading
        failed = [str(problem) for problem in loading.problems]
        exercises = []
        for (topic, exercise), outcomes in zip(chosen.exercises, public, strict=True):
            trials = [trial for trial in self.trials(topic, exercise) if trial.case.public]
            found = list(zip(trials, outcomes, strict=True))
            exercises.append(
                {
                    "name": exercise.name,
                    "checks": public_lines(exercise, found, failed),
                    "output": "".join(one["text"] for one in _outputs(trials, outcomes)),
                }
            )
        timed = (c.name for _, exercise in chosen.exercises for c in exercise.checks if c.timed)
        return {
            "notes": [*submission.notes, *_notes(loading)],
            "unseen": beside(timed),
            "exercises": exercises,
        }

    def trials(self, topic: Topic, exercise: Exercise) -> Sequence[Trial]:
        """The cases that it grades an exercise by, and what is right in them."""
        trials = self._oracle.trials(topic, exercise)
        if self._noise is None:
            return trials
        return tuple(self._noise.widened(topic, exercise, trials))

    def try_device(self, topic_name: str, exercise_name: str) -> None:
        """Measure how the device rounds in an exercise, if there is such a one.

        Raises:
            DeviceUnfit: it computes with less precision than it was asked for.
        """
        for topic, exercise in self._catalogue[EVERYTHING].exercises:
            if (topic.name, exercise.name) == (topic_name, exercise_name):
                self.trials(topic, exercise)

    def _timed(self, topic: Topic, exercise: Exercise) -> Sequence[Trial]:
        """Those of its cases whose answers are timed."""
        trials = self._oracle.timed(topic, exercise)
        if self._noise is None or not trials:
            return trials
        return tuple(self._noise.widened(topic, exercise, trials))

    def grade_exercise(
        self, topic: Topic, exercise: Exercise, sources: Sequence[Source]
    ) -> dict[str, Any]:
        """Grade one exercise alone, in a session of its own: the report's entry for it. No error
        is another exercise's there."""
        self.trials(topic, exercise)  # for measuring a device, that takes its one session
        with self._sandbox.session(sources, _runs(exercise), topic.homes) as session:
            budget = self._budget(_runs(exercise))
            public = self._public([(topic, exercise)], session, budget)
            answered = self._answered([(topic, exercise)], session, public, [_unheard], budget)
            entry = self._entry(next(answered), budget=budget)
        open_again = partial(self._sandbox.session, sources, homes=topic.homes)
        self._take_times(topic, exercise, entry, open_again, budget, _unheard)
        return entry

    def passes(self, topic: Topic, exercise: Exercise, sources: Sequence[Source]) -> bool:
        """Whether an exercise has all its points. What is wrong is not looked for any further."""
        trials = self.trials(topic, exercise)
        budget = self._budget(_runs(exercise))
        with self._sandbox.session(sources, _runs(exercise), topic.homes) as session:
            for trial in trials:
                with closing(session.run(trial.calls)) as answers:
                    if not _is_right(trial, budget.judge(trial, answers)):
                        return False
        again = partial(self._sandbox.session, sources, homes=topic.homes)
        timed = self._times(topic, exercise, again, budget, _unheard)
        return all(map(_is_right, self._timed(topic, exercise), timed))

    def _take_times(
        self,
        topic: Topic,
        exercise: Exercise,
        entry: dict[str, Any],
        session: Callable[[], AbstractContextManager[Session]],
        budget: Budget,
        tell: Callable[[str], None],
    ) -> None:
        """Add to a report's entry what the checks of speed come to."""
        outcomes = self._times(topic, exercise, session, budget, tell)
        rows = timed_rows(exercise, self._timed(topic, exercise), outcomes)
        entry["checks"] += [row.document() for row in rows]
        entry["score"] = points_of(entry["score"] + sum(row.earned for row in rows))
        entry["seconds"] += sum(a.seconds for outcome in outcomes for a in outcome.answers)

    def _times(
        self,
        topic: Topic,
        exercise: Exercise,
        session: Callable[[], AbstractContextManager[Session]],
        budget: Budget,
        tell: Callable[[str], None],
    ) -> list[Outcome]:
        trials = self._timed(topic, exercise)
        if not trials:
            return []
        files = {part.name: part.solution() for part in (*topic.beside, topic)}
        return times(
            trials,
            self._sandbox,
            [Source(name, (text,)) for name, text in files.items()],
            session,
            budget,
            lambda trial: tell(f"{exercise.name}, {trial.check.name}, {trial.case.name}"),
        )

    def _budget(self, runs: int) -> Budget:
        return Budget(self._sandbox.limits.with_runs(runs).judge_seconds)

    def _public(
        self, exercises: Sequence[tuple[Topic, Exercise]], session: Session, budget: Budget = FREE
    ) -> list[list[Asked]]:
        """Per exercise, its public trials, answered: to be had before the session meets anything
        hidden.

        What a submission says about a public case is shown to the student word for word, so its
        process must not know anything hidden by then.
        """
        public = [
            [trial for trial in self.trials(*place) if trial.case.public] for place in exercises
        ]
        asked = _asked([list(chain(*public))], [_unheard], session, budget)
        return [list(islice(asked, len(trials))) for trials in public]

    def _answered(
        self,
        exercises: Sequence[tuple[Topic, Exercise]],
        session: Session,
        public: Sequence[Sequence[Asked]],
        tells: Sequence[Callable[[str], None]],
        budget: Budget = FREE,
    ) -> Iterator[Graded]:
        """One exercise after the other is judged, while the session goes on with the next."""
        trials = [self.trials(*place) for place in exercises]
        hidden = _asked(
            [[trial for trial in some if not trial.case.public] for some in trials],
            [partial(_staged, tell, e.name) for (_, e), tell in zip(exercises, tells, strict=True)],
            session,
            budget,
        )
        for at, (topic, exercise) in enumerate(exercises):
            tells[at](exercise.name)
            parts = {True: iter(public[at]), False: hidden}
            outcomes = [next(parts[trial.case.public]).outcome for trial in trials[at]]
            yield Graded(topic, exercise, trials[at], outcomes)

    def _entry(
        self,
        graded: Graded,
        told: Told | None = None,
        *,
        budget: Budget = FREE,
        explained: bool = True,
    ) -> dict[str, Any]:
        """What the report says of an exercise, of which something may be told already."""
        topic, exercise, outcomes = graded.topic, graded.exercise, graded.outcomes
        told = told or Told()
        rows = judge(graded, told.follow_ons)
        score = sum(row.earned for row in rows)
        found = [_followed(follow_on) for follow_on in told.follow_ons.values()]
        found += [Explanation(m.name, m.hint) for m in told.misconceptions.values()]
        gave = any(_gave_values(outcome.answers) for outcome in outcomes)
        if explained and gave and not all(row.passed for row in rows) and not budget.used_up:
            recorded = self._oracle.suspects(topic, exercise)
            others = self._oracle.others(topic, exercise)
            left = graded.without(told.lines)
            found += explanations(graded.trials, recorded, others, left)
            faults = [fault for outcome in outcomes for fault in outcome.faults]
            known = recognise(topic, faults)
            found += [Explanation(m.name, m.hint) for m in known]
        return {
            "name": exercise.name,
            "score": points_of(score),
            "max_score": points_of(exercise.max_score),
            "checks": [row.document() for row in rows],
            "diagnosis": [
                {"name": explanation.name, "hint": explanation.hint}
                for explanation in dict.fromkeys(found)
            ],
            "outputs": _outputs(graded.trials, outcomes),
            "seconds": sum(a.seconds for outcome in outcomes for a in outcome.answers),
        }

    def _traced(
        self,
        assignment: Assignment,
        session: Session,
        public: Sequence[Sequence[Asked]] | None = None,
    ) -> Iterator[tuple[int, Answer]]:
        """Answers that name the operators which one call per function dispatches, each with the
        place of its exercise. The calls are on their way when this returns. For them, too, the
        session must not have met anything hidden.

        Args:
            public: the answered public trials, of which those are asked again that work; None
                while the session has seen no call.
        """
        specimens: list[tuple[int, Call]] = []
        for at, (topic, exercise) in enumerate(assignment.exercises):
            if public is None:
                trials = [t for t in self.trials(topic, exercise) if t.case.public]
            else:
                trials = [asked.trial for asked in public[at] if asked.works]
            occasion = "first" if public is None else "again"
            afresh = partial(self._oracle.afresh, topic, exercise, occasion)
            specimens += [(at, call) for call in _specimens(exercise, trials, afresh)]
        answers = session.run([call for _, call in specimens])
        return zip((at for at, _ in specimens), answers, strict=True)

    def close(self) -> None:
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _tell(progress: Progress, done: int, total: int, name: str) -> None:
    progress(name, done, total)


def _unheard(name: str) -> None:
    """Tells nobody."""


def _staged(tell: Callable[[str], None], name: str, stage: str) -> None:
    tell(f"{name}, {stage}")


def _is_right(trial: Trial, outcome: Outcome) -> bool:
    unchanged = trial.check.gated or outcome.unchanged.passed
    return unchanged and all(finding.passed for finding in outcome.findings.values())


def _runs(exercise: Exercise) -> int:
    return sum(check.long_runs for check in exercise.checks)


@dataclass(frozen=True)
class Asked:
    """A trial and its answers, which are judged when that is needed."""

    trial: Trial
    answers: Sequence[Answer]
    judge: Callable[[], Outcome]

    @cached_property
    def outcome(self) -> Outcome:
        return self.judge()

    @property
    def works(self) -> bool:
        """Whether every call gave something."""
        return all(answer.failure is None for answer in self.answers)

    def without_values(self) -> Asked:
        """The same, judged, with answers that are no longer kept."""
        return _judged(self.trial, self.outcome.without_values())


def _judged(trial: Trial, outcome: Outcome) -> Asked:
    return Asked(trial, outcome.answers, lambda: outcome)


def _asked(
    groups: Sequence[Sequence[Trial]],
    tells: Sequence[Callable[[str], None]],
    session: Session,
    budget: Budget,
) -> Iterator[Asked]:
    """Put the trials to the submission, one group after the other; it goes on with the next ones
    while those above are judged. No group is in its process before those above are answered."""
    left = [MAX_KEPT_BYTES] * len(groups)
    trials = [(at, trial) for at, group in enumerate(groups) for trial in group]
    for long, together in groupby(trials, key=lambda pair: pair[1].check.long):
        if long:
            for at, trial in together:
                yield _judged(trial, _long(trial, session, tells[at], budget))
            continue
        some = list(together)
        calls: list[Call] = []
        first: dict[int, int] = {}  # call of each group
        for at, trial in some:
            first.setdefault(at, len(calls))
            calls += trial.calls
        answers = session.run(calls, apart=first.values())
        for at, trial in some:
            given = tuple(islice(answers, len(trial.calls)))
            asked = Asked(trial, given, partial(budget.judge, trial, given))
            left[at] -= sum(answer.size for answer in given)
            yield asked if left[at] >= 0 else asked.without_values()


def _long(trial: Trial, session: Session, tell: Callable[[str], None], budget: Budget) -> Outcome:
    """A case that tells how far it is, and ends when nothing more can come of it."""
    with closing(session.run(trial.calls)) as answers:

        def told() -> Iterator[Answer]:
            for at, answer in enumerate(answers):
                stage = trial.check.stage(trial.expectation, at)
                if stage:
                    tell(f"{trial.case.name}, {stage}")
                yield answer

        return budget.judge(trial, told())


def flags(
    assignment: Assignment, code: Code, traced: Iterable[tuple[int, Answer]]
) -> list[list[Flag]]:
    """Per exercise, what it uses and may not: by its source, and by what its calls dispatched."""
    operators: list[set[str]] = [set() for _ in assignment.exercises]
    for at, answer in traced:
        operators[at].update(answer.operators)
    return [
        code.used([f.__name__ for f in exercise.functions], exercise.forbidden, exercise.allowed)
        + dispatched(names, exercise.forbidden)
        for (_, exercise), names in zip(assignment.exercises, operators, strict=True)
    ]


def _specimens(
    exercise: Exercise, trials: Sequence[Trial], afresh: Callable[[Trial], Sequence[Call]]
) -> Iterator[Call]:
    """One traced call per function, and one run of each script: of these trials the one with the
    least to work on, with other numbers, which no submission can have an answer ready for."""
    for function in exercise.functions:
        own = [trial for trial in trials if trial.calls[0].function == function.__name__]
        if own:
            least = min(own, key=lambda trial: _elements(trial.calls[0]))
            yield _as_traced(afresh(least)[0])
    scripts: dict[str, list[Trial]] = {}
    for trial in trials:
        if getattr(trial.check, "scripted", False):
            scripts.setdefault(trial.check.subject, []).append(trial)
    for runs in scripts.values():
        for call in afresh(min(runs, key=lambda trial: sum(map(_elements, trial.calls)))):
            # What the script itself does with tensors, such as y.backward(), is not the student's.
            yield call if call.function.startswith("@") else _as_traced(call)


_traced: WeakKeyDictionary[Call, Call] = WeakKeyDictionary()


def _as_traced(call: Call) -> Call:
    """The same one each time, so that it is packed once."""
    if call not in _traced:
        _traced[call] = replace(call, traced=True)
    return _traced[call]


def _elements(call: Call) -> int:
    tensors = [value for value in call.arguments.values() if isinstance(value, torch.Tensor)]
    return sum(tensor.numel() for tensor in tensors) or sys.maxsize


def _notes(loading: Loading) -> list[str]:
    problems = loading.problems[:MAX_PROBLEMS]
    notes = [f"While your file was loaded: {problem}" for problem in problems]
    if len(problems) < len(loading.problems):
        notes.append(f"{len(loading.problems) - len(problems)} more statements failed.")
    notes += _twice(loading)
    if loading.failure is not None:
        failed = Finding("", "failure", {"kind": loading.failure.kind})
        notes.append(f"Your file could not be loaded: {explain(failed)}")
    return notes


def _twice(loading: Loading) -> Iterator[str]:
    """Where each function was taken from, of those that are defined in several files."""
    taken: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, (place, *also) in loading.found.items():
        if also:
            taken.setdefault((place.file, tuple(one.file for one in also)), []).append(name)
    for (file, others), names in taken.items():
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        verb = "was" if len(names) == 1 else "were"
        yield f"{shown} {verb} taken from {file}, not from {' or '.join(others)}."


def _gave_values(given: Sequence[Answer]) -> bool:
    return any(answer.failure is None or answer.failure.kind == "exception" for answer in given)


def _followed(follow_on: FollowOn) -> Explanation:
    return Explanation(follows_from(follow_on.beneath), mend_first(follow_on.beneath))


def _outputs(trials: Sequence[Trial], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What the calls printed, capped over the exercise."""
    left, outputs = MAX_OUTPUT, []
    for trial, outcome in zip(trials, outcomes, strict=True):
        text = "".join(answer.output for answer in outcome.answers)[:left]
        if text:
            outputs.append({"public": trial.case.public, "text": text})
            left -= len(text)
    return outputs
