"""Run the attacks and print what came of each.

    python -m tests.attacks [--ordinary] [--device DEVICE] [NAME ...]

as this user, or with --ordinary, started by root, as one without privileges.
"""

import os
import resource
import sys
import time
from dataclasses import replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.handin.submission import SubmissionError
from autograder.reading import Reader
from autograder.sandbox.profiles import MAX_SESSIONS, profile_for
from tests import ordinary
from tests.attacks.arena import ALLOWED, applies, open_arena
from tests.attacks.outside import OUTSIDE, try_all
from tests.attacks.submissions import ATTACKS, THEMES
from tests.autograder.reading.test_hungry import HUNGRY, PLAIN


def main(names: list[str], device: str) -> int:
    began = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else 140)
    user = "root" if os.geteuid() == 0 else f"an ordinary user ({os.geteuid()})"
    table = Table(title=f"Attacks as {user}", title_justify="left", box=None, header_style="bold")
    for heading in ("attack", "what was tried", "ended as", "contained", "grader healthy"):
        table.add_column(heading)
    run = held = 0
    profile = replace(profile_for(device), sessions=MAX_SESSIONS)
    allowed = ALLOWED.get(profile.name, set())
    with open_arena(profile) as arena:
        for theme, attacks in THEMES.items():
            table.add_section()
            for name, attack in attacks.items():
                if not applies(attack, os.geteuid()) or (names and name not in names):
                    continue
                verdict = arena.run(attack)
                run += 1
                held += verdict.contained or (name in allowed and not verdict.unhealthy)
                table.add_row(
                    Text(name),
                    Text(attack.tries),
                    Text(verdict.ended),
                    _mark(verdict.wrong),
                    _mark(verdict.unhealthy),
                )
            print(f"{theme}: done", file=sys.stderr)
    console.print(table)
    seconds = time.monotonic() - began
    console.print(f"\n{held} of {run} attacks contained as {user}, in {seconds:.0f} seconds")
    # What reads them is the same for every device.
    others = (
        [] if names or device != "cpu" else [*_read_hungry_files(console), *_try_outside(console)]
    )
    return int(held < run or not run or not all(others))


def _try_outside(console: Console) -> list[bool]:
    """What handles hand-ins outside the sandbox: whether each attack on it is held off."""
    if os.geteuid() != 0 and "--ordinary" in sys.argv:
        return []  # once is enough, and the tests are for whoever checked out the project
    table = Table(title="Attacks outside the sandbox", title_justify="left", box=None)
    for heading in ("attack", "what was tried", "contained"):
        table.add_column(heading)
    found = try_all()
    for name, wrong in found.items():
        table.add_row(Text(name), Text(OUTSIDE[name].tries), _mark(wrong))
    console.print(table)
    return [not wrong for wrong in found.values()]


def _read_hungry_files(console: Console) -> list[bool]:
    """Files that are made to cost, through what reads uploads and what shows them: whether each
    ended by itself or by its limits, this process no larger, and a plain file read after it."""
    table = Table(title="Files that are made to cost", title_justify="left", box=None)
    for heading in ("file", "bytes", "refused by", "contained"):
        table.add_column(heading)
    held = []
    reader = Reader()
    try:
        reader.read(*PLAIN)
        for name, file in HUNGRY.items():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            refused = []
            for job in ("look", "pieces"):  # of uploads, of pages
                try:
                    reader.run(job, file, **({"homes": {}} if job == "look" else {}))
                except SubmissionError:
                    refused.append(job)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            wrong = ["the reader's parent grew"] if grown > 128 * 2**10 else []
            if reader.read(*PLAIN).filename != PLAIN[0]:
                wrong.append("a plain file is not read any more")
            table.add_row(
                Text(name), f"{len(file[1]):,}", ", ".join(refused) or "none", _mark(wrong)
            )
            held.append(not wrong)
    finally:
        reader.close()
    console.print(table)
    return held


def _mark(problems: list[str]) -> Text:
    return Text("; ".join(problems), "bold red") if problems else Text("yes", "green")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    if "--ordinary" in chosen and os.geteuid() == 0:
        sys.exit(ordinary.run(["-m", "tests.attacks", *chosen]).returncode)
    device = chosen[chosen.index("--device") + 1] if "--device" in chosen else "cpu"
    sys.exit(main([name for name in chosen if name in ATTACKS], device))
