"""A topic as a notebook: its lesson, its functions to write, the self-check after each exercise."""

from __future__ import annotations

from typing import Any

import nbformat

from autograder.exercise import Exercise
from autograder.handin.notebook import EXPERIMENT, SELF_CHECK
from autograder.handout.stubs import heads, imports, solution_cells, stub_cells
from autograder.topics.catalogue import Topic
from autograder.topics.lesson import lesson

_CHECK = f"""\
{SELF_CHECK} on the public cases; grading uses more of them, which stay hidden
from selfcheck.notebook import check

check("{{}}", globals())"""


def check_id(exercise: str) -> str:
    """The name of the cell that holds the exercise's points."""
    return f"check-{exercise}"


def student_workbook(topic: Topic) -> nbformat.NotebookNode:
    """The notebook to hand out: stubs, and no trace of a solution. It is the same every time."""
    return _workbook(topic, stub_cells(topic), nbgrader=False)


def source_workbook(topic: Topic) -> nbformat.NotebookNode:
    """The notebook for nbgrader's `source/`: solved between its marks, with its metadata."""
    order = [function.__name__ for exercise in _exercises(topic) for function in exercise.functions]
    rest = [name for name in heads(topic) if name not in order]
    return _workbook(topic, solution_cells(topic, dict.fromkeys(rest + order)), nbgrader=True)


def write_notebook(notebook: nbformat.NotebookNode) -> str:
    """The notebook as the text of its file."""
    text: str = nbformat.writes(notebook)
    return text + "\n"


def _exercises(topic: Topic) -> list[Exercise]:
    """Those that ask for functions, in the lesson's order."""
    by_name = {exercise.name: exercise for exercise in topic.exercises}
    return [by_name[part.content] for part in lesson(topic) if part.kind == "exercise"]


def _workbook(topic: Topic, functions: dict[str, str], *, nbgrader: bool) -> nbformat.NotebookNode:
    by_name = {exercise.name: exercise for exercise in topic.exercises}
    graded = {f.__name__ for exercise in topic.exercises for f in exercise.functions}
    builder = _Builder(nbgrader)
    opening, *parts = lesson(topic)
    if opening.kind != "text":
        parts.insert(0, opening)
    else:
        builder.text(opening.content)
    builder.code("setup", imports(topic))
    for name in functions:
        if name not in graded:
            builder.function(name, functions[name])
    for part in parts:
        if part.kind == "text":
            builder.text(part.content)
        elif part.kind == "experiment":
            builder.experiment(part.content)
        else:
            exercise = by_name[part.content]
            for function in exercise.functions:
                builder.function(function.__name__, functions[function.__name__])
            builder.check(exercise)
    return builder.notebook()


class _Builder:
    """Cells with names that stay, so that the same topic gives the same bytes."""

    def __init__(self, nbgrader: bool) -> None:
        self._nbgrader = nbgrader
        self._cells: list[Any] = []
        self._names: set[str] = set()

    def text(self, content: str) -> None:
        cell = nbformat.v4.new_markdown_cell(content, id=self._next("text"))
        self._cells.append(cell)

    def code(self, name: str, content: str, **marks: Any) -> None:
        cell = nbformat.v4.new_code_cell(content, id=name)
        if self._nbgrader and marks:
            cell.metadata["nbgrader"] = {
                "schema_version": 3,
                "grade_id": name,
                "grade": False,
                "solution": False,
                "locked": False,
                "task": False,
                **marks,
            }
        self._cells.append(cell)
        self._names.add(name)

    def experiment(self, content: str) -> None:
        given = f"{EXPERIMENT}: change it and look; this cell is not graded\n{content}"
        self.code(self._next("experiment"), given)

    def function(self, name: str, content: str) -> None:
        if name not in self._names:  # two exercises may share a function
            self.code(name, content, solution=True)

    def check(self, exercise: Exercise) -> None:
        self.code(
            check_id(exercise.name),
            _CHECK.format(exercise.name),
            grade=True,
            locked=True,
            points=exercise.max_score,
        )

    def notebook(self) -> nbformat.NotebookNode:
        return nbformat.v4.new_notebook(
            cells=self._cells,
            metadata={
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
        )

    def _next(self, kind: str) -> str:
        name = f"{kind}-{sum(name.startswith(kind) for name in self._names) + 1}"
        self._names.add(name)
        return name
