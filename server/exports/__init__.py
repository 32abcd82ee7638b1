"""A course's grades for other systems: CSV, JSON, Canvas, Moodle."""

from server.exports.canvas import canvas_csv
from server.exports.gradebook import Gradebook, Line, gradebook
from server.exports.matching import Matched, UploadError
from server.exports.moodle import moodle_csv
from server.exports.plain import grades_csv, grades_json
from server.exports.record import Format, record

__all__ = [
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
