"""An audit in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.grading.audit import WEAK, ExerciseAudit
from autograder.grading.mutation import MutationAudit


def render_audit(results: Sequence[ExerciseAudit], console: Console) -> None:
    """A line per exercise, then everything that was missed, confused or is weak."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("exercise", no_wrap=True)
    for heading in ("caught", "identified", "correct pass", "margin correct", "margin bugs"):
        table.add_column(heading, justify="right")
    for r in results:
        table.add_row(
            r.exercise,
            _share(r.caught, r.misconceptions),
            _share(r.identified, r.misconceptions),
            _share(r.passed, r.correct),
            _margin(r.correct_margin),
            _margin(r.bug_margin),
        )
    table.add_section()
    table.add_row(
        "in all",
        _share(sum(r.caught for r in results), sum(r.misconceptions for r in results)),
        _share(sum(r.identified for r in results), sum(r.misconceptions for r in results)),
        _share(sum(r.passed for r in results), sum(r.correct for r in results)),
    )
    console.print(table)
    console.print(
        Text(
            "Margins are decades between the tolerance and the worst correct error, and between "
            "the tolerance and the least visible bug.",
            "dim",
        )
    )
    for r in results:
        for miss in r.misses:
            console.print(Text(f"MISSED {r.exercise}, {miss.who}: {miss.what}", "bold red"))
        for miss in r.confused:
            console.print(Text(f"confused {r.exercise}, {miss.who}: {miss.what}", "yellow"))
        for miss in r.weaknesses:
            console.print(Text(f"weak {r.exercise}, {miss.who}: {miss.what}", "yellow"))


def render_mutation(
    results: Sequence[MutationAudit], known: Mapping[str, Mapping[str, str]], console: Console
) -> int:
    """A line per exercise, and every edit that no case sees and that is not recorded; how many.

    Args:
        known: by topic, the digests of edits that are recorded as the same function.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("exercise", no_wrap=True)
    for heading in ("edits", "tried", "seen", "equivalent", "survive"):
        table.add_column(heading, justify="right")
    new = {r.exercise: [s for s in r.survivors if s.digest not in known[r.topic]] for r in results}
    for r in results:
        survive = len(new[r.exercise])
        seen, same = r.tried - len(r.survivors), len(r.survivors) - survive
        style = "red" if survive else "green"
        counts = (str(n) for n in (r.edits, r.tried, seen, same))
        table.add_row(r.exercise, *counts, Text(str(survive), style))
    console.print(table)
    for r in results:
        for one in new[r.exercise]:
            told = f"SURVIVES {r.exercise}, {one.digest}: {one.told}"
            console.print(Text(told, "bold red"), soft_wrap=True)
    return sum(map(len, new.values()))


def _share(part: int, whole: int) -> Text:
    return Text(f"{part} of {whole}", "green" if part == whole else "red")


def _margin(decades: float | None) -> Text:
    if decades is None:
        return Text("-", "dim")
    return Text(f"{decades:.1f}", "yellow" if decades < WEAK else "")
