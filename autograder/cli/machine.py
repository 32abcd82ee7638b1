"""Commands about the machine: what it can confine, and what a GPU does for grading."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from .options import CANNOT_GRADE, device_option, file_option, reference_option, refuse_clearly


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@refuse_clearly
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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the walls as JSON.")
@device_option
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


@click.command("gpu-check")
@click.option("--device", default="cuda:0", show_default=True, help="The GPU to look at.")
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=480,
    show_default=True,
    help="For all of it; what is left when they are over is named.",
)
@file_option("json", "Also write all that was found as JSON.")
@file_option("html", "Also write it as a page.")
@reference_option
@refuse_clearly
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
