"""The command line: `gradmark`."""

from __future__ import annotations

import ast
import atexit
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import wraps
from importlib import metadata
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console

from autograder.collection.layouts import LAYOUTS
from autograder.collection.tree import CollectionError
from autograder.errors import AuthoringError, NotInstalled
from autograder.handin.submission import MAX_BYTES, SubmissionError
from autograder.reading import Reader
from autograder.render.progress import Bar
from autograder.secret import own_cache, read_secret

if TYPE_CHECKING:
    from autograder.policy import Cost
    from autograder.render.curve import Curve

MISUSE, CANNOT_GRADE = 2, 3


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"gradmark: {message}", err=True)
    sys.exit(code)


def _refuse_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what can go wrong into one sentence and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from autograder.sandbox import SandboxFault, SandboxUnavailable

        try:
            command(*args, **kwargs)
        except (SubmissionError, AuthoringError, CollectionError, FileExistsError) as error:
            _fail(str(error), MISUSE)
        except KeyError as error:
            _fail(str(error.args[0]), MISUSE)
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {error.strerror or error}", MISUSE)
        except (SandboxUnavailable, SandboxFault, NotInstalled) as error:
            _fail(str(error), CANNOT_GRADE)

    return run


class _Commands(click.Group):
    """Our commands, and those that other packages add (the server's `serve`)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(entry.name for entry in _added())})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for entry in _added():
            if entry.name == name:
                command: click.Command = entry.load()
                return command
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, but without importing what others add, which takes seconds."""
        added = {entry.name: entry for entry in _added()}
        listed = click.Group()
        for name in self.list_commands(ctx):
            command = self.commands.get(name)
            help_ = _docstring(added[name]) if command is None else command.help
            listed.add_command(click.Command(name, help=help_))
        listed.format_commands(ctx, formatter)


def _added() -> metadata.EntryPoints:
    return metadata.entry_points(group="gradmark.commands")


def _docstring(entry: metadata.EntryPoint) -> str | None:
    """Of the function that an entry point names, as its source has it."""
    spec = find_spec(entry.module)
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return next((ast.get_docstring(f) for f in functions if f.name == entry.attr), None)


@click.group(cls=_Commands)
@click.version_option(package_name="gradmark")
def main() -> None:
    """Grade deep-learning exercises: outputs, gradients and statistics, in a sandbox."""
    atexit.register(gc.freeze)  # nor is there any use in looking for garbage at the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show must not end a command
            stream.reconfigure(errors="replace")


_reference = click.option(
    "--reference",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of topics; by default the one that comes with Gradmark.",
)
_secret = click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="GRADMARK_SECRET_FILE",
    help="The course's secret, from which hidden cases are drawn; made when it is missing.",
)
_device = click.option("--device", default="cpu", show_default=True, help="A torch device.")
_plots = click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each training curve into this folder, as SVG and PNG.",
)
_no_sandbox = click.option(
    "--no-sandbox", is_flag=True, help="Run without confinement: only for code you wrote yourself."
)


_EXISTING = click.Path(exists=True, path_type=Path)


