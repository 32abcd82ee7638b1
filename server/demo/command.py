"""The command: make the course, have everything graded, say what came out, serve it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from autograder.errors import NotInstalled
from autograder.grading.experiments import train_whole
from autograder.render.experiments import render_experiments
from autograder.render.progress import Bar
from autograder.render.text import render
from autograder.report import Report, student_view
from autograder.topics.catalogue import Catalogue
from server.clock import utc_now
from server.commands.serve import serve
from server.demo import course
from server.demo.grading import grade_all
from server.demo.samples import samples
from server.demo.story import HandIn, hand_ins
from server.engine import CannotConfine
from server.grading.grader import EXIT_CANNOT_GRADE
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import MisconceptionFound, State, Submission

_SHOWN_IN_FULL = "two-bugs.ipynb"
_SHOWN_STUDENT = 1


@click.command()
@click.option("--serve/--no-serve", "serving", default=True, help="Stop after grading, or serve.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the course is kept; delete it for a new one.",
)
@click.option(
    "--students",
    type=click.IntRange(1, course.MOST_STUDENTS),
    default=course.STUDENTS,
    show_default=True,
    help="How many are generated: with fewer there is less to grade.",
)
@click.option(
    "--graders",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one per processor",
    help="How many submissions are graded at a time.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.pass_context
def demo(
    context: click.Context,
    serving: bool,
    data: Path,
    students: int,
    graders: int,
    host: str,
    port: int,
) -> None:
    """Make a generated course, grade its submissions, and serve it."""
    console = Console()
    config = Config(data)
    config.prepare()
    database = Database(config.database)
    database.migrate()
    catalogue = Catalogue.load()
    now = utc_now().replace(microsecond=0)
    with database.write() as session:
        made = course.make(session, catalogue, at=now, students=students)
    told = hand_ins(catalogue, made.created_at, students)
    try:
        _grade(console, config, told, graders)
    except CannotConfine as error:
        click.echo(f"gradmark: {error}", err=True)
        context.exit(EXIT_CANNOT_GRADE)
    folder = _write_samples(data / "samples", catalogue)
    _tell(console, database, catalogue, folder, students)
    _experiment(console, config, graders)
    addresses = (course.INSTRUCTOR, course.email(_SHOWN_STUDENT))
    with database.write() as session:
        password = course.let_in(session, *addresses, at=utc_now())
    console.print("Log in as the instructor or as a student, both with the password", password)
    for who, address in zip(("instructor", "student"), addresses, strict=True):
        console.print(f"  {who:10}  {address}", highlight=False)
    if serving:
        dashboard = f"http://{host}:{port}/courses/{course.SLUG}/staff/"
        console.print(f"The instructor's dashboard: {dashboard}", highlight=False)
        context.invoke(serve, host=host, port=port, data=data, graders=graders)


def _grade(console: Console, config: Config, told: Sequence[HandIn], graders: int) -> None:
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        words = f"Grading with {graders} grader{'s' * (graders > 1)}"
        task = progress.add_task(words, total=len(told))
        grade_all(config, told, graders, lambda graded: progress.update(task, completed=graded))


def _experiment(console: Console, config: Config, processes: int) -> None:
    console.print("\nThe experiments of the assignment 'training', whole, with the solution:\n")
    try:
        with Bar(console) as bar:
            results = train_whole("training", processes=processes, cache=config.cache, progress=bar)
    except NotInstalled as error:
        console.print(error)
    else:
        render_experiments(results, console)


def _write_samples(folder: Path, catalogue: Catalogue) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for _, filename, content in samples(catalogue):
        (folder / filename).write_bytes(content)
    return folder


def _tell(
    console: Console, database: Database, catalogue: Catalogue, folder: Path, students: int
) -> None:
    """One sample's report, a line for each of the others, and what the class has got wrong."""
    reports = _reports(database, [filename for _, filename, _ in samples(catalogue)])
    table = Table(title=f"The samples, in {folder}", title_justify="left", box=None)
    for heading in ("file", "assignment", "points", "from its report"):
        table.add_column(heading, no_wrap=heading == "points")
    for report in reports:
        points = f"{report['score']:g} of {report['max_score']:g}"
        name = report["submission"]["filename"]
        table.add_row(name, report["assignment"], points, Text(_first_words(report)))
        if name == _SHOWN_IN_FULL:
            render(report, console)
    console.print(table)
    with database.read() as session:
        graded = session.scalar(select(func.count()).where(Submission.state == State.GRADED))
        often = func.count().label("often")
        frequent = session.execute(
            select(MisconceptionFound.exercise, MisconceptionFound.name, often)
            .group_by(MisconceptionFound.exercise, MisconceptionFound.name)
            .order_by(often.desc())
            .limit(3)
        ).all()
    console.print(f"\n{graded} submissions of {students} generated students are graded.")
    console.print("What they got wrong most often:", end=" ")
    console.print("; ".join(f"{name} in {exercise} ({n} times)" for exercise, name, n in frequent))


def _reports(database: Database, filenames: Sequence[str]) -> list[Report]:
    """The samples' reports, as their students see them."""
    query = (
        select(Submission)
        .where(Submission.filename.in_(filenames), Submission.state == State.GRADED)
        .options(undefer(Submission.report))
        .order_by(Submission.received_at)
    )
    with database.read() as session:
        return [student_view(row.report) for row in session.scalars(query) if row.report]


def _first_words(report: Report) -> str:
    """What the submission printed, what it looks like, or what is the matter with it."""
    if report["score"] >= report["max_score"]:
        return "everything is right"
    exercises = report["exercises"]
    for exercise in exercises:
        if exercise["output"]:
            return f"printed: {exercise['output'].splitlines()[0]}"
    hints = [diagnosis["hint"] for exercise in exercises for diagnosis in exercise["diagnosis"]]
    messages = [check["message"] for exercise in exercises for check in exercise["checks"]]
    return next(filter(None, (*hints, *report["notes"], *messages)), "")
