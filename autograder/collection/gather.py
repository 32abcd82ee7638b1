"""From the paths that somebody named to whose each file is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Names
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.collection.layouts import Collection, HandIn, Owner, cloned, recognise
from autograder.collection.tree import CollectionError, Entry, entries, unwrapped

_SURE = {"gradescope", "moodle", "blackboard", "canvas", "nbgrader"}  # told by more than folders


def is_one_submission(paths: Sequence[Path], layout: str | None = None) -> bool:
    """Whether the paths are one student's file: a single `.py` or `.ipynb`, or a zip that no course
    system made."""
    if len(paths) != 1 or paths[0].is_dir() or layout is not None:
        return False
    return paths[0].suffix.lower() != ".zip" or _from_a_system(paths[0]) is None


def doubt(path: Path) -> str | None:
    """A sentence where what is taken for one student's zip could be a class's."""
    if path.suffix.lower() != ".zip":
        return None
    try:
        inside = unwrapped(entries(path))
    except CollectionError:
        return None
    sources = {e.path for e in inside if e.path.suffix.lower() in {".py", ".ipynb"}}
    tops = Counter(place.name for place in sources if len(place.parts) == 2)
    if max(tops.values(), default=0) < 2:
        return None
    return (
        f"{path} is graded as one student's submission, though several folders in it hold files of "
        f"one name: if each is a student's, say --layout folders."
    )


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
        if layout is None and (collection := _cloned(path, inside)) is not None:
            return collection
        for found in (inside, unwrapped(inside)):
            if layout is None and _holds(found, modules):
                return Collection("files", [HandIn(_named(path), tuple(found))])
            collection = recognise(found, layout)
            if collection is not None and (collection.layout in _SURE or layout is not None):
                return _of(modules, collection)
        collection = recognise(unwrapped(inside)) or recognise(inside)
        if collection is None:
            raise CollectionError(
                f"{path} holds neither students' folders nor their .py, .ipynb or .zip files."
            )
        return _with_doubts(modules, collection)
    if path.suffix.lower() == ".zip" and (collection := _from_a_system(path)) is not None:
        return _of(modules, collection)
    entry = Entry(PurePosixPath(path.name), path.stat().st_size, path.read_bytes)
    return Collection("files", [HandIn(_named(path), (entry,))])


def _cloned(path: Path, inside: Sequence[Entry]) -> Collection | None:
    """Repositories as GitHub Classroom's command clones them, in that folder or in one within."""
    (top, *others) = {entry.path.parts[0] for entry in inside}
    within = None if others else cloned(unwrapped(inside), top)
    return within or cloned(inside, path.resolve().name)


def _of(modules: Names[str], collection: Collection) -> Collection:
    """Without what is for another assignment, where the system tells them apart."""

    def is_for(hand_in: HandIn) -> bool:
        names = {file.path.stem.lower() for file in hand_in.files}
        return hand_in.assignment in modules or not names.isdisjoint(modules)

    if len({hand_in.assignment for hand_in in collection.hand_ins}) < 2:
        return collection
    chosen = [hand_in for hand_in in collection.hand_ins if is_for(hand_in)]
    others = Counter(h.assignment for h in collection.hand_ins if h not in chosen)
    if not chosen:
        raise CollectionError(
            f"There are {', '.join(sorted(others))}, and none of them is called like the "
            f"assignment: give the folders of one."
        )
    told = [f"{name}: another assignment, left out ({count})" for name, count in others.items()]
    return Collection(collection.layout, chosen, [*collection.unplaced, *told])


def _with_doubts(modules: Names[str], collection: Collection) -> Collection:
    """With a word about folders that may be several students'."""
    for hand_in in collection.hand_ins:
        places = [f.path.parent for f in hand_in.files if f.path.stem.lower() in modules]
        if len({place.parts[:1] for place in places}) > 1:
            collection.unplaced.append(
                f"{hand_in.owner.label}: graded as one student's, though {len(places)} folders in "
                f"it hold the assignment's file: give the folder itself if these are several "
                f"students'"
            )
    return collection


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