def _file(kind: str, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option to write a file of that kind as well."""
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option(f"--{kind}", f"{kind}_file", type=path, help=what)


@main.command()
@click.argument("assignment")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH...",
)
@_file("json", "Also write the report as JSON, in the chosen view.")
@_file("html", "Also write the report as a page, in the chosen view.")
@_plots
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
@_device
@_secret
@_reference
@_no_sandbox
@_refuse_clearly
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
    from autograder.collection.gather import is_one_submission

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

        _plot(curves_of(shown), plots)


def _plot(curves: Mapping[str, Curve], directory: Path) -> None:
    from autograder.render.export import NoPictures, write_plots

    try:
        written = write_plots(curves, directory)
    except NoPictures as error:
        click.echo(f"gradmark: {error}", err=True)
    else:
        click.echo("\n".join(map(str, written)) or "There is no training curve to plot.")


@main.command()
@click.argument("assignment", default="training")
@_file("json", "Also write the results as JSON.")
@_plots
@_reference
@_refuse_clearly
def experiments(
    assignment: str, json_file: Path | None, plots: Path | None, reference: Path | None
) -> None:
    """Train the solution through the whole experiments of ASSIGNMENT.

    Students are graded on the first steps of a long experiment: this shows what it comes to.
    """
    from autograder.grading.experiments import curves, train_whole
    from autograder.render.experiments import render_experiments

    console = Console()
    cache, processes = own_cache(), os.cpu_count() or 1
    with Bar(console) as bar:
        results = train_whole(assignment, reference, processes=processes, cache=cache, progress=bar)
    if not results:
        raise AuthoringError(f"{assignment} has no training run")
    render_experiments(results, console)
    if json_file is not None:
        documents = [result.document() for result in results]
        json_file.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    if plots is not None:
        _plot(curves(results), plots)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_refuse_clearly
def jail(folder: Path) -> None:
    """Make FOLDER the root for the flat profile: Python and torch by hard links, and nothing else.

    For containers without namespaces whose kernel has no Landlock, or where Python lies below
    directories that only root may enter; GRADMARK_JAIL names it then.
    """
    from autograder.reading.reader import runtime
    from autograder.sandbox.jail import make_jail
    from autograder.sandbox.runtime import find_runtime

    count = make_jail(folder.absolute(), (find_runtime(), runtime()))
    click.echo(f"{folder}: {count} files; set GRADMARK_CONTAINER=flat GRADMARK_JAIL={folder}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the walls as JSON.")
@_device
def doctor(as_json: bool, device: str) -> None:
    """Tell what this machine can confine, what it cannot, and what to install or change.

    Exits with 0 when it can grade in the sandbox, with 3 when it cannot.
    """
    from autograder.render.doctor import render_walls
    from autograder.sandbox.doctor import can_confine, examine

    walls = examine(device)
    if as_json:
        click.echo(json.dumps([wall.document() for wall in walls], indent=2))
    else:
        render_walls(walls, Console(), device)
    sys.exit(0 if can_confine(walls) else CANNOT_GRADE)


@main.command("gpu-check")
@click.option("--device", default="cuda:0", show_default=True, help="The GPU to look at.")
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=480,
    show_default=True,
    help="For all of it; what is left when they are over is named.",
)
@_file("json", "Also write all that was found as JSON.")
@_file("html", "Also write it as a page.")
@_reference
@_refuse_clearly
def gpu_check(
    device: str,
    seconds: float,
    json_file: Path | None,
    html_file: Path | None,
    reference: Path | None,
) -> None:
    """Tell how well a GPU does for grading: walls, needs, times, leftovers, verdicts.

    Exits with 0 when all is well, with 1 when something is not, with 3 when the GPU cannot be used.
    """
    from autograder.grading.device_check import DeviceCheck, document
    from autograder.render.html import device_page

    marks = {True: "ok", False: "not well", None: "looked at"}
    parts = []
    for part in DeviceCheck(device, seconds, reference).run():
        click.echo(f"{marks[part.ok]:10}{part.name}: {part.says} ({part.seconds:.1f} s)")
        parts.append(part)
    found = document(device, parts)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if html_file is not None:
        html_file.write_text(device_page(found), "utf-8")
    if len(parts) == 1:
        sys.exit(CANNOT_GRADE)
    if any(part.ok is False for part in parts):
        sys.exit(1)


@main.command()
@_reference
@_refuse_clearly
def exercises(reference: Path | None) -> None:
    """List the assignments and their exercises."""
    from rich.table import Table

    from autograder.topics.folder import EVERYTHING
    from autograder.topics.index import index

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("assignment", "exercise", "points", "checks", "cases", "misconceptions"):
        table.add_column(
            heading, justify="left" if heading in {"assignment", "exercise"} else "right"
        )
    for row in index(reference, own_cache())[EVERYTHING].exercises:
        counts = (row.checks, row.cases, row.misconceptions)
        table.add_row(row.topic, row.name, f"{row.points:g}", *map(str, counts))
    Console().print(table)


@main.command()
@click.argument("assignment", default="all")
@click.option("--exercise", help="Only this one, by its name.")
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with correct/<topic>/<exercise>--<how>.py; by default tests/corpus.",
)
@_file("json", "Also write the result as JSON.")
@_file("html", "Also write a page: which case sees which misconception.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one per processor",
    help="How many exercises are audited at a time.",
)
@_device
@_secret
@_reference
@_refuse_clearly
def audit(
    assignment: str,
    exercise: str | None,
    corpus: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    jobs: int,
    device: str,
    secret_file: Path | None,
    reference: Path | None,
) -> None:
    """Prove the grading of ASSIGNMENT: every misconception must lose marks, no correct one may.

    Exits with 1 if a misconception is missed or a correct solution loses a mark.
    """
    from autograder.grading.audit import audit as run
    from autograder.render.audit import render_audit
    from autograder.render.html import heatmap_page
    from autograder.topics.catalogue import DEFAULT

    beside = (reference or DEFAULT).resolve().parent / "tests" / "corpus"
    if corpus is None and beside.is_dir():
        corpus = beside
    console = Console()
    with Bar(console) as bar:
        results = list(
            run(
                assignment,
                read_secret(secret_file),
                exercise=exercise,
                reference=reference,
                corpus=corpus,
                device=device,
                jobs=jobs,
                progress=bar,
            )
        )
    render_audit(results, console)
    if json_file is not None:
        document = [result.document() for result in results]
        json_file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    if html_file is not None:
        html_file.write_text(heatmap_page(results), "utf-8")
    if any(result.misses for result in results):
        sys.exit(1)


@main.command()
@click.argument("assignment")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite stubs that somebody has filled in.")
@_reference
@_refuse_clearly
def release(assignment: str, directory: Path, replace: bool, reference: Path | None) -> None:
    """Write what students get for ASSIGNMENT into DIRECTORY: stubs, self-check, README."""
    from autograder.handout.release import release as write
    from autograder.topics.catalogue import Catalogue

    chosen = Catalogue.load(reference)[assignment]
    directory.mkdir(parents=True, exist_ok=True)
    for path in write(chosen, directory, replace=replace):
        click.echo(path)


@main.group()
def nbgrader() -> None:
    """Use Gradmark's exercises in an nbgrader course."""


@nbgrader.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--assignments",
    help="Their names, separated by commas; every topic by default.",
)
@_reference
@_refuse_clearly
def init(directory: Path, assignments: str | None, reference: Path | None) -> None:
    """Write an nbgrader course directory: source notebooks and a configuration."""
    from autograder.interop.nbgrader.course import init as write
    from autograder.topics.catalogue import Catalogue

    names = [name.strip() for name in (assignments or "").split(",") if name.strip()]
    directory.mkdir(parents=True, exist_ok=True)
    for path in write(Catalogue.load(reference), directory, names):
        click.echo(path)


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


@main.command()
@click.argument("assignment")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--leaderboard", is_flag=True, help="Also send the points to the leaderboard.")
@_secret
@_reference
@_refuse_clearly
def gradescope(
    assignment: str, file: Path, leaderboard: bool, secret_file: Path | None, reference: Path | None
) -> None:
    """Write FILE, a zip to upload to Gradescope as the autograder of ASSIGNMENT."""
    from autograder.interop.gradescope.package import package
    from autograder.topics.catalogue import Catalogue

    chosen = Catalogue.load(reference, only=assignment)[assignment]
    held = package(chosen, read_secret(secret_file), file, leaderboard=leaderboard)
    click.echo(f"{file}: {len(held)} files, {chosen.max_score:g} points; give it 1.5 GB of memory")
