"""Commands for other course software: nbgrader, Gradescope."""

from __future__ import annotations

from pathlib import Path

import click

from autograder.secret import read_secret

from .options import reference_option, refuse_clearly, secret_option


@click.group()
def nbgrader() -> None:
    """Use Gradmark's exercises in an nbgrader course."""


@nbgrader.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--assignments",
    help="Their names, separated by commas; every topic by default.",
)
@reference_option
@refuse_clearly
def init(directory: Path, assignments: str | None, reference: Path | None) -> None:
    """Write an nbgrader course directory: source notebooks and a configuration."""
    from autograder.interop.nbgrader.course import init as write

    names = [name.strip() for name in (assignments or "").split(",") if name.strip()]
    for path in write(directory, names, reference):
        click.echo(path)


@click.command()
@click.argument("assignment")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--leaderboard", is_flag=True, help="Also send the points to the leaderboard.")
@secret_option
@reference_option
@refuse_clearly
def gradescope(
    assignment: str, file: Path, leaderboard: bool, secret_file: Path | None, reference: Path | None
) -> None:
    """Write FILE, a zip to upload to Gradescope as the autograder of ASSIGNMENT."""
    from autograder.interop.gradescope.package import package
    from autograder.topics.catalogue import Catalogue

    chosen = Catalogue.load(reference, only=assignment)[assignment]
    held = package(chosen, read_secret(secret_file), file, leaderboard=leaderboard)
    click.echo(f"{file}: {len(held)} files, {chosen.max_score:g} points; give it 1.5 GB of memory")
