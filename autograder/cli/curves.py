"""Training curves as pictures, where a command is asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autograder.render.curve import Curve


def write_curves(curves: Mapping[str, Curve], directory: Path) -> None:
    from autograder.render.export import NoPictures, write_plots

    try:
        written = write_plots(curves, directory)
    except NoPictures as error:
        click.echo(f"gradmark: {error}", err=True)
    else:
        click.echo("\n".join(map(str, written)) or "There is no training curve to plot.")
