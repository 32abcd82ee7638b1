"""Starting: the command line, the data directory, the secrets, the migrations, the samples."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import text

from server import engine
from server.commands.serve import serve
from server.storage.config import Config, ConfigError
from server.storage.database import Database
from server.storage.models import Base
from tests.server import engines
from tests.server.conftest import House


def test_the_migrations_lead_to_the_models(house: House) -> None:
    with house.database._kind.reader.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(house: House) -> None:
    public_id = house.accept()
    Database(house.config.database).migrate()
    assert house.row(public_id)


def test_a_database_of_another_version_is_refused_in_one_sentence(house: House) -> None:
    with house.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'unknown'"))
    with pytest.raises(ConfigError, match="another data directory"):
        Database(house.config.database).migrate()


def test_the_key_is_made_once_and_for_the_owner_only(house: House) -> None:
    key = house.database.key("session")
    assert len(key) == 32
    assert key == Database(house.config.database).key("session")
    assert stat.S_IMODE(house.config.data.stat().st_mode) == 0o700


def test_in_an_open_data_directory_nothing_is_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    config = Config(tmp_path)
    config.prepare()
    assert stat.S_IMODE(config.file.stat().st_mode) == 0o600


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


def test_the_web_process_imports_no_torch(tmp_path: Path) -> None:
    serving = (
        "import sys; from pathlib import Path; from server import engine;"
        "from server.commands import serve; from server.storage.config import Config;"
        "app = serve.create_app(Config(Path(sys.argv[1])), engine.load(None));"
        "assert app.test_client().get('/login').status_code == 200;"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", serving, str(tmp_path)], check=False)
    assert done.returncode == 0
