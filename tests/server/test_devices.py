"""Assignments for a device: who grades them, and what is said when nobody can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from autograder.handin.submission import parse
from server import engine
from server.engine import CannotConfine, DeviceBroken, DeviceUnfit, Grade, Rules
from server.grading import presence
from server.grading.grader import GraderLoop
from server.grading.queue import Patience, Queue
from server.grading.worker import Bench, Worker
from server.storage.models import Assignment, SourcePolicy, State
from tests.devices.installed import installed, needs_second_device
from tests.server import engines
from tests.server.conftest import House, wait_for
from tests.server.test_operations import samples


@pytest.fixture
def on_cuda(house: House) -> House:
    """The assignment "norm" is for a GPU; "losses" is not."""
    with house.database.write() as session:
        session.get_one(Assignment, house.assignment().id).device = "cuda"
    return house


def queue(house: House, device: str = "cuda:0") -> Queue:
    patience = Patience(retry_after=(timedelta(0),) * 3)
    return Queue(house.database, patience, clock=house.clock, device=device)


def test_whoever_waits_for_a_device_is_told_when_nobody_has_one(
    on_cuda: House, client: FlaskClient
) -> None:
    for_gpu, for_cpu = on_cuda.accept(), on_cuda.accept(assignment="losses")
    on_cuda.clock.advance(5)

    def sentence(public_id: str) -> str:
        return client.get(f"{on_cuda.page(public_id)}status").json["sentence"]

    with presence.announced(on_cuda.database, on_cuda.clock):
        assert "no grader with a working cuda device is running" in sentence(for_gpu)
        assert sentence(for_cpu) == "Yours is next."
        health = client.get("/healthz").json
        assert health["status"] == "no grader is there for cuda"
        assert health["devices"] == {
            "cpu": {"waiting": 1, "graders": 1, "set_aside": []},
            "cuda": {"waiting": 1, "graders": 0, "set_aside": []},
        }
        metrics = samples(client.get("/metrics"))
        assert metrics["gradmark_graders[cpu]"] == 1
        assert metrics["gradmark_graders[cuda]"] == 0
        assert metrics["gradmark_device_waiting[cuda]"] == 1
        on_cuda.log_in(client, "instructor")
        page = client.get("/courses/dl/staff/").text
        assert "no grader with a working cuda device is there" in page
        with presence.announced(on_cuda.database, on_cuda.clock, device="cuda:0") as sign:
            assert client.get("/healthz").json["status"] == "ok"
            assert "no grader with" not in client.get("/courses/dl/staff/").text
            sign.set_aside("it has fallen off the bus")
            assert client.get("/healthz").json["devices"]["cuda"]["set_aside"] == ["cuda:0"]
            assert samples(client.get("/metrics"))["gradmark_graders_set_aside[cuda]"] == 1
            page = client.get("/courses/dl/staff/").text
            assert "it has fallen off the bus" in page
            assert "no grader with a working cuda device is there" in page
            sign.works_again()
            assert client.get("/healthz").json["status"] == "ok"


class Card:
    """A device that fails under a submission, and stays away until it is mended."""

    def __init__(self) -> None:
        self.mended = threading.Event()
        self.breaks = True
        self.opened = 0

    @contextmanager
    def open_grader(self) -> Iterator[Grade]:
        self.opened += 1
        if self.opened > 1 and not self.mended.is_set():
            raise CannotConfine("in the sandbox, the device cuda:0 does not work")
        yield self.grade

    def grade(self, *about: object) -> dict[str, object]:
        if self.breaks:
            raise DeviceBroken("the device cuda:0 does not work: it has fallen off the bus")
        return engines.report("normalization")


def test_a_device_that_fails_is_set_aside_and_costs_nobody_anything(
    on_cuda: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.grading.grader._SECONDS_BETWEEN_TRIES", 0.01)
    card, public_id = Card(), on_cuda.accept()
    with presence.announced(on_cuda.database, on_cuda.clock, device="cuda:0") as sign:
        files = on_cuda.files
        loop = GraderLoop(queue(on_cuda), files, card.open_grader, poll=0.01, sign=sign)
        running = threading.Thread(target=loop.run)
        running.start()
        try:
            wait_for(lambda: card.opened > 3)
            row = on_cuda.row(public_id)
            assert (row.state, row.lease, row.faults) == (State.WAITING, 1, 1)
            assert "fallen off" in row.last_fault
            assert client.get("/healthz").json["status"] == "no grader is there for cuda"
            card.breaks = False
            card.mended.set()
            wait_for(lambda: on_cuda.row(public_id).state is State.GRADED)
            assert client.get("/healthz").json["devices"]["cuda"]["set_aside"] == []
        finally:
            card.mended.set()
            loop.stop()
            running.join()
    assert on_cuda.row(public_id).score == 15


def test_a_submission_under_which_every_device_fails_does_not_go_round_for_ever(
    on_cuda: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.grading.grader._SECONDS_BETWEEN_TRIES", 0.0)
    card, public_id = Card(), on_cuda.accept()
    card.mended.set()
    loop = GraderLoop(queue(on_cuda), on_cuda.files, card.open_grader, poll=0.01)
    monkeypatch.setattr(loop, "_await_news", lambda seen: loop.stop())
    loop.run()
    row = on_cuda.row(public_id)
    assert row.state is State.FAILED  # kept, told to staff, and no attempt
    assert row.score is None


def test_a_device_on_which_the_reference_fails_is_set_aside_once_and_costs_no_try(
    on_cuda: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.grading.grader._SECONDS_BETWEEN_TRIES", 0.01)
    card, public_id = Card(), on_cuda.accept()

    def unfit(*about: object) -> dict[str, object]:
        if card.breaks:
            raise DeviceUnfit("the device cuda:0 does not work: the reference comes out wrong")
        return engines.report("normalization")

    card.grade = unfit  # type: ignore[method-assign]
    with presence.announced(on_cuda.database, on_cuda.clock, device="cuda:0") as sign:
        loop = GraderLoop(queue(on_cuda), on_cuda.files, card.open_grader, poll=0.01, sign=sign)
        running = threading.Thread(target=loop.run)
        running.start()
        try:
            wait_for(lambda: card.opened > 4)
            row = on_cuda.row(public_id)
            assert (row.state, row.faults) == (State.WAITING, 0)
            with on_cuda.database.read() as session:
                (there,) = presence.alive(session, on_cuda.clock())
                assert "comes out wrong" in (there.fault or "")
            card.breaks = False
            card.mended.set()
            wait_for(lambda: on_cuda.row(public_id).state is State.GRADED)
        finally:
            card.mended.set()
            loop.stop()
            running.join()


def test_a_worker_that_is_woken_by_bells_tells_of_a_broken_device_as_well(
    on_cuda: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.grading.grader._SECONDS_BETWEEN_TRIES", 0.2)
    card, public_id = Card(), on_cuda.accept()
    on_cuda.clock.now = datetime.now(UTC)  # the worker's own clock is the database's
    worker = Worker(
        replace(on_cuda.config, broker="memory://"),
        card.open_grader,
        device="cuda:0",
        patience=Patience(retry_after=(timedelta(0),) * 3),
    )
    bench = Bench(worker)
    try:
        bench.grade_next()
        row = on_cuda.row(public_id)
        assert (row.state, row.faults) == (State.WAITING, 1)
        with on_cuda.database.read() as session:
            (there,) = presence.alive(session, on_cuda.clock())
            assert "fallen off the bus" in (there.fault or "")
        bench.grade_next()  # a bell at once wakes nobody: the device is tried again in a while
        assert card.opened == 1
        card.breaks = False
        card.mended.set()
        wait_for(lambda: bench.grade_next() or on_cuda.row(public_id).state is State.GRADED)
        with on_cuda.database.read() as session:
            (there,) = presence.alive(session, on_cuda.clock())
            assert there.fault is None
    finally:
        bench.close()


@needs_second_device
@pytest.mark.slow
def test_a_device_that_computes_too_coarsely_is_refused_until_it_is_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = Rules(b"a secret", SourcePolicy.NOTHING)
    submission = parse("activations.py", b"def gelu(x, approximate='none'):\n    return x\n")
    with installed(monkeypatch) as folder:
        (folder / "coarse").touch()
        with (
            engine.open_grader(None, device="second:0") as grade,
            pytest.raises(DeviceUnfit, match=r"the reference's own .* comes out wrong"),
        ):
            grade(rules, "activations", submission, lambda *_: None)
        with (
            pytest.raises(CannotConfine, match=r"the reference's own .* comes out wrong"),
            engine.open_grader(None, device="second:0"),
        ):
            pass
        (folder / "coarse").unlink()
        with engine.open_grader(None, device="second:0") as grade:
            report = grade(rules, "activations", submission, lambda *_: None)
            assert report["environment"]["device"] == "second:0"


@needs_second_device
@pytest.mark.slow
def test_the_engine_tells_a_fault_of_the_device_from_one_of_the_submission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = Rules(b"a secret", SourcePolicy.NOTHING)
    breaks = b"import torch\ndef relu(x):\n    torch.second.broken = True\n    return x + 1\n"
    with installed(monkeypatch) as folder, engine.open_grader(None, device="second:0") as grade:

        def graded(content: bytes) -> dict[str, object]:
            return grade(rules, "activations", parse("a.py", content), lambda *_: None)

        report = graded(breaks)
        assert report["score"] == 0
        assert report["environment"]["device"] == "second:0"
        (folder / "lost").touch()
        with pytest.raises(DeviceBroken, match="fallen off the bus"):
            graded(breaks)
