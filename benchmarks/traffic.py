"""What honest traffic costs, against an older revision: processor time, by turns.

    python -m benchmarks.traffic 212c85f --rounds 10

A student hands in a right file by the page's form, waits until it is graded and looks at the
course, the assignment and the report, each revision with a server, a grader and data of its own.
Both get the same files, one per topic of the lecture. What pages take, by the web process and the
confined readers that it starts, is told apart from what grading takes, which has more cases now.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from autograder.topics.catalogue import Catalogue
from benchmarks.against import ROOT, TOPICS, older
from benchmarks.deployment import Part

STUDENT, PASSWORD = "student@generated.invalid", "a generated password"
COURSE = '[course]\nslug = "bench"\ntitle = "Benchmark"\ntimezone = "UTC"\n' + "".join(
    f'[[assignments]]\nslug = "{topic}"\ntopic = "{topic}"\ntitle = "{topic}"\npoints = 10\n'
    "opens = 2020-01-01 00:00:00\ndue = 2099-01-01 00:00:00\n"
    for topic in TOPICS
)
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
TAG, SCORE = re.compile(r"<[^>]*>"), re.compile(r"\d[\d.]*\s+of\s+\d[\d.]*")
PATIENCE = 120.0  # s
SETTLED = 0.3  # s, in which nothing was used


class Student:
    """A browser of one revision's server, in which a student is logged in."""

    def __init__(self, url: str, invitation: str, server: psutil.Process) -> None:
        self._server = server
        self._browser = httpx.Client(base_url=url, follow_redirects=True, timeout=PATIENCE)
        self._get(invitation)
        self._post(invitation, {"name": "A student (generated)", "password": PASSWORD})
        self._get("/courses/bench/")

    def _get(self, address: str) -> str:
        answer = self._browser.get(address)
        answer.raise_for_status()
        self._page = answer.text
        return self._page

    def _post(self, address: str, form: dict[str, str], **more: object) -> httpx.Response:
        found = TOKEN.search(self._page)
        if found is None:
            raise SystemExit(f"{address}: the page before has no form.")
        answer = self._browser.post(
            address,
            data={**form, "csrf_token": found[1]},
            headers={"Referer": str(self._browser.base_url)},
            **more,  # type: ignore[arg-type]
        )
        answer.raise_for_status()
        self._page = answer.text
        return answer

    def way(self, topic: str, text: str) -> tuple[float, float, str]:
        """Seconds of processor time of pages and of grading, and the score, from an assignment's
        page to the report's."""
        address = f"/courses/bench/assignments/{topic}/"
        self._get(address)
        before = self._spent()
        answer = self._post(address, {}, files={"file": (f"{topic}.py", text.encode())})
        report = answer.url.path
        self._graded(f"{report.rstrip('/')}/status")
        self._get("/courses/bench/")
        self._get(address)
        score = SCORE.search(TAG.sub(" ", self._get(report)))
        after = self._spent()
        while True:  # until what has graded has ended
            time.sleep(SETTLED)
            later = self._spent()
            if later[1] - after[1] < 0.02:
                break
            after = later
        return after[0] - before[0], after[1] - before[1], score[0] if score else "none"

    def _graded(self, address: str) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            said = self._browser.get(address).raise_for_status().json()
            if said["final"]:
                return
            time.sleep(0.5)
        raise SystemExit(f"{address}: not graded after {PATIENCE:g} s.")

    def _spent(self) -> tuple[float, float]:
        """Seconds of the web process with its confined readers, and of graders with theirs."""
        graders = [one for one in self._server.children() if "--supervised" in one.cmdline()]
        grading = Part("graders", tuple(one.pid for one in graders)).seconds()
        return Part("all", (self._server.pid,)).seconds() - grading, grading


def _name_commands(tree: Path) -> None:
    """The tree's commands are found before those of what is installed."""
    project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]
    named = tree / f"{project['name']}-0.dist-info"
    named.mkdir(exist_ok=True)
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0\n")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {where}" for name, where in entries.items())]
    (named / "entry_points.txt").write_text("\n".join(lines))


@contextmanager
def serving(tree: Path, data: Path) -> Iterator[Student]:
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    gradmark = (sys.executable, "-c", "from autograder.cli import main; main()")

    def ask(*command: str) -> str:
        return subprocess.run(
            (*gradmark, *command, "--data", str(data)),
            cwd=tree,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    course, roster = data.with_suffix(".toml"), data.with_suffix(".csv")
    course.write_text(COURSE)
    roster.write_text(
        f"name,email\nA student,{STUDENT}\n"
        + "".join(f"Student {n},s{n}@generated.invalid\n" for n in range(199))
    )
    invitation = ask("user", "add", STUDENT).split()[-1].rpartition(":8000")[2]
    ask("course", "sync", str(course))
    ask("course", "roster", "bench", str(roster))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        (*gradmark, "serve", "--data", str(data), "--port", str(port), "--graders", "1"),
        cwd=tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield Student(url, invitation, psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait()


@dataclass(frozen=True)
class Way:
    pages: float
    grading: float
    score: str


def measure(tree: Path, rounds: int) -> None:
    console = Console(width=110)
    catalogue = Catalogue.load()
    files = {topic: catalogue[topic].topics[0].solution() for topic in TOPICS}
    found: dict[tuple[str, str], list[Way]] = {}
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        sides = {
            "before": opened.enter_context(serving(tree, folder / "before")),
            "now": opened.enter_context(serving(ROOT, folder / "now")),
        }
        for number in range(rounds + 1):
            for side in sorted(sides, reverse=bool(number % 2)):
                for topic, text in files.items():
                    one = Way(*sides[side].way(topic, f"{text}\n# {number}\n"))
                    if number:  # the first one warms up
                        found.setdefault((topic, side), []).append(one)
            console.print(f"round {number} of {rounds}")
    table = Table(title="ms of processor time, pages + grading", title_justify="left")
    for heading in ("topic", "before", "now", "of before", "score before", "now"):
        table.add_column(heading, justify="left" if heading == "topic" else "right")
    totals = {"before": [0.0, 0.0], "now": [0.0, 0.0]}
    for topic in files:
        row = [topic]
        for side, total in totals.items():
            ways = found[topic, side]
            pages = 1e3 * statistics.median(way.pages for way in ways)
            grading = 1e3 * statistics.median(way.grading for way in ways)
            total[0] += pages / len(files)
            total[1] += grading / len(files)
            row.append(f"{pages:.0f} + {grading:.0f}")
        both = {
            side: statistics.median(way.pages + way.grading for way in found[topic, side])
            for side in totals
        }
        scores = (found[topic, side][0].score for side in totals)
        table.add_row(*row, f"{both['now'] / both['before']:.2f}", *scores)
    means = [f"{pages:.0f} + {grading:.0f}" for pages, grading in totals.values()]
    table.add_row("mean", *means, f"{sum(totals['now']) / sum(totals['before']):.2f}")
    console.print(table)
    console.print(f"Load: {' '.join(f'{one:.1f}' for one in os.getloadavg())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", help="the older one, as git names it")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with older(given.revision) as tree:
        _name_commands(tree)
        measure(tree, given.rounds)


if __name__ == "__main__":
    main()
