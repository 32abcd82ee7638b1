"""What goes wrong on our side is said in a sentence, where somebody can do something about it."""

from __future__ import annotations

import io
import logging
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from server.commands.manage import course, user
from server.grading import grader, presence
from server.storage import audit
from server.storage.database import Database
from server.storage.models import Scope, State
from tests.server import engines
from tests.server.conftest import House, wait_for

Browser = Callable[[str], FlaskClient]


def test_a_missing_file_is_said_where_it_must_be_seen(browser: Browser, house: House) -> None:
    public_id, other = house.graded(), house.graded(score=20.0)
    house.keep(public_id, None)
    staff = browser("instructor")
    page = staff.get(f"/courses/dl/staff/submissions/{public_id}/")
    assert page.status_code == 200
    assert "The stored file is missing." in page.text
    assert "7.5 of 10.0 points" in page.text  # the report is there
    file = f"/courses/dl/submissions/{public_id}/file"
    both = f"/courses/dl/assignments/norm/compare?before={public_id}&after={other}"
    for address, status in ((file, 503), (both, 200)):  # of two attempts the reports are there
        answer = browser("student").get(address)
        assert answer.status_code == status
        assert "cannot be read on the server" in answer.text
    archive = zipfile.ZipFile(
        io.BytesIO(browser("admin").get(f"/admin/users/{house.user().id}/export").data)
    )
    names = {name for name in archive.namelist() if name.startswith("submissions/dl/norm/1/")}
    assert "submissions/dl/norm/1/file-is-missing.txt" in names


PLACES = ("courses/dl/staff/exports/grades.csv", "courses/dl/staff/exports/grades.json")
PLACES += ("courses/dl/staff/exports/moodle.csv", "courses/dl/staff/", "courses/dl/staff/log")


@pytest.mark.parametrize("pragma", ["max_page_count", "query_only"])
def test_pages_and_exports_work_while_the_disk_is_full_or_read_only(
    app: Flask,
    browser: Browser,
    house: House,
    caplog: pytest.LogCaptureFixture,
    pragma: str,
) -> None:
    public_id = house.graded()
    staff, admin, api = browser("instructor"), browser("admin"), app.test_client()
    token = {"Authorization": f"Bearer {house.token('instructor', Scope.READ, Scope.MANAGE)}"}
    fill(app.extensions["gradmark"].database, pragma)
    for place in PLACES:
        assert staff.get(f"/{place}").status_code == 200
    assert admin.get(f"/admin/users/{house.user().id}/export").status_code == 200
    assert browser("student").get(house.page(public_id)).status_code == 200
    for place in ("exports/grades", "grades", "submissions"):
        house.clock.advance(120)  # so that the token's use would be noted
        assert api.get(f"/api/v1/courses/dl/{place}", headers=token).status_code == 200
    assert "7.5" in staff.get("/courses/dl/staff/exports/grades.csv").text
    why = "is read-only" if pragma == "query_only" else "is full"
    assert f"the database {why}" in caplog.text


def test_the_command_line_exports_while_the_disk_is_full_and_says_what_it_cannot_write(
    house: House,
) -> None:
    fill(house.database)
    with patch("server.commands.manage.Database", lambda path: house.database):
        command = ["export", "dl", "--data", str(house.config.data)]
        result = CliRunner().invoke(course, command)
        assert result.exit_code == 0, result.output
        assert "student@example.org" in result.output
        kept = house.config.data / "kept.zip"
        command = ["export", "student@example.org", str(kept), "--data", str(house.config.data)]
        assert CliRunner().invoke(user, command).exit_code == 0
        assert zipfile.is_zipfile(kept)
        command = ["add", "new@example.org", "--data", str(house.config.data)]
        result = CliRunner().invoke(user, command)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The database ")
    assert result.stderr.endswith("cannot be written: its disk is full.\n")


def test_a_grader_waits_for_room_and_then_stores_what_it_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one grading to the next: a claim that cannot be noted, a report that cannot be kept."""
    monkeypatch.setattr(grader, "_SECONDS_BETWEEN_STORES", 0.0)
    full: list[Callable[[], None]] = []

    class Room(logging.Handler):
        waited = 0

        def emit(self, record: logging.LogRecord) -> None:
            if "the database is full" in record.getMessage():
                self.waited += 1
                if self.waited % 3 == 0:
                    full.pop()()

    def grade(_rules: object, topic: str, *_: object) -> dict[str, object]:
        graded = engines.report(topic)
        graded["notes"] = ["x" * 200_000]
        full.append(fill(house.database))
        return graded

    room = Room()
    logging.getLogger("server.grading.grader").addHandler(room)
    try:
        public_id, other = house.accept(), house.accept(user="classmate")
        house.grade_all(grade)
    finally:
        logging.getLogger("server.grading.grader").removeHandler(room)
    assert room.waited == 6
    for row in (house.row(public_id), house.row(other)):
        assert (row.state, row.faults, row.lease) == (State.GRADED, 0, 1)


def test_a_grader_lives_while_its_signs_of_life_cannot_be_noted(house: House) -> None:
    make_room = fill(house.database)
    with presence.announced(house.database, house.clock, beat=timedelta(milliseconds=10)):
        make_room()

        def there() -> bool:
            with house.database.read() as session:
                return len(presence.alive(session, house.clock())) == 1

        wait_for(there)


def fill(database: Database, pragma: str = "max_page_count") -> Callable[[], None]:
    """What writes to the database meets what SQLite says of a full disk, or of one that is
    read-only, until the result is called."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma} = 1")

    def make_room() -> None:
        event.remove(database._kind.reader, "connect", limit)
        database._kind.reader.dispose()

    event.listen(database._kind.reader, "connect", limit)
    database._kind.reader.dispose()
    with suppress(DBAPIError):
        while True:  # the pages that there are may have room left
            with database.write() as session:
                now = datetime.now(UTC)
                audit.record(session, audit.Action.EXPORTED, "", at=now, actor=None, x="x" * 200)
    return make_room
