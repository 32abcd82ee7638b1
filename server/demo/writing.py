"""What a generated student hands in: a topic's functions, each of them right, wrong in a known way
or not written yet."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from collections.abc import Mapping
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import TypeAlias

from autograder.exercise import Exercise, Misconception
from autograder.handout.stubs import stub_cells
from autograder.topics.catalogue import DEFAULT, Topic

_CORPUS = DEFAULT.parent / "tests" / "corpus" / "correct"
_BETWEEN = "\n\n\n"  # functions


class Way(Enum):
    UNWRITTEN = auto()
    RIGHT = auto()  # as the reference has it


# How an exercise is solved: not, as the reference, as another right file, or wrong.
Solved: TypeAlias = Way | Path | Misconception


def alternatives(topic: Topic, exercise: Exercise) -> list[Path]:
    """Other right solutions of the exercise, whose helpers are not called as the topic's are."""
    taken = _defined(topic.solution()) - _functions(exercise)
    paths = sorted((_CORPUS / topic.name).glob(f"{exercise.name}--*.py"))
    return [path for path in paths if not _defined(path.read_text("utf-8")) & taken]


def written(topic: Topic, solved: Mapping[str, Solved]) -> str:
    """The file of a student who has solved each exercise, by its name, in this way."""
    source = topic.solution(*(way for way in solved.values() if isinstance(way, Misconception)))
    cells = stub_cells(topic)
    for exercise in topic.exercises:
        way, (first, *others) = solved[exercise.name], [f.__name__ for f in exercise.functions]
        if way is Way.UNWRITTEN:
            source = _replaced(source, {name: cells[name] for name in (first, *others)})
        elif isinstance(way, Path):
            text = way.read_text("utf-8").strip()
            source = _replaced(source, {first: text, **dict.fromkeys(others, "")})
    return f"# Handed in by a generated student of the demo course.\n{source}"


def clashing(one: Path, other: Path) -> bool:
    """Whether two alternatives have helpers of the same name, so that one file cannot hold both."""
    return bool(_defined(one.read_text("utf-8")) & _defined(other.read_text("utf-8")))


def as_zip(modules: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in modules.items():
            # A fixed time, so that the same sources are the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}.py", (2026, 1, 1, 0, 0, 0)), source)
    return buffer.getvalue()


def as_notebook(*cells: str) -> bytes:
    document = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            }
            for cell in cells
        ],
    }
    return json.dumps(document).encode()


def in_cells(source: str) -> bytes:
    """A notebook with a cell for each function of the source."""
    return as_notebook(*(cell for cell in source.split(_BETWEEN) if cell.strip()))


def _replaced(source: str, functions: Mapping[str, str]) -> str:
    """The source with other text where these functions stand."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            lines[node.lineno - 1 : node.end_lineno] = functions[node.name].splitlines()
    return "\n".join(lines) + "\n"


def _functions(exercise: Exercise) -> set[str]:
    return {function.__name__ for function in exercise.functions}


@cache
def _defined(source: str) -> frozenset[str]:
    """The names that a module gives to functions, classes and values of its own."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return frozenset(names)
