"""`gradmark grade` for a class: what it prints, and what it asks the other modules to do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.collection.gather import gather
from autograder.collection.packing import packed
from autograder.collection.results import Result
from autograder.collection.run import Terms, grade_collection, write_results
from autograder.collection.summary import Summary
from autograder.collection.tree import CollectionError
from autograder.grading.many import grade_many
from autograder.handin.submission import SubmissionError
from autograder.handout.stubs import stub
from autograder.policy import Cost
from autograder.reading import alike
from autograder.reading.inside.prints import Prints
from autograder.reading.reader import Reader
from autograder.render.progress import Bar
from autograder.secret import own_cache
from autograder.topics.catalogue import Assignment, Catalogue

_MOST_SHOWN = 10  # lines of what could not be placed


def grade_class(
    name: str,
    paths: Sequence[Path],
    secret: bytes,
    console: Console,
    *,
    out: Path | None = None,
    layout: str | None = None,
    every_attempt: bool = False,
    gradebook: Path | None = None,
    title: str | None = None,
    similarity: bool = False,
    jobs: int = 1,
    device: str = "cpu",
    policy: Cost = "report",
    reference: Path | None = None,
    confined: bool = True,
) -> None:
    """Grade all submissions below the paths, write what comes of them, and say where it is.

    Args:
        out: the folder for results; by default `<assignment>-results` where one is.
        gradebook: what the course system exported, to be filled in.

    Raises:
        KeyError: there is no such assignment.
        CollectionError: the paths hold no submissions, or `gradebook` is no such file.
        SandboxUnavailable: this machine cannot confine code.
    """
    assignment = Catalogue.load(reference, only=name)[name]
    collection = gather(paths, {topic.name for topic in assignment.topics}, layout)
    hand_ins = collection.hand_ins if every_attempt else collection.last()
    known = None if gradebook is None else gradebook.read_bytes()
    folder = out or Path(f"{name}-results")
    folder.mkdir(parents=True, exist_ok=True)
    console.print(f"{len(hand_ins)} submissions ({collection.layout})", highlight=False)
    grade = partial(
        grade_many,
        assignment=name,
        secret=secret,
        reference=reference,
        device=device,
        policy=policy,
        confined=confined,
        jobs=jobs,
        cache=own_cache(),
    )
    terms = Terms(assignment, secret, device, policy, confined)
    with Bar(console) as bar:
        results = grade_collection(hand_ins, terms, folder, grade, bar)
    pairs = _alike(results, assignment, confined) if similarity else ()
    summary, written = write_results(
        folder, collection, results, assignment, title=title, gradebook=known, pairs=pairs
    )
    _print(summary, written, console)


def _alike(results: Sequence[Result], assignment: Assignment, confined: bool) -> list[str]:
    """Sentences about the pairs that share the most."""
    owners: list[str] = []
    prints: list[Prints] = []
    handed_out = "\n".join(stub(topic) for topic in assignment.topics)
    with closing(Reader(confined, warm=("fingerprints",))) as reader:
        given = reader.run("fingerprints", ("given.py", handed_out.encode()), window=1)
        for result in results:
            try:
                file = packed(result.hand_in, assignment.name)
                prints.append(reader.run("fingerprints", (file.name, file.content)))
            except (SubmissionError, CollectionError, OSError):
                continue  # what cannot be read is said elsewhere
            owners.append(result.owner.label)
    return [
        f"{owners[pair.first]} and {owners[pair.second]}: {pair.shares[0]:.0%} of the first is in "
        f"the second, {pair.shares[1]:.0%} of the second in the first"
        for pair in alike.alike(prints, given)
    ]


def _print(summary: Summary, written: Sequence[Path], console: Console) -> None:
    if summary.mean is not None and summary.median is not None:
        console.print(
            f"mean {summary.mean:.4g}, median {summary.median:.4g} of {summary.worth:g} points",
            highlight=False,
        )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("exercise")
    for heading in ("mean", "of", "full marks", "nothing"):
        table.add_column(heading, justify="right")
    for exercise in summary.exercises:
        numbers = f"{exercise.mean:.2f}", f"{exercise.max_score:g}", exercise.full, exercise.none
        table.add_row(exercise.name, *map(str, numbers))
    console.print(table)
    for found in summary.misconceptions[:_MOST_SHOWN]:
        console.print(
            f"{len(found.students)} x {found.exercise}: {found.name}", markup=False, highlight=False
        )
    for result in summary.failures:
        why = result.refused or f"not graded yet, run it again: {result.fault}"
        console.print(f"{result.owner.label}: {why}", markup=False, style="yellow")
    for sentence in summary.unplaced[:_MOST_SHOWN]:
        console.print(sentence, markup=False, style="yellow")
    left = len(summary.unplaced) - _MOST_SHOWN
    if left > 0:
        console.print(f"and {left} more that could not be placed", style="yellow")
    for path in written:
        console.print(str(path), markup=False, highlight=False)
