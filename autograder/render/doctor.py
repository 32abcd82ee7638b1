"""What a machine can confine, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.sandbox.doctor import Wall, can_confine


def render_walls(walls: Sequence[Wall], console: Console, device: str = "cpu") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "wall", "here", "what to do"):
        table.add_column(heading)
    for wall in walls:
        mark = Text("ok", "green")
        if not wall.ok:
            mark = Text("missing", "bold red") if wall.needed else Text("weaker", "yellow")
        table.add_row(mark, Text(wall.name), Text(wall.detail), Text(wall.remedy))
    console.print(table)
    if can_confine(list(walls)):
        where = "" if device == "cpu" else f" on {device}"
        console.print(f"\nThis machine can confine student code{where}.", style="green")
    else:
        console.print("\nThis machine cannot confine student code: grading refuses.", style="red")
