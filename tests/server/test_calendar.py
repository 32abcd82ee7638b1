"""Due dates in one's own calendar, read as a calendar program reads them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar, Event

from server.people import accounts
from server.people.links import Links
from server.storage.models import Extension, User
from tests.server.conftest import PASSWORD, House


@pytest.fixture
def address(client: FlaskClient) -> str:
    """The student's."""
    found = re.search(r'value="(http[^"]+\.ics)"', client.get("/courses/dl/").text)
    assert found is not None
    return found[1]


def events(client: FlaskClient, address: str) -> dict[str, Event]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    found = Calendar.from_ical(answer.data).walk("VEVENT")
    return {str(event["summary"]): event for event in found}


def test_everything_is_due_when_the_course_says(address: str, app: Flask, house: House) -> None:
    found = events(app.test_client(), address)  # with no session
    assert list(found) == [
        "Normalization layers is due (Course dl)",
        "Losses is due (Course dl)",
    ]
    norm = found["Normalization layers is due (Course dl)"]
    assert norm.decoded("dtstart") == house.assignment("norm").due_at
    assert "Late hand-ins are taken until" in norm["description"]
    assert str(norm["url"]).endswith("/courses/dl/assignments/norm/")


def test_an_extension_moves_the_date_and_who_handed_in_is_not_reminded(
    client: FlaskClient, address: str, house: House
) -> None:
    norm = house.assignment("norm")
    later = norm.due_at + timedelta(days=3)
    with house.database.write() as session:
        session.add(
            Extension(
                assignment_id=norm.id,
                user_id=house.user().id,
                due_at=later,
                reason="ill",
                granted_by_id=house.user("instructor").id,
                granted_at=house.clock(),
            )
        )
    house.accept(assignment="norm")
    house.grade_all()
    found = events(client, address)
    norm_event = found["Normalization layers is due (Course dl)"]
    assert norm_event.decoded("dtstart") == later
    assert not norm_event.walk("VALARM")
    assert found["Losses is due (Course dl)"].walk("VALARM")


def test_what_is_not_open_yet_is_announced_without_a_link(
    client: FlaskClient, address: str, house: House
) -> None:
    house.clock.advance(-2 * 86_400)
    assert all("url" not in event for event in events(client, address).values())


def test_the_address_ends_with_the_password_and_opens_nothing_else(
    client: FlaskClient, address: str, house: House
) -> None:
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert client.get(f"/calendar/{token[:-2]}xx.ics").status_code == 410
    with house.database.write() as session:
        links = Links(client.application.config["SECRET_KEY"])
        user = session.get_one(User, house.user().id)
        assert links.open(session, token, "calendar") is user
        assert links.open(session, token, "something else") is None
        accounts.set_password(session, user, f"{PASSWORD} again", at=house.clock())
    answer = client.get(address)
    assert answer.status_code == 410
    assert "does not hold any more" in answer.text


def test_a_person_who_left_the_course_sees_its_dates_no_more(
    client: FlaskClient, address: str, house: House
) -> None:
    with house.database.write() as session:
        left = session.get_one(User, house.user().id)
        accounts.leave(session, house.course(), left, at=house.clock(), actor=None)
    assert events(client, address) == {}
