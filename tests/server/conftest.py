"""A house: a data directory with a course and people in it, and what works on it."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import authlib.deprecate  # noqa: F401 - it puts its warnings before our filters, once
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import select
from werkzeug.test import TestResponse

from autograder.handin.submission import parse
from server import courses, mail, outbox
from server.courses import CourseSpec, announcing
from server.engine import Grade, OpenGrader
from server.grades.background import Background
from server.grading import regrades
from server.grading.grader import GraderLoop
from server.grading.queue import Patience, Queue
from server.grading.regrades import Which
from server.lti import platforms
from server.people import accounts, identities, providers, tokens
from server.storage.config import Config
from server.storage.database import Database
from server.storage.files import Files
from server.storage.models import (
    Assignment,
    Content,
    Course,
    Delivery,
    Identity,
    Kind,
    LtiContext,
    Outgoing,
    Question,
    QuestionState,
    Role,
    SavedComment,
    Scope,
    Search,
    SearchState,
    SimilarPair,
    Submission,
    User,
)
from server.web.app import create_app
from tests.server import engines, services

PASSWORD = "correct horse battery staple"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # quick to check

COURSE = """
[course]
slug = "{slug}"
title = "Course {slug}"
timezone = "Europe/Berlin"

[[assignments]]
slug = "norm"
topic = "normalization"
title = "Normalization layers"
points = 10
opens = {opens:%Y-%m-%dT%H:%M:%SZ}
due = {due:%Y-%m-%dT%H:%M:%SZ}
late_until = {late_until:%Y-%m-%dT%H:%M:%SZ}
late_penalty = 10

