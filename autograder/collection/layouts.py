"""Whose is each file? One function for each way in which course systems give submissions out.

- Gradescope: `submission_metadata.yml` beside folders `submission_<id>` (*Export Submissions*)
- Moodle: `<name>_<participant>_assignsubmission_file[_/]<file>` (*Download all submissions*)
- Blackboard: `<assignment>_<user>_attempt_<time>[_<file>]` (*Assignment File Download*)
- Canvas: `<name>_[LATE_]<user>_<attachment>_<file>` (*Download Submissions*)
- nbgrader: `<student>/<assignment>/<file>`, below `submitted/` or with `timestamp.txt`
- GitHub Classroom: folders `<assignment>-<user>`, as `gh classroom clone student-repos` makes them
- folders: one for each student; files: one for each student
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.collection.tree import CollectionError, Entry

_GRADED = {".py", ".ipynb", ".zip"}
_TIME = "%Y-%m-%d-%H-%M-%S"


@dataclass(frozen=True)
class Owner:
    """Who handed something in, as far as the course system says it; what it does not is empty."""

    key: str  # tells owners of one collection apart, and names their reports' files
    name: str = ""
    identifier: str = ""  # the system's own number for the person, or for the participant
    login: str = ""
    email: str = ""
    folder: str = ""  # by which the system takes feedback back

    @property
    def label(self) -> str:
        return self.name or self.login or self.email or self.key


@dataclass(frozen=True)
class HandIn:
    """What one owner handed in at one time: a file, or several that belong together."""

    owner: Owner
    files: tuple[Entry, ...]
    at: datetime | None = None
    attempt: str = ""  # sorts as time does
    late: bool = False
    assignment: str = ""  # what the system calls what it is for, where it says so


@dataclass
class Collection:
    layout: str
    hand_ins: list[HandIn] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)  # sentences: which file, and why

    def last(self) -> list[HandIn]:
        """The last one of each owner."""
        by_owner: dict[str, HandIn] = {}
        for hand_in in sorted(self.hand_ins, key=lambda h: h.attempt):
            by_owner[hand_in.owner.key] = hand_in
        return sorted(by_owner.values(), key=lambda h: h.owner.key)


def recognise(entries: Sequence[Entry], layout: str | None = None) -> Collection | None:
    """The submissions among the files, or None where they follow no layout that is known.

    Args:
        layout: one of `LAYOUTS`, where the reader knows better.

    Raises:
        CollectionError: they do not follow the layout that was named, or its metadata are damaged.
    """
    for name in LAYOUTS if layout is None else (layout,):
        found = LAYOUTS[name](entries)
        if found is not None:
            return found
    if layout is not None:
        raise CollectionError(f"The files do not follow the layout {layout}.")
    return None


_NOBODYS = "its name does not say whose it is"

_CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>late_)?(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)", re.IGNORECASE
)
_CANVAS_TEXT = re.compile(r"[^_]+_(late_)?\d+_(\d+_)?text\.html?", re.IGNORECASE)
# Canvas adds -1, -2 ... to the name of a file that is handed in again.
_AGAIN = re.compile(r"-\d+(?=\.[^.]+$)")


def _canvas(entries: Sequence[Entry]) -> Collection | None:
    flat = [entry for entry in entries if len(entry.path.parts) == 1]
    matches = {entry: match for entry in flat if (match := _CANVAS.fullmatch(entry.path.name))}
    typed = [entry for entry in flat if _CANVAS_TEXT.fullmatch(entry.path.name)]
    if not matches or not _most([*matches, *typed], flat) or len(flat) < len(entries) / 2:
        return None
    collection = Collection("canvas")
    files: dict[Owner, list[Entry]] = defaultdict(list)
    late = set()
    for entry in entries:
        match = matches.get(entry)
        if match is None:
            why = "a text typed into Canvas, not a file" if entry in typed else _NOBODYS
            collection.unplaced.append(f"{entry.path}: {why}")
            continue
        user, name = match["user"], match["name"]
        anonymous = name.lower() == "anon"
        owner = Owner(f"{name}_{user}", "" if anonymous else name, user)
        files[owner].append(_renamed(entry, _AGAIN.sub("", match["file"])))
        if match["late"]:
            late.add(owner)
    for owner, theirs in files.items():
        _add(collection, owner, theirs, late=owner in late)
    return collection


_MOODLE = re.compile(
    r"(?P<name>[^/]+?)_(?P<participant>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?"
    r"(?P<rest>.*)",
    re.DOTALL,
)


_MOODLE_BLIND = re.compile(r"(Participant|Teilnehmer.?in)( \d+)?")


def _moodle(entries: Sequence[Entry]) -> Collection | None:
    matches = {e: match for e in entries if (match := _MOODLE.fullmatch(str(e.path)))}
    if not _most(matches, entries):
        return None
    collection = Collection("moodle")
    files: dict[Owner, list[Entry]] = defaultdict(list)
    for entry in entries:
        match = matches.get(entry)
        if match is None:
            collection.unplaced.append(f"{entry.path}: its name does not say whose it is")
        elif match["kind"] == "onlinetext":
            collection.unplaced.append(f"{entry.path}: a text typed into Moodle, not a file")
        else:
            name, participant = match["name"], match["participant"]
            blind = _MOODLE_BLIND.fullmatch(name)
            owner = Owner(
                f"{name}_{participant}",
                "" if blind else name,
                participant,
                folder=f"{name}_{participant}_assignsubmission_file_",
            )
            files[owner].append(_renamed(entry, match["rest"].lstrip("/")))
    for owner, theirs in files.items():
        _add(collection, owner, theirs)
    return collection


_BLACKBOARD = re.compile(
    r"(?P<assignment>.+)_(?P<user>[^_]+)_attempt_"
    r"(?P<time>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>.+)|\.txt)"
)
_BLACKBOARD_NAME = re.compile(r"^Name:\s*(?P<name>.*?)\s*\((?P<user>[^()]*)\)\s*$", re.MULTILINE)


def _blackboard(entries: Sequence[Entry]) -> Collection | None:
    matches = {e: match for e in entries if (match := _BLACKBOARD.fullmatch(e.path.name))}
    if not _most(matches, entries):
        return None
    collection = Collection("blackboard")
    attempts: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    names = _blackboard_names(matches)
    for entry in entries:
        match = matches.get(entry)
        if match is None:
            collection.unplaced.append(f"{entry.path}: its name does not say whose it is")
        elif match["file"] is not None:
            # A login may hold what stands between the parts: the notes know them whole.
            before = f"_{match['assignment']}_{match['user']}"
            whole = [login for login in names if before.endswith(f"_{login}")]
            user = max(whole, key=len, default=match["user"])
            attempts[user, match["time"]].append(_renamed(entry, match["file"]))
    for (user, time), theirs in sorted(attempts.items()):
        owner = Owner(user, names.get(user, ""), login=user)
        _add(collection, owner, theirs, at=datetime.strptime(time, _TIME), attempt=time)
    return collection


def _blackboard_names(matches: Mapping[Entry, re.Match[str]]) -> dict[str, str]:
    """Names by login, from Blackboard's own notes beside the attempts."""
    names = {}
    for entry, match in matches.items():
        if match["file"] is None:
            note = _BLACKBOARD_NAME.search(entry.read()[:65536].decode("utf-8", "replace"))
            if note and entry.path.name.partition("_attempt_")[0].endswith(f"_{note['user']}"):
                names[note["user"]] = note["name"]
    return names


