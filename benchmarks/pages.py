"""How quick the server's pages are on a large course: `make bench`.

A generated course (nobody in it is graded or real) is written straight into a database, SQLite's or
with `--postgresql` one that is started for it: students x assignments x attempts, with grades,
scores per exercise, misconceptions and an audit log. Each page is then asked for through the WSGI
application, by other students and with other filters each time. `--keep DIR` leaves the data, for
looking at: log in as staff@generated.invalid.
"""

from __future__ import annotations

import argparse
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.handout.stubs import stub
from autograder.topics.catalogue import Catalogue
from benchmarks.deployment import shared
from server import engine
from server.grades import grades
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import (
    Adjustment,
    Assignment,
    AuditEntry,
    Content,
    Counts,
    Course,
    Enrolment,
    ExerciseScore,
    Grade,
    LostCheck,
    MisconceptionFound,
    Role,
    SourcePolicy,
    State,
    Submission,
    User,
)
from server.web.app import create_app

STAFF, PASSWORD = "staff@generated.invalid", "a generated course"
SLUG, TOPIC = "generated", "normalization"
TARGETS = {"staff": 300.0, "student": 100.0}  # ms, p95
REQUESTS = 40
FILLER = "x" * 3000  # a report's weight in the table; a real one is larger, but read one at a time
DAY = timedelta(days=1)
BATCH = 5000
WHOLE = 300  # students whose first reports are whole ones
WITH_A_REPORT = (Submission.number == 1) & (Submission.user_id <= WHOLE)


def furnish(config: Config, students: int, assignments: int, attempts: int) -> None:
    """Write the course."""
    config.prepare()
    database = Database(config.database)
    database.migrate()
    rng = random.Random(1)  # noqa: S311 - the same course each time
    catalogue = Catalogue.load()
    topic = next(t for t in catalogue[TOPIC].topics if t.name == TOPIC)
    source = stub(topic).encode()
    with Grader(catalogue, secrets.token_bytes(32)) as grader:
        report = grader.grade(TOPIC, parse("generated.py", source))
    exercises = [
        (e.name, float(e.max_score), [(m.name, m.hint) for m in e.misconceptions])
        for e in topic.exercises
    ]
    now = datetime.now(UTC)
    with database.write() as session:
        course = Course(
            slug=SLUG,
            title="A generated course",
            timezone="UTC",
            secret=secrets.token_bytes(32),
            created_at=now,
        )
        session.add(course)
        session.flush()
        people = _people(session, course, students, now)
    for position in range(assignments):  # not all at once: PostgreSQL ends what pauses for long
        with database.write() as session:
            assignment = _assignment(session, course, position, assignments, exercises, now)
            _hand_ins(session, assignment, people, attempts, exercises, report, rng, now)
    with database.write() as session:
        for id_ in session.scalars(select(Submission.id).where(WITH_A_REPORT)).all():
            session.add(Content(submission_id=id_, content=source))
    database.close()


def _people(session: Session, course: Course, students: int, now: datetime) -> list[int]:
    password = PasswordHasher().hash(PASSWORD)
    session.execute(
        insert(User),
        [
            {
                "id": number,
                "email": f"student{number}@generated.invalid",
                "name": f"Student {number:04} (generated)",
                "password": password,
                "session_key": secrets.token_urlsafe(32),
                "is_admin": False,
                "disabled": False,
                "created_at": now,
            }
            for number in range(1, students + 1)
        ]
        + [
            {
                "id": students + 1,
                "email": STAFF,
                "name": "Staff (generated)",
                "password": password,
                "session_key": secrets.token_urlsafe(32),
                "is_admin": False,
                "disabled": False,
                "created_at": now,
            }
        ],
    )
    session.execute(
        insert(Enrolment),
        [
            {
                "course_id": course.id,
                "user_id": number,
                "role": Role.STUDENT if number <= students else Role.INSTRUCTOR,
                "section": f"Group {number % 20 + 1:02}",
                "canvas_id": "",
                "moodle_id": "",
                "created_at": now,
            }
            for number in range(1, students + 2)
        ],
    )
    return list(range(1, students + 1))


