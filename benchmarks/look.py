"""How long the look at a hand-in takes before it counts, which should be a second at most:
`make bench`."""

from __future__ import annotations

import io
import json
import statistics
import time
import zipfile
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table

from autograder.reading import Reader
from autograder.topics.catalogue import Catalogue

TIMES = 5
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


def main() -> None:
    topic = Catalogue.load(only=TOPIC)[TOPIC].topics[0]
    homes = dict.fromkeys(topic.sources(), TOPIC)
    table = Table("a look at", "kB", "median, ms", "longest, ms", box=None)
    with closing(Reader()) as reader:
        reader.start()
        for what, file in hand_ins(topic.solution()).items():
            times = []
            for _ in range(TIMES):
                began = time.perf_counter()
                reader.run("look", file, homes=homes)
                times.append(1000 * (time.perf_counter() - began))
            size = f"{len(file[1]) / 1000:.0f}"
            table.add_row(what, size, f"{statistics.median(times):.0f}", f"{max(times):.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
