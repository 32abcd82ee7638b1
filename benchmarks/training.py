"""What lock-step training costs against the same training in one warm process: `make bench`.

The classifier's run of the topic `training`, through the sandbox and judged, beside the same calls
by plain functions: no sandbox, no copies, nothing compared. Wall-clock time depends on whether the
grader and the worker have a processor each; the processor time of both does not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from autograder.handin.submission import Source
from autograder.judging.call import Answer, Call, Results, Seed
from autograder.sandbox import Sandbox, Session
from autograder.topics.catalogue import Catalogue
from autograder.truth.oracle import Oracle

SECRET = b"the benchmark's own secret"
RUNS = 5


def bare(calls: Sequence[Call], functions: dict[str, Callable[..., Any]]) -> None:
    """The same training with nothing around it but the wiring."""
    results = Results(calls)
    for call in calls:
        resolved = results.resolve(call)
        assert resolved is not None  # noqa: S101
        given = {
            name: torch.Generator().manual_seed(value.value) if isinstance(value, Seed) else value
            for name, value in resolved.arguments.items()
        }
        for name, value in call.arguments.items():
            if name.startswith("running") and isinstance(value, torch.Tensor):
                given[name] = value.clone()  # updated in place, and needed again
        value = functions[call.function](**given)
        results.add(Answer(value, given))


def worker_seconds(session: Session) -> float:
    """The processor time of the session's worker so far."""
    worker = session._worker
    assert worker is not None  # noqa: S101
    fields = Path(f"/proc/self/fdinfo/{worker._pidfd}").read_text().split()
    pid = fields[fields.index("Pid:") + 1]
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, ticks)) / 100


def main() -> None:
    torch.set_num_threads(1)
    console = Console()
    catalogue = Catalogue.load()
    (topic,) = catalogue["training"].topics
    exercise = next(e for e in topic.exercises if e.name == "classifier")
    oracle = Oracle(SECRET)
    began = time.process_time()
    (trial,) = oracle.trials(topic, exercise)
    prepared = time.process_time() - began
    functions = dict(topic.functions())
    sources = [Source(t.name, (t.solution(),)) for t in (topic, *topic.beside)]
    rows = []
    with console.status("Measuring ..."), Sandbox() as sandbox:
        for _ in range(RUNS):
            wall, cpu = time.perf_counter(), time.process_time()
            bare(trial.calls, functions)
            plain = time.perf_counter() - wall, time.process_time() - cpu
            with sandbox.session(sources, runs=10) as session:
                before = worker_seconds(session)
                wall, cpu = time.perf_counter(), time.process_time()
                outcome = trial.judge(session.run(trial.calls))
                ours = time.perf_counter() - wall, time.process_time() - cpu
                worked = worker_seconds(session) - before
            wrong = [finding for finding in outcome.findings.values() if not finding.passed]
            assert not wrong, wrong  # noqa: S101
            rows.append((*plain, *ours, worked))
    plain_wall, plain_cpu, wall, cpu, worked = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    table = Table(
        title=f"The classifier, {len(trial.calls)} calls, warm", title_justify="left", box=None
    )
    for heading in ("", "s", "of the bare training"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, value, whole in (
        ("the bare training, in one process", plain_wall, plain_wall),
        ("in lock-step, through the sandbox (target: at most 1.4)", wall, plain_wall),
        ("the bare training, processor time", plain_cpu, plain_cpu),
        ("- the worker's processor time", worked, plain_cpu),
        ("- the grader's, beside it", cpu, plain_cpu),
    ):
        table.add_row(name, f"{value:.2f}", f"{value / whole:.2f}")
    console.print(table)
    console.print(
        f"The reference's own runs, where they are not kept: {prepared:.1f} s of processor time."
    )


if __name__ == "__main__":
    main()