def _assignment(
    session: Session,
    course: Course,
    position: int,
    count: int,
    exercises: list[tuple[str, float, list[tuple[str, str]]]],
    now: datetime,
) -> Assignment:
    """A week for each; the last two can still be handed in."""
    due = now + (position - count + 2) * 7 * DAY - 4 * DAY
    assignment = Assignment(
        course_id=course.id,
        slug=f"week-{position + 1}",
        position=position,
        topic=TOPIC,
        title=f"Week {position + 1} (generated)",
        points=sum(points for _, points, _ in exercises),
        opens_at=due - 10 * DAY,
        due_at=due,
        late_until=due + 2 * DAY,
        late_penalty=10.0,
        attempts=None,
        attempts_per_day=None,
        cool_down_minutes=0,
        counts=Counts.BEST,
        source_policy=SourcePolicy.WARNING,
    )
    session.add(assignment)
    session.flush()
    return assignment


def _hand_ins(
    session: Session,
    assignment: Assignment,
    people: list[int],
    attempts: int,
    exercises: list[tuple[str, float, list[tuple[str, str]]]],
    report: dict[str, Any],
    rng: random.Random,
    now: datetime,
) -> None:
    tables: dict[type, list[dict[str, Any]]] = {
        Submission: [],
        ExerciseScore: [],
        LostCheck: [],
        MisconceptionFound: [],
        Adjustment: [],
        Grade: [],
        AuditEntry: [],
    }
    id_ = session.scalar(select(Submission.id).order_by(Submission.id.desc()).limit(1)) or 0
    full = sum(points for _, points, _ in exercises)
    for user in people:
        if rng.random() < 0.03:
            continue
        skill = rng.betavariate(2, 3)
        begin = assignment.opens_at + rng.random() * 9 * DAY
        mine: list[Any] = []
        for number in range(1, attempts + 1):
            when = (number - rng.random()) / attempts
            received = begin + (assignment.due_at + DAY - begin) * when**0.5
            if received > now:
                break
            id_ += 1
            skill += (1 - skill) * rng.betavariate(1, 6) if rng.random() < 0.6 else 0
            score = 0.0
            for position, (name, points, misconceptions) in enumerate(exercises):
                got = points if rng.random() < skill else round(points * rng.random() * 0.8, 2)
                score += got
                tables[ExerciseScore].append(
                    {
                        "submission_id": id_,
                        "position": position,
                        "exercise": name,
                        "score": got,
                        "max_score": points,
                    }
                )
                if got < points:
                    tables[LostCheck] += [
                        {
                            "submission_id": id_,
                            "exercise": name,
                            "name": f"values: {half}",
                            "lost": (points - got) / 2,
                            "max_score": points / 2,
                            "alone": f"case {number}" if rng.random() < 0.3 else None,
                        }
                        for half in ("y", "grad_x")
                    ]
                if got < points and misconceptions and rng.random() < 0.5:
                    which = min(int(rng.expovariate(0.7)), len(misconceptions) - 1)
                    tables[MisconceptionFound].append(
                        {
                            "submission_id": id_,
                            "exercise": name,
                            "name": misconceptions[which][0],
                            "hint": misconceptions[which][1],
                            "assignment_id": assignment.id,
                            "user_id": user,
                            "received_at": received,
                        }
                    )
            row = {
                "id": id_,
                "public_id": f"{id_:032x}",
                "assignment_id": assignment.id,
                "user_id": user,
                "number": number,
                "filename": "generated.py",
                "digest": "0" * 64,
                "received_at": received,
                "turn": id_,
                "place": id_,
                "state": State.GRADED,
                "not_before": received,
                "lease": 1,
                "faults": 0,
                "done": 0,
                "total": 0,
                "graded_at": received + timedelta(seconds=9),
                "score": round(score, 2),
                "max_score": full,
                "report": report if number == 1 and user <= WHOLE else {"filler": FILLER},
            }
            tables[Submission].append(row)
            names = ("id", "number", "state", "received_at", "score", "max_score")
            mine.append(SimpleNamespace(**{name: row[name] for name in names}))
        standing = grades.standing(assignment, None, mine, [], UTC)
        if not mine:
            continue
        tables[Grade].append(
            {
                "assignment_id": assignment.id,
                "user_id": user,
                "submission_id": standing.submission.id if standing.submission else None,
                "points": standing.points,
                "late_days": standing.late_days,
                "adjustment": 0.0,
                "submissions": len(mine),
                "last_received_at": mine[-1].received_at,
                "without_gain": grades.without_gain(mine),
            }
        )
        tables[AuditEntry] += [
            {
                "at": one.received_at,
                "actor_id": None,
                "course_id": assignment.course_id,
                "action": "grade.changed",
                "subject": f"user:{user}",
                "detail": {"assignment": assignment.slug, "after": one.score, "cause": "graded"},
            }
            for one in mine[:3]
        ]
        if len(tables[Submission]) >= BATCH:
            _write(session, tables)
    _write(session, tables)


