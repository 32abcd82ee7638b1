"""A server's data as one archive: its database as it stood at one moment, in which everything is.

    manifest.json      what is in the archive, with digests
    gradmark.db        SQLite, whichever database the server uses

Archives of format 1, from before hand-ins were in the database, also hold

    session.key
    submissions/<id>   one for each row of the table
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO

from sqlalchemy.exc import SQLAlchemyError

from server.storage.config import Config
from server.storage.copying import CopyError, check, copy
from server.storage.database import Database

_FORMAT, _WITH_FILES = 2, 1
_COMPRESSION = 4
_DATABASE, _MANIFEST, _SUBMISSIONS = "gradmark.db", "manifest.json", "submissions"
_LONGEST_MANIFEST = 2**20
_MEMBERS = {
    _FORMAT: re.compile(_DATABASE),
    _WITH_FILES: re.compile(rf"{_DATABASE}|[a-z]+\.key|{_SUBMISSIONS}/[0-9a-f]{{32}}"),
}


class ArchiveError(Exception):
    """It cannot be done; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Contents:
    """The manifest."""

    format: int
    gradmark: str
    made_at: str
    submissions: int
    digests: dict[str, str]  # SHA-256 of the database; a submission's is in its row


def pack(config: Config, target: Path) -> Contents:
    """Write the archive; a server and graders may work on the data meanwhile.

    Raises:
        ArchiveError: there are no data, the target exists, or something cannot be written.
    """
    if config.shared is None and not config.file.exists():
        raise ArchiveError(f"There is no database in {config.data}: check --data.")
    try:
        target.touch(0o600, exist_ok=False)
    except FileExistsError:
        raise ArchiveError(f"{target} exists: choose a new file.") from None
    except OSError as error:
        raise ArchiveError(f"{target}: {error.strerror}.") from None
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".gradmark-backup-") as folder:
            return _pack(config, Path(folder), target)
    except BaseException as error:
        target.unlink()
        if isinstance(error, OSError):
            where = error.filename or target
            raise ArchiveError(f"{where}: {error.strerror or error}.") from None
        raise


def _pack(config: Config, folder: Path, target: Path) -> Contents:
    database = _snapshot(config, folder)
    contents = _write(database, folder / "draft")
    (folder / "draft").replace(target)
    sync_directory(target.absolute().parent)
    return contents


def unpack(archive: Path, config: Config) -> Contents:
    """Check the archive and put what is in it into the data directory, or into the shared database.

    Raises:
        ArchiveError: the directory or the database is not empty, or the archive is not whole; then
            nothing of it is left there.
        ConfigError: the shared database does not answer.
    """
    if config.shared is not None:
        return _unpack_shared(archive, config)
    data = config.data
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise ArchiveError(f"{data} is not empty: restore into a new directory, then move it.")
    made = not data.exists()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _scratch(data, made) as folder:
            contents = _read(archive, folder)
            # The database comes last: until it is there, nothing takes the directory for whole.
            for name in sorted(os.listdir(folder), key=lambda name: name == _DATABASE):
                (folder / name).rename(data / name)
        sync_directory(data)
    except OSError as error:
        raise ArchiveError(f"{error.filename or data}: {error.strerror or error}.") from None
    return contents


def _unpack_shared(archive: Path, config: Config) -> Contents:
    target = Database(config.database)
    target.migrate()
    try:
        with tempfile.TemporaryDirectory(prefix="gradmark-restore-") as folder:
            contents = _read(archive, Path(folder))
            source = Database(Config(Path(folder), shared=None).database)
            try:
                source.migrate()
                copy(source, target)
            finally:
                source.close()
    except OSError as error:
        raise ArchiveError(f"{error.filename or archive}: {error.strerror or error}.") from None
    except CopyError as error:
        raise ArchiveError(str(error)) from None
    finally:
        target.close()
    return contents


