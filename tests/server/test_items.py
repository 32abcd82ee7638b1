"""Statistics per check: against the plain definitions, and as staff read them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from server.grading import results
from server.storage.models import Enrolment, Submission
from server.web.instructor import items
from tests.server import engines
from tests.server.conftest import House
from tests.server.test_staff import STAFF, text

Browser = Callable[[str], FlaskClient]
MOST = (4.0, 4.0, 12.0)  # the points of three checks

shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])
classes = st.lists(st.tuples(*[shares] * len(MOST)), min_size=14, max_size=14)


def report(reached: tuple[float, ...]) -> dict[str, Any]:
    """A report of one exercise, in which so much of each check was reached; each that was not
    reached whole failed at a first case, and below a half at a second, too."""
    checks = [
        {
            "name": f"check {at}",
            "score": share * most,
            "max_score": most,
            "passed": share == 1.0,
            "cases": [
                {"name": "case 1", "public": False, "passed": share == 1.0},
                {"name": "case 2", "public": False, "passed": share >= 0.5},
            ],
        }
        for at, (share, most) in enumerate(zip(reached, MOST, strict=True))
    ]
    score = math.fsum(check["score"] for check in checks)
    exercise = {"name": "one", "score": score, "max_score": 20.0, "checks": checks, "diagnosis": []}
    return {
        "schema": "test",
        "assignment": "normalization",
        "score": score,
        "max_score": 20.0,
        "exercises": [exercise],
        "environment": {"reference": engines.REFERENCE},
    }


def furnish(house: House, reached: list[tuple[float, ...]]) -> None:
    """A student for each, whose counting submission reached that."""
    reports = iter([report(each) for each in reached])
    for at in range(len(reached)):
        house.student(f"student{at}")
        house.accept(user=f"student{at}")
        house.grade_all(lambda *_: next(reports))


def found(house: House) -> list[items.Item]:
    with house.database.read() as session:
        return items.items(session, house.course(), house.assignment())


def discrimination(reached: list[tuple[float, ...]], at: int) -> float | None:
    own = [row[at] for row in reached]
    rest = [
        math.fsum(
            share * most for i, (share, most) in enumerate(zip(row, MOST, strict=True)) if i != at
        )
        for row in reached
    ]
    if len(reached) < items.ENOUGH or len(set(own)) == 1 or len(set(rest)) == 1:
        return None
    return statistics.correlation(own, rest)


def hold_to_definition(house: House, reached: list[tuple[float, ...]]) -> None:
    told = {item.check: item for item in found(house)}
    lost = [at for at in range(len(MOST)) if any(row[at] < 1 for row in reached)]
    assert set(told) == {f"check {at}" for at in lost}
    for at in lost:
        item, own = told[f"check {at}"], [row[at] for row in reached]
        assert item.count == len(reached)
        assert item.losing == sum(share < 1 for share in own)
        assert item.reached == pytest.approx(statistics.fmean(own))
        assert item.discrimination == pytest.approx(discrimination(reached, at), abs=1e-6)
        alone = {"case 1": sum(0.5 <= share < 1 for share in own)}
        assert {a.case: a.students for a in item.alone} == {c: n for c, n in alone.items() if n}


def test_a_check_is_told_as_the_definitions_have_it(house: House) -> None:
    """Classes of all kinds, written over one another: what counts is the last."""
    furnish(house, [(1.0, 1.0, 1.0)] * 14)
    rows = house.rows()

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(classes)
    def any_class(reached: list[tuple[float, ...]]) -> None:
        with house.database.write() as session:
            for row, each in zip(rows, reached, strict=True):
                submission = session.get_one(Submission, row.id)
                results.store(session, submission, report(each))
        hold_to_definition(house, reached)

    any_class()


@pytest.mark.parametrize("size", [1, 9, 10])
def test_a_small_class_has_no_discrimination_and_nothing_looks_wrong(
    house: House, size: int
) -> None:
    reached = [(float(at % 2), 1.0, float(at % 2)) for at in range(size)]
    furnish(house, reached)
    hold_to_definition(house, reached)
    assert not any(item.looks_wrong for item in found(house))


def test_a_check_that_able_students_fail_looks_wrong(house: House, browser: Browser) -> None:
    """Half of the able fail it, and of the weak just as many; a hard check is another thing."""
    able = [(float(at % 2), 1.0, 1.0) for at in range(8)]
    weak = [(float(at % 2), 0.0, 0.25) for at in range(6)]
    furnish(house, able + weak)
    looks = {item.check: item.looks_wrong for item in found(house)}
    assert looks == {"check 0": True, "check 1": False, "check 2": False}
    for address in ("assignments/norm/", "assignments/norm/statistics"):
        page = text(browser("assistant").get(f"{STAFF}/{address}").text)
        assert "The check check 0 of one looks wrong: 4 of the 7 students" in page


def test_a_check_that_only_the_able_pass_is_right(house: House) -> None:
    furnish(house, [(1.0, 1.0, 1.0)] * 6 + [(0.0, 0.5, 1.0)] * 8)
    assert not any(item.looks_wrong for item in found(house))


def test_misconceptions_are_told_by_section_and_over_time(house: House, browser: Browser) -> None:
    with house.database.write() as session:
        for name, section in (("student", "Monday"), ("classmate", "Friday")):
            query = select(Enrolment).where(Enrolment.user_id == house.user(name).id)
            session.scalars(query).one().section = section
    for name in ("student", "student", "classmate"):
        house.accept(user=name)
        house.grade_all()
        house.clock.advance(3 * 24 * 3600)
    with house.database.read() as session:
        (spread,) = items.spreads(session, house.course(), house.assignment(), 15)
        assert items.sections(session, house.course()) == {"Friday": 1, "Monday": 1}
    assert spread.sections == {"Monday": 1, "Friday": 1}
    assert [at for at, students in enumerate(spread.steps) if students] == [1, 4, 7]
    page = text(browser("assistant").get(f"{STAFF}/assignments/norm/statistics").text)
    assert "interleaved-groups group_norm 2 1 1" in page


def test_students_do_not_see_it(browser: Browser) -> None:
    assert browser("student").get(f"{STAFF}/assignments/norm/statistics").status_code == 403
