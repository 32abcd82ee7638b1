"""`gradmark backup` and `gradmark restore`: a server's data as one archive, made while it runs.
`gradmark move`: from the embedded database into PostgreSQL, and back."""

from __future__ import annotations

from pathlib import Path

import click

from server import options
from server.commands.manage import refuse
from server.grading import presence
from server.storage.archive import ArchiveError, pack, unpack
from server.storage.config import Config, ConfigError
from server.storage.copying import CopyError, copy
from server.storage.database import Database


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.data
def backup(file: Path, data: Path) -> None:
    """Write all of a server's data into FILE, a new .tar.gz; the server may run meanwhile.

    It holds secrets, solutions and grades, so only its owner can read it: keep it like the exam.
    """
    try:
        contents = pack(Config(data), file)
    except (ArchiveError, ConfigError) as error:
        refuse(error)
    size = file.stat().st_size / 2**20
    click.echo(f"{file}: {contents.submissions} submissions, {size:.1f} MiB.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.data
def restore(file: Path, data: Path) -> None:
    """Bring back what `gradmark backup` wrote into FILE, checked, into a new or empty directory."""
    try:
        contents = unpack(file, Config(data))
    except (ArchiveError, ConfigError) as error:
        refuse(error)
    click.echo(f"{data}: {contents.submissions} submissions, as of {contents.made_at}.")


@click.command()
@click.option("--back", is_flag=True, help="From PostgreSQL into the data directory instead.")
@options.data
def move(back: bool, data: Path) -> None:
    """Copy all of a stopped server's data from --data into the PostgreSQL database that
    GRADMARK_DATABASE names, and compare every row; the data directory stays as it is."""
    try:
        shared, embedded = Config(data), Config(data, shared=None)
        if shared.shared is None:
            refuse("Set GRADMARK_DATABASE to the address of the PostgreSQL database.")
        if not back and not embedded.file.exists():
            refuse(f"There is no database in {data}: check --data.")
        embedded.prepare()
        source, target = (Database(config.database) for config in (embedded, shared))
        if back:
            source, target = target, source
        for database in (source, target):
            database.migrate()
        with source.read() as session:
            if presence.alive(session, source.clock()):
                refuse(f"Graders still work on {source.name}: stop the server first.")
        counts = copy(source, target)
    except (ConfigError, CopyError) as error:
        refuse(error)
    click.echo(f"{target.name}: {counts['submissions']} submissions, {sum(counts.values())} rows.")
