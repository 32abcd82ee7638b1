"""A report in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.judging.summary import say_flag
from autograder.render.curve import length
from autograder.render.lines import all_of, all_right, hints, lines, summary
from autograder.render.sparkline import Sparklines
from autograder.report import Report

WIDTH = 80
MOST_PRINTED = 10  # lines
LONG = 20  # points from which on a curve is worth a look although all is right


def render(report: Report, console: Console) -> None:
    """Print a view of a report. What a submission said is shown as text, never as markup."""
    console.print(_headline(report))
    for note in report["notes"]:
        console.print(Padding(_said(note, "yellow"), (0, 0, 0, 2)))
    for exercise in report["exercises"]:
        console.print()
        render_exercise(exercise, console)
    console.print()


def render_exercise(exercise: dict[str, Any], console: Console) -> None:
    """Print one exercise of a view."""
    console.print(Constrain(Group(*_exercise(exercise, console.options)), WIDTH))


def _headline(report: Report) -> Text:
    score, most = report["score"], report["max_score"]
    line = Text.assemble(
        (report["assignment"], "bold"),
        "  ",
        (f"{score:g} of {most:g} points", f"bold {_colour(score, most)}"),
        "  ",
        _said(report["submission"]["filename"], "dim"),
    )
    environment = report["environment"]
    if "device" in environment:
        line.append(f"  {environment['device']}, {report['seconds']:.2f} s", "dim")
    if environment.get("confined") is False:
        line.append("  graded without a sandbox", "bold yellow")
    elif environment.get("sandbox", "full") != "full":
        line.append(f"  in the sandbox for {environment['sandbox']}", "dim")
    return line


def _exercise(exercise: dict[str, Any], options: ConsoleOptions) -> Iterator[RenderableType]:
    score, most = exercise["score"], exercise["max_score"]
    right, shown = all_right(exercise), lines(exercise)
    name, points = Text(exercise["name"], "bold"), Text(f"{score:g} of {most:g}")
    points.stylize(_colour(score, most))
    if right:
        name.append(f"  {all_of(exercise['checks'])}", "not bold dim")
    told = right or len(shown) == 1  # the line of the exercise says it all
    yield _row(_mark(right, options) if told else Text(), name, points)
    if words := summary(exercise):
        yield Padding(Text(words), (0, 0, 0, 2))
    for line in shown:
        if not told:
            style = "" if line.passed else "bold"
            points = Text(f"{line.score:g} of {line.max_score:g}", "dim")
            yield _row(_mark(line.passed, options), Text(line.name, style), points)
        if line.message:
            yield Padding(_said(line.message, "red"), (0, 0, 0, 4))
        for curve in line.curves:
            if not line.passed or length(curve) >= LONG:
                yield Padding(Sparklines(curve), (0, 0, 0, 4))
    for flag in exercise.get("policy", []):
        yield Padding(_said(say_flag(flag), "yellow"), (0, 0, 0, 2))
    for diagnosis in hints(exercise):
        hint = Text.assemble((f"hint ({diagnosis['name']}): ", "bold cyan"), diagnosis["hint"])
        yield Padding(hint, (0, 0, 0, 2))
    if exercise["output"]:
        yield Padding(_printed(exercise["output"]), (0, 0, 0, 2))


def _row(mark: Text, name: Text, points: Text) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(mark, name, points)
    return table


def _mark(passed: bool, options: ConsoleOptions) -> Text:
    if options.ascii_only:
        return Text("+", "green") if passed else Text("x", "red")
    return Text("✓", "green") if passed else Text("✗", "red")


def _printed(output: str) -> Text:
    """What the calls printed, the first lines of it."""
    printed = output.rstrip().splitlines()
    text = _said("printed: " + "\n".join(printed[:MOST_PRINTED]), "dim")
    left = len(printed) - MOST_PRINTED
    if left > 0:
        text.append(f"\n... and {left} more line{'s' * (left > 1)}", "dim italic")
    return text


def _said(text: str, style: str = "") -> Text:
    """What a submission said or chose, without the control characters that move a cursor."""
    kept = (c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return Text("".join(kept), style)


def _colour(score: float, most: float) -> str:
    return "green" if score >= most else "red" if score == 0 else "yellow"
