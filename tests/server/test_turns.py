"""Courses take turns, regrades have a share, and each device has what is for it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.grading.due import REGRADES_SHARE
from server.grading.queue import Queue
from server.storage.models import Assignment, State
from tests.server.conftest import House, make_house
from tests.server.engines import report

REPORT = report("normalization")
WHO = {  # a hand-in by whom, and for what
    "a": ("student", "norm", "dl"),
    "b": ("classmate", "losses", "dl"),
    "c": ("assistant", "norm", "dl"),
    "x": ("outsider", "norm", "other"),
    "y": ("admin", "elsewhere", "other"),
}


def hand_in(house: House, who: str) -> str:
    user, assignment, course = WHO[who]
    return house.accept(user=user, assignment=assignment, course=course)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*WHO, "graded"]), max_size=14))
def test_what_is_said_about_places_is_what_happens(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    house = make_house(tmp_path_factory.mktemp("turns"))
    for event in events:
        if event != "graded":
            hand_in(house, event)
        elif (claim := house.queue.claim()) is not None:
            house.queue.finish(claim, REPORT)
    said = {
        row.public_id: house.queue.position(row)
        for row in house.rows()
        if row.state is State.WAITING
    }
    order = []
    while (claim := house.queue.claim()) is not None:
        order.append(claim.public_id)
    assert said == {public_id: place for place, public_id in enumerate(order, 1)}
    house.database.close()


def test_a_large_course_does_not_keep_a_small_one_waiting(house: House) -> None:
    large = [hand_in(house, who) for who in "aabbcc"]
    small = [hand_in(house, who) for who in "xy"]
    order = []
    while (claim := house.queue.claim()) is not None:
        order.append(claim.public_id)
    assert {place for place, one in enumerate(order) if one in small} <= {0, 1, 2, 3}
    assert sorted(order) == sorted(large + small)


def test_regrades_have_a_share_that_live_submissions_cannot_take(house: House) -> None:
    for _ in range(2):
        house.graded()
    house.regrade()
    kinds = []
    for _ in range(3 * REGRADES_SHARE):
        hand_in(house, "b")
        claim = house.queue.claim()
        assert claim is not None
        kinds.append(claim.regrade_item is not None)
        house.queue.finish(claim, REPORT)
    assert sum(kinds) == 2
    assert kinds.index(True) < REGRADES_SHARE


def test_a_grader_takes_what_is_for_its_kind_of_device(house: House) -> None:
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment("losses").id).device = "cuda"
    on_gpu, on_cpu = hand_in(house, "b"), hand_in(house, "a")
    assert house.queue.position(house.row(on_cpu)) == 1
    assert house.queue.position(house.row(on_gpu)) == 1
    gpu = Queue(house.database, clock=house.clock, device="cuda:1")
    claimed = gpu.claim()
    assert claimed is not None
    assert claimed.public_id == on_gpu
    assert gpu.claim() is None
    gpu.finish(claimed, report("losses"))
    taken = house.queue.claim()
    assert taken is not None
    assert taken.public_id == on_cpu
    assert house.queue.claim() is None
    house.queue.finish(taken, REPORT)
    house.regrade(assignment="losses")
    assert house.queue.claim() is None
    assert gpu.claim() is not None
