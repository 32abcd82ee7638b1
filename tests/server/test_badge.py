"""The last report as a picture, by an address that is its own key."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from server.people import accounts
from server.storage.models import Assignment, Enrolment, User
from tests.server.conftest import House

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def address(client: FlaskClient, house: House) -> str:
    """The student's, from the page; something is handed in."""
    house.accept()
    found = re.search(r"\]\((http[^)]+\.svg)\)", client.get("/courses/dl/assignments/norm/").text)
    assert found is not None
    return found[1]


def texts(app: Flask, address: str) -> list[str | None]:
    answer = app.test_client().get(address)  # with no session
    assert answer.status_code == 200
    assert answer.mimetype == "image/svg+xml"
    assert "no-store" in answer.headers["Cache-Control"]
    picture = ElementTree.fromstring(answer.data)  # noqa: S314 - our own
    return [element.text for element in picture.iter(f"{SVG}text")]


def test_it_says_what_the_last_report_gave_and_never_whose_it_is(
    app: Flask, address: str, house: House
) -> None:
    assert texts(app, address) == ["Normalization layers", "no report yet"]
    house.graded(score=20.0)
    assert texts(app, address) == ["Normalization layers", "10 of 10"]
    house.graded(score=15.0)
    assert texts(app, address) == ["Normalization layers", "7.5 of 10"]
    picture = app.test_client().get(address).text.lower()
    assert "student" not in picture + address.lower()
    assert "example.org" not in picture


def test_a_title_is_text(app: Flask, address: str, house: House) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).title = "<b> & 'c' \"d\""
    assert texts(app, address)[0] == "<b> & 'c' \"d\""


def test_the_api_knows_it(app: Flask, address: str, house: House) -> None:
    from server.storage.models import Scope

    headers = {"Authorization": f"Bearer {house.token('student', Scope.READ)}"}
    said = app.test_client().get("/api/v1/courses/dl/assignments/norm", headers=headers).get_json()
    assert said["badge"] == address


def test_it_ends_with_the_password_and_with_the_course(
    app: Flask, address: str, house: House
) -> None:
    def code(where: str = address) -> int:
        return app.test_client().get(where).status_code

    other = house.assignment("losses").id
    assert code(address.replace(f"/{house.assignment().id}/", f"/{other}/")) == 410
    assert code(address.replace(f"/{house.assignment().id}/", "/999/")) == 410
    assert code(address.replace(".svg", "x.svg")) == 410
    with house.database.write() as session:
        place = session.get_one(Enrolment, (house.course().id, house.user().id))
        place.left_at = house.clock()
    assert code() == 410
    with house.database.write() as session:
        session.get_one(Enrolment, (house.course().id, house.user().id)).left_at = None
    assert code() == 200
    with house.database.write() as session:
        user = session.scalars(select(User).where(User.id == house.user().id)).one()
        accounts.set_password(session, user, "another long password", at=house.clock())
    assert code() == 410
