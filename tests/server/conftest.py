from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from autograder.submission import parse
from server.app import create_app
from server.config import Config
from server.database import Database
from server.engine import Grade
from server.files import Files
from server.grader import GraderLoop
from server.models import Submission
from server.queue import Patience, Queue
from tests.server import engines

SOURCE = b"def batch_norm(x):\n    return x\n"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class House:
    """A data directory with what works on it."""

    config: Config
    database: Database
    files: Files
    clock: Clock = field(default_factory=Clock)

    @property
    def queue(self) -> Queue:
        return Queue(self.database, self.files, clock=self.clock)

    def accept(self, filename: str = "solution.py", content: bytes = SOURCE) -> str:
        return self.queue.accept("normalization", parse(filename, content), content, "someone")

    def row(self, public_id: str) -> Submission:
        with self.database.read() as session:
            return session.scalars(
                select(Submission).where(Submission.public_id == public_id)
            ).one()

    def rows(self) -> list[Submission]:
        with self.database.read() as session:
            return list(session.scalars(select(Submission).order_by(Submission.id)))

    def grade_all(self, grade: Grade = engines.grade) -> None:
        """Grade in this process until nothing waits any more."""
        queue = Queue(self.database, self.files, Patience(retry_after=(timedelta(0),) * 3))
        loop = GraderLoop(queue, self.files, engines.opener(grade), poll=0)
        claim = queue.claim

        def claim_or_stop():  # type: ignore[no-untyped-def]
            claimed = claim()
            if claimed is None:
                loop.stop()
            return claimed

        queue.claim = claim_or_stop  # type: ignore[method-assign]
        loop.run()


def make_house(directory: Path) -> House:
    config = Config(directory)
    config.prepare()
    database = Database(config.database)
    database.migrate()
    return House(config, database, Files(config.submissions))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = make_house(tmp_path / "data")
    yield house
    house.database.close()


@pytest.fixture
def app(house: House) -> Flask:
    return create_app(house.config, engines.ENGINE)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


Upload = Callable[..., TestResponse]


@pytest.fixture
def upload(client: FlaskClient) -> Upload:
    return lambda *args, **kwargs: post_file(client, *args, **kwargs)


def post_file(
    client: FlaskClient,
    filename: str = "solution.py",
    content: bytes = SOURCE,
    assignment: str = "normalization",
    **headers: str,
) -> TestResponse:
    return client.post(
        "/submissions",
        data={"assignment": assignment, "file": (BytesIO(content), filename)},
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