def _write(session: Session, tables: dict[type, list[dict[str, Any]]]) -> None:
    for table, rows in tables.items():
        if rows and session.get_bind().dialect.name == "postgresql":
            _copy(session, table, rows)
        elif rows:
            session.execute(insert(table), rows)
        rows.clear()


def _copy(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    """As PostgreSQL takes many rows at once."""
    dialect, columns = session.get_bind().dialect, table.__table__.columns
    defaults = {
        column.name: column.default.arg
        for column in columns
        if column.default is not None and column.default.is_scalar and column.name not in rows[0]
    }
    names = [*rows[0], *defaults]
    adapt = [columns[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    listed = ", ".join(f'"{name}"' for name in names)
    with session.connection().connection.cursor() as cursor:
        into = f"COPY {table.__tablename__} ({listed}) FROM STDIN"
        with cursor.copy(into) as copy:
            for row in rows:
                values = (*row.values(), *defaults.values())
                copy.write_row(
                    [
                        value if process is None or value is None else process(value)
                        for value, process in zip(values, adapt, strict=True)
                    ]
                )


def _public_ids(database: Database) -> list[str]:
    """Of the submissions whose pages are asked for: those with a whole report."""
    with database.read() as session:
        return list(session.scalars(select(Submission.public_id).where(WITH_A_REPORT)))


def requests(
    database: Database, students: int, assignments: int
) -> Iterator[tuple[str, str, Callable[[random.Random], str]]]:
    """(who asks, what for, an address of it)."""
    course = f"/courses/{SLUG}"
    staff = f"{course}/staff"
    some = _public_ids(database)
    with database.read() as session:
        found = session.execute(
            select(MisconceptionFound.exercise, MisconceptionFound.name).distinct()
        ).all()

    def week(rng: random.Random) -> str:
        return f"week-{rng.randint(1, assignments)}"

    def listed(rng: random.Random, which: str) -> str:
        exercise, name = rng.choice(found)
        return f"{staff}/submissions?{which}&exercise={exercise}&misconception={name}"

    yield "staff", "overview", lambda rng: f"{staff}/"
    yield "staff", "assignment", lambda rng: f"{staff}/assignments/{week(rng)}/"
    yield "staff", "statistics", lambda rng: f"{staff}/assignments/{week(rng)}/statistics"
    yield "staff", "gradebook", lambda rng: f"{staff}/gradebook?page={rng.randint(1, 20)}"
    yield (
        "staff",
        "gradebook, sorted",
        lambda rng: f"{staff}/gradebook?sort={week(rng)}&order=falling&page={rng.randint(1, 20)}",
    )
    yield (
        "staff",
        "gradebook, searched",
        lambda rng: f"{staff}/gradebook?search=student{rng.randint(1, 99)}",
    )
    yield (
        "staff",
        "gradebook, stuck",
        lambda rng: f"{staff}/gradebook?show=stuck&assignment={week(rng)}",
    )
    yield "staff", "a student", lambda rng: f"{staff}/students/{rng.randint(1, students)}/"
    yield "staff", "a submission", lambda rng: f"{staff}/submissions/{rng.choice(some)}/"
    yield "staff", "submissions", lambda rng: f"{staff}/submissions"
    yield "staff", "with a misconception", lambda rng: listed(rng, f"assignment={week(rng)}")
    yield "staff", "... that count", lambda rng: listed(rng, "which=counting")
    yield "staff", "... of a name", lambda rng: f"{staff}/submissions?search=student{week(rng)[-1]}"
    yield "staff", "... that failed", lambda rng: f"{staff}/submissions?state=failed"
    yield "staff", "audit log", lambda rng: f"{staff}/log"
    yield "staff", "audit log, filtered", lambda rng: f"{staff}/log?action=role.changed"
    yield "staff", "people", lambda rng: f"{staff}/people"
    yield "student", "course", lambda rng: f"{course}/"
    yield "student", "assignment", lambda rng: f"{course}/assignments/{week(rng)}/"


def measure(config: Config, students: int, assignments: int, console: Console) -> bool:
    app = create_app(config, engine.load(None))
    database = Database(config.database)
    with database.read() as session:
        keys = list(session.scalars(select(User.session_key).order_by(User.id)))
        own = dict(
            session.execute(
                select(Submission.public_id, Submission.user_id).where(WITH_A_REPORT)
            ).all()
        )

    def client(key: str) -> FlaskClient:
        found = app.test_client()
        with found.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = key, True
        return found

    table = Table(title="Pages", title_justify="left", box=None)
    for heading in ("who", "page", "p50 ms", "p95 ms", "target", "CPU ms", "KiB"):
        table.add_column(heading, justify="left" if heading in ("who", "page") else "right")
    fine = True
    staff = client(keys[-1])
    cases = list(requests(database, students, assignments))
    cases.append(("student", "a report", lambda rng: rng.choice(list(own))))
    for who, what, address in cases:
        rng, times, busy, size = random.Random(2), [], [], 0  # noqa: S311
        for turn in range(REQUESTS + 1):
            path = address(rng)
            visitor = staff
            if who == "student":
                user = own.get(path, rng.randint(1, students))
                visitor = client(keys[user - 1])
                path = f"/courses/{SLUG}/submissions/{path}/" if path in own else path
            began, busy_before = time.perf_counter(), time.process_time()
            response = visitor.get(path)
            if turn:  # the first compiles the template
                times.append(1e3 * (time.perf_counter() - began))
                busy.append(1e3 * (time.process_time() - busy_before))
            assert response.status_code == 200, (path, response.status)  # noqa: S101
            size = max(size, len(response.data))
        p95 = statistics.quantiles(times, n=20)[-1]
        fine &= p95 < TARGETS[who]
        table.add_row(
            who,
            what,
            f"{statistics.median(times):.0f}",
            f"{p95:.0f}",
            f"{TARGETS[who]:.0f}",
            f"{statistics.median(busy):.0f}",
            f"{size / 1024:.0f}",
        )
    console.print(table)
    database.close()
    return fine


@contextmanager
def _elsewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gradmark-bench-") as directory:
        yield Path(directory)


def size_of(config: Config) -> str:
    if config.shared is None:
        return f"{config.file.stat().st_size / 2**20:.0f} MiB"
    database = Database(config.database)
    with database.touch() as session:
        session.connection().exec_driver_sql("ANALYZE")
        size = select(func.pg_size_pretty(func.pg_database_size(func.current_database())))
        found = session.scalar(size)
    database.close()
    return str(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--assignments", type=int, default=8)
    parser.add_argument("--attempts", type=int, default=10)
    parser.add_argument("--postgresql", action="store_true", help="on one that is started for it")
    parser.add_argument("--keep", type=Path, help="keep the data here, or measure what is here")
    options = parser.parse_args()
    console = Console()
    with ExitStack() as opened:
        directory = options.keep or opened.enter_context(_elsewhere())
        shared_url = opened.enter_context(shared())[1] if options.postgresql else None
        config = Config(directory, shared=shared_url)
        if shared_url or not config.file.exists():
            began = time.perf_counter()
            furnish(config, options.students, options.assignments, options.attempts)
            console.print(
                f"{options.students} students x {options.assignments} assignments x "
                f"{options.attempts} attempts: {size_of(config)} in "
                f"{time.perf_counter() - began:.0f} s"
            )
        fine = measure(config, options.students, options.assignments, console)
    console.print("Every page is within its target." if fine else "Not every page is quick enough.")


if __name__ == "__main__":
    main()