[[assignments]]
slug = "{last}"
topic = "losses"
title = "Losses"
points = 10
opens = {opens:%Y-%m-%dT%H:%M:%SZ}
due = {due:%Y-%m-%dT%H:%M:%SZ}
"""
PLACES = {  # who is what in the course "dl"; "outsider" leads another course
    "student": Role.STUDENT,
    "classmate": Role.STUDENT,
    "assistant": Role.ASSISTANT,
    "instructor": Role.INSTRUCTOR,
}
SOURCE = b"def batch_norm(x):\n    return x\n"
_versions = count(1)


def new_source() -> bytes:
    """Another file each time: the same bytes would be the same submission."""
    return SOURCE + b"# version %d\n" % next(_versions)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def course_spec(now: datetime, slug: str = "dl") -> CourseSpec:
    """A course that opened yesterday, is due in a week and takes late submissions for another."""
    day = timedelta(days=1)
    last = "losses" if slug == "dl" else "elsewhere"
    text = COURSE.format(
        slug=slug, last=last, opens=now - day, due=now + 7 * day, late_until=now + 14 * day
    )
    return courses.read(text, engines.ENGINE.topics)


@dataclass
class House:
    config: Config
    database: Database
    files: Files
    clock: Clock = field(default_factory=Clock)

    @property
    def queue(self) -> Queue:
        return Queue(self.database, clock=self.clock)

    def keep(self, public_id: str, content: bytes | None) -> None:
        """As if this were what is stored of it; None: as if it were lost."""
        key = self.row(public_id).id
        with self.database.write() as session:
            if content is None:
                session.delete(session.get_one(Content, key))
            else:
                session.merge(Content(submission_id=key, content=content))

    def kept(self) -> list[int]:
        """The submissions whose contents are stored."""
        with self.database.read() as session:
            return list(session.scalars(select(Content.submission_id).order_by("submission_id")))

    def furnish(self, *specs: CourseSpec) -> None:
        """The courses "dl" and "other", or these, of which the first is "dl"; and the people."""
        at = self.clock()
        with self.database.write() as session:
            for spec in specs or [course_spec(at, slug) for slug in ("dl", "other")]:
                courses.sync(session, spec, at=at, actor=None)
            for name in (*PLACES, "outsider", "admin"):
                user = accounts.create(
                    session,
                    f"{name}@example.org",
                    name.title(),
                    at=at,
                    actor=None,
                    is_admin=name == "admin",
                )
                user.password = _HASH
                if name in PLACES:
                    accounts.enrol(
                        session, self._course(session), user, PLACES[name], at=at, actor=None
                    )
                elif name == "outsider" and not specs:
                    other = self._course(session, "other")
                    accounts.enrol(session, other, user, Role.INSTRUCTOR, at=at, actor=None)

    @staticmethod
    def _course(session: Any, slug: str = "dl") -> Course:
        return session.scalars(select(Course).where(Course.slug == slug)).one()

    def course(self, slug: str = "dl") -> Course:
        with self.database.read() as session:
            return self._course(session, slug)

    def assignment(self, slug: str = "norm", course: str = "dl") -> Assignment:
        with self.database.read() as session:
            return session.scalars(
                select(Assignment)
                .join(Course)
                .where(Course.slug == course, Assignment.slug == slug)
            ).one()

    def user(self, name: str = "student") -> User:
        with self.database.read() as session:
            return session.scalars(select(User).where(User.email == f"{name}@example.org")).one()

    def student(self, name: str) -> User:
        """The student of that name in the course "dl", made when there is none."""
        at = self.clock()
        with self.database.write() as session:
            user = accounts.find(session, f"{name}@example.org")
            if user is None:
                user = accounts.create(session, f"{name}@example.org", name, at=at, actor=None)
                accounts.enrol(
                    session, self._course(session), user, Role.STUDENT, at=at, actor=None
                )
            return user

    def configure_provider(self, issuer: str, **settings: object) -> None:
        """Let people log in by the provider `mock` at that issuer.

        Args:
            settings: of the provider; `top` stands above it in the file.
        """
        said = {"name": "mock", "title": "Mock login", "issuer": issuer, "client_id": "gradmark"}
        said |= {"client_secret": "generated for a test", **settings}
        top = str(said.pop("top", ""))
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        (self.config.data / providers.FILE).write_text(
            "\n".join([top, "[[providers]]", *lines, ""])
        )

    def configure_mail(self, at: int, **settings: object) -> None:
        """Have mail sent by the server at that port (`at`) of this machine."""
        said = {
            "host": "127.0.0.1",
            "port": at,
            "security": "none",
            "sender": "Gradmark <gradmark@example.org>",
            "url": "https://gradmark.example.org",
            **settings,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        (self.config.data / mail.FILE).write_text("\n".join([*lines, ""]))

    def outgoing(self, user: str) -> int:
        """The number of a row of the outbox, an invitation for somebody."""
        with self.database.write() as session:
            outbox.invite(session, self.user(user).id, None, at=self.clock())
            session.flush()
            return session.scalars(select(Outgoing.id).order_by(Outgoing.id.desc())).first() or 0

    def course_system(self, course: str = "dl", assignment: str = "norm") -> tuple[str, str, str]:
        """The numbers of a platform, of a course of its that is this one, and of a grade that could
        not be sent there."""
        url, at = f"https://{course}.example.org", self.clock()
        with self.database.write() as session:
            platform = platforms.register(
                session,
                title="Platform",
                issuer=url,
                client_id="client",
                authorization_url=f"{url}/authorize",
                token_url=f"{url}/token",
                jwks_url=f"{url}/keys",
                at=at,
                actor=None,
            )
            context = LtiContext(
                platform_id=platform.id,
                deployment_id="1",
                context_id="1",
                title="Course",
                course_id=self.course(course).id,
            )
            number = self.assignment(assignment, course).id
            outbox.put(session, Kind.GRADE, self.user().id, course, at=at, assignment=number)
            session.add(context)
            session.flush()
            row = session.scalars(select(Outgoing).where(Outgoing.key == f"grade:{course}")).one()
            row.state, row.last_fault = Delivery.FAILED, "It answers 400."
            return str(platform.id), str(context.id), str(row.id)

    def identity(self, user: str, issuer: str, subject: str = "known") -> int:
        """The number of an identity that opens the user's account from now on."""
        with self.database.write() as session:
            owner, at = session.get_one(User, self.user(user).id), self.clock()
            return identities.link(session, owner, issuer, subject, at=at, actor=None).id

    def identity_of(self, user: str) -> int:
        """The number of the one identity that opens the user's account."""
        with self.database.read() as session:
            return session.scalars(
                select(Identity.id).where(Identity.user_id == self.user(user).id)
            ).one()

    def accept(
        self,
        filename: str = "solution.py",
        content: bytes | None = None,
        *,
        user: str = "student",
        assignment: str = "norm",
        course: str = "dl",
    ) -> str:
        """A file handed in to the queue, whatever the limits."""
        content = new_source() if content is None else content
        return self.queue.accept(
            self.assignment(assignment, course).id,
            self.user(user).id,
            parse(filename, content),
            content,
            unlimited=True,
        ).public_id

    def check(self, user: str = "student", assignment: str = "norm", course: str = "dl") -> str:
        """The public id of something that waits to be checked without grading."""
        content = new_source()
        where, who = self.assignment(assignment, course).id, self.user(user).id
        return self.queue.check(where, who, parse("a.py", content), content)

    def row(self, public_id: str) -> Submission:
        with self.database.read() as session:
            return session.scalars(
                select(Submission).where(Submission.public_id == public_id)
            ).one()

    def rows(self) -> list[Submission]:
        with self.database.read() as session:
            return list(session.scalars(select(Submission).order_by(Submission.id)))

    def grade_all(
        self, grade: Grade = engines.grade, *, open_grader: OpenGrader | None = None
    ) -> None:
        """Grade in this process until nothing waits any more."""
        patience = Patience(retry_after=(timedelta(0),) * 3)
        queue = Queue(self.database, patience, clock=self.clock)
        loop = GraderLoop(queue, self.files, open_grader or engines.opener(grade), poll=0)
        claim = queue.claim

        def claim_or_stop():  # type: ignore[no-untyped-def]
            claimed = claim()
            if claimed is None:
                loop.stop()
            return claimed

        queue.claim = claim_or_stop  # type: ignore[method-assign]
        loop.run()

    def graded(self, **report: Any) -> str:
        """The public id of a submission of the student's that has a report (of `engines`)."""
        public_id = self.accept()
        self.grade_all(lambda rules, topic, *_: engines.report(topic, **report))
        return public_id

    def regrade(
        self, which: Which = Which.ALL, assignment: str = "norm", course: str = "dl"
    ) -> int:
        """The id of a regrade of everybody's submissions, just started by the instructor."""
        with self.database.write() as session:
            return regrades.start(
                session,
                session.get_one(Assignment, self.assignment(assignment, course).id),
                None,
                which,
                "a test",
                at=self.clock(),
                actor=session.get_one(User, self.user("instructor").id),
            ).id

    def pair(self, first: str, second: str) -> int:
        """The id of a pair of submissions that a search has found alike."""
        with self.database.write() as session:
            search = Search(
                assignment_id=self.row(first).assignment_id,
                state=SearchState.DONE,
                started_by_id=self.user("instructor").id,
                started_at=self.clock(),
                alive_at=self.clock(),
            )
            session.add(search)
            session.flush()
            pair = SimilarPair(
                search_id=search.id,
                first_id=self.row(first).id,
                second_id=self.row(second).id,
                score=1.0,
                first_share=1.0,
                second_share=0.5,
                first_ranges=[[0, 9]],
                second_ranges=[[0, 9]],
            )
            session.add(pair)
            session.flush()
            return pair.id

    def saved(self, course: str = "dl", misconception: str = "interleaved-groups") -> int:
        """The id of a comment that the instructor has saved for who has the misconception."""
        with self.database.write() as session:
            row = SavedComment(
                course_id=self.course(course).id,
                exercise="group_norm",
                misconception=misconception,
                text="Look at the order of the channels.",
                written_by_id=self.user("instructor").id,
                written_at=self.clock(),
            )
            session.add(row)
            session.flush()
            return row.id

    def question(self, public_id: str) -> int:
        """The id of an open question about a submission."""
        with self.database.write() as session:
            row = Question(
                submission_id=self.row(public_id).id,
                exercise="group_norm",
                check_name="values: y",
                text="the paper says so",
                asked_at=self.clock(),
                state=QuestionState.OPEN,
            )
            session.add(row)
            session.flush()
            return row.id

    def announcement(self, course: str = "dl", section: str = "") -> int:
        """The id of an announcement of the instructor's."""
        with self.database.write() as session:
            return announcing.announce(
                session,
                self._course(session, course),
                section,
                "The room has changed",
                "We meet in **B 12**, as $a^2$ says.",
                at=self.clock(),
                actor=session.get_one(User, self.user("instructor").id),
            ).id

    def invitation(self, name: str) -> str:
        """The address of a new invitation for a new student."""
        self.student(name)
        with self.database.write() as session:
            user = session.get_one(User, self.user(name).id)
            token = accounts.invite(session, user, at=self.clock(), actor=None)
        return f"/invitations/{token}"

    def token(self, name: str, *scopes: Scope) -> str:
        """A new API token of somebody's."""
        with self.database.write() as session:
            user = session.get_one(User, self.user(name).id)
            return tokens.issue(session, user, "test", scopes, at=self.clock(), expires_at=None)

    def page(self, public_id: str) -> str:
        return f"/courses/dl/submissions/{public_id}/"

    def log_in(self, client: FlaskClient, name: str) -> FlaskClient:
        """As if they had sent the login form, which takes long on purpose."""
        with client.session_transaction() as session:
            session["_user_id"] = self.user(name).session_key
            session["_fresh"] = True
        return client


