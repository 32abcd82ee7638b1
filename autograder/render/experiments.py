"""Whole experiments in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from autograder.grading.experiments import AT_THE_END, Result, curves
from autograder.render.sparkline import Sparklines


def render_experiments(results: Sequence[Result], console: Console) -> None:
    """Print the losses of each experiment, and a table of what they came to."""
    for curve in curves(results).values():
        console.print(Sparklines(curve))
        console.print()
    table = Table(box=None, pad_edge=False)
    for heading in ("experiment", "run", "steps", "final loss", "errors"):
        text = heading in ("experiment", "run")
        table.add_column(heading, justify="left" if text else "right", no_wrap=True)
    before = ""
    for result in results:
        _, exercise, _, run = result.experiment.place
        rate = result.trained.error_rate
        table.add_row(
            exercise if exercise != before else "",
            run,
            str(len(result.trained.losses)),
            f"{result.final_loss:.3f}",
            "-" if rate is None else f"{100 * rate:.1f} %",
        )
        before = exercise
    console.print(table)
    console.print(
        f"final loss: the mean of the last {AT_THE_END} steps; errors: on images that are never "
        "trained on",
        style="dim",
    )