_GRADESCOPE = "submission_metadata.yml"


def _gradescope(entries: Sequence[Entry]) -> Collection | None:
    described = next((e for e in entries if str(e.path) == _GRADESCOPE), None)
    if described is None:
        return None
    folders = _folders(entries)
    collection = Collection("gradescope")
    for folder, about in _gradescope_metadata(described).items():
        people = about.get(":submitters") or about.get("submitters") or []
        if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
            raise CollectionError(f"{_GRADESCOPE} does not say who handed in {folder}.")
        theirs = folders.pop(folder, [])
        if not people:
            collection.unplaced.append(f"{folder}: {_GRADESCOPE} names nobody for it")
            continue
        when = about.get(":created_at") or about.get("created_at")
        for person in people:  # a team's work is each member's
            said = {str(key).lstrip(":"): str(value or "") for key, value in person.items()}
            owner = Owner(
                said.get("email") or said.get("sid") or said.get("name") or folder,
                said.get("name", ""),
                said.get("sid", ""),
                email=said.get("email", ""),
                folder=folder,
            )
            _add(collection, owner, theirs, at=_moment(when), attempt=str(when or ""))
    collection.unplaced += [f"{folder}: {_GRADESCOPE} does not mention it" for folder in folders]
    return collection


def _moment(text: object) -> datetime | None:
    """`2026-10-20 20:53:39.345 -07:00`"""
    try:
        return datetime.fromisoformat(re.sub(r" (?=[+-]\d|Z$)", "", str(text)))
    except ValueError:
        return None


