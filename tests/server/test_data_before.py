"""A data directory that older code made opens, shows what was in it, and goes on working."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from autograder.report.document import validate
from server import engine
from server.storage.config import Config
from server.storage.models import Submission
from server.web.app import create_app
from tests.server.conftest import PASSWORD, House, open_house, post_file

BEFORE = Path(__file__).parent / "before"


@pytest.fixture(params=sorted(BEFORE.glob("*.tar.xz")), ids=lambda path: path.name.split(".")[0])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    shutil.unpack_archive(request.param, tmp_path)
    house = open_house(Config(tmp_path))
    house.database.migrate()
    yield house
    house.database.close()


@pytest.fixture
def app(house: House) -> Flask:
    app = create_app(house.config, engine.load(None), house.clock)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def logged_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    sent = {"email": f"{name}@example.org", "password": PASSWORD}
    assert client.post("/login", data=sent).status_code in {302, 303}
    return client


def test_everybody_sees_what_there_was(house: House, app: Flask) -> None:
    graded = [row for row in house.rows() if row.state == "graded"]
    assert [row.score for row in graded] == [56.0, 60.0]
    student = logged_in(app, "student")
    page = student.get(house.page(graded[0].public_id))
    assert page.status_code == 200
    assert "relu" in page.text
    assert student.get(house.page(graded[1].public_id)).status_code == 404  # the classmate's
    assert "Activations" in student.get("/courses/dl/").text
    instructor = logged_in(app, "instructor")
    for address in (
        "",
        "gradebook",
        "submissions",
        "people",
        "regrades",
        "log",
        "exports/grades.csv",
    ):
        page = instructor.get(f"/courses/dl/staff/{address}", follow_redirects=True)
        assert page.status_code == 200, address
    assert instructor.get(house.page(graded[1].public_id)).status_code == 200


def test_its_files_and_its_key_are_in_the_database(house: House) -> None:
    assert [row.id for row in house.rows()] == house.kept()
    for row in house.rows():
        assert hashlib.sha256(house.files.read(row.public_id)).hexdigest() == row.digest
    assert len(house.database.key("session")) == 32
    names = {path.name for path in house.config.data.iterdir()}
    assert not names & {"submissions", "session.key"}


def test_its_reports_are_valid_still(house: House) -> None:
    with house.database.read() as session:
        reports = list(session.scalars(select(Submission.report).where(Submission.score > 0)))
    assert len(reports) == 2
    for report in reports:
        validate(report)


def test_what_waited_is_graded_and_more_is_handed_in(house: House, app: Flask) -> None:
    (waiting,) = (row.public_id for row in house.rows() if row.state == "waiting")
    house.grade_all()
    assert house.row(waiting).state == "graded"
    again = house.files.read(waiting) + b"\n# once more\n"
    sent = post_file(logged_in(app, "student"), "activations.py", again, assignment="act")
    assert sent.status_code == 303
    assert len(house.rows()) == 4
    house.grade_all()
    assert {row.state for row in house.rows()} == {"graded"}
    assert house.regrade(assignment="act")
