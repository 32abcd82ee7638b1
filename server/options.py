"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("var"),
    envvar="GRADMARK_DATA",
    show_default=True,
    help="Where the server keeps its data.",
)
reference = click.option(
    "--reference",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="GRADMARK_REFERENCE",
    help="The exercises to grade by, if not the ones that come along.",
)
device = click.option(
    "--device",
    default="cpu",
    envvar="GRADMARK_DEVICE",
    show_default=True,
    help="Grade the assignments that are for this device, on it: cpu, cuda, cuda:1.",
)
