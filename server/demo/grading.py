"""Hand everything in at its time and grade it, with several graders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import ExitStack, nullcontext
from datetime import datetime, timedelta
from functools import cache
from multiprocessing import get_context

from sqlalchemy import func, select

from autograder.reading import reader
from server import engine
from server.clock import utc_now
from server.demo import course
from server.demo.story import HandIn
from server.engine import Grade
from server.grading.grader import GraderLoop
from server.grading.queue import Patience, Queue
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.storage.models import Assignment, Course, State, Submission, User

_ONE_DAY = timedelta(days=1)
# The graders' clocks stand still, each at its batch's time: no lease may run out by them.
_PATIENCE = Patience(lease=timedelta(days=10_000))


def grade_all(
    config: Config,
    hand_ins: Sequence[HandIn],
    graders: int,
    progress: Callable[[int], None],
) -> None:
    """Hand in what is not there yet, and grade all that waits.

    Args:
        progress: called with how many submissions are graded by now.

    Raises:
        CannotConfine: there is no sandbox.
    """
    database = _database(config)
    users, assignments, there = _known(database)
    wanted = [
        one
        for one in hand_ins
        if (users[one.student], assignments[one.assignment], one.at) not in there
    ]
    with ProcessPoolExecutor(graders, mp_context=get_context("spawn")) as pool:
        for batch in (*_batches(wanted), []):
            for one in batch:
                parsed = reader().run("look", (one.filename, one.content), homes={})
                _queue(config, one.at).accept(
                    assignments[one.assignment], users[one.student], parsed, one.content
                )
            at = batch[-1].at + timedelta(minutes=1) if batch else utc_now()
            left = {pool.submit(_drain, config, at) for _ in range(graders)}
            while left:
                done, left = wait(left, timeout=0.3, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress(_graded(database))


def _batches(hand_ins: Sequence[HandIn]) -> Iterator[list[HandIn]]:
    """What comes within a day is handed in before it is graded, unless a student hands in to the
    same assignment again: that would supersede what waits."""
    batch: list[HandIn] = []
    for one in hand_ins:
        again = any((b.student, b.assignment) == (one.student, one.assignment) for b in batch)
        if batch and (again or one.at - batch[0].at > _ONE_DAY):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _known(
    database: Database,
) -> tuple[dict[int, int], dict[str, int], set[tuple[int, int, datetime]]]:
    """The students' and assignments' keys, and what is handed in already."""
    with database.read() as session:
        by_email = dict(session.execute(select(User.email, User.id)).all())
        query = select(Assignment.slug, Assignment.id).join(Course)
        assignments = dict(session.execute(query.where(Course.slug == course.SLUG)).all())
        handed_in = select(Submission.user_id, Submission.assignment_id, Submission.received_at)
        there = {(user, assignment, at) for user, assignment, at in session.execute(handed_in)}
    numbers = range(1, course.MOST_STUDENTS + 1)
    users = {n: by_email[course.email(n)] for n in numbers if course.email(n) in by_email}
    return users, assignments, there


def _graded(database: Database) -> int:
    with database.read() as session:
        query = select(func.count()).where(Submission.state == State.GRADED)
        return session.scalar(query) or 0


def _queue(config: Config, at: datetime) -> Queue:
    """The queue as if it were this time."""
    return Queue(_database(config), _PATIENCE, clock=lambda: at)


@cache
def _database(config: Config) -> Database:
    return Database(config.database)


# In the graders' processes.

_opened = ExitStack()


@cache
def _grader(config: Config) -> Grade:
    return _opened.enter_context(engine.open_grader(None, config.cache))


def _drain(config: Config, at: datetime) -> None:
    """Grade what waits, as if it were this time."""
    grade = _grader(config)
    files = Files(_database(config))
    GraderLoop(_queue(config, at), files, lambda: nullcontext(grade)).drain()
