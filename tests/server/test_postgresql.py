"""What PostgreSQL does in its own way. Most of the server's tests run on it as well, by
`--engine postgresql`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.grading import meters
from server.grading.grader import GraderLoop
from server.grading.meters import Readings
from server.grading.queue import Queue
from server.storage.config import Config, ConfigError
from server.storage.database import Database, is_away, opened
from server.storage.models import Key, State, User
from server.web.app import create_app
from tests.server import conftest, engines, services
from tests.server.conftest import House, cluster, wait_for

pytestmark = pytest.mark.usefixtures("on_postgresql")


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[tuple[services.PostgreSQL, House]]:
    """A house in a cluster of its own, which may be killed."""
    with services.postgresql() as server:
        config = Config(tmp_path / "data", shared=server.create("gradmark"))
        house = conftest.open_house(config)
        house.database.migrate()
        house.furnish()
        yield server, house
        house.database.close()


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = cluster().create("together")
    databases = [Database(Config(tmp_path, shared=url).database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Database.migrate, databases))
    with databases[0].read() as session:
        assert session.scalars(text("SELECT count(*) FROM alembic_version")).one() == 1
    keys = {database.key("session") for database in databases}
    assert len(keys) == 1
    for database in databases:
        database.close()
    cluster().drop("together")


def test_a_writer_is_alone_and_a_heartbeat_does_not_wait_for_it(house: House) -> None:
    house.accept()
    claim = house.queue.claim()
    entered: list[str] = []

    def write() -> None:
        with house.database.write() as session:
            session.add(Key.new("another"))
            session.flush()
            entered.append("second")

    second = threading.Thread(target=write)
    with house.database.write() as session:
        session.add(Key.new("test"))
        session.flush()
        second.start()
        house.queue.heartbeat(claim)  # it would wait for ever
        house.queue.progress(claim, "batch_norm", 1, 2)
        second.join(0.2)
        entered.append("first")
    second.join()
    assert entered == ["first", "second"]
    assert house.rows()[0].exercise == "batch_norm"


def test_counters_that_begin_at_the_same_time_lose_nothing(house: House) -> None:
    def count(_: int) -> None:
        with house.database.touch() as session:
            meters.accepted(session)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(40)))
    with house.database.read() as session:
        assert Readings(session).accepted == 40


def test_what_waits_is_noticed_at_once_and_nothing_else_is(house: House) -> None:
    house.database.writes()
    seen = house.database.writes()
    with house.database.write() as session:
        session.add(Key.new("no work"))
    assert house.database.writes() == seen
    house.accept()
    wait_for(lambda: house.database.writes() != seen, 2)
    claim = house.queue.claim()
    assert claim is not None
    wait_for(lambda: house.database.writes() == house.database.writes(), 2)
    seen = house.database.writes()
    house.queue.give_back(claim)
    wait_for(lambda: house.database.writes() != seen, 2)


def test_time_is_the_databases(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("server.clock.datetime", Wrong)
    with house.database.read() as session:
        told = session.scalars(text("SELECT clock_timestamp()")).one()
    for _ in range(2):
        assert abs(house.database.clock() - told) < timedelta(seconds=5)
    assert Queue(house.database)._clock() > told - timedelta(seconds=5)


def test_a_character_that_its_text_cannot_hold_is_left_out(house: House) -> None:
    with house.database.write() as session:
        session.get_one(User, house.user().id).name = "a\0b"
    assert house.user().name == "ab"


def test_a_restart_of_the_database_costs_no_grading(
    mortal: tuple[services.PostgreSQL, House],
) -> None:
    server, house = mortal
    public_id = house.accept()
    queue = Queue(house.database)
    client = create_app(house.config, engines.ENGINE).test_client()
    began, go_on = threading.Event(), threading.Event()

    def grade(rules: object, topic: str, submission: object, progress: object) -> object:
        began.set()
        if not go_on.is_set():
            go_on.wait(60)
            progress("batch_norm", 1, 2)  # nobody hears it
            threading.Timer(0.5, server.start).start()
        return engines.report(topic)

    loop = GraderLoop(queue, house.files, engines.opener(grade), poll=0.05)
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert began.wait(30)
    server.stop()
    assert client.get("/healthz").status_code == 503
    page = client.get("/login")  # which asks the database for nothing
    assert page.status_code == 200
    go_on.set()
    wait_for(lambda: answers(house) and house.row(public_id).state is State.GRADED)
    assert house.row(public_id).lease == 1
    assert client.get("/healthz").status_code == 200
    later = house.accept()
    wait_for(lambda: house.row(later).state is State.GRADED)
    loop.stop()
    thread.join()


def test_what_is_to_run_for_long_waits_for_its_database(
    mortal: tuple[services.PostgreSQL, House], caplog: pytest.LogCaptureFixture
) -> None:
    server, house = mortal
    server.stop()
    starting = threading.Timer(0.5, server.start)
    starting.start()
    database = opened(house.config)
    with database.read() as session:
        assert session.scalar(select(User.id).limit(1))
    database.close()
    assert "does not answer: " in caplog.text
    starting.join()


def answers(house: House) -> bool:
    try:
        with house.database.read() as session:
            session.scalar(select(User.id).limit(1))
    except DBAPIError as error:
        if not is_away(error):
            raise
        time.sleep(0.05)
        return False
    return True


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "must be an address like postgresql://"),
        ("mysql://host/database", "must be an address like postgresql://"),
        ("sqlite:////tmp/x.db", "must be an address like postgresql://"),
        ("postgresql://somebody:hidden@127.0.0.1:1/gradmark", "does not answer: "),
    ],
)
def test_what_cannot_be_opened_is_one_sentence_without_the_password(
    tmp_path: Path, address: str, said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        Database(Config(tmp_path, shared=address).database).migrate()
    # A service manager tries again what may work later, and nothing that was started wrongly.
    assert refused.value.exit_status == (4 if "not answer" in said else 2)
    assert said in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert "hidden" not in repr(Config(tmp_path, shared=address))
