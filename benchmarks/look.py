"""What the look at a hand-in costs before it counts: `make bench`.

It should take a second at most on the clock. The processor time is shown in its parts: what asks
for it, the warm process that forks, the confined process (which ends with the look), and for
comparison the same look in a process that is warm and goes on.
"""

from __future__ import annotations

import io
import json
import statistics
import time
import zipfile
from contextlib import closing
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from autograder.reading import Reader
from autograder.reading.inside.jobs import JOBS
from autograder.topics.catalogue import Catalogue

TIMES, LARGE_TIMES = 40, 5
LARGE = 10**6  # bytes
TOPIC = "normalization"
MIB = 2**20


def notebook(*cells: tuple[str, list[dict[str, Any]]]) -> bytes:
    written: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": outputs,
            "source": source,
        }
        for source, outputs in cells
    ]
    document = {"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document).encode()


def hand_ins(solution: str) -> dict[str, tuple[str, bytes]]:
    """Right code for the topic, as small and as large as it may come."""
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": "A" * (MIB // 4)},
    }
    printed = {
        "output_type": "stream",
        "name": "stdout",
        "text": [f"step {step}\n" for step in range(20_000)],
    }
    modules = io.BytesIO()
    with zipfile.ZipFile(modules, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{TOPIC}.py", solution)
        for number in range(900):
            archive.writestr(f"part{number}/module{number}.py", "x = 1\n" * 20)
    copies = 4 * MIB // len(solution.encode()) - 1
    return {
        "a .py file": (f"{TOPIC}.py", solution.encode()),
        "4 MiB of code": (f"{TOPIC}.py", (solution * copies).encode()),
        "140 cells, with magics": (
            f"{TOPIC}.ipynb",
            notebook((solution, []), *[(f"%time x = {number}\n", []) for number in range(140)]),
        ),
        "24 MiB of pictures": (
            f"{TOPIC}.ipynb",
            notebook((solution, []), *[("plot()", [picture] * 12)] * 8),
        ),
        "24 MiB of printed lines": (
            f"{TOPIC}.ipynb",
            notebook((solution, []), *[("train()", [printed])] * 80),
        ),
        "900 files": ("all.zip", modules.getvalue()),
    }


def spent() -> tuple[float, float, float]:
    """Seconds of processors so far: of this process, of those that fork, of those that have
    ended."""
    forking = ended = 0.0
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        forking += times.user + times.system
        ended += times.children_user + times.children_system
    return time.process_time(), forking, ended


def main() -> None:
    topic = Catalogue.load(only=TOPIC)[TOPIC].topics[0]
    homes = dict.fromkeys(topic.sources(), TOPIC)
    headings = ("a look at", "kB", "median, ms", "longest, ms")
    parts = ("asks", "forks", "confined", "bare")  # ms of processor time
    table = Table(*headings, *parts, box=None)
    with closing(Reader()) as reader:
        reader.start()
        for what, file in hand_ins(topic.solution()).items():
            times, often = [], TIMES if len(file[1]) < LARGE else LARGE_TIMES
            reader.run("look", file, homes=homes)
            time.sleep(0.5)  # until it has been buried
            before = spent()
            for _ in range(often):
                began = time.perf_counter()
                reader.run("look", file, homes=homes)
                times.append(1000 * (time.perf_counter() - began))
            time.sleep(0.5)
            each = [1000 * (b - a) / often for a, b in zip(before, spent(), strict=True)]
            JOBS["look"].work(file, homes=homes)
            began = time.process_time()
            for _ in range(often):
                JOBS["look"].work(file, homes=homes)
            each.append(1000 * (time.process_time() - began) / often)
            figures = [statistics.median(times), max(times), *each]
            size = f"{len(file[1]) / 1000:.0f}"
            table.add_row(what, size, *(f"{ms:.1f}" if ms < 100 else f"{ms:.0f}" for ms in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
