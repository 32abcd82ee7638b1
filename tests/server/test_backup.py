"""Backup and restore: whole while the server works, and nothing that is not whole comes back."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder.cli import main
from server.storage.config import Config
from tests.server.conftest import House, new_source, open_house
from tests.server.test_courses import contents

pytestmark = pytest.mark.usefixtures("embedded")  # tests/server/test_move.py is about the other


def run(*command: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in command])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def backup(house: House, file: Path) -> tuple[int, str]:
    return run("backup", file, "--data", house.config.data)


def restored(packed: Path, data: Path) -> House:
    status, told = run("restore", packed, "--data", data)
    assert status == 0, told
    config = Config(data)
    return open_house(config)


def test_what_comes_back_is_what_was(house: House, tmp_path: Path) -> None:
    key = house.database.key("session")
    public_id = house.graded()
    waiting = house.accept(content=b"x = 1\n")
    packed = tmp_path / "backup.tar.gz"
    assert backup(house, packed)[0] == 0
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    before = contents(house)
    house.accept(content=b"y = 1\n")  # after the backup

    other = restored(packed, tmp_path / "new")
    other.database.migrate()
    assert contents(other) == before
    assert other.database.key("session") == key
    assert other.files.read(waiting) == b"x = 1\n"
    assert other.row(public_id).score == 15.0
    other.grade_all()
    assert {row.state for row in other.rows()} == {"graded"}
    assert not list(other.config.data.glob(".*"))
    other.database.close()


def test_while_files_come_in_every_row_of_it_has_its_file(house: House, tmp_path: Path) -> None:
    done = threading.Event()

    def hand_in() -> None:
        number = 0
        while not done.is_set():
            number += 1
            house.accept(content=f"x = {number}\n".encode())

    thread = threading.Thread(target=hand_in)
    thread.start()
    try:
        archives = [tmp_path / f"{number}.tar.gz" for number in range(5)]
        told = [backup(house, packed) for packed in archives]
    finally:
        done.set()
        thread.join()
    assert [status for status, _ in told] == [0] * 5
    for packed in archives:
        other = restored(packed, tmp_path / packed.name[0])
        for row in other.rows():
            content = other.files.read(row.public_id)
            assert hashlib.sha256(content).hexdigest() == row.digest
        other.database.close()


def test_nothing_is_written_over(house: House, tmp_path: Path) -> None:
    packed = tmp_path / "backup.tar.gz"
    packed.write_text("mine")
    assert backup(house, packed) == (2, f"Error: {packed} exists: choose a new file.\n")
    assert packed.read_text() == "mine"
    packed.unlink()
    backup(house, packed)
    before = contents(house)
    status, told = run("restore", packed, "--data", house.config.data)
    assert status == 2
    assert "is not empty: restore into a new directory" in told
    assert contents(house) == before
    assert run("backup", tmp_path / "b", "--data", tmp_path / "nowhere")[0] == 2
    assert not (tmp_path / "nowhere").exists()


def test_a_missing_or_damaged_file_is_told(house: House, tmp_path: Path) -> None:
    content = new_source()
    public_id = house.accept(content=content)
    house.keep(public_id, b"damaged")
    assert f"{public_id} is not what was handed in" in backup(house, tmp_path / "b")[1]
    house.keep(public_id, None)
    assert f"submission {public_id} is missing" in backup(house, tmp_path / "b")[1]
    assert not (tmp_path / "b").exists()
    house.keep(public_id, content)
    assert backup(house, tmp_path / "b")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"data", "b"}


def altered(packed: Path, change: str) -> None:
    """The archive with one member left out, changed, or added."""
    with tarfile.open(packed) as tar:
        files = {
            member.name: tar.extractfile(member).read()  # type: ignore[union-attr]
            for member in tar
        }
    action, _, name = change.partition(" ")
    found = next((known for known in files if known.startswith(name)), name)
    if action == "without":
        del files[found]
    else:
        files[found] = files.get(found, b"")[:-10] + b"0123456789"
    with tarfile.open(packed, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    "change",
    [
        *("without manifest", "without gradmark.db", "changed manifest", "changed gradmark.db"),
        *("added ../outside", "added submissions/../../outside", "added evil.py"),
        "cut",
    ],
)
def test_what_is_not_whole_does_not_come_back(house: House, tmp_path: Path, change: str) -> None:
    house.accept()
    packed = tmp_path / "backup.tar.gz"
    backup(house, packed)
    if change == "cut":
        packed.write_bytes(packed.read_bytes()[:-100])
    else:
        altered(packed, change)
    status, told = run("restore", packed, "--data", tmp_path / "new")
    assert status == 2
    assert told.startswith("Error: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "outside").exists()


def test_into_an_empty_directory_that_is_there(house: House, tmp_path: Path) -> None:
    backup(house, tmp_path / "b")
    data = tmp_path / "volume"
    data.mkdir()
    other = restored(tmp_path / "b", data)
    assert other.rows() == []
    other.database.close()
