"""A look at what is handed in, before it counts: which functions are there, found without running
anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from autograder.handin.errors import show
from autograder.handin.submission import Submission, parse
from autograder.sandbox.inside.loading.outline import Worth, binds_inside, binds_unseen, defined
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.inside.loading.which import preference

MAX_PROBLEMS = 10
MAX_NAMES = 6  # in one sentence


@dataclass(frozen=True)
class Definition:
    """Where a function is defined. `written`: it is no stub any more."""

    place: str  # "losses.py" or "cell 3"
    line: int
    written: bool


@dataclass(frozen=True)
class Look:
    """What was handed in, by name and digest, and what can be seen of it.

    `found` are the functions that it defines, of those that were asked for; `problems` is what is
    no Python, with place and line; `certain` says that it defines no more than can be seen.
    """

    filename: str
    digest: str
    found: Mapping[str, Definition]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certain: bool = True


def look(file: tuple[str, bytes], homes: Mapping[str, str] = MappingProxyType({})) -> Look:
    """Look at a file.

    Args:
        homes: functions, each with the topic that asks for it.

    Raises:
        SubmissionError: it cannot be read; the message is one sentence for the student.
    """
    return look_at(parse(*file), homes)


def look_at(submission: Submission, homes: Mapping[str, str]) -> Look:
    best: dict[str, tuple[tuple[object, ...], Definition]] = {}
    problems: list[str] = []
    certain = True
    alone = sum(source.notebook for source in submission.sources) < 2
    for source in submission.sources:
        for name, (worth, one) in _defined(source, alone, problems).items():
            certain = certain and name != "*"
            if name in homes:
                rank = worth, preference(source.where, source.modified, homes[name])
                if name not in best or rank > best[name][0]:
                    best[name] = rank, one
    found = {name: best[name][1] for name in homes if name in best}
    return Look(
        submission.filename,
        submission.digest,
        found,
        tuple(problems[:MAX_PROBLEMS]),
        submission.notes,
        certain,
    )


def _defined(
    source: Source, alone: bool, problems: list[str]
) -> dict[str, tuple[Worth, Definition]]:
    names: dict[str, tuple[Worth, Definition]] = {}
    for at, (text, (body, broken)) in enumerate(zip(source.chunks, source.statements, strict=True)):
        place = source.place(at, alone)
        problems += [f"{place}, line {b.line}: {b.exception}: {b.message}"[:300] for b in broken]
        inside = binds_inside(text)
        for one in chain.from_iterable(defined(statement, inside) for statement in body):
            if one.name not in names or one.worth >= names[one.name][0]:
                written = one.worth is not Worth.STUB
                names[one.name] = one.worth, Definition(place, one.line, written)
        if binds_unseen(text):
            names["*"] = Worth.OTHER, Definition(place, 0, True)
    return names


def refusal(seen: Look, title: str, asked: Mapping[str, str], homes: Mapping[str, str]) -> str:
    """Why this cannot be meant for an assignment, in one sentence; empty when it can.

    Args:
        title: what the assignment is called.
        asked: its functions, each with its topic.
        homes: the functions of every topic that could be meant instead.
    """
    if not asked or not seen.certain or any(name in seen.found for name in asked):
        return ""
    topics = Counter(homes[name] for name in seen.found if name in homes)
    why = ""
    if topics:
        why = f": it looks like the topic {topics.most_common(1)[0][0]}"
    elif seen.problems:
        why = f" that can be read: {seen.problems[0]}"
    first = next(iter(asked))
    return f"{show(seen.filename)} holds no function of {title}, such as {first}{why}."


def sentences(seen: Look, asked: Sequence[str]) -> list[str]:
    """What the student should know of it, in sentences.

    Args:
        asked: the functions of the assignment.
    """
    written = [name for name in asked if name in seen.found and seen.found[name].written]
    stubs = [name for name in asked if name in seen.found and not seen.found[name].written]
    missing = [name for name in asked if name not in seen.found]
    said = [f"{len(written)} of {len(asked)} functions are there."] if asked else []
    if stubs:
        said.append(f"Still to be written: {_listed(stubs)}.")
    if missing:
        said.append(f"Not found: {_listed(missing)}.")
    return [*said, *seen.problems, *seen.notes]


def complete(seen: Look, asked: Sequence[str]) -> bool:
    """Whether there is nothing to say but that all is there."""
    return len(sentences(seen, asked)) == bool(asked) and all(n in seen.found for n in asked)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