def _snapshot(config: Config, folder: Path) -> Path:
    """A copy as it stands at one moment; writers neither wait for it nor disturb it."""
    there = folder / _DATABASE
    try:
        if config.shared is None:
            with (
                closing(sqlite3.connect(config.file)) as old,
                closing(sqlite3.connect(there)) as new,
            ):
                old.backup(new)
        source = Database(Config(folder, shared=config.shared).database)
        source.migrate()
        try:
            if source.is_embedded:
                with source.read() as session:
                    check(session)
            else:
                target = Database(Config(folder, shared=None).database)
                target.migrate()
                copy(source, target)
                target.close()
        finally:
            source.close()
        with closing(sqlite3.connect(there)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        _check(there)
    except (sqlite3.Error, SQLAlchemyError) as error:
        reason = getattr(error, "orig", error)
        raise ArchiveError(f"The database cannot be copied: {reason}.") from None
    except CopyError as error:
        raise ArchiveError(f"{error} The data are damaged, and no backup was made.") from None
    return there


def _write(database: Path, draft: Path) -> Contents:
    contents = Contents(
        _FORMAT,
        metadata.version("gradmark"),
        datetime.now(UTC).isoformat(timespec="seconds"),
        len(_submissions(database)),
        {_DATABASE: _digest(database)},
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_COMPRESSION) as tar:
            _add(tar, _MANIFEST, json.dumps(asdict(contents), indent=2).encode())
            tar.add(database, _DATABASE, filter=_plain)
        file.flush()
        os.fsync(file.fileno())
    return contents


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the owner's name and number, for the owner only."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


@contextmanager
def _scratch(data: Path, made: bool) -> Iterator[Path]:
    """A folder in the data directory; gone afterwards, and with it a directory that was made."""
    folder = data / f".restore-{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(data if made else folder, ignore_errors=True)
        raise
    folder.rmdir()


def _read(archive: Path, folder: Path) -> Contents:
    """Everything of the archive, in the folder, found to be whole."""
    try:
        with tarfile.open(archive, "r:*") as tar:
            contents = _manifest(tar)
            if contents.format == _WITH_FILES:
                (folder / _SUBMISSIONS).mkdir(mode=0o700)
            while (member := tar.next()) is not None:
                # The name is one of ours, so no member can lie anywhere else.
                if not member.isreg() or not _MEMBERS[contents.format].fullmatch(member.name):
                    raise ArchiveError(f"{archive} is no backup: it holds {member.name[:80]!r}.")
                source = tar.extractfile(member)
                if source is not None:
                    _store(folder / member.name, source)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ArchiveError(f"{archive} is no whole archive: {error}.") from None
    for name, digest in contents.digests.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise ArchiveError(f"{archive} is damaged: {name} is not what was backed up.")
    database = folder / _DATABASE
    try:
        _check(database)
        handed_in = _submissions(database)
    except sqlite3.Error as error:
        raise ArchiveError(f"{archive} is damaged: its database cannot be read: {error}.") from None
    for public_id, (digest, content) in handed_in.items():
        if contents.format == _WITH_FILES:
            file = folder / _SUBMISSIONS / public_id
            content = _digest(file) if file.is_file() else None
        if content != digest:
            raise ArchiveError(
                f"{archive} is damaged: the submission {public_id} is not what was handed in."
            )
    return contents


def _manifest(tar: tarfile.TarFile) -> Contents:
    member = tar.next()
    source = tar.extractfile(member) if member and member.name == _MANIFEST else None
    try:
        contents = Contents(**json.loads(source.read(_LONGEST_MANIFEST))) if source else None
    except (ValueError, TypeError):
        contents = None
    if contents is None or _DATABASE not in contents.digests:
        raise ArchiveError("The archive is no backup: it does not begin with a manifest.")
    if contents.format not in (_FORMAT, _WITH_FILES):
        raise ArchiveError(
            f"The backup was made by Gradmark {contents.gradmark}, in a format that this version "
            "does not know: restore it with that version."
        )
    return contents


def _store(path: Path, source: IO[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _check(database: Path) -> None:
    """
    Raises:
        sqlite3.Error: the database is damaged.
    """
    with closing(sqlite3.connect(database)) as connection:
        for pragma in ("integrity_check", "foreign_key_check"):
            for row in connection.execute(f"PRAGMA {pragma}"):
                if row != ("ok",):
                    raise sqlite3.DatabaseError(f"{pragma}: {row}")


def _submissions(database: Path) -> dict[str, tuple[str, str | None]]:
    """The digest of each submission and of what is stored of it, by its public id."""
    stored = "(SELECT sha256(content) FROM contents WHERE submission_id = submissions.id)"
    with closing(sqlite3.connect(database)) as connection:
        connection.create_function("sha256", 1, lambda content: hashlib.sha256(content).hexdigest())
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'contents'"
        if connection.execute(tables).fetchone() is None:
            stored = "NULL"
        rows = connection.execute(f"SELECT public_id, digest, {stored} FROM submissions")  # noqa: S608
        return {public_id: (digest, content) for public_id, digest, content in rows}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
