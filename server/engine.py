"""All that the server knows of the autograder, in one place.

The engine is imported inside the functions: it brings torch, which takes seconds, and neither
`--help` nor a page's test needs it.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from markupsafe import Markup

from autograder.handin.submission import Submission
from autograder.topics.folder import EVERYTHING
from server.storage.config import ConfigError
from server.storage.models import SourcePolicy

if TYPE_CHECKING:
    from autograder.handout.kept import Handout
    from autograder.policy import Cost
    from autograder.topics.catalogue import Catalogue
    from autograder.topics.index import Entry

log = logging.getLogger(__name__)
T = TypeVar("T")

Report: TypeAlias = dict[str, Any]
Progress: TypeAlias = Callable[[str, int, int], None]  # exercise, how many are done, of how many

# What else stands at a line of a report: for an exercise, what the line is called, and its checks.
AtCheck: TypeAlias = Callable[[str, str, Sequence[Mapping[str, Any]]], Markup]

_COSTS: Mapping[SourcePolicy, Cost] = {
    SourcePolicy.NOTHING: "report",
    SourcePolicy.WARNING: "warn",
    SourcePolicy.ZERO: "zero",
}
# Exercises by whose reference a device of this process was found unfit. It is fit again when they
# come out right, and before that no submission is to meet it.
_found_unfit: dict[str, set[tuple[str, str]]] = {}
_COURSES_KEPT = 8  # whose cases and their answers a grader keeps in memory


class Topic(Protocol):
    """What can be graded: an assignment of the catalogue."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def max_score(self) -> float: ...


class Parts(Protocol):
    """A view as pieces of a page."""

    @property
    def head(self) -> Markup: ...
    @property
    def exercises(self) -> Mapping[str, Markup]: ...


@dataclass(frozen=True)
class Engine:
    """What pages and API need: what can be graded, and how a report looks."""

    topics: Mapping[str, Topic]
    # A view in pieces, with something else at the lines of its checks.
    parts: Callable[[Report, AtCheck], Parts]
    views: Mapping[str, Callable[[Report], Report]]  # "student", "instructor"
    stylesheet: str  # of what `parts` gives
    script: str = ""  # of it too; it is readable without
    # A topic's reference as the folder holds it now; ConfigError: it cannot be loaded.
    digest: Callable[[str], str] = lambda topic: ""
    # Whether a document is a report: ValueError, with a sentence, where it is none.
    check: Callable[[Report], None] = lambda report: None
    # The functions that a topic's checks call, and those of all topics: each with the topic that
    # asks for it.
    homes: Callable[[str], tuple[Mapping[str, str], Mapping[str, str]]] = lambda topic: ({}, {})
    # A topic's lesson and what it asks for; None: there is none, or not yet. And a zip of all that
    # students get for it. ConfigError: it cannot be made.
    handout: Callable[[str], Handout | None] = lambda topic: None
    archive: Callable[[str], Path | None] = lambda topic: None


@dataclass(frozen=True)
class Rules:
    """By what a submission is graded."""

    secret: bytes = field(repr=False)  # the course's, from which hidden cases are drawn
    source_policy: SourcePolicy  # the assignment's
    only_public: bool = False  # whether only public cases are run, and nothing is graded


class Grade(Protocol):
    """Grade a submission for a topic; by rules that say so, only run its public cases: what comes
    of that is no report, but what `autograder.grading.grader.Grader.check` returns."""

    def __call__(
        self, rules: Rules, topic: str, submission: Submission, progress: Progress, /
    ) -> Report: ...


OpenGrader: TypeAlias = Callable[[], AbstractContextManager[Grade]]


class ReferenceChanged(Exception):
    """The exercises are others than those that the grader was opened with: open it anew."""


class DeviceBroken(Exception):
    """The device that submissions compute on does not work; the message is one sentence."""


class DeviceUnfit(DeviceBroken):
    """The reference itself comes out wrong on it: no submission has anything to do with that."""


class CannotConfine(Exception):
    """This machine cannot run students' code safely; the message is one sentence saying why."""


def check_report(report: Report) -> None:
    from jsonschema import ValidationError

    from autograder.report import validate

    try:
        validate(report)
    except ValidationError as error:
        place = error.json_path.removeprefix("$.")[:200]
        raise ValueError(f"The report does not hold at {place}: {error.message[:200]}.") from None
    except RecursionError:
        raise ValueError("The report is nested too deeply.") from None


def load(reference: Path | None) -> Engine:
    """Read the exercises below `reference`, or those that come with the engine.

    Raises:
        ConfigError: they are not well formed.
    """
    from autograder.render.html import SCRIPT, STYLESHEET
    from autograder.report import instructor_view, student_view

    exercises = _Exercises(reference)
    return Engine(
        exercises.now(),
        parts=parts,
        views={"student": student_view, "instructor": instructor_view},
        stylesheet=STYLESHEET,
        script=SCRIPT,
        digest=lambda topic: exercises.now()[topic].digest,
        check=check_report,
        homes=exercises.homes,
        handout=exercises.handout,
        archive=exercises.archive,
    )


def parts(view: Report, at_check: AtCheck) -> Parts:
    """A view of a report in pieces, with what `at_check` says of each line of checks."""
    from autograder.render.html import report_parts

    return report_parts(view, lambda exercise, line: at_check(exercise, line.name, line.checks))


def digests(reference: Path | None) -> Callable[[], Mapping[str, str]]:
    """What tells each topic's reference, as the folder holds it now.

    Raises, when called:
        ConfigError: it cannot be loaded.
    """
    exercises = _Exercises(reference)
    return lambda: {topic: entry.digest for topic, entry in exercises.now().items()}


