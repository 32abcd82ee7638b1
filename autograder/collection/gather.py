"""From the paths that somebody named to whose each file is."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.collection.layouts import Collection, HandIn, Owner, recognise
from autograder.collection.tree import CollectionError, Entry, entries, unwrapped

_SURE = {"gradescope", "moodle", "blackboard", "canvas", "nbgrader"}  # told by more than folders


def is_one_submission(paths: Sequence[Path], layout: str | None = None) -> bool:
    """Whether the paths are one student's file: a single `.py` or `.ipynb`, or a zip that no course
    system made."""
    if len(paths) != 1 or paths[0].is_dir() or layout is not None:
        return False
    return paths[0].suffix.lower() != ".zip" or _from_a_system(paths[0]) is None


def gather(paths: Sequence[Path], modules: Names[str], layout: str | None = None) -> Collection:
    """All submissions below the paths.

    Each path is what a course system gives out (a folder or zip), a folder of students' folders or
    files, one student's folder (it holds one of the assignment's own files at its top), or one
    student's file.

    Args:
        modules: the names, without suffix, of the files that the assignment consists of.
        layout: how the files are arranged, where the reader knows better than their names tell.

    Raises:
        CollectionError: nothing can be read, or nothing in it was handed in by anybody.
    """
    found = [_collection(path, modules, layout) for path in paths]
    layouts = {collection.layout for collection in found}
    merged = Collection(
        layouts.pop() if len(layouts) == 1 else "files",
        [hand_in for collection in found for hand_in in collection.hand_ins],
        [sentence for collection in found for sentence in collection.unplaced],
    )
    if not merged.hand_ins:
        why = f": {merged.unplaced[0]}" if merged.unplaced else ""
        raise CollectionError(f"{paths[0]} holds nothing that can be graded{why}.")
    return merged


def _collection(path: Path, modules: Names[str], layout: str | None) -> Collection:
    if path.is_dir() or layout is not None:
        inside = entries(path)
        for found in (inside, unwrapped(inside)):
            if layout is None and _holds(found, modules):
                return Collection("files", [HandIn(_named(path), tuple(found))])
            collection = recognise(found, layout)
            if collection is not None and (collection.layout in _SURE or layout is not None):
                return collection
        collection = recognise(unwrapped(inside)) or recognise(inside)
        if collection is None:
            raise CollectionError(
                f"{path} holds neither students' folders nor their .py, .ipynb or .zip files."
            )
        return collection
    if path.suffix.lower() == ".zip" and (collection := _from_a_system(path)) is not None:
        return collection
    entry = Entry(PurePosixPath(path.name), path.stat().st_size, path.read_bytes)
    return Collection("files", [HandIn(_named(path), (entry,))])


def _from_a_system(path: Path) -> Collection | None:
    try:
        inside = entries(path)
    except CollectionError:
        return None  # read as a submission it gets a sentence of its own
    for found in (inside, unwrapped(inside)):
        collection = recognise(found)
        if collection is not None and collection.layout in _SURE:
            return collection
    return None


def _holds(found: Sequence[Entry], modules: Names[str]) -> bool:
    return any(len(e.path.parts) == 1 and e.path.stem.lower() in modules for e in found)


def _named(path: Path) -> Owner:
    name = path.name if path.is_dir() else path.stem
    return Owner(name, folder=name)
