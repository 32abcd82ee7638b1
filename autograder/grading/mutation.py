"""What no check sees: edits of the solution that a machine makes, held against the hidden cases.

A recorded misconception is what an author thought of; these are all that can be changed at one
spot: operators, comparisons, constants, axes, terms and calls left out. One that no case sees is
either the same function written otherwise, and recorded as that, or a hole. They run without a
sandbox: it is the author's own code.
"""

from __future__ import annotations

import hashlib
import json
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import torch

from autograder.errors import AuthoringError
from autograder.exercise import Exercise
from autograder.grading.spread import Lost, Setting, Warm, spread
from autograder.judging.local import LocalSession
from autograder.sandbox import SandboxFault
from autograder.topics.catalogue import Catalogue, Topic
from autograder.truth.edits import Mutant, edits_of, named
from autograder.truth.oracle import Oracle, digest_of
from autograder.truth.trial import Trial

Progress = Callable[[str, int, int], None]

FARTHEST = 4  # rank of edits that are made: beyond are variables exchanged at random
SECONDS = 3  # so long may one case take, or it is seen that it does not end


@dataclass(frozen=True)
class Survivor:
    """An edit that no case sees. `digest` is of the whole edited function."""

    digest: str
    function: str
    change: str

    @property
    def told(self) -> str:
        return f"{self.function}: {self.change}"


@dataclass(frozen=True)
class MutationAudit:
    """What was found for one exercise: how many edits there are of what it alone asks for or comes
    to first, how many were tried, and those that no case of the topic saw."""

    topic: str
    exercise: str
    edits: int
    tried: int
    survivors: list[Survivor] = field(default_factory=list)