def student_view(report: Report) -> Report:
    """Where there is no `Engine`: the exercises need not be read for it."""
    from autograder.report import student_view

    return student_view(report)


def paces(report: Report) -> list[tuple[str, str, float]]:
    """How quick right answers were: exercise, check, and within how many times the reference's own
    time, in coarse steps."""
    from autograder.report import paces

    return [(pace.exercise, pace.check, pace.within) for pace in paces(report)]


def keeping_times(report: Report, earlier: Report | None) -> Report:
    """A report of the same submission once more, with what an earlier one has of better times."""
    from autograder.report import keeping_times

    return keeping_times(report, earlier)


@contextmanager
def open_grader(
    reference: Path | None, cache: Path | None = None, device: str = "cpu"
) -> Iterator[Grade]:
    """A warm grader for many submissions of several courses.

    Args:
        cache: a folder to keep the reference's training runs in, from one grader to the next.
        device: what submissions compute on.

    Raises:
        CannotConfine: there is no sandbox on this machine, or no such device.
        ConfigError: the exercises are not well formed.

    The grader raises ReferenceChanged in place of grading by exercises that have changed since, and
    DeviceBroken when the device fails under a submission, whoever's fault that is, DeviceUnfit when
    it does without one: the next grader is refused until that is mended.
    """
    from autograder.sandbox import Sandbox, SandboxUnavailable, limits

    try:
        # On its way while this process imports torch as well.
        with Sandbox(device, wait=False) as sandbox:
            from autograder.grading.grader import Grader

            catalogue = _catalogue(reference)
            warm = Grader(catalogue, secrets.token_bytes(32), cache=cache, sandbox=sandbox)
            sandbox.ready()
            for place in sorted(_found_unfit.get(device, ())):
                warm.try_device(*place)
            _found_unfit.pop(device, None)
            of_course = lru_cache(maxsize=_COURSES_KEPT)(warm.drawing_from)

            def grade(
                rules: Rules, topic: str, submission: Submission, progress: Progress
            ) -> Report:
                if catalogue.outdated:
                    raise ReferenceChanged
                grader = of_course(rules.secret)
                try:
                    if rules.only_public:
                        return grader.check(topic, submission, progress)
                    return grader.grade(
                        topic, submission, progress, policy=_COSTS[rules.source_policy]
                    )
                except limits.DeviceUnfit as error:
                    _found_unfit.setdefault(device, set()).add(error.place)
                    raise DeviceUnfit(str(error)) from error
                except limits.DeviceFault as error:
                    raise DeviceBroken(str(error)) from error

            yield grade
    except (SandboxUnavailable, limits.DeviceFault) as error:
        raise CannotConfine(str(error)) from error


def handed_out(reference: Path | None, topic: str) -> str:
    """The code that students start from."""
    from autograder.handout.stubs import stub

    return "\n".join(stub(part) for part in _catalogue(reference)[topic].topics)


_SECONDS_BETWEEN_LOOKS = 1.0  # at the exercises' files, which are some hundreds


class _Exercises:
    """What a folder's are called and worth, known without loading them, as they were a second ago
    at most."""

    def __init__(self, reference: Path | None) -> None:
        self._reference = reference
        self._seen: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()
        self._making: set[str] = set()  # the topics whose lessons are being made
        self._one = threading.Lock()  # at a time

    def now(self) -> Mapping[str, Entry]:
        """
        Raises:
            ConfigError: they are not well formed.
        """
        from autograder.secret import own_cache
        from autograder.topics.index import index

        def look() -> Mapping[str, Entry]:
            with self._lock, _well_formed():
                return index(self._reference, own_cache())

        return self._lately("", look)

    def _lately(self, what: str, look: Callable[[], T]) -> T:
        looked, found = self._seen.get(what, (0.0, None))
        if found is None or time.monotonic() - looked > _SECONDS_BETWEEN_LOOKS:
            looked, found = time.monotonic(), look()
            self._seen[what] = looked, found
        return found  # type: ignore[no-any-return]

    def homes(self, topic: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
        now = self.now()
        return now[topic].homes, now[EVERYTHING].homes

    def handout(self, topic: str) -> Handout | None:
        """None until it is made, which begins by asking for it.

        Raises:
            ConfigError: the exercises cannot be read.
        """
        from autograder.handout.kept import handout
        from autograder.secret import own_cache

        def look() -> Handout | None:
            with _handing_out():
                return handout(self._reference, own_cache(), topic, make=False)

        found = self._lately(topic, look)
        if found is None:
            with self._lock:
                begin = topic not in self._making
                self._making.add(topic)
            if begin:
                threading.Thread(target=self._make, args=(topic,), daemon=True).start()
        return found

    def _make(self, topic: str) -> None:
        from autograder.handout.kept import handout
        from autograder.secret import own_cache

        try:
            with self._one, _handing_out():
                handout(self._reference, own_cache(), topic)
        except ConfigError as error:
            log.error("%s", error)
        finally:
            with self._lock:
                self._making.discard(topic)

    def archive(self, topic: str) -> Path:
        """
        Raises:
            ConfigError: it cannot be made or kept.
        """
        from autograder.handout.kept import archive
        from autograder.secret import own_cache

        with _handing_out():
            return archive(self._reference, own_cache(), topic)


def _catalogue(reference: Path | None) -> Catalogue:
    from autograder.topics.catalogue import Catalogue

    with _well_formed():
        return Catalogue.load(reference)


@contextmanager
def _well_formed() -> Iterator[None]:
    from autograder.errors import AuthoringError

    try:
        yield
    except AuthoringError as error:
        raise ConfigError(f"The exercises cannot be loaded: {error}") from error


@contextmanager
def _handing_out() -> Iterator[None]:
    try:
        with _well_formed():
            yield
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(f"What students get cannot be made: {error}") from error
