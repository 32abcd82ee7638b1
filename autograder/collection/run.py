"""Grade a collection: only what is new, on all cores; write what class and course system get."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from autograder.collection.class_page import class_page
from autograder.collection.layouts import Collection, HandIn
from autograder.collection.packing import Packed, packed
from autograder.collection.results import Kept, Result, write_index
from autograder.collection.returns import WRITERS, grades_csv, page
from autograder.collection.summary import Summary, summarise
from autograder.collection.tree import CollectionError
from autograder.grading.many import Graded, Item
from autograder.topics.catalogue import Assignment

GradeMany = Callable[[Iterable[Item]], Iterator[Graded]]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Terms:
    """What a report depends on besides the file."""

    assignment: Assignment
    secret: bytes
    device: str
    policy: str
    confined: bool

    def fingerprint(self, content: bytes) -> str:
        """SHA-256 over the file and all of these; it gives nothing of the secret away."""
        said = {
            "assignment": self.assignment.name,
            "reference": self.assignment.digest,
            "secret": hmac.new(self.secret, b"collection", "sha256").hexdigest(),
            "device": self.device,
            "policy": self.policy,
            "confined": self.confined,
            "versions": [metadata.version(name) for name in ("gradmark", "torch")],
            "content": hashlib.sha256(content).hexdigest(),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def grade_collection(
    hand_ins: Sequence[HandIn], terms: Terms, folder: Path, grade: GradeMany, progress: Progress
) -> list[Result]:
    """The result of each hand-in, in their order. What an earlier run left in `folder` is not
    graded again; each result is on the disk as soon as it is there, so that a run that is stopped
    goes on where it was.

    Args:
        progress: told whose was graded last, how many are done and how many there are.

    Raises:
        SandboxUnavailable: this machine cannot confine student code.
    """
    kept = Kept(folder)
    results: dict[int, Result] = {}
    waiting: dict[int, tuple[HandIn, Packed, str]] = {}
    for number, hand_in in enumerate(hand_ins):
        try:
            file = packed(hand_in, terms.assignment.name)
        except (CollectionError, OSError) as error:
            results[number] = Result(hand_in, "", hand_in.files[0].path.name, refused=str(error))
            continue
        kept.keep_file(hand_in, file.content)
        fingerprint = terms.fingerprint(file.content)
        found = kept.find(hand_in, fingerprint)
        if found is not None:
            results[number] = found
        else:
            waiting[number] = (hand_in, file, fingerprint)
    progress("", len(results), len(hand_ins))
    items = (Item(str(key), file.name, file.content) for key, (_, file, _) in waiting.items())
    for graded in grade(items) if waiting else ():
        number = int(graded.key)
        hand_in, file, fingerprint = waiting[number]
        result = Result(
            hand_in,
            fingerprint,
            file.name,
            graded.report,
            graded.refused or "",
            graded.fault or "",
            file.notes,
        )
        kept.keep(result)
        results[number] = result
        progress(hand_in.owner.label, len(results), len(hand_ins))
    return [results[number] for number in range(len(hand_ins))]


def write_results(
    folder: Path,
    collection: Collection,
    results: Sequence[Result],
    assignment: Assignment,
    *,
    title: str | None = None,
    gradebook: bytes | None = None,
    pairs: Sequence[str] = (),
) -> tuple[Summary, list[Path]]:
    """Write the class's page, a page for each student, a table, and what the system takes back.

    Args:
        title: of the column in the course system's gradebook.
        gradebook: the file that the course system exported, to be filled in.

    Raises:
        CollectionError: `gradebook` is no such file.
    """
    worth = assignment.max_score
    summary = summarise(assignment.title, worth, results, collection.unplaced, pairs)
    written = [folder / "index.html", folder / "grades.csv"]
    written[0].write_text(class_page(summary), "utf-8")
    exercises = {exercise.name: exercise.max_score for _, exercise in assignment.exercises}
    written[1].write_text(grades_csv(results, exercises), "utf-8", newline="")
    for result in results:
        if result.report is not None:
            (folder / f"{result.slug}.html").write_text(page(result), "utf-8")
    write_index(folder, assignment.name, collection.layout, results)
    writer = WRITERS.get(collection.layout)
    if writer is not None:
        written += writer(folder, results, title or assignment.name, worth, gradebook)
    elif gradebook is not None:
        raise CollectionError(
            f"--gradebook is for submissions from Canvas or Moodle; these are "
            f"{collection.layout!r}: their points are in grades.csv"
        )
    return summary, written