def mutation_audit(
    assignment: str,
    secret: bytes,
    *,
    exercise: str | None = None,
    reference: Path | None = None,
    most: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Iterator[MutationAudit]:
    """Try the edits of an assignment's exercises, or of one, `jobs` exercises at a time.

    Args:
        most: of each exercise at most so many edits, others with each state of the topic; None
            for all.

    Raises:
        KeyError: there is no such assignment, or no such exercise in it.
        SandboxFault: a process of the audit was ended from outside.
    """
    exercises = Catalogue.load(reference)[assignment].exercises
    places = [
        (topic.name, one.name)
        for topic, one in exercises
        if exercise in {None, one.name} and _is_cheap(one)
    ]
    if not places:
        raise KeyError(f"{assignment} has no exercise {exercise!r} whose edits could be tried")
    task = partial(_of_place, secret=secret, most=most)
    results = spread(task, tuple(places), Setting(secret, reference), min(jobs, len(places)))
    for done, result in enumerate(results):
        if isinstance(result, Lost):
            raise SandboxFault("a process of the audit was ended, perhaps for want of memory")
        if progress is not None:
            progress(result.exercise, done + 1, len(places))
        yield result


def equivalent(corpus: Path | None, topic: str) -> dict[str, str]:
    """The edits of a topic that are recorded as the same function: by digest, in words.

    Raises:
        AuthoringError: the record is not what `record` writes.
    """
    path = _record(corpus, topic)
    if path is None or not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise AuthoringError(f"{path} is no record of edits: make it anew with --record")
    return found


def record(corpus: Path, results: Sequence[MutationAudit]) -> list[Path]:
    """Write the survivors of whole topics down as the same functions; the files."""
    written = []
    for topic in dict.fromkeys(result.topic for result in results):
        survivors = [s for r in results if r.topic == topic for s in r.survivors]
        lines = {
            one.digest: one.told for one in sorted(survivors, key=lambda s: (s.told, s.digest))
        }
        path = _record(corpus, topic)
        assert path is not None  # noqa: S101 - there is a corpus
        if lines:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(lines, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", "utf-8")
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return written


def _record(corpus: Path | None, topic: str) -> Path | None:
    return corpus / "equivalent" / f"{topic}.json" if corpus is not None else None


def _is_cheap(exercise: Exercise) -> bool:
    return any(not check.long and not check.timed for check in exercise.checks)


# In the processes.


def _of_place(
    warm: Warm, place: tuple[str, str], *, secret: bytes, most: int | None
) -> MutationAudit:
    torch.set_num_threads(1)
    (topic,) = warm.catalogue[place[0]].topics
    exercise = next(one for one in topic.exercises if one.name == place[1])
    found = [mutant for name in _owned(topic, exercise) for mutant in _edits(topic, name)]
    chosen = {_digest(mutant): mutant for mutant in found}
    order = sorted(chosen, key=lambda digest: digest_of(topic.digest.encode(), digest))
    tried = order[:most]
    solution = _Solution(topic)
    trials = _Trials(topic, Oracle(secret))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        survivors = [
            Survivor(digest, mutant.function, mutant.change)
            for digest in tried
            if (mutant := chosen[digest]).code is not None
            and not solution.is_seen(mutant, trials.of(mutant.function))
        ]
    return MutationAudit(topic.name, exercise.name, len(chosen), len(tried), survivors)


def _edits(topic: Topic, name: str) -> list[Mutant]:
    (statement,) = [one for one in topic.statements if one.name == name]
    found = (mutant for mutant in edits_of(statement) if mutant.rank <= FARTHEST)
    return [mutant for mutant in found if not mutant.is_next_to_nothing]


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(mutant.source.encode()).hexdigest()[:16]


def _reached(topic: Topic, exercise: Exercise) -> list[str]:
    """The functions and classes of the solution that an exercise asks for, and what they name."""
    written = {one.name: one for one in topic.statements if one.name}
    found = [function.__name__ for function in exercise.functions]
    for name in found:  # grows while it is gone through
        names = named(written[name].text)
        found += [other for other in written if other in names and other not in found]
    return found


def _owned(topic: Topic, exercise: Exercise) -> list[str]:
    """Those that no other exercise asks for, and none before comes to."""
    asked = {f.__name__ for one in topic.exercises if one is not exercise for f in one.functions}
    before = topic.exercises[: topic.exercises.index(exercise)]
    known = {name for one in before for name in _reached(topic, one)}
    return [name for name in _reached(topic, exercise) if name not in asked | known]


class _Trials:
    """The cases that may see an edit: of every exercise that comes to what is edited."""

    def __init__(self, topic: Topic, oracle: Oracle) -> None:
        self._topic, self._oracle = topic, oracle
        self._known: dict[str, list[Trial]] = {}

    def of(self, name: str) -> Iterator[Trial]:
        for exercise in self._topic.exercises:
            if _is_cheap(exercise) and name in _reached(self._topic, exercise):
                yield from self._cheap_first(exercise)

    def _cheap_first(self, exercise: Exercise) -> list[Trial]:
        if exercise.name not in self._known:
            trials = self._oracle.trials(self._topic, exercise)
            cheap = [trial for trial in trials if not trial.check.long]
            self._known[exercise.name] = sorted(cheap, key=lambda trial: len(trial.calls))
        return self._known[exercise.name]


class _Solution:
    """A topic's solution, of which one function at a time is another."""

    def __init__(self, topic: Topic) -> None:
        self._others = {n: f for other in topic.beside for n, f in other.functions().items()}
        self._name = topic.name
        self._codes: list[tuple[str, CodeType]] = [
            (one.name, compile(one.text, str(topic.path), "exec")) for one in topic.statements
        ]

    def is_seen(self, mutant: Mutant, trials: Iterator[Trial]) -> bool:
        """Whether some case is answered otherwise than it should be, or not in time."""
        signal.signal(signal.SIGALRM, _late)
        try:
            session = LocalSession(self._others | self._with(mutant))
            return any(_is_off(trial, session) for trial in trials)
        except Exception:  # whatever comes of a program that nobody wrote
            return True

    def _with(self, mutant: Mutant) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": self._name}
        for name, code in self._codes:
            edited = mutant.code if name == mutant.function else None
            # The author's own code, edited by machine: nothing of a student's comes here.
            exec(edited or code, namespace)  # noqa: S102
        return namespace


def _is_off(trial: Trial, session: LocalSession) -> bool:
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return trial.is_off(trial.judge(session.run(trial.calls)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _late(*_: object) -> None:
    raise TimeoutError
