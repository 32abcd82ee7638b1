"""A report in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.report import Report

WIDTH = 80


def render(report: Report, console: Console) -> None:
    """Print a view of a report. What a submission said is shown as text, never as markup."""
    console.print(_headline(report))
    for note in report["notes"]:
        console.print(Padding(Text(note, style="yellow"), (0, 0, 0, 2)))
    for exercise in report["exercises"]:
        console.print()
        render_exercise(exercise, console)
    console.print()


def render_exercise(exercise: dict[str, Any], console: Console) -> None:
    """Print one exercise of a view."""
    console.print(_exercise(exercise))


def _headline(report: Report) -> Text:
    score, most = report["score"], report["max_score"]
    line = Text.assemble(
        (report["assignment"], "bold"),
        "  ",
        (f"{score:g} of {most:g} points", f"bold {_colour(score, most)}"),
        (f"  {report['submission']['filename']}", "dim"),
    )
    environment = report["environment"]
    if "device" in environment:
        line.append(f"  {environment['device']}, {report['seconds']:.2f} s", "dim")
    if environment.get("confined") is False:
        line.append("  graded without a sandbox", "bold yellow")
    return line


def _exercise(exercise: dict[str, Any]) -> RenderableType:
    if exercise["score"] >= exercise["max_score"]:
        return Group(_right(exercise), *_flags(exercise))
    table = Table.grid(padding=(0, 1))
    table.width = WIDTH
    table.add_column(width=1)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    score, most = exercise["score"], exercise["max_score"]
    table.add_row(
        "", Text(exercise["name"], "bold"), Text(f"{score:g} of {most:g}", _colour(score, most))
    )
    for check, last_of_run in with_message_once(exercise["checks"]):
        mark = Text("✓", "green") if check["passed"] else Text("✗", "red")
        table.add_row(mark, Text(check["name"]), _points(check))
        if last_of_run:
            table.add_row("", Padding(Text(check["message"], "red"), (0, 0, 0, 2)), "")
    parts: list[RenderableType] = [table]
    parts += _flags(exercise)
    for diagnosis in exercise["diagnosis"]:
        hint = Text.assemble((f"hint ({diagnosis['name']}): ", "bold cyan"), diagnosis["hint"])
        parts.append(Padding(hint, (0, 0, 0, 2)))
    if exercise["output"]:
        parts.append(Padding(Text("printed: " + exercise["output"].rstrip(), "dim"), (0, 0, 0, 2)))
    return Group(*parts)


def _flags(exercise: dict[str, Any]) -> list[RenderableType]:
    return [
        Padding(Text(say_flag(flag), "yellow"), (0, 0, 0, 2)) for flag in exercise.get("policy", [])
    ]


def say_flag(flag: dict[str, Any]) -> str:
    """What a submission uses and may not, in one sentence."""
    if flag["rule"] == "dispatched":
        return f"not allowed: {flag['what']}, seen while it ran"
    return f"not allowed: {flag['what']} ({flag['place']}, line {flag['line']}: {flag['text']})"


def _right(exercise: dict[str, Any]) -> Text:
    points = f"{exercise['score']:g} of {exercise['max_score']:g}"
    checks = f"  all {len(exercise['checks'])} checks"
    line = Text.assemble(("✓ ", "green"), (exercise["name"], "bold"), (checks, "dim"))
    line.pad_right(WIDTH - len(line) - len(points))
    return line.append(points, "green")


def with_message_once(checks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], bool]]:
    """Each check, and whether its message is to be shown: once for a run of equal ones."""
    following = [*checks[1:], None]
    return [
        (check, bool(check["message"]) and (after is None or after["message"] != check["message"]))
        for check, after in zip(checks, following, strict=True)
    ]


def _points(check: dict[str, Any]) -> Text:
    return Text(f"{check['score']:g} of {check['max_score']:g}", "dim")


def _colour(score: float, most: float) -> str:
    return "green" if score >= most else "red" if score == 0 else "yellow"
