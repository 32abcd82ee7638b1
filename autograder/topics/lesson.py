"""The lesson beside a topic: Markdown with experiments and places for the exercises.

`reference/losses.md` belongs to `reference/losses.py`, or to the folder `reference/losses/`. A
fenced block of `python` is an experiment that becomes a code cell; a line
`<!-- exercise: focal_loss -->` is where that exercise comes. What the lesson does not place comes
at its end, so a lesson may be short, or missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autograder.errors import AuthoringError
from autograder.topics.catalogue import Topic

_PLACE = re.compile(r"<!-- exercise: (\w+) -->")
_FENCE = re.compile(r"```(\w*)\s*")


@dataclass(frozen=True)
class Part:
    """`content` is Markdown, the code of an experiment, or the name of an exercise."""

    kind: Literal["text", "experiment", "exercise"]
    content: str


def lesson(topic: Topic) -> list[Part]:
    """The topic's lesson in order, every exercise in it once.

    Raises:
        AuthoringError: it places an exercise that there is not, or one twice, or leaves a block of
            code open.
    """
    path = topic.path.with_suffix(".md")
    parts = list(_parts(path.read_text("utf-8"), path.name)) if path.exists() else []
    if not parts:
        parts = [Part("text", f"# {topic.title}")]
    names = [exercise.name for exercise in topic.exercises if exercise.functions]
    placed = [part.content for part in parts if part.kind == "exercise"]
    for name in placed:
        if name not in names:
            raise AuthoringError(f"{path.name} places {name!r}, which is no exercise of the topic")
        if placed.count(name) > 1:
            raise AuthoringError(f"{path.name} places {name!r} more than once")
    return parts + [Part("exercise", name) for name in names if name not in placed]


def _parts(text: str, file: str) -> Iterator[Part]:
    prose: list[str] = []
    code: list[str] | None = None
    for line in text.splitlines():
        if code is not None:
            if line == "```":
                yield Part("experiment", "\n".join(code))
                code = None
            else:
                code.append(line)
            continue
        place, fence = _PLACE.fullmatch(line), _FENCE.fullmatch(line)
        if place is None and not (fence is not None and fence[1] == "python"):
            prose.append(line)
            continue
        yield from _text(prose)
        prose = []
        if place is not None:
            yield Part("exercise", place[1])
        else:
            code = []
    if code is not None:
        raise AuthoringError(f"{file}: a block of python is not closed")
    yield from _text(prose)


def _text(lines: list[str]) -> Iterator[Part]:
    content = "\n".join(lines).strip()
    if content:
        yield Part("text", content)