def _gradescope_metadata(entry: Entry) -> Mapping[str, Mapping[str, Any]]:
    import yaml

    try:
        # All of it is text: `0042` is somebody's number, and no thirty-four.
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        said = yaml.load(entry.read(), Loader=loader)  # noqa: S506 - it makes texts, lists, dicts
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f" in line {line + 1}"
        raise CollectionError(f"{_GRADESCOPE} is no readable YAML{place}.") from None
    if not isinstance(said, dict) or not all(isinstance(about, dict) for about in said.values()):
        raise CollectionError(f"{_GRADESCOPE} does not list submissions.")
    return {str(folder): about for folder, about in said.items()}


_STAMP = "timestamp.txt"


def _nbgrader(entries: Sequence[Entry]) -> Collection | None:
    below = [
        (e, e.path.parts[1:] if e.path.parts[0] == "submitted" else e.path.parts) for e in entries
    ]
    stamped = any(e.path.name == _STAMP for e in entries)
    in_submitted = any(e.path.parts[0] == "submitted" for e in entries)
    if not (stamped or in_submitted) or not any(len(parts) >= 3 for _, parts in below):
        return None
    collection = Collection("nbgrader")
    files: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    times: dict[tuple[str, str], str] = {}
    for entry, parts in below:
        if len(parts) < 3:
            collection.unplaced.append(f"{entry.path}: not below <student>/<assignment>")
        elif parts[2:] == (_STAMP,):
            times[parts[:2]] = entry.read()[:200].decode("utf-8", "replace").strip()  # type: ignore[index]
        else:
            files[parts[0], parts[1]].append(_renamed(entry, "/".join(parts[2:])))
    for (student, assignment), theirs in files.items():
        time = times.get((student, assignment), "")
        at = _stamp(time)
        _add(
            collection,
            Owner(student, login=student),
            theirs,
            at=at,
            attempt=time,
            assignment=assignment,
        )
    return collection


def _stamp(text: str) -> datetime | None:
    """`2015-02-02 14:58:23.948203 America/Los_Angeles`; without a zone that is known, without."""
    day, _, rest = text.partition(" ")
    time, _, zone = rest.partition(" ")
    try:
        at = datetime.fromisoformat(f"{day} {time}")
    except ValueError:
        return None
    try:
        return at.replace(tzinfo=ZoneInfo(zone)) if zone else at
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return at


def cloned(entries: Sequence[Entry], within: str) -> Collection | None:
    """Repositories in the folder `<assignment>-submissions`, as GitHub Classroom's own command
    calls it: users may share a beginning of their own.

    Args:
        within: what the folder is called.
    """
    beginning = within.removesuffix("submissions")
    folders = _folders(entries)
    if beginning == within or not folders or not all(f.startswith(beginning) for f in folders):
        return None
    return _repositories(folders, beginning)


