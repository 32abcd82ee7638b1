"""Give a submitted notebook the cells and the metadata back that nbgrader counts on."""

from __future__ import annotations

from typing import Any

import nbformat
from nbgrader.api import Gradebook, Notebook, SourceCell
from nbgrader.preprocessors import NbGraderPreprocessor


class RestoreCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Every cell of nbgrader's is there once, with the gradebook's metadata.

    Of a submitted cell only kind, source and name are taken (see `SubmittedNotebookExporter`).
    Locked cells get their source back, of copies the last one counts, and what was deleted is put
    back behind the cell that it followed.
    """

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(place["notebook"], place["assignment"])
            nb.cells = _restore(nb.cells, notebook)
        return nb, resources


def _restore(submitted: list[Any], notebook: Notebook) -> list[Any]:
    sources = {cell.name: cell for cell in notebook.source_cells}
    marks = _marks(notebook)
    last = {_name(cell): at for at, cell in enumerate(submitted)}
    cells: list[Any] = []
    for at, cell in enumerate(submitted):
        name = _name(cell)
        cell.metadata.clear()
        if name in sources and last[name] == at:
            source = sources[name]
            text = source.source if source.locked else cell.source
            cell = _cell(source, text, marks[name])
        cells.append(cell)
    at = 0
    for name, source in sources.items():
        if name not in last:
            cells.insert(at, _cell(source, source.source, marks[name]))
        at = 1 + next(i for i, cell in enumerate(cells) if _name(cell) == name)
    for number, cell in enumerate(cells, 1):
        cell.id = f"cell-{number}"
    return cells


def _name(cell: Any) -> str:
    name: str = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    return name


def _marks(notebook: Notebook) -> dict[str, dict[str, Any]]:
    """Each cell's metadata after nbgrader's schema 3, from what the gradebook knows."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    marks = {}
    for cell in notebook.source_cells:
        worth = points.get(cell.name, tasks.get(cell.name))
        marks[cell.name] = {
            "schema_version": 3,
            "grade_id": cell.name,
            "grade": cell.name in points,
            "solution": cell.name in solutions,
            "task": cell.name in tasks,
            "locked": cell.locked,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
            **({} if worth is None else {"points": worth}),
        }
    return marks


def _cell(source: SourceCell, text: str, marks: dict[str, Any]) -> Any:
    make = nbformat.v4.new_code_cell
    if source.cell_type != "code":
        make = nbformat.v4.new_markdown_cell
    return make(text, metadata={"nbgrader": marks})
