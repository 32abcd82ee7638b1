"""Hand in files from this machine as if they had been uploaded: the samples of a demo.

`python -m server.seed --data DIR ASSIGNMENT FILE...`; the home page lists them for every visitor
and says that they are generated. Doing it again adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from sqlalchemy import select

from autograder.submission import SubmissionError, parse
from server.config import Config, ConfigError
from server.database import Database
from server.files import Files
from server.models import Submission
from server.queue import Queue


def seed(config: Config, assignment: str, paths: Iterable[Path]) -> list[str]:
    """Accept the files as samples for an assignment; return the public ids of the new ones.

    Raises:
        ConfigError: the data directory cannot be used.
        OSError: a file cannot be read.
        SubmissionError: a file is no submission; those before it are accepted.
    """
    config.prepare()
    database = Database(config.database)
    database.migrate()
    queue = Queue(database, Files(config.submissions))
    accepted = []
    for path in paths:
        content = path.read_bytes()
        submission = parse(path.name, content)
        if not _is_there(database, assignment, submission.filename, submission.digest):
            accepted.append(queue.accept(assignment, submission, content, owner=None))
    return accepted


def _is_there(database: Database, assignment: str, filename: str, digest: str) -> bool:
    query = select(Submission.id).where(
        Submission.owner.is_(None),
        Submission.assignment == assignment,
        Submission.filename == filename,
        Submission.digest == digest,
    )
    with database.read() as session:
        return session.scalar(query.limit(1)) is not None


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True)
@click.argument("assignment")
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1)
def main(data: Path, assignment: str, files: tuple[Path, ...]) -> None:
    """Hand in FILES for ASSIGNMENT as samples that every visitor sees."""
    try:
        accepted = seed(Config(data), assignment, files)
    except (ConfigError, SubmissionError, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{len(accepted)} new of {len(files)} samples for {assignment}.")


if __name__ == "__main__":
    main()
