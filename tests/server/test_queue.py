"""What a submission's state can do, by the clock of the test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from server.models import State
from server.queue import LeaseLost, Patience
from tests.server.conftest import House
from tests.server.engines import report

PATIENCE = Patience()
REPORT = report("normalization")


def three_wait(house: House) -> list[str]:
    """Of three students, in the order in which they came."""
    names = ("student", "classmate", "assistant")
    return [house.accept(user=name) for name in names]


def test_the_oldest_is_claimed_first_and_each_only_once(house: House) -> None:
    accepted = three_wait(house)
    claims = [house.queue.claim() for _ in range(3)]
    assert [claim.public_id for claim in claims if claim] == accepted
    assert house.queue.claim() is None


def test_positions_count_from_the_next(house: House) -> None:
    rows = [house.row(public_id) for public_id in three_wait(house)]
    assert [house.queue.position(row) for row in rows] == [1, 2, 3]
    claim = house.queue.claim()
    assert claim is not None
    assert [house.queue.position(house.row(row.public_id)) for row in rows] == [None, 1, 2]


def test_a_heartbeat_keeps_the_lease(house: House) -> None:
    house.accept()
    claim = house.queue.claim()
    for _ in range(5):
        house.clock.advance(0.8 * PATIENCE.lease.total_seconds())
        house.queue.heartbeat(claim)
        assert house.queue.release_expired() == 0
    house.queue.finish(claim, REPORT)


def test_a_silent_grader_loses_its_lease_and_its_report_is_refused(house: House) -> None:
    public_id = house.accept()
    stale = house.queue.claim()
    house.clock.advance(PATIENCE.lease.total_seconds() + 1)
    assert house.queue.release_expired() == 1
    house.clock.advance(PATIENCE.retry_after[0].total_seconds())
    fresh = house.queue.claim()
    assert fresh.submission == stale.submission
    assert fresh.lease > stale.lease

    for late in (
        lambda: house.queue.heartbeat(stale),
        lambda: house.queue.progress(stale, "x", 1, 2),
        lambda: house.queue.finish(stale, report("normalization", 20.0)),
        lambda: house.queue.fail(stale, "late"),
        lambda: house.queue.give_back(stale),
    ):
        with pytest.raises(LeaseLost):
            late()

    house.queue.finish(fresh, REPORT)
    row = house.row(public_id)
    assert (row.state, row.score, row.faults) == (State.GRADED, 15.0, 1)
    with pytest.raises(LeaseLost):  # a report is stored once
        house.queue.finish(fresh, report("normalization", 20.0))
    assert house.row(public_id).score == 15.0


def test_a_fault_is_retried_after_a_wait_then_given_up_without_a_score(house: House) -> None:
    public_id = house.accept()
    for wait in PATIENCE.retry_after:
        house.queue.fail(house.queue.claim(), "disk full")
        assert house.row(public_id).state is State.WAITING
        house.clock.advance(wait.total_seconds() - 0.001)
        assert house.queue.claim() is None
        house.clock.advance(0.001)
    house.queue.fail(house.queue.claim(), "disk full")
    row = house.row(public_id)
    assert (row.state, row.score, row.last_fault) == (State.FAILED, None, "disk full")
    house.clock.advance(10**6)
    assert house.queue.claim() is None
    assert house.files.read(public_id)  # kept


def test_what_kills_every_grader_is_not_tried_for_ever(house: House) -> None:
    public_id = house.accept()
    for _ in range(len(PATIENCE.retry_after) + 1):
        assert house.queue.claim() is not None
        house.clock.advance(1000)
        assert house.queue.release_expired() == 1
        house.clock.advance(1000)
    assert house.queue.claim() is None
    assert house.row(public_id).state is State.FAILED


def test_given_back_is_as_if_never_taken(house: House) -> None:
    public_id = house.accept()
    claim = house.queue.claim()
    house.queue.progress(claim, "dropout", 1, 5)
    house.queue.give_back(claim)
    row = house.row(public_id)
    assert (row.state, row.faults, row.exercise, row.total) == (State.WAITING, 0, None, 0)
    assert house.queue.claim().public_id == public_id


def test_a_submission_is_on_the_disk_before_it_is_in_the_queue(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        target = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        order.append("directory" if target.is_dir() else "file")
        fsync(descriptor)

    def committed(_connection: Any) -> None:
        order.append("commit")

    monkeypatch.setattr(os, "fsync", noting)
    event.listen(house.database._engine, "commit", committed)
    house.accept()
    assert order[order.index("file") :] == ["file", "directory", "commit"]


def test_the_database_promises_durability(house: House) -> None:
    with house.database.read() as session:
        pragma = {
            name: session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }
