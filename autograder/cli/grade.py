"""`gradmark grade`."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from autograder.collection.layouts import LAYOUTS
from autograder.handin.submission import MAX_BYTES
from autograder.reading import Reader
from autograder.render.progress import Bar
from autograder.secret import own_cache, read_secret

from .curves import write_curves
from .options import (
    device_option,
    file_option,
    no_sandbox_option,
    plots_option,
    reference_option,
    refuse_clearly,
    secret_option,
)

if TYPE_CHECKING:
    from autograder.policy import Cost


@click.command()
@click.argument("assignment")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH...",
)
@file_option("json", "Also write the report as JSON, in the chosen view.")
@file_option("html", "Also write the report as a page, in the chosen view.")
@plots_option
@click.option(
    "--view",
    type=click.Choice(["student", "instructor"]),
    default="student",
    show_default=True,
    help="Who reads it: the student's view reveals nothing hidden.",
)
@click.option(
    "--policy",
    type=click.Choice(["report", "warn", "zero"]),
    default="report",
    show_default=True,
    help="What forbidden functions cost: nothing (only the instructor sees them), a warning to "
    "the student, the exercise's points.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Of many submissions: the folder for pages and tables; by default ASSIGNMENT-results.",
)
@click.option(
    "--layout",
    type=click.Choice(
        list(LAYOUTS),
    ),
    help="How many submissions are arranged, where their names do not tell.",
)
@click.option(
    "--attempts",
    type=click.Choice(["last", "all"]),
    default="last",
    show_default=True,
    help="Which attempts of a student are graded.",
)
@click.option(
    "--gradebook",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The gradebook that Canvas exported, or Moodle's grading worksheet, to be filled in.",
)
@click.option("--title", help="The column's name in the gradebook; by default the assignment's.")
@click.option("--similarity", is_flag=True, help="Of many submissions: also say which are alike.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one per processor",
    help="How many submissions are graded at a time.",
)
@device_option
@secret_option
@reference_option
@no_sandbox_option
@refuse_clearly
def grade(
    assignment: str,
    paths: tuple[Path, ...],
    json_file: Path | None,
    html_file: Path | None,
    plots: Path | None,
    view: str,
    policy: Cost,
    out: Path | None,
    layout: str | None,
    attempts: str,
    gradebook: Path | None,
    title: str | None,
    similarity: bool,
    jobs: int,
    device: str,
    secret_file: Path | None,
    reference: Path | None,
    no_sandbox: bool,
) -> None:
    """Grade PATH for ASSIGNMENT: a submission (.py, .ipynb or .zip), or a class's.

    Of a submission it prints the report. A class's submissions are folders, files, or the zip that
    Canvas, Moodle, Gradescope, Blackboard, nbgrader or GitHub Classroom gives out; their pages and
    tables are written into a folder, and what is there already is not graded again.

    Exits with 0 when it graded, whatever the score; 2 on misuse; 3 when this machine cannot grade.
    """
    secret = read_secret(secret_file)
    console = Console()
    from autograder.collection.gather import doubt, is_one_submission

    if not is_one_submission(paths, layout):
        from autograder.collection.command import grade_class

        if json_file or html_file or plots:
            raise click.UsageError("--json, --html and --plots are for one submission.")
        grade_class(
            assignment,
            paths,
            secret,
            console,
            out=out,
            layout=layout,
            every_attempt=attempts == "all",
            gradebook=gradebook,
            title=title,
            similarity=similarity,
            jobs=jobs,
            device=device,
            policy=policy,
            reference=reference,
            confined=not no_sandbox,
        )
        return
    submission = paths[0]
    if (said := doubt(submission)) is not None:
        click.echo(f"gradmark: {said}", err=True)
    from autograder.sandbox import Sandbox

    # On their way while this process imports torch, as one of them does: it takes seconds.
    sandbox = Sandbox(device, confined=not no_sandbox, wait=False)
    reader = Reader(confined=not no_sandbox)
    with closing(sandbox), closing(reader):
        reader.start(wait=False)
        with _importing():
            from autograder.grading.grader import Grader
            from autograder.topics.catalogue import Catalogue

        catalogue = Catalogue.load(reference, only=assignment)
        content = _content(submission)
        handed_in = reader.read(submission.name, content)
        asked = catalogue[assignment].homes
        _say_what_is_seen(reader, (submission.name, content), assignment, asked, reference)
        grader = Grader(catalogue, secret, sandbox=sandbox, cache=own_cache())
        with Bar(console) as bar:
            report = grader.grade(assignment, handed_in, bar, policy=policy)
    from autograder.render.text import render
    from autograder.report import instructor_view, student_view

    shown = student_view(report) if view == "student" else instructor_view(report)
    render(shown, console)
    if json_file is not None:
        json_file.write_text(json.dumps(shown, indent=2) + "\n", "utf-8")
    if html_file is not None:
        from autograder.render.html import report_page

        html_file.write_text(report_page(shown), "utf-8")
    if plots is not None:
        from autograder.render.export import curves_of

        write_curves(curves_of(shown), plots)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


@contextmanager
def _importing() -> Iterator[None]:
    """Imports make many objects and little garbage: looking for it takes a tenth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _say_what_is_seen(
    reader: Reader,
    file: tuple[str, bytes],
    assignment: str,
    asked: Mapping[str, str],
    reference: Path | None,
) -> None:
    """What is missing or cannot be read, before grading begins."""
    from autograder.handin.look import complete, refusal, sentences

    seen = reader.run("look", file, homes=dict(asked))
    if complete(seen, tuple(asked)):
        return
    said = sentences(seen, tuple(asked))
    if not seen.found and seen.certain:  # perhaps it is meant for another topic
        from autograder.topics.folder import EVERYTHING
        from autograder.topics.index import index

        homes = index(reference, own_cache())[EVERYTHING].homes
        seen = reader.run("look", file, homes={**homes, **asked})
        said = [refusal(seen, assignment, asked, homes)]
    for sentence in said:
        click.echo(f"gradmark: {sentence}", err=True)
