"""Grade a submitted notebook in Gradmark's sandbox and put the scores into nbgrader's gradebook."""

from __future__ import annotations

import atexit
import io
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from rich.console import Console
from traitlets import Unicode

from autograder.grading.grader import Grader
from autograder.handin.submission import MAX_BYTES, SubmissionError
from autograder.handout.workbook import check_id
from autograder.reading import reader
from autograder.render.text import WIDTH, render_exercise
from autograder.report import Report, instructor_view, student_view
from autograder.secret import own_cache, read_secret
from autograder.topics.catalogue import Catalogue


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]
    """Grades the file as it was submitted, and shows each exercise's result below its check cell.

    What it shows is the student's view, because feedback is made of it. The instructor's view goes
    to a file of its own, which nbgrader does not hand out.
    """

    secret_file = Unicode("", help="The course's secret; by default that of `gradmark grade`.").tag(
        config=True
    )
    reference = Unicode("", help="A folder of topics; by default Gradmark's own.").tag(config=True)
    device = Unicode("cpu", help="A torch device.").tag(config=True)
    reports = Unicode("reports", help="Where full reports go, in the course directory.").tag(
        config=True
    )

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        place = resources["nbgrader"]
        catalogue, grader = _warm(self.reference, self.secret_file, self.device)
        if place["notebook"] not in catalogue.assignments:
            self.log.warning("Gradmark has no exercises for the notebook %s", place["notebook"])
            return nb, resources
        course = self.parent.parent.coursedir
        folder = course.format_path(
            course.submitted_directory, place["student"], place["assignment"]
        )
        file = Path(folder) / f"{place['notebook']}.ipynb"
        report_file = report_path(Path(course.root) / self.reports, **_who(place))
        report_file.unlink(missing_ok=True)
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        try:
            submission = reader().read(file.name, content)
        except SubmissionError as error:
            resources["gradmark"] = {"refused": str(error)}
            return nb, resources
        report = grader.grade(place["notebook"], submission)
        report_file.parent.mkdir(parents=True, exist_ok=True)
        report_file.write_text(json.dumps(instructor_view(report)), "utf-8")
        resources["gradmark"] = {"scores": _scores(report)}
        _show(nb, student_view(report))
        return nb, resources


class SaveScores(SaveAutoGrades):  # type: ignore[misc]
    """Saves Gradmark's scores; what only people can judge is left to them.

    A file that could not be read has zero points and a comment with the reason, and is marked for
    a person to look at.
    """

    def _add_score(self, cell: nbformat.NotebookNode, resources: Any) -> None:
        if cell.cell_type != "code" or utils.is_solution(cell):
            super()._add_score(cell, resources)
            return
        name = cell.metadata["nbgrader"]["grade_id"]
        found = resources.get("gradmark", {})
        grade = self.gradebook.find_grade(
            name, self.notebook_id, self.assignment_id, self.student_id
        )
        score, most = found.get("scores", {}).get(name, (None, 1.0))
        if "refused" in found:
            score = 0.0
        # The instructor may have given the cell other points than the exercise has.
        grade.auto_score = None if score is None else score * (grade.max_score / most)
        grade.needs_manual_grade = (
            grade.manual_score is not None or score is None or "refused" in found
        )
        self.gradebook.db.commit()

    def _add_comment(self, cell: nbformat.NotebookNode, resources: Any) -> None:
        super()._add_comment(cell, resources)
        refused = resources.get("gradmark", {}).get("refused")
        if refused:
            comment = self.gradebook.find_comment(
                cell.metadata["nbgrader"]["grade_id"],
                self.notebook_id,
                self.assignment_id,
                self.student_id,
            )
            comment.auto_comment = refused
            self.gradebook.db.commit()


def report_path(reports: Path, student: str, assignment: str, notebook: str) -> Path:
    """Where the full report of a submitted notebook stands."""
    return reports / student / assignment / f"{notebook}.json"


def _who(place: dict[str, str]) -> dict[str, str]:
    return {key: place[key] for key in ("student", "assignment", "notebook")}


@cache
def _warm(reference: str, secret_file: str, device: str) -> tuple[Catalogue, Grader]:
    """One grader for all notebooks of this process: starting it costs seconds."""
    catalogue = Catalogue.load(Path(reference) if reference else None)
    secret = secret_file or os.environ.get("GRADMARK_SECRET_FILE", "")
    read = read_secret(Path(secret) if secret else None)
    grader = Grader(catalogue, read, device, cache=own_cache())
    atexit.register(grader.close)
    return catalogue, grader


def _scores(report: Report) -> dict[str, tuple[float, float]]:
    """By check cell, what was earned and of how much."""
    return {
        check_id(exercise["name"]): (exercise["score"], exercise["max_score"])
        for exercise in report["exercises"]
    }


def _show(nb: nbformat.NotebookNode, view: Report) -> None:
    exercises = {check_id(exercise["name"]): exercise for exercise in view["exercises"]}
    notes = list(view["notes"])
    for cell in nb.cells:
        exercise = exercises.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if exercise is None or cell.cell_type != "code":
            continue
        text = io.StringIO()
        console = Console(file=text, width=WIDTH, force_terminal=True, color_system="standard")
        for note in notes:
            console.print(note, style="yellow", markup=False, highlight=False)
        notes = []  # once is enough
        render_exercise(exercise, console)
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text.getvalue())]
