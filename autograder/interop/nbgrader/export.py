"""`nbgrader export`: what each check found, one row per check, as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from autograder.handout.workbook import check_id
from autograder.interop.nbgrader.grade import report_path

COLUMNS = (
    "assignment",
    "notebook",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "timestamp",
    "exercise",
    "score",  # in the gradebook, so with what a person changed
    "max_score",
    "check",
    "check_score",
    "check_max_score",
    "passed",
    "diagnosis",
)


class DetailedExport(ExportPlugin):  # type: ignore[misc]
    """Gradmark's detailed scores, quoted as CSV asks for, in `gradmark.csv` unless `--to` says."""

    reports = Unicode("reports", help="Where `nbgrader autograde` left the full reports.").tag(
        config=True
    )

    def export(self, gradebook: Gradebook) -> None:
        students = {str(student) for student in self.student}
        assignments = {str(assignment) for assignment in self.assignment}
        destination = self.to or "gradmark.csv"
        self.log.info("Exporting Gradmark's scores to %s", destination)
        with open(destination, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for assignment in gradebook.assignments:
                if assignments and assignment.name not in assignments:
                    continue
                for submission in sorted(assignment.submissions, key=lambda s: str(s.student.id)):
                    if not students or submission.student.id in students:
                        writer.writerows(self._rows(submission))

    def _rows(self, submission: SubmittedAssignment) -> Iterator[dict[str, Any]]:
        student, assignment = submission.student, submission.assignment
        reports = Path(self.parent.coursedir.root) / self.reports
        for notebook in submission.notebooks:
            path = report_path(reports, student.id, assignment.name, notebook.name)
            report = json.loads(path.read_text("utf-8")) if path.exists() else {"exercises": []}
            exercises = {check_id(e["name"]): e for e in report["exercises"]}
            for grade in sorted(notebook.grades, key=lambda grade: grade.name):
                exercise = exercises.get(grade.name)
                row = {
                    "assignment": assignment.name,
                    "notebook": notebook.name,
                    "student_id": student.id,
                    "last_name": student.last_name,
                    "first_name": student.first_name,
                    "email": student.email,
                    "timestamp": submission.timestamp,
                    "exercise": exercise["name"]
                    if exercise
                    else grade.name.removeprefix(check_id("")),
                    "score": grade.score,
                    "max_score": grade.max_score,
                }
                if exercise is None:
                    yield row
                    continue
                row["diagnosis"] = "; ".join(found["name"] for found in exercise["diagnosis"])
                for check in exercise["checks"]:
                    yield row | {
                        "check": check["name"],
                        "check_score": check["score"],
                        "check_max_score": check["max_score"],
                        "passed": check["passed"],
                    }
