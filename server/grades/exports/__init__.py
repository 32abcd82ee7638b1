"""A course's grades for other systems: CSV, JSON, Canvas, Moodle."""

from autograder.spreadsheet import EXCEL, EXCEL_WITH_COMMAS, LMS
from server.grades.exports.canvas import canvas_csv
from server.grades.exports.gradebook import Gradebook, Line, gradebook
from server.grades.exports.matching import Matched, UploadError
from server.grades.exports.moodle import moodle_csv
from server.grades.exports.plain import grades_csv, grades_json
from server.grades.exports.record import Format, record

__all__ = [
    "EXCEL",
    "EXCEL_WITH_COMMAS",
    "LMS",
    "Format",
    "Gradebook",
    "Line",
    "Matched",
    "UploadError",
    "canvas_csv",
    "gradebook",
    "grades_csv",
    "grades_json",
    "moodle_csv",
    "record",
]
