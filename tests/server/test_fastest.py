"""The page of the fastest, and what a regrade makes of times."""

from __future__ import annotations

import copy
import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import undefer

from server.grading import regrades
from server.grading.regrades import Which
from server.people import accounts
from server.storage.models import Pace, Regrade, Submission, User
from tests.server import engines
from tests.server.conftest import House

PAGE = "/courses/dl/assignments/norm/fastest"


def timed(ratio: float | None, score: float, problem: str = "slow") -> dict[str, Any]:
    """A report whose second exercise also has a check of speed, worth ten points."""
    report = copy.deepcopy(engines.report("normalization"))
    evidence = {} if ratio is None else {"ratio": ratio, "best": 2.0}
    report["environment"]["device"] = "cpu"
    report["exercises"][1]["checks"].append(
        {
            "name": "speed of group_norm",
            "kind": "speed",
            "score": score,
            "max_score": 10.0,
            "passed": score == 10,
            "cases": [
                {
                    "name": "times",
                    "passed": score == 10,
                    "problem": "" if score == 10 else problem,
                    "evidence": evidence,
                }
            ],
        }
    )
    report["exercises"][1]["score"] += score
    report["exercises"][1]["max_score"] += 10.0
    report["score"] += score
    report["max_score"] += 10.0
    return report


def handed_in(house: House, user: str, ratio: float | None, score: float = 10.0) -> str:
    public_id = house.accept(user=user)
    house.grade_all(lambda *_: timed(ratio, score))
    return public_id


def entries(client: FlaskClient) -> list[tuple[str, str, str]]:
    rows = re.findall(r"<tr>\s*<td.*?</tr>", client.get(PAGE).text, re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [tuple(re.sub(r"<[^>]+>", "", cell) for cell in row) for row in cells]  # type: ignore[misc]


def test_the_best_of_each_student_is_listed_and_named_with_consent_only(
    house: House, client: FlaskClient
) -> None:
    for name in ("quick", "quicker"):
        house.student(name)
    handed_in(house, "student", 3.04)
    handed_in(house, "student", 1.3)
    handed_in(house, "quick", 0.51)
    handed_in(house, "quicker", 0.043)
    handed_in(house, "instructor", 0.02)
    handed_in(house, "classmate", None, 0)  # wrong answers have no time
    house.log_in(client, "student")
    assert entries(client) == [
        ("1", "somebody", "0.044"),
        ("2", "somebody", "0.51"),
        ("3", "you", "1.6"),
    ]
    assert "quicker" not in client.get(PAGE).text
    client.post(PAGE, data={"shows_name": "yes"})
    assert entries(client)[2] == ("3", "you (Student)", "1.6")
    house.log_in(client, "classmate")
    assert entries(client)[2] == ("3", "Student", "1.6")
    assert "The fastest of this course" in client.get("/courses/dl/assignments/norm/").text
    house.log_in(client, "student")
    client.post(PAGE, data={"shows_name": "no"})
    house.log_in(client, "instructor")
    assert entries(client)[2] == ("3", "somebody", "1.6")
    with house.database.write() as session:
        found = accounts.find(session, "quick@example.org")
        assert found is not None
        accounts.leave(session, house.course(), found, at=house.clock(), actor=None)
    assert [who for _, who, _ in entries(client)] == ["somebody", "somebody"]


def test_without_times_there_is_no_list_and_no_link(house: House, client: FlaskClient) -> None:
    house.accept(user="student")
    house.grade_all(engines.grade)
    house.log_in(client, "student")
    assert "Nothing has been timed yet" in client.get(PAGE).text
    assert "The fastest of this course" not in client.get("/courses/dl/assignments/norm/").text


def regraded(house: House, public_id: str, report: dict[str, Any]) -> Submission:
    regrade = house.regrade(Which.ALL)
    house.grade_all(lambda *_: report)
    with house.database.write() as session:
        regrades.apply(
            session,
            session.get_one(Regrade, regrade),
            at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )
    with house.database.read() as session:
        query = undefer(Submission.report)
        return session.get_one(Submission, house.row(public_id).id, options=[query])


def test_a_regrade_takes_no_marks_away_for_a_worse_time(house: House) -> None:
    public_id = handed_in(house, "student", 1.9)
    row = regraded(house, public_id, timed(2.6, 5.0))
    assert row.score == 25
    assert row.report is not None
    assert row.report["exercises"][1]["checks"][1]["cases"][0]["evidence"]["ratio"] == 1.9
    with house.database.read() as session:
        (pace,) = session.query(Pace).all()
        assert pace.within == 2.0


def test_a_regrade_counts_a_better_time_and_takes_wrong_answers_for_wrong(house: House) -> None:
    public_id = handed_in(house, "student", 2.6, 5.0)
    assert regraded(house, public_id, timed(1.9, 10.0)).score == 25
    assert regraded(house, public_id, timed(None, 0.0, "value")).score == 15


def test_a_regrade_by_another_scale_counts(house: House) -> None:
    public_id = handed_in(house, "student", 1.9)
    report = timed(2.1, 5.0)
    report["exercises"][1]["checks"][1]["cases"][0]["evidence"]["best"] = 1.5
    assert regraded(house, public_id, report).score == 20
