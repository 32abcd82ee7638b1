"""`gradmark backup` and `gradmark restore`: a server's data as one archive, made while it runs."""

from __future__ import annotations

from pathlib import Path

import click

from server import options
from server.commands.manage import refuse
from server.storage.archive import ArchiveError, pack, unpack
from server.storage.config import Config, ConfigError


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
