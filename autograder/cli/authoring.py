"""Commands for those who write exercises: list, prove, hand out, train whole."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from autograder.errors import AuthoringError
from autograder.render.progress import Bar
from autograder.secret import own_cache, read_secret

from .curves import write_curves
from .options import (
    device_option,
    file_option,
    plots_option,
    reference_option,
    refuse_clearly,
    secret_option,
)


@click.command()
@reference_option
@refuse_clearly
def exercises(reference: Path | None) -> None:
    """List the assignments and their exercises, after every case and gradient was tried once."""
    from rich.table import Table

    from autograder.topics.folder import EVERYTHING
    from autograder.topics.index import index, once

    def tried() -> None:
        from autograder.grading.audit import try_out

        try_out(reference)

    rows = index(reference, own_cache())[EVERYTHING].exercises
    once("tried", reference, own_cache(), tried)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("assignment", "exercise", "points", "checks", "cases", "misconceptions"):
        table.add_column(
            heading, justify="left" if heading in {"assignment", "exercise"} else "right"
        )
    for row in rows:
        counts = (row.checks, row.cases, row.misconceptions)
        table.add_row(row.topic, row.name, f"{row.points:g}", *map(str, counts))
    Console().print(table)


@click.command()
@click.argument("assignment", default="all")
@click.option("--exercise", help="Only this one, by its name.")
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with correct/<topic>/<exercise>--<how>.py; by default tests/corpus.",
)
@file_option("json", "Also write the result as JSON.")
@file_option("html", "Also write a page: which case sees which misconception.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=lambda: os.cpu_count() or 1,
    show_default="one per processor",
    help="How many exercises are audited at a time.",
)
@click.option("--mutants", is_flag=True, help="Try edits made by machine, not misconceptions.")
@click.option(
    "--most",
    type=click.IntRange(1),
    help="Of each exercise at most so many --mutants, others whenever the topic changes.",
)
@click.option(
    "--record", is_flag=True, help="Write down the --mutants that no case sees, as equivalent."
)
@device_option
@secret_option
@reference_option
@refuse_clearly
def audit(
    assignment: str,
    exercise: str | None,
    corpus: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    jobs: int,
    mutants: bool,
    most: int | None,
    record: bool,
    device: str,
    secret_file: Path | None,
    reference: Path | None,
) -> None:
    """Prove the grading of ASSIGNMENT: every misconception must lose marks, no correct one may.

    With --mutants, every edit that a machine makes must lose marks, but for those that are recorded
    as the same function. Exits with 1 if something is missed or a correct solution loses a mark.
    """
    from autograder.grading.audit import audit as run
    from autograder.render.audit import render_audit
    from autograder.render.html import heatmap_page
    from autograder.topics.catalogue import DEFAULT

    beside = (reference or DEFAULT).resolve().parent / "tests" / "corpus"
    if corpus is None and beside.is_dir():
        corpus = beside
    console = Console()
    if mutants:
        if record and (most is not None or exercise is not None or corpus is None):
            raise click.UsageError(
                "--record is for all edits of whole topics, and takes a --corpus"
            )
        options = {"exercise": exercise, "reference": reference, "most": most, "jobs": jobs}
        sys.exit(_try_mutants(assignment, read_secret(secret_file), corpus, record, options))
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


def _try_mutants(
    assignment: str, secret: bytes, corpus: Path | None, record: bool, options: dict[str, Any]
) -> int:
    from autograder.grading import mutation
    from autograder.render.audit import render_mutation

    console = Console()
    with Bar(console) as bar:
        results = list(mutation.mutation_audit(assignment, secret, progress=bar, **options))
    if record and corpus is not None:
        for path in mutation.record(corpus, results):
            click.echo(path)
    known = {topic: mutation.equivalent(corpus, topic) for topic in {r.topic for r in results}}
    return int(render_mutation(results, known, console) > 0)


@click.command()
@click.argument("assignment")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite stubs that somebody has filled in.")
@reference_option
@refuse_clearly
def release(assignment: str, directory: Path, replace: bool, reference: Path | None) -> None:
    """Write what students get for ASSIGNMENT into DIRECTORY: stubs, self-check, README."""
    from autograder.handout.release import release as write
    from autograder.topics.catalogue import Catalogue

    chosen = Catalogue.load(reference)[assignment]
    directory.mkdir(parents=True, exist_ok=True)
    for path in write(chosen, directory, replace=replace):
        click.echo(path)


@click.command()
@click.argument("assignment", default="training")
@file_option("json", "Also write the results as JSON.")
@plots_option
@reference_option
@refuse_clearly
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
        write_curves(curves(results), plots)
