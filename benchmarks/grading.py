"""How long grading takes, as ratios to the bare calls in the same run: `make bench`.

Two questions. What does the sandbox cost: opening a session, loading, the first call, each further
call? And what does a whole grading run of a correct submission cost against the same calls in one
warm interpreter? Medians over repeated runs; absolute times depend on the machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from rich.console import Console
from rich.table import Table

from autograder.grading.follow_ons import Graded
from autograder.grading.grader import Grader
from autograder.grading.rows import judge
from autograder.handin.submission import Source, Submission
from autograder.judging.call import Call
from autograder.judging.local import LocalSession
from autograder.report import student_view
from autograder.sandbox import Sandbox
from autograder.topics.catalogue import Catalogue
from autograder.truth.oracle import Oracle

SECRET = b"the benchmark's own secret"
SIX = {"conv2d", "batch_norm", "kaiming_normal_", "dropout", "group_norm", "focal_loss"}
RUNS = 15
SMALL = "def f(x):\n    return x * 2\n"


def median_ms(action: Callable[[], object], runs: int = RUNS) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def sandbox_costs(console: Console) -> None:
    x = torch.randn(4, 3, 5, 5)
    call = Call("f", {"x": x}, 1)
    bare = LocalSession({"f": lambda x: x * 2})
    with Sandbox() as sandbox:

        def one_session() -> None:
            with sandbox.session([Source("small", (SMALL,))]) as session:
                assert session.call(call).failure is None  # noqa: S101

        one_session()
        opening = median_ms(one_session, 40)
        with sandbox.session([Source("small", (SMALL,))]) as session:
            session.call(call)
            further = median_ms(lambda: session.call(call), 300)
    in_process = median_ms(lambda: bare.call(call), 300)
    table = Table(title="The sandbox, warm", title_justify="left", box=None)
    for heading in ("", "ms", "target"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("open, load, first call, close", f"{opening:.1f}", "under 100")
    table.add_row("a further call, over the bare call", f"{further - in_process:.2f}", "under 2")
    console.print(table)


def grading_costs(console: Console) -> None:
    catalogue = Catalogue.load()
    chosen = [(t, e) for t, e in catalogue["all"].exercises if e.name in SIX]
    topics = list({topic.name: topic for topic, _ in chosen}.values())
    sources = tuple(Source(topic.name, (topic.solution(),)) for topic in topics)
    submission = Submission("six.zip", "0" * 64, sources)
    oracle = Oracle(SECRET)
    trials = {e.name: oracle.trials(t, e) for t, e in chosen}
    functions = {name: f for t in topics for name, f in t.functions().items() if callable(f)}
    bare = LocalSession(functions)
    calls = [call for name in trials for trial in trials[name] for call in trial.calls]

    chosen_topics = tuple(
        replace(topic, exercises=tuple(e for e in topic.exercises if e.name in SIX))
        for topic in topics
    )
    six = Catalogue({"all": replace(catalogue["all"], topics=chosen_topics)})
    with Grader(six, SECRET) as grader:
        grade = lambda: grader.grade("all", submission)  # noqa: E731
        report = grade()
        assert report["score"] == report["max_score"]  # noqa: S101
        rounds = [
            (median_ms(grade, 1), 1e3 * sum(bare.call(c).seconds for c in calls))
            for _ in range(RUNS)
        ]
        with Sandbox() as sandbox:
            opening = median_ms(lambda: sandbox.session(sources).__enter__().close())
            with sandbox.session(sources) as session:
                in_sandbox = median_ms(lambda: list(session.run(calls)))
                answers = {
                    name: [tuple(session.run(trial.calls)) for trial in trials[name]]
                    for name in trials
                }

        def compare() -> None:
            for topic, exercise in chosen:
                given = zip(trials[exercise.name], answers[exercise.name], strict=True)
                outcomes = [trial.judge(answer) for trial, answer in given]
                judge(Graded(topic, exercise, trials[exercise.name], outcomes), {})

        comparing = median_ms(compare)
        reporting = median_ms(lambda: student_view(report))
    whole = statistics.median(ours for ours, _ in rounds)
    called = statistics.median(theirs for _, theirs in rounds)
    over = statistics.median(ours - 3 * theirs for ours, theirs in rounds)
    table = Table(
        title=f"A correct submission of {len(chosen)} exercises, warm: {len(calls)} calls",
        title_justify="left",
        box=None,
    )
    for heading in ("", "ms", "of the bare calls"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, value in (
        ("the bare calls, in one warm interpreter", called),
        ("grading, the whole way", whole),
        ("- opening the session and loading", opening),
        ("- the calls, through the sandbox", in_sandbox),
        ("- comparison, mostly while the next calls run", comparing),
        ("- the report's view", reporting),
    ):
        table.add_row(name, f"{value:.1f}", f"{value / called:.2f}")
    console.print(table)
    console.print(f"Over 3 x the bare calls: {over:.0f} ms (target: at most 30).")


def main() -> None:
    torch.set_num_threads(1)
    console = Console()
    with console.status("Measuring ..."):
        sandbox_costs(console)
    with console.status("Measuring ..."):
        grading_costs(console)


if __name__ == "__main__":
    main()
