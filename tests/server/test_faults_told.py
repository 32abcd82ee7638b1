"""What goes wrong on our side is said in a sentence, where somebody can do something about it."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Callable
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from server.commands.manage import course
from server.storage.database import Database
from tests.server.conftest import House

Browser = Callable[[str], FlaskClient]


def test_a_missing_file_is_said_where_it_must_be_seen(browser: Browser, house: House) -> None:
    public_id, other = house.graded(), house.graded(score=20.0)
    house.keep(public_id, None)
    staff = browser("instructor")
    page = staff.get(f"/courses/dl/staff/submissions/{public_id}/")
    assert page.status_code == 200
    assert "The stored file is missing." in page.text
    assert "7.5 of 10.0 points" in page.text  # the report is there
    for address in (
        f"/courses/dl/submissions/{public_id}/file",
        f"/courses/dl/assignments/norm/compare?before={public_id}&after={other}",
    ):
        answer = browser("student").get(address)
        assert answer.status_code == 503
        assert "cannot be read on the server" in answer.text
    archive = zipfile.ZipFile(
        io.BytesIO(browser("admin").get(f"/admin/users/{house.user().id}/export").data)
    )
    names = {name for name in archive.namelist() if name.startswith("submissions/dl/norm/1/")}
    assert "submissions/dl/norm/1/file-is-missing.txt" in names


@pytest.mark.parametrize("place", ["exports/grades.csv", "exports/grades.json"])
def test_an_export_on_a_full_disk_ends_in_one_sentence(
    app: Flask, browser: Browser, place: str
) -> None:
    staff = browser("instructor")
    fill(app.extensions["gradmark"].database)
    # A page of the database may have room left.
    answers = (staff.get(f"/courses/dl/staff/{place}") for _ in range(500))
    answer = next(answer for answer in answers if answer.status_code != 200)
    assert answer.status_code == 507
    assert "disk is full" in answer.text


def test_the_command_line_says_that_the_disk_is_full(house: House) -> None:
    fill(house.database)
    command = ["export", "dl", "--data", str(house.config.data)]
    with patch("server.commands.manage.Database", lambda path: house.database):
        results = (CliRunner().invoke(course, command) for _ in range(500))
        result = next(result for result in results if result.exit_code)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The database ")
    assert result.stderr.endswith("cannot be written: its disk is full.\n")


def fill(database: Database) -> None:
    """What writes to the database meets what SQLite says of a full disk."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    event.listen(database._kind.reader, "connect", limit)
    database._kind.reader.dispose()