def _classroom(entries: Sequence[Entry]) -> Collection | None:
    """Repositories `<assignment>-<user>`, which share the part before the user's name."""
    folders = _folders(entries)
    if len(folders) < 2 or any(len(e.path.parts) == 1 and _graded(e) for e in entries):
        return None
    beginning = _common_beginning(list(folders))
    return _repositories(folders, beginning) if beginning else None


def _repositories(folders: Mapping[str, Sequence[Entry]], beginning: str) -> Collection:
    collection = Collection("github-classroom")
    for folder, theirs in folders.items():
        user = folder.removeprefix(beginning)
        _add(collection, Owner(user, login=user, folder=folder), theirs)
    return collection


def _common_beginning(names: Sequence[str]) -> str:
    """What all begin with, up to a hyphen; empty unless something is left of each."""
    first, last = min(names), max(names)
    length = next((i for i, c in enumerate(first) if c != last[i : i + 1]), len(first))
    beginning = first[: first.rfind("-", 0, length) + 1]
    return beginning if all(len(name) > len(beginning) for name in names) else ""


def _a_folder_each(entries: Sequence[Entry]) -> Collection | None:
    folders = _folders(entries)
    if not folders:
        return None
    collection = Collection("folders")
    for entry in entries:
        if len(entry.path.parts) == 1:
            collection.unplaced.append(f"{entry.path}: in no student's folder")
    for folder, theirs in folders.items():
        _add(collection, Owner(folder, folder.replace("_", " "), folder=folder), theirs)
    at_top = any(len(entry.path.parts) == 1 and _graded(entry) for entry in entries)
    return None if at_top and not collection.hand_ins else collection


def _files(entries: Sequence[Entry]) -> Collection | None:
    """A file for each student, called after its owner."""
    collection = Collection("files")
    for entry in entries:
        if len(entry.path.parts) == 1 and _graded(entry):
            _add(collection, Owner(entry.path.stem, folder=entry.path.stem), [entry])
        else:
            collection.unplaced.append(f"{entry.path}: no .py, .ipynb or .zip at the top")
    return collection if collection.hand_ins else None


LAYOUTS: Mapping[str, Callable[[Sequence[Entry]], Collection | None]] = {
    "gradescope": _gradescope,
    "moodle": _moodle,
    "blackboard": _blackboard,
    "canvas": _canvas,
    "nbgrader": _nbgrader,
    "github-classroom": _classroom,
    "folders": _a_folder_each,
    "files": _files,
}


def _add(
    collection: Collection,
    owner: Owner,
    files: Sequence[Entry],
    *,
    at: datetime | None = None,
    attempt: str = "",
    late: bool = False,
    assignment: str = "",
) -> None:
    if not any(map(_graded, files)):
        names = ", ".join(file.path.name for file in files[:3]) or "nothing"
        collection.unplaced.append(f"{owner.label}: no .py, .ipynb or .zip was handed in ({names})")
        return
    collection.hand_ins.append(HandIn(owner, tuple(files), at, attempt, late, assignment))


def _graded(entry: Entry) -> bool:
    return entry.path.suffix.lower() in _GRADED


def _most(matched: Iterable[object], of: Sequence[object]) -> bool:
    """Whether a layout explains nearly all names: some files are always added by hand."""
    count = len(list(matched))
    return count > 0 and count >= 0.8 * len(of)


def _renamed(entry: Entry, name: str) -> Entry:
    return Entry(PurePosixPath(name), entry.size, entry._read)


def _folders(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Files by the folder at the top that they are in, with their paths below it."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if len(entry.path.parts) > 1:
            found[entry.path.parts[0]].append(_renamed(entry, "/".join(entry.path.parts[1:])))
    return dict(found)


def duplicates(collection: Collection) -> list[str]:
    """Owners who have several hand-ins, and how many."""
    counts = Counter(hand_in.owner.label for hand_in in collection.hand_ins)
    return [f"{label}: {count} attempts" for label, count in sorted(counts.items()) if count > 1]
