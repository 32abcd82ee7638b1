"""Read a submitted notebook so that nothing in it can stop nbgrader or reach a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from autograder.handin.notebook import Cell
from autograder.handin.submission import MAX_BYTES, SubmissionError
from autograder.reading import reader


class SubmittedNotebookExporter(NotebookExporter):  # type: ignore[misc]
    """Keeps of each cell whether it is code, its source and its name; what is no notebook has no
    cells."""

    def from_file(
        self, file_stream: Any, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Read the file again, as bytes, because it need not be text."""
        path = Path(file_stream.name)
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            cells: tuple[Cell, ...] = reader().run("cells", (path.name, content))
        except SubmissionError:
            cells = ()
        notebook = nbformat.v4.new_notebook(cells=[_clean(at, c) for at, c in enumerate(cells)])
        result: tuple[str, dict[str, Any]] = self.from_notebook_node(notebook, resources, **options)
        return result


def _clean(at: int, cell: Cell) -> Any:
    # A raw cell would reach nbgrader's pages as it is.
    make = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
    node = make(cell.source, id=f"cell-{at + 1}")
    if cell.grade_id:
        node.metadata["nbgrader"] = {"grade_id": cell.grade_id}
    return node
