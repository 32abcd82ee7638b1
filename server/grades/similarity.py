"""Which submissions for an assignment are alike? Compared with each other by copydetect, which
winnows hashed runs of tokens (Schleimer, Wilkerson, Aiken: "Winnowing", SIGMOD 2003).

What was handed out counts for nothing, and neither does what many students wrote: short right
answers look the same. A score is a reason to read both, never a verdict.

`python -m server.grades.similarity --data DIR --search ID` is the process that `start` has started.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import click
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, joinedload

from autograder.handin.submission import SubmissionError
from autograder.reading import Reader
from autograder.reading.alike import alike, check
from autograder.reading.inside.prints import Prints
from server import engine, logs, options
from server.clock import Clock
from server.grades import rights
from server.grades.background import Background
from server.storage import audit
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.storage.models import (
    Assignment,
    Enrolment,
    Grade,
    Judgement,
    PairJudgement,
    Role,
    Search,
    SearchState,
    SimilarPair,
    Submission,
    TeamMember,
    User,
)

log = logging.getLogger(__name__)

_SILENT = timedelta(minutes=2)  # after that long without a sign of life a search is dead
_NICE = 10
_MOST_EARLIER = 500  # submissions of one earlier course
_MOST_COURSES = 6


class SimilarityError(ValueError):
    """It cannot be searched now; the message is one sentence."""


def available() -> bool:
    return find_spec("copydetect") is not None


def alive(search: Search, now: datetime) -> bool:
    return search.state is SearchState.RUNNING and now - search.alive_at < _SILENT


def latest(session: Session, assignment: Assignment) -> Search | None:
    return session.scalar(
        select(Search)
        .where(Search.assignment_id == assignment.id)
        .order_by(Search.id.desc())
        .limit(1)
    )


def start(
    session: Session,
    assignment: Assignment,
    *,
    at: datetime,
    actor: User,
    earlier: bool = False,
) -> Search:
    """Note the search; the caller commits, then `launch`es it.

    Args:
        earlier: compare with submissions of earlier courses with the same topic, too.

    Raises:
        SimilarityError: one is running, or copydetect is not installed.
    """
    if not available():
        raise SimilarityError(
            "This server lacks copydetect: its operator can install it with "
            "pip install 'gradmark[similarity]'."
        )
    last = latest(session, assignment)
    if last is not None and alive(last, at):
        raise SimilarityError("A search is running already.")
    search = Search(
        assignment_id=assignment.id,
        state=SearchState.RUNNING,
        started_by_id=actor.id,
        started_at=at,
        alive_at=at,
        earlier=earlier,
    )
    session.add(search)
    session.flush()
    audit.record(
        session,
        audit.Action.SIMILARITY_SEARCHED,
        f"assignment:{assignment.id}",
        at=at,
        actor=actor,
        course_id=assignment.course_id,
        assignment=assignment.slug,
    )
    return search


def launch(background: Background, search: Search) -> None:
    background.start("server.grades.similarity", "--search", str(search.id))


def run(
    database: Database,
    files: Files,
    search_id: int,
    handed_out: str,
    clock: Clock | None = None,
) -> None:
    """Search, and store what is found and how far it is. A fault ends it as failed, and so does
    that who started it may do so no more."""
    clock = clock or database.clock
    reader = Reader(warm=("fingerprints",))
    try:
        with database.read() as session:
            search = session.get_one(Search, search_id)
            _still_wanted(session, search)
            submissions = _submissions(session, search.assignment)
            own = {id_ for id_, _, _ in submissions}
            for assignment in earlier_ones(session, search) if search.earlier else ():
                submissions += _submissions(session, assignment)[:_MOST_EARLIER]
        texts: dict[int, Prints] = {}
        left_out, told = 0, clock()

        def note(done: int) -> None:
            with database.write() as session:
                search = session.get_one(Search, search_id)
                search.done, search.total, search.left_out = done, len(texts), left_out
                search.alive_at = clock()

        note(0)
        for id_, public_id, filename in submissions:
            if clock() - told > _SILENT / 4:
                told = clock()
                note(0)
            try:
                texts[id_] = reader.run("fingerprints", (filename, files.read(public_id)))
                check(texts[id_])
            except (SubmissionError, OSError) as error:
                texts.pop(id_, None)
                left_out += 1
                log.warning("search %d: submission %d is left out: %s", search_id, id_, error)

        note(0)
        ids = list(texts)
        given = reader.run("fingerprints", ("given.py", handed_out.encode()), window=1)
        old = sum(1 for id_ in ids if id_ not in own)
        found = alike(list(texts.values()), given, note, earlier=old)
        with database.write() as session:
            _still_wanted(session, session.get_one(Search, search_id))
            session.add_all(
                SimilarPair(
                    search_id=search_id,
                    first_id=ids[pair.first],
                    second_id=ids[pair.second],
                    score=pair.score,
                    first_share=pair.shares[0],
                    second_share=pair.shares[1],
                    first_ranges=pair.ranges[0],
                    second_ranges=pair.ranges[1],
                    links=pair.links,
                )
                for pair in found
            )
            search = session.get_one(Search, search_id)
            search.state, search.done, search.alive_at = SearchState.DONE, len(ids), clock()
    except Exception as error:
        if isinstance(error, SimilarityError):
            log.warning("search %d: %s", search_id, error)
        else:
            log.exception("search %d: a fault of ours", search_id)
        with database.write() as session:
            session.get_one(Search, search_id).state = SearchState.FAILED
    finally:
        reader.close()


def earlier_ones(session: Session, search: Search) -> list[Assignment]:
    """Assignments of the topic in courses that whoever started the search leads and that were due
    before this one opened, the latest first."""
    this = search.assignment
    query = (
        select(Assignment)
        .where(
            Assignment.topic == this.topic,
            Assignment.course_id != this.course_id,
            Assignment.due_at < this.opens_at,
        )
        .options(joinedload(Assignment.course))
        .order_by(Assignment.due_at.desc(), Assignment.id.desc())
    )
    return [
        one
        for one in session.scalars(query)
        if rights.holds(session, search.started_by, one.course, Role.INSTRUCTOR)
    ][:_MOST_COURSES]


def judgement(session: Session, pair: SimilarPair) -> PairJudgement | None:
    """What was made of the two submissions, in this search or in another."""
    key = sorted((pair.first_id, pair.second_id))
    query = select(PairJudgement).options(joinedload(PairJudgement.judged_by))
    return session.scalar(
        query.where(PairJudgement.first_id == key[0], PairJudgement.second_id == key[1])
    )


def judge(
    session: Session, pair: SimilarPair, made: Judgement | None, *, at: datetime, actor: User
) -> None:
    """Note what somebody made of the two; None: they are to be looked at again."""
    found = judgement(session, pair)
    before = found.judgement if found is not None else None
    if before == made:
        return
    if made is None:
        session.delete(found)
    elif found is not None:
        found.judgement, found.judged_by_id, found.judged_at = made, actor.id, at
    else:
        first, second = sorted((pair.first_id, pair.second_id))
        session.add(
            PairJudgement(
                first_id=first,
                second_id=second,
                judgement=made,
                judged_by_id=actor.id,
                judged_at=at,
            )
        )
    for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
        audit.record(
            session,
            audit.Action.PAIR_JUDGED,
            f"user:{one.user_id}",
            at=at,
            actor=actor,
            course_id=one.assignment.course_id,
            assignment=one.assignment.slug,
            attempt=one.number,
            other=f"user {other.user_id}",
            before=before.value if before else "none",
            after=made.value if made else "none",
        )


def _still_wanted(session: Session, search: Search) -> None:
    course = search.assignment.course
    if not rights.holds(session, search.started_by, course, Role.INSTRUCTOR):
        raise SimilarityError("Who started it is no instructor of the course any more.")


def _submissions(session: Session, assignment: Assignment) -> list[tuple[int, str, str]]:
    """One of each student, or of each team: the one that counts, else the latest. A team is not
    compared with itself, nor with what its members did alone."""
    owner = func.coalesce(-Submission.team_id, -TeamMember.team_id, Submission.user_id)
    newest = (
        select(func.max(Submission.user_id).label("user_id"), func.max(Submission.id).label("id"))
        .outerjoin(
            TeamMember,
            and_(
                TeamMember.user_id == Submission.user_id,
                TeamMember.assignment_id == Submission.assignment_id,
            ),
        )
        .where(Submission.assignment_id == assignment.id)
        .group_by(owner)
        .subquery()
    )
    query = (
        select(Submission.id, Submission.public_id, Submission.filename)
        .select_from(newest)
        .join(
            Enrolment,
            and_(
                Enrolment.user_id == newest.c.user_id,
                Enrolment.course_id == assignment.course_id,
                Enrolment.role == Role.STUDENT,
                Enrolment.here,
            ),
        )
        .outerjoin(
            Grade,
            and_(Grade.user_id == newest.c.user_id, Grade.assignment_id == assignment.id),
        )
        .join(Submission, Submission.id == func.coalesce(Grade.submission_id, newest.c.id))
        .distinct()
        .order_by(Submission.id)
    )
    return list(session.execute(query))


@click.command()
@options.data
@options.reference
@click.option("--search", type=int, required=True)
def main(data: Path, reference: Path | None, search: int) -> None:
    logs.set_up()
    os.nice(_NICE)
    config = Config(data, reference)
    database = Database(config.database)
    with database.read() as session:
        topic = session.get_one(Search, search).assignment.topic
    run(database, Files(database), search, engine.handed_out(reference, topic))


if __name__ == "__main__":
    main()
