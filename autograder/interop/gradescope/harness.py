"""Grades one submission inside Gradescope's container: `python -m ...harness`, as root.

`results.json` is there in every case and written whole: a first one before anything can fail, the
report's when there is one. A fault of ours says what to do and keeps the best score so far, since
Gradescope has no word for "not graded".
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from autograder.collection.layouts import HandIn, Owner
from autograder.collection.packing import packed
from autograder.collection.returns import gradescope_document
from autograder.collection.tree import CollectionError, entries

ROOT = Path("/autograder")
_NEVER = "The autograder did not finish. Hand in again; if it happens twice, tell your instructor."


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--root", type=Path, default=ROOT)
    given = options.parse_args()
    results = given.root / "results" / "results.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    best = best_so_far(given.root / "submission_metadata.json")
    write(results, fault(_NEVER, best))
    try:
        write(results, graded(given.root, best))
    except Exception:  # whatever it is, it is ours: what is written already says so
        logging.exception("grading failed")


def graded(root: Path, best: float) -> dict[str, Any]:
    """What `results.json` says of the submission in `root`."""
    from autograder.grading.grader import Grader
    from autograder.handin.submission import SubmissionError
    from autograder.reading.reader import Reader
    from autograder.sandbox import SandboxFault, SandboxUnavailable
    from autograder.topics.catalogue import Catalogue

    source = root / "source"
    said = json.loads((source / "assignment.json").read_text("utf-8"))
    try:
        found = entries(root / "submission")
        file = packed(HandIn(Owner("student"), tuple(found)), said["assignment"])
        with closing(Reader()) as reader:
            submission = reader.read(file.name, file.content)
        catalogue = Catalogue.load(source / "topics", only=said["assignment"])
        secret = (source / "secret").read_bytes()
        with Grader(catalogue, secret) as grader:
            report = grader.grade(said["assignment"], submission)
    except (CollectionError, SubmissionError) as error:
        return {"score": 0, "output": str(error), "stdout_visibility": "hidden", "tests": []}
    except (SandboxUnavailable, SandboxFault) as error:
        print(error, file=sys.stderr)
        return fault(_NEVER, best)
    document = gradescope_document(report)
    document["extra_data"] = {
        name: report["environment"][name] for name in ("gradmark", "torch", "reference")
    }
    if said["leaderboard"]:
        document["leaderboard"] = [{"name": "points", "value": report["score"]}]
    return document


def fault(sentence: str, best: float) -> dict[str, Any]:
    kept = f" Your best score so far, {best:g}, is kept." if best else ""
    return {"score": best, "output": sentence + kept, "stdout_visibility": "hidden", "tests": []}


def best_so_far(metadata: Path) -> float:
    """The best of the earlier submissions' scores that Gradescope lists; 0 where there is none."""
    try:
        said = json.loads(metadata.read_text("utf-8"))
        earlier = said.get("previous_submissions") or []
        return max((_score(one) for one in earlier), default=0.0)
    except (OSError, ValueError, AttributeError, TypeError):
        return 0.0


def _score(submission: Mapping[str, Any]) -> float:
    try:
        return float(submission.get("score") or 0.0)
    except (TypeError, ValueError):
        return 0.0


def write(path: Path, document: Mapping[str, Any]) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    os.replace(unfinished, path)


if __name__ == "__main__":
    main()
