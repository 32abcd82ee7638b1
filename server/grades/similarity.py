"""Which submissions for an assignment are alike? Compared with each other by copydetect, which
winnows hashed runs of tokens (Schleimer, Wilkerson, Aiken: "Winnowing", SIGMOD 2003).

What was handed out counts for nothing, and neither does what many students wrote: short right
answers look the same. A score is a reason to read both, never a verdict.

`python -m server.grades.similarity --data DIR --search ID` is the process that `start` has started.
"""

from __future__ import annotations

import heapq
import io
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from server import engine, logs, options
from server.clock import Clock, utc_now
from server.grades.background import Background
from server.storage import audit
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.storage.models import (
    Assignment,
    Enrolment,
    Grade,
    Role,
    Search,
    SearchState,
    SimilarPair,
    Submission,
    User,
)

log = logging.getLogger(__name__)

_RUN = 25  # tokens that must agree in a row to be noticed at all
_WINDOW = 6  # and 30 in a row are noticed for certain
_LONGEST = 400_000  # characters of a submission that are compared
_COMMON, _COMMON_SHARE = 8, 0.1  # what more students than both of these wrote is common
_LEAST = 0.2  # the least score that is reported
_PAIRS = 200  # the most that are reported
_SILENT = timedelta(minutes=2)  # after that long without a sign of life a search is dead
_NICE = 10


class SimilarityError(ValueError):
    """It cannot be searched now; the message is one sentence."""


@dataclass(frozen=True)
class Alike:
    """Two texts (by their place), what share of each is in the other, and where."""

    first: int
    second: int
    shares: tuple[float, float]
    ranges: tuple[list[list[int]], list[list[int]]]

    @property
    def score(self) -> float:
        """Their mean: the greater one alone would lift whoever wrote little of their own."""
        return sum(self.shares) / 2


def available() -> bool:
    return find_spec("copydetect") is not None


def text(filename: str, content: bytes) -> str:
    """All code of a submission as one text, the files and cells under headings.

    Raises:
        SubmissionError: it cannot be read.
    """
    parts = []
    for source in reader().read(filename, content).sources:
        for number, chunk in enumerate(source.chunks, 1):
            if chunk.strip():
                name = f"{source.module}.py"
                parts.append(f"# {f'{source.module}, cell {number}' if source.notebook else name}")
                parts.append(chunk.strip("\n") + "\n")
    return "\n".join(parts)[:_LONGEST]


def alive(search: Search, now: datetime) -> bool:
    return search.state is SearchState.RUNNING and now - search.alive_at < _SILENT


def latest(session: Session, assignment: Assignment) -> Search | None:
    return session.scalar(
        select(Search)
        .where(Search.assignment_id == assignment.id)
        .order_by(Search.id.desc())
        .limit(1)
    )


def start(session: Session, assignment: Assignment, *, at: datetime, actor: User) -> Search:
    """Note the search; the caller commits, then `launch`es it.

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
    database: Database, files: Files, search_id: int, handed_out: str, clock: Clock = utc_now
) -> None:
    """Search, and store what is found and how far it is. A fault ends it as failed."""
    try:
        with database.read() as session:
            search = session.get_one(Search, search_id)
            submissions = _submissions(session, session.get_one(Assignment, search.assignment_id))
        texts, left_out = {}, 0
        for id_, public_id, filename in submissions:
            try:
                texts[id_] = text(filename, files.read(public_id))
            except (SubmissionError, OSError):
                left_out += 1

        def note(done: int) -> None:
            with database.write() as session:
                search = session.get_one(Search, search_id)
                search.done, search.total, search.left_out = done, len(texts), left_out
                search.alive_at = clock()

        note(0)
        ids = list(texts)
        found = alike(list(texts.values()), handed_out, note)
        with database.write() as session:
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
                )
                for pair in found
            )
            search = session.get_one(Search, search_id)
            search.state, search.done, search.alive_at = SearchState.DONE, len(ids), clock()
    except Exception:
        log.exception("search %d: a fault of ours", search_id)
        with database.write() as session:
            session.get_one(Search, search_id).state = SearchState.FAILED


def alike(texts: Sequence[str], handed_out: str, note: Any = lambda done: None) -> list[Alike]:
    """The pairs that share the most, the greatest score first.

    Args:
        handed_out: the code that everybody was given.
        note: is told now and then how many texts are done.
    """
    prints = [_fingerprint(source) for source in texts]
    ignored = set(_fingerprint(handed_out, window=1).hashes)
    holders = Counter(hash_ for print_ in prints for hash_ in print_.hashes)
    most = max(_COMMON, _COMMON_SHARE * len(texts))
    ignored.update(hash_ for hash_, count in holders.items() if count > most)
    for print_ in prints:
        _forget(print_, ignored)
    candidates: list[tuple[float, int, int]] = []
    for second, other in enumerate(prints):
        for first, print_ in enumerate(prints[:second]):
            common = len(print_.hashes & other.hashes)
            if common:
                share = common / min(len(print_.hashes), len(other.hashes))
                if share >= _LEAST:
                    candidates.append((share, first, second))
        if second % 25 == 24:
            candidates = heapq.nlargest(2 * _PAIRS, candidates)
            note(second + 1)
    found = [_compared(prints, first, second) for _, first, second in candidates]
    found = [pair for pair in found if pair.score >= _LEAST]
    return heapq.nlargest(_PAIRS, found, key=lambda pair: pair.score)


def _fingerprint(source: str, window: int = _WINDOW) -> Any:
    from copydetect import CodeFingerprint

    return CodeFingerprint("submission.py", _RUN, window, language="python", fp=io.StringIO(source))


def _forget(print_: Any, ignored: set[int]) -> None:
    from copydetect.utils import get_token_coverage

    print_.hashes -= ignored
    for hash_ in ignored & print_.hash_idx.keys():
        del print_.hash_idx[hash_]
    print_.token_coverage = get_token_coverage(print_.hash_idx, print_.k, len(print_.filtered_code))


def _compared(prints: Sequence[Any], first: int, second: int) -> Alike:
    from copydetect import compare_files

    _, shares, slices = compare_files(prints[first], prints[second])
    ranges = [
        list(_merged((int(begin), int(end)) for begin, end in zip(*found, strict=True)))
        for found in slices
    ]
    return Alike(first, second, (float(shares[0]), float(shares[1])), (ranges[0], ranges[1]))


def _merged(ranges: Iterator[tuple[int, int]]) -> Iterator[list[int]]:
    """In order, and none over another."""
    last: list[int] | None = None
    for begin, end in sorted(ranges):
        if last is not None and begin <= last[1]:
            last[1] = max(last[1], end)
            continue
        if last is not None:
            yield last
        last = [begin, end]
    if last is not None:
        yield last


def _submissions(session: Session, assignment: Assignment) -> list[tuple[int, str, str]]:
    """One of each student: the one that counts, else the latest."""
    newest = (
        select(Submission.user_id, func.max(Submission.id).label("id"))
        .where(Submission.assignment_id == assignment.id)
        .group_by(Submission.user_id)
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
    run(database, Files(config.submissions), search, engine.handed_out(reference, topic))


if __name__ == "__main__":
    main()