class Compiled(BytecodeCache):
    """Templates, compiled once for all apps of this process: nearly every test makes one."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": Compiled()}
_engine = "sqlite"


def pytest_configure(config: pytest.Config) -> None:
    global _engine
    _engine = config.getoption("--engine")


def open_house(config: Config) -> House:
    config.prepare()
    database = Database(config.database)
    return House(config, database, Files(database))


def make_house(directory: Path) -> House:
    """A furnished house of its own, copied: to migrate and furnish takes longer."""
    if _engine == "postgresql":
        furnished = _furnished_postgresql()
        url = cluster().create(f"house{next(_versions)}", template=furnished)
        os.environ["GRADMARK_DATABASE"] = url  # for the processes that a test starts
        return open_house(Config(directory))
    config = Config(directory)
    config.prepare()
    shutil.copyfile(_furnished(), config.file)
    return open_house(config)


@cache
def _furnished() -> Path:
    with tempfile.TemporaryDirectory() as directory:
        config = Config(Path(directory))
        _furnish(config)
        kept = Path(tempfile.mkdtemp(prefix="gradmark-tests-")) / "furnished.db"
        atexit.register(shutil.rmtree, kept.parent, ignore_errors=True)
        return Path(shutil.copyfile(config.file, kept))


@cache
def _furnished_postgresql() -> str:
    with tempfile.TemporaryDirectory() as directory:
        _furnish(Config(Path(directory), shared=cluster().create("furnished")))
    return "furnished"


def _furnish(config: Config) -> None:
    house = open_house(config)
    house.database.migrate()
    house.furnish()
    house.database.close()


@cache
def cluster() -> services.PostgreSQL:
    """One for all tests of this process."""
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(services.postgresql())


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """What a test says to the processes that it starts holds for that test."""

    def ours() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name.startswith("GRADMARK_")}

    before = ours()
    os.environ.pop("GRADMARK_DATABASE", None)
    yield
    for name in ours():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def embedded() -> None:
    """For tests of what SQLite alone does."""
    if _engine != "sqlite":
        pytest.skip("about the embedded database")


@pytest.fixture
def on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what several hosts do: whatever the rest runs on."""
    monkeypatch.setattr("tests.server.conftest._engine", "postgresql")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = make_house(tmp_path / "data")
    yield house
    house.database.close()
    if not house.database.is_embedded:
        cluster().drop(str(house.database.url.database))


