"""From SQLite into PostgreSQL and back, and backups of either restored into the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from server.storage.config import Config
from server.storage.models import Content, State
from tests.server.conftest import House, cluster, open_house
from tests.server.test_backup import run
from tests.server.test_courses import contents

pytestmark = pytest.mark.usefixtures("embedded")
_numbers = count(1)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"moved{next(_numbers)}"
    yield cluster().create(name)
    cluster().drop(name)


def filled(house: House) -> House:
    house.graded()
    house.accept(content=b"x = 1\n")
    house.regrade()
    house.database.key("session")
    with house.database.write() as session:
        session.merge(house.user()).name = "Umlaut \u00e4, surrogate pair \U0001d400"
    return house


def test_there_and_back_again_is_the_same_and_goes_on(
    house: House, tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(filled(house))
    data = house.config.data
    assert run("move", "--data", data) == (
        2,
        "Error: Set GRADMARK_DATABASE to the address of the PostgreSQL database.\n",
    )
    monkeypatch.setenv("GRADMARK_DATABASE", shared)
    status, told = run("move", "--data", data)
    assert (status, "2 submissions" in told) == (0, True), told
    there = open_house(Config(data))
    assert not there.database.is_embedded
    assert contents(there) == before == contents(house)
    status, told = run("move", "--data", data)
    assert status == 2
    assert "is not empty: it has" in told
    there.accept(content=b"y = 1\n")  # numbers go on after those that were copied
    there.grade_all()
    assert {row.state for row in there.rows()} == {State.GRADED}

    assert run("move", "--back", "--data", tmp_path / "back")[0] == 0
    back = open_house(Config(tmp_path / "back", shared=None))
    assert contents(back) == contents(there)
    assert back.files.read(back.rows()[-1].public_id) == b"y = 1\n"
    for one in (there, back):
        one.database.close()


def test_a_backup_of_either_restores_into_the_other(
    house: House, tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(filled(house))
    assert run("backup", tmp_path / "sqlite", "--data", house.config.data)[0] == 0
    monkeypatch.setenv("GRADMARK_DATABASE", shared)
    for _ in range(2):
        status, told = run("restore", tmp_path / "sqlite", "--data", tmp_path / "new")
        assert ("is not empty" in told) == (status == 2)
    assert status == 2
    there = open_house(Config(tmp_path / "new"))
    assert contents(there) == before
    assert run("backup", tmp_path / "postgresql", "--data", tmp_path / "new")[0] == 0
    monkeypatch.delenv("GRADMARK_DATABASE")
    assert run("restore", tmp_path / "postgresql", "--data", tmp_path / "back")[0] == 0
    back = open_house(Config(tmp_path / "back"))
    assert contents(back) == before
    with there.database.write() as session:
        session.get_one(Content, 1).content = b"damaged"
    monkeypatch.setenv("GRADMARK_DATABASE", shared)
    assert "is not what was handed in" in run("backup", tmp_path / "d", "--data", tmp_path)[1]
    assert not (tmp_path / "d").exists()
    for one in (there, back):
        one.database.close()
