"""Starting: the command line, the data directory, the secrets, the migrations, the samples."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner

from autograder.submission import SubmissionError
from server import engine
from server.cli import serve
from server.config import Config
from server.database import Database
from server.models import Base
from server.seed import seed
from tests.server import engines
from tests.server.conftest import SOURCE, House


def test_the_migrations_lead_to_the_models(house: House) -> None:
    with house.database._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(house: House) -> None:
    public_id = house.accept()
    Database(house.config.database).migrate()
    assert house.row(public_id)


def test_a_secret_is_made_once_and_for_the_owner_only(house: House) -> None:
    secret = house.config.course_secret()
    assert len(secret) == 32
    assert secret == Config(house.config.data).course_secret()
    assert secret != house.config.session_key()
    for path in house.config.data.glob("*.secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(house.config.data.stat().st_mode) == 0o700
    assert not list(house.config.data.glob(".*"))


def test_in_an_open_data_directory_nothing_is_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    config = Config(tmp_path)
    config.prepare()
    assert stat.S_IMODE(config.database.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.submissions.stat().st_mode) == 0o700


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(serve, ["--port", str(port), "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert f"Cannot listen on 127.0.0.1, port {port}" in result.output
    assert "Traceback" not in result.output


def test_an_unusable_data_directory_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "load", lambda reference: engines.ENGINE)
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    result = CliRunner().invoke(serve, ["--port", "0", "--data", str(data)])
    assert result.exit_code == 2
    assert result.output == (
        f"Error: The data directory {data} cannot be written to: Not a directory.\n"
    )


def test_files_can_be_handed_in_as_samples_once(house: House, tmp_path: Path) -> None:
    for name in ("right.py", "wrong.py"):
        (tmp_path / name).write_bytes(SOURCE)
    paths = sorted(tmp_path.glob("*.py"))
    assert len(seed(house.config, "losses", paths)) == 2
    assert seed(house.config, "losses", paths) == []
    assert [(row.filename, row.owner) for row in house.rows()] == [
        ("right.py", None),
        ("wrong.py", None),
    ]
    (tmp_path / "bad.txt").write_text("x")
    with pytest.raises(SubmissionError):
        seed(house.config, "losses", [tmp_path / "bad.txt"])