@pytest.fixture
def app(house: House) -> Flask:
    """Forms need no CSRF token here: tests/server/test_access.py is about those."""
    app = make_app(house)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def make_app(house: House) -> Flask:
    """With nothing started in the background: what would be is noted in `config["STARTED"]`."""
    app = create_app(house.config, engines.ENGINE, house.clock)
    started = app.config["STARTED"] = []
    idle = Mock(spec=Background, start=lambda *command: started.append(command))
    replace(app.extensions["gradmark"], background=idle).install(app)
    return app


@pytest.fixture
def client(app: Flask, house: House) -> FlaskClient:
    """The student's browser."""
    return house.log_in(app.test_client(), "student")


@pytest.fixture
def browser(app: Flask, house: House) -> Callable[[str], FlaskClient]:
    """`browser("instructor")`: somebody's browser, logged in."""
    return lambda name: house.log_in(app.test_client(), name)


Upload = Callable[..., TestResponse]


@pytest.fixture
def upload(client: FlaskClient) -> Upload:
    return lambda *args, **kwargs: post_file(client, *args, **kwargs)


def post_file(
    client: FlaskClient,
    filename: str = "solution.py",
    content: bytes | None = None,
    assignment: str = "norm",
    **headers: str,
) -> TestResponse:
    return client.post(
        f"/courses/dl/assignments/{assignment}/",
        data={"file": (BytesIO(new_source() if content is None else content), filename)},
        content_type="multipart/form-data",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def sentence(response: TestResponse) -> str:
    """What a refusal says, as text."""
    for kind in ("refusal", "lead"):
        if found := re.search(rf'<p class="{kind}"[^>]*>(.*?)</p>', response.text, re.S):
            return re.sub(r"<[^>]+>", "", found[1]).strip()
    raise AssertionError(response.text)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.02)
