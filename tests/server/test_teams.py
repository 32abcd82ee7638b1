"""Teams: what one of them hands in is everybody's."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from server import courses
from server.courses import CourseError, file, spec, teaming
from server.grades import marking, similarity
from server.people import privacy
from server.storage.models import (
    Assignment,
    Grade,
    MisconceptionFound,
    Outgoing,
    RegradeItem,
    Search,
    SimilarPair,
    Submission,
    Team,
    TeamMember,
    TeamsBy,
    User,
)
from tests.server import engines
from tests.server.conftest import House, course_spec
from tests.server.test_similarity import HANDED_OUT, renamed, solution

NORM = "/courses/dl/assignments/norm/"
TEAMS = "/courses/dl/staff/assignments/norm/teams"
DAY = 86_400


@pytest.fixture
def class_(app: Flask, house: House) -> dict[str, FlaskClient]:
    """Of three students and an instructor, whose "norm" is for teams of two."""
    house.student("third")
    with house.database.write() as session:
        session.merge(house.assignment()).team_size = 2
    names = ("student", "classmate", "third", "instructor")
    return {name: house.log_in(app.test_client(), name) for name in names}


def team_up(house: House, class_: dict[str, FlaskClient]) -> str:
    """The student and the classmate; return the code of their team."""
    assert class_["student"].post(f"{NORM}team", data={"do": "make"}).status_code == 303
    with house.database.read() as session:
        code = session.scalars(select(Team.code)).one()
    assert code in class_["student"].get(NORM).text
    joined = {"do": "join", "code": f" {code.lower()} "}
    assert class_["classmate"].post(f"{NORM}team", data=joined).status_code == 303
    return code


def points(house: House, name: str) -> float | None:
    with house.database.read() as session:
        found = session.get(Grade, (house.assignment().id, house.user(name).id))
        return None if found is None else found.points


def graded(house: House, score: float, user: str = "student") -> str:
    public_id = house.accept(user=user)
    house.grade_all(lambda rules, topic, *_: engines.report(topic, score=score))
    return public_id


def test_what_one_hands_in_is_everybodys(house: House, class_: dict[str, FlaskClient]) -> None:
    code = team_up(house, class_)
    full = class_["third"].post(f"{NORM}team", data={"do": "join", "code": code})
    assert "This team is full: it has 2 members." in full.text
    wrong = class_["third"].post(f"{NORM}team", data={"do": "join", "code": "nothing"})
    assert "There is no team with this code" in wrong.text
    with house.database.write() as session:
        session.merge(house.assignment()).attempts = 2
    first, second = graded(house, 15.0), graded(house, 12.0, "classmate")
    for name in ("student", "classmate"):
        assert points(house, name) == 7.5
        for public_id in (first, second):
            assert class_[name].get(house.page(public_id)).status_code == 200
        page = class_[name].get(NORM).text
        assert "All 2 attempts are used." in page
        assert f"by {'Classmate' if name == 'student' else 'Student'}" in page
    assert [row.number for row in house.rows()] == [1, 2]
    for address in (house.page(first), f"{house.page(first)}file"):
        assert class_["third"].get(address).status_code == 404
    assert points(house, "third") is None
    staff = class_["instructor"].get(house.page(first).replace("/dl/", "/dl/staff/")).text
    assert "handed in for a team, with" in staff
    with (
        pytest.raises(CourseError, match="so its team_size stays above 1"),
        house.database.write() as session,
    ):
        courses.sync(session, course_spec(house.clock()), at=house.clock(), actor=None)
    for do in ("leave", "make"):
        refused = class_["student"].post(f"{NORM}team", data={"do": do})
        assert refused.status_code == 422
    with house.database.write() as session:
        row = session.merge(house.row(first))
        actor = session.get_one(User, house.user("instructor").id)
        marking.comment(session, row, "Well done", for_staff=False, at=house.clock(), actor=actor)
    assert "Well done" in class_["classmate"].get(house.page(first)).text
    with house.database.read() as session:
        told = set(session.scalars(select(Outgoing.user_id).where(Outgoing.kind == "comment")))
    assert told == {house.user("student").id, house.user("classmate").id}
    regrade = house.regrade()
    with house.database.read() as session:
        items = session.scalars(select(RegradeItem).where(RegradeItem.regrade_id == regrade))
        assert len(items.all()) == 2


def test_late_is_late_for_all_and_points_by_hand_are_each_ones_own(
    house: House, class_: dict[str, FlaskClient]
) -> None:
    team_up(house, class_)
    house.clock.advance(8.5 * DAY)
    graded(house, 20.0)
    assert (points(house, "student"), points(house, "classmate")) == (8.0, 8.0)
    with house.database.write() as session:
        said = {"at": house.clock(), "actor": session.get_one(User, house.user("instructor").id)}
        row = session.get_one(Assignment, house.assignment().id)
        marking.grant(
            session, row, house.user("classmate").id, due_at=house.clock() + timedelta(days=1),
            late_until=None, extra_attempts=0, reason="ill", **said,
        )  # fmt: skip
        marking.adjust(session, row, house.user("student").id, -1.0, "did less", **said)
    assert (points(house, "student"), points(house, "classmate")) == (9.0, 10.0)
    assert "Your deadline is extended." in class_["student"].get(NORM).text


def test_staff_put_teams_together(house: House, class_: dict[str, FlaskClient]) -> None:
    with house.database.write() as session:
        session.merge(house.assignment()).teams_by = TeamsBy.STAFF
    assert class_["student"].post(f"{NORM}team", data={"do": "make"}).status_code == 422
    alone = graded(house, 15.0)
    staff = class_["instructor"]

    def send(text: str) -> int:
        data = {"list": (io.BytesIO(text.encode()), "teams.csv")}
        return staff.post(TEAMS, data=data).status_code

    assert send("team,email\nA,student@example.org\nA,nobody@example.org\n") == 422
    three = "".join(f"A,{name}@example.org\n" for name in ("student", "classmate", "third"))
    assert send(f"team,email\n{three}") == 422
    assert send("team;email\nA;student@example.org\nA;classmate@example.org\n") == 303
    page = staff.get(TEAMS).text
    assert "In no team: third." in page
    assert class_["classmate"].get(house.page(alone)).status_code == 404  # it is the student's own
    assert (points(house, "student"), points(house, "classmate")) == (7.5, None)
    graded(house, 20.0, "classmate")
    assert (points(house, "student"), points(house, "classmate")) == (10.0, 10.0)
    moved = staff.post(TEAMS, data={"student": "student@example.org", "team": ""})
    assert moved.status_code == 303
    assert (points(house, "student"), points(house, "classmate")) == (7.5, 10.0)
    log = staff.get("/courses/dl/staff/log").text
    assert "For norm is in no team now, was in A." in log
    assert house.row(graded(house, 12.0)).number == 2  # alone again


def test_a_person_takes_their_own_and_leaves_the_rest(
    house: House, class_: dict[str, FlaskClient]
) -> None:
    team_up(house, class_)
    public_id = graded(house, 15.0)
    archive = io.BytesIO()
    with house.database.write() as session:
        other = session.get_one(User, house.user("classmate").id)
        now = house.clock()
        privacy.export(session, house.files, lambda report: report, other, archive, now)
        who = session.get_one(User, house.user("student").id)
        assert privacy.erase(session, who, at=now, actor=None) == 0
    with zipfile.ZipFile(archive) as found:
        assert "submissions/dl/norm/1/file.py" in found.namelist()
        assert json.loads(found.read("person.json"))["team_members"]
    assert class_["classmate"].get(house.page(public_id)).status_code == 200
    assert points(house, "classmate") == 7.5
    with house.database.read() as session:
        for table in (Submission, MisconceptionFound):
            assert session.scalars(select(table.user_id)).all() == [house.user("classmate").id]
        assert len(session.scalars(select(TeamMember)).all()) == 1


def test_a_team_is_not_like_itself(house: House, class_: dict[str, FlaskClient]) -> None:
    source = solution(0b101010101010).encode()
    house.accept(content=source)  # alone, before there is a team
    with house.database.write() as session:
        actor = session.get_one(User, house.user("instructor").id)
        row = session.get_one(Assignment, house.assignment().id)
        pair = {house.user(name).id: "A" for name in ("student", "classmate")}
        teaming.arrange(session, row, pair, at=house.clock(), actor=actor)
    house.accept(content=source + b"# once more\n", user="classmate")
    house.accept(content=renamed(solution(0b101010101010)).encode(), user="third")
    with house.database.write() as session:
        actor = session.get_one(User, house.user("instructor").id)
        row = session.get_one(Assignment, house.assignment().id)
        number = similarity.start(session, row, at=house.clock(), actor=actor).id
    similarity.run(house.database, house.files, number, HANDED_OUT, house.clock)
    with house.database.read() as session:
        assert session.get_one(Search, number).total == 2
        (found,) = session.scalars(select(SimilarPair)).all()
        assert {found.first.user_id, found.second.user_id} == {
            house.user("classmate").id,
            house.user("third").id,
        }


@pytest.mark.parametrize(
    "more",
    [
        "window_minutes = 60",
        '[[assignments.parts]]\nslug = "a"\ntitle = "A"\nprompt = "?"\npoints = 1',
    ],
)
def test_what_teams_cannot_have_is_said(house: House, more: str) -> None:
    with house.database.read() as session:
        text = file.dump(file.document(session, house.course()))
    first, _, _ = text.partition('[[assignments]]\nslug = "losses"')
    with pytest.raises(CourseError, match="an assignment for teams cannot have"):
        spec.read(f"{first}team_size = 2\n{more}\n", engines.ENGINE.topics)
