"""What came of each hand-in, kept in a folder so that a run can be stopped and taken up again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.collection.layouts import HandIn, Owner
from autograder.report import Report


@dataclass(frozen=True)
class Result:
    """Of one hand-in: a report, or the sentence that says why there is none.

    Args:
        fingerprint: of all that the report depends on; the same one needs no second grading.
        refused: why the file could not be read: it earns nothing, and its owner must know.
        fault: what failed through no fault of the owner's: it is tried again in the next run.
    """

    hand_in: HandIn
    fingerprint: str
    filename: str
    report: Report | None = None
    refused: str = ""
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def owner(self) -> Owner:
        return self.hand_in.owner

    @property
    def slug(self) -> str:
        return slug(self.hand_in)

    @property
    def remarks(self) -> list[str]:
        """What to know of it, in a few words each."""
        late = ["late"] if self.hand_in.late else []
        return [*late, *filter(None, (self.refused, self.fault)), *self.notes]

    @property
    def score(self) -> float | None:
        """Points; None where a fault of ours leaves it open."""
        if self.report is not None:
            return float(self.report["score"])
        return None if self.fault else 0.0

    @property
    def misconceptions(self) -> Mapping[tuple[str, str], str]:
        """Hints by exercise and name of the misconception that it looks like."""
        if self.report is None:
            return {}
        return {
            (exercise["name"], found["name"]): found["hint"]
            for exercise in self.report["exercises"]
            for found in exercise["diagnosis"]
        }


def slug(hand_in: HandIn) -> str:
    """A name for this hand-in's files: readable, of one folder, and no other hand-in's."""
    said = hand_in.owner.key + (f"_{hand_in.attempt}" if hand_in.attempt else "")
    plain = re.sub(r"[^\w.@+-]+", "-", said).strip("-.")[:80]
    if plain == said:
        return plain
    return f"{plain}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


class Kept:
    """The reports of earlier runs, one file each, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "reports"
        self._files = folder / "files"
        for part in (self._folder, self._files):
            part.mkdir(parents=True, exist_ok=True)

    def find(self, hand_in: HandIn, fingerprint: str) -> Result | None:
        """The result of that hand-in with that fingerprint; none where a fault ended it."""
        try:
            said: dict[str, Any] = json.loads(self._path(hand_in).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if said.get("fingerprint") != fingerprint:
            return None
        return Result(
            hand_in,
            fingerprint,
            said["filename"],
            said["report"],
            said["refused"],
            notes=tuple(said["notes"]),
        )

    def keep(self, result: Result) -> None:
        if result.fault:
            return
        document = {
            "fingerprint": result.fingerprint,
            "filename": result.filename,
            "report": result.report,
            "refused": result.refused,
            "notes": list(result.notes),
        }
        path = self._path(result.hand_in)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        os.replace(unfinished, path)

    def keep_file(self, hand_in: HandIn, content: bytes) -> None:
        """What the report is about, for whoever takes both."""
        path = self._files / slug(hand_in)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)

    def _path(self, hand_in: HandIn) -> Path:
        return self._folder / f"{slug(hand_in)}.json"


INDEX = "results.json"


def write_index(folder: Path, assignment: str, layout: str, results: Sequence[Result]) -> None:
    """What is in the folder, and whose it is: what `gradmark post` reads."""
    entries = [
        {
            "slug": result.slug,
            "owner": asdict(result.owner),
            "at": None if result.hand_in.at is None else result.hand_in.at.isoformat(),
            "late": result.hand_in.late,
            "filename": result.filename,
            "graded": result.report is not None,
        }
        for result in results
    ]
    document = {"assignment": assignment, "layout": layout, "results": entries}
    (folder / INDEX).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
