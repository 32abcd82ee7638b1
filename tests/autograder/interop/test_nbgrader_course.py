"""nbgrader's own commands on a course that `gradmark nbgrader init` wrote, with 20 students."""

import copy
import csv
import json
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.handin.submission import SubmissionError, parse
from autograder.handout.workbook import check_id
from autograder.topics.catalogue import Catalogue
from tests.conftest import SECRET
from tests.warm import Warm, warm

# To import it takes seconds, of which the many who collect this test need nothing.
missing = find_spec("nbgrader") is None
pytestmark = [pytest.mark.slow, pytest.mark.skipif(missing, reason="nbgrader is not installed")]

ROOT = Path(__file__).parents[3]
TOPIC = "losses"
STUDENTS = 20
ATTACK = "<script>alert('mine')</script>"


def cell(notebook: dict, name: str) -> dict:
    cells = (c for c in notebook["cells"] if "nbgrader" in c["metadata"])
    return next(c for c in cells if c["metadata"]["nbgrader"]["grade_id"] == name)


def code(source: str) -> dict:
    return {"cell_type": "code", "id": f"new-{len(source)}", "metadata": {}, "source": source}


class Students:
    """Notebooks as students might hand them in, made from the released one and the solution."""

    def __init__(self, topic, released: dict, source: dict) -> None:
        self.topic = topic
        self.exercise = topic.exercises[0]
        self.forward = self.exercise.functions[0].__name__
        self.check = check_id(self.exercise.name)
        self.stub = released
        self.solved = copy.deepcopy(released)
        for mine in self.solved["cells"]:
            marks = mine["metadata"].get("nbgrader", {})
            if marks.get("solution"):
                mine["source"] = cell(source, marks["grade_id"])["source"]

    def all(self) -> dict[str, bytes]:
        changes = {
            "correct": lambda nb: None,
            "noise-on-stderr": self.noise,
            "claims-points": self.claim,
            "solution-twice": self.twice,
            "test-twice": lambda nb: nb["cells"].append(cell(nb, self.check)),
            "test-deleted": lambda nb: nb["cells"].remove(cell(nb, self.check)),
            "solution-deleted": lambda nb: nb["cells"].remove(cell(nb, self.forward)),
            "solution-is-text": self.turn_into_text,
            "no-metadata": lambda nb: [c.update(metadata={}) for c in nb["cells"]],
            "absurd-metadata": self.absurd,
            "syntax-error": lambda nb: nb["cells"].insert(1, code("def broken(:\n")),
            "leaves": lambda nb: nb["cells"].append(code("import os\nos._exit(0)")),
            "scripts": self.scripts,
            "redefines": lambda nb: nb["cells"].append(code(f"def {self.forward}(*a): return 0")),
            "no-cells": lambda nb: nb["cells"].clear(),
        }
        students = {"stub": self.stub}
        for name, change in changes.items():
            students[name] = copy.deepcopy(self.solved)
            change(students[name])
        handed_in = {name: json.dumps(nb).encode() for name, nb in students.items()}
        handed_in["no-json"] = b'{"cells": [,'
        bugs = (bug for exercise in self.topic.exercises for bug in exercise.misconceptions)
        for bug in bugs:
            if len(handed_in) == STUDENTS:
                break
            handed_in[bug.name] = json.dumps(self.with_bug(bug)).encode()
        return handed_in

    def with_bug(self, bug) -> dict:
        notebook = copy.deepcopy(self.solved)
        for mine in notebook["cells"]:
            if f"def {bug.function.__name__}(" in mine["source"]:
                mine["source"] = mine["source"].replace(bug.old, bug.new)
        return notebook

    def noise(self, nb: dict) -> None:
        nb["cells"].insert(1, code("import sys, warnings\nwarnings.warn('w')"))
        mine = cell(nb, self.forward)
        mine["source"] += "\n\nprint('noise', file=sys.stderr)"

    def claim(self, nb: dict) -> None:
        """A stub, whose test cell gives numbers that nbgrader itself took for full marks."""
        nb["cells"] = copy.deepcopy(self.stub["cells"])
        mine = cell(nb, self.check)
        mine["source"] = "import numpy as np\nnp.float64('nan')"
        mine["metadata"]["nbgrader"]["points"] = 1000
        result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
        for text in ("np.float64(1.5)", "-1", "nan"):
            mine["outputs"].append({**result, "data": {"text/plain": text}})

    def twice(self, nb: dict) -> None:
        """A wrong first try with the same name stands before the right one."""
        at = nb["cells"].index(cell(nb, self.forward))
        nb["cells"].insert(at, copy.deepcopy(cell(self.stub, self.forward)))

    def turn_into_text(self, nb: dict) -> None:
        mine = cell(nb, self.forward)
        mine["cell_type"] = "markdown"
        del mine["outputs"], mine["execution_count"]

    def absurd(self, nb: dict) -> None:
        marks = cell(nb, self.check)["metadata"]["nbgrader"]
        marks.update(schema_version=99, points="many", checksum=None, locked="no")
        cell(nb, self.forward)["metadata"]["nbgrader"]["grade"] = True
        nb["metadata"] = "none"

    def scripts(self, nb: dict) -> None:
        html = {"output_type": "display_data", "metadata": {}, "data": {"text/html": ATTACK}}
        cell(nb, self.check)["outputs"].append(html)
        raw = {"cell_type": "raw", "id": "raw", "metadata": {}, "source": ATTACK}
        nb["cells"].append(raw)
        nb["cells"].append(
            {
                "cell_type": "markdown",
                "id": "text",
                "metadata": {},
                "source": f"# Mine $a<b$\n\n{ATTACK} <img src=x onerror=alert(1)>"
                " <svg onload=alert(2)> [go](java&#115;cript:alert(3)) ![a](attachment:a.svg)"
                " <a href=data:a>b</a>",
                "attachments": {"a.svg": {"image/svg+xml": ATTACK}},
            }
        )


class Course:
    def __init__(self, nbgrader: Warm, folder: Path, secret: Path, topic: str = TOPIC) -> None:
        self._nbgrader = nbgrader
        self.folder = folder
        self.topic = topic
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "GRADMARK_SECRET_FILE": str(secret),
            # nbgrader calls alembic by its name
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder.parent),
            "JUPYTER_CONFIG_DIR": str(folder.parent / "jupyter"),
            "IPYTHONDIR": str(folder.parent / "ipython"),
        }

    def nbgrader(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["-m", "nbgrader", *arguments]
        done = self._nbgrader.run(command, cwd or self.folder, self._environment)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def generate(self) -> list[dict]:
        """What students get, and what it is made from."""
        self.nbgrader("generate_assignment", self.topic)
        notebooks = [
            json.loads((self.folder / kind / self.topic / f"{self.topic}.ipynb").read_text())
            for kind in ("release", "source")
        ]
        for notebook in notebooks:  # a cell's source as one string
            for each in notebook["cells"]:
                each["source"] = "".join(each["source"])
        return notebooks

    def grade(self, handed_in: dict[str, bytes]) -> None:
        for student, content in handed_in.items():
            place = self.folder / "submitted" / student / self.topic
            place.mkdir(parents=True)
            (place / f"{self.topic}.ipynb").write_bytes(content)
        self.nbgrader("autograde", self.topic)

    def gradebook(self):
        from nbgrader.api import Gradebook

        return Gradebook(f"sqlite:///{self.folder}/gradebook.db")

    def scores(self, student: str) -> dict[str, float]:
        with self.gradebook() as gradebook:
            notebook = gradebook.find_submission_notebook(self.topic, self.topic, student)
            return {grade.name: grade.auto_score for grade in notebook.grades}


@pytest.fixture(scope="module")
def handed_in() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def nbgrader() -> Iterator[Warm]:
    with warm("nbgrader.apps", "torch") as nbgrader:
        yield nbgrader


@pytest.fixture(scope="module")
def course(nbgrader, tmp_path_factory, catalogue, handed_in) -> Course:
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    secret = folder.parent / "secret"
    secret.write_bytes(SECRET)
    made = CliRunner().invoke(main, ["nbgrader", "init", str(folder), "--assignments", TOPIC])
    assert made.exit_code == 0, made.output
    course = Course(nbgrader, folder, secret)
    released, source = course.generate()
    handed_in.update(Students(catalogue[TOPIC].topics[0], released, source).all())
    assert len(handed_in) == STUDENTS
    course.grade(handed_in)
    return course


def test_the_released_notebook_has_valid_metadata_and_no_solution(course, catalogue):
    from nbgrader.nbgraderformat import MetadataValidator

    path = course.folder / "release" / TOPIC / f"{TOPIC}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    text = path.read_text()
    assert "SOLUTION" not in text
    topic = catalogue[TOPIC].topics[0]
    for exercise in topic.exercises:
        for bug in exercise.misconceptions:
            assert json.dumps(bug.old)[1:-1] not in text
    with course.gradebook() as gradebook:
        assert gradebook.find_assignment(TOPIC).max_score == catalogue[TOPIC].max_score


def test_the_gradebook_holds_the_scores_of_gradmark_grade(course, handed_in, grader):
    full, partial = 0, 0
    for student, content in handed_in.items():
        try:
            report = grader.grade(TOPIC, parse(f"{TOPIC}.ipynb", content))
        except SubmissionError:
            assert set(course.scores(student).values()) == {0.0}
            continue
        expected = {check_id(e["name"]): e["score"] for e in report["exercises"]}
        assert course.scores(student) == expected, student
        full += report["score"] == report["max_score"]
        partial += 0 < report["score"] < report["max_score"]
    assert full >= 8
    assert partial >= 3


@pytest.mark.parametrize(
    "student",
    ["noise-on-stderr", "solution-twice", "test-deleted", "redefines", "solution-is-text"],
)
def test_what_is_right_keeps_full_marks(course, student):
    assert course.scores(student) == course.scores("correct")
    assert all(score > 0 for score in course.scores(student).values())


@pytest.mark.parametrize("student", ["claims-points", "stub", "no-cells", "no-json"])
def test_what_claims_points_without_a_solution_has_none(course, student):
    assert set(course.scores(student).values()) == {0.0}


def test_a_file_that_cannot_be_read_is_left_to_a_person_with_the_reason(course):
    with course.gradebook() as gradebook:
        notebook = gradebook.find_submission_notebook(TOPIC, TOPIC, "no-json")
        assert all(grade.needs_manual_grade for grade in notebook.grades)
        assert all("is not a readable notebook" in c.auto_comment for c in notebook.comments)
        stub = gradebook.find_submission_notebook(TOPIC, TOPIC, "stub")
        assert {c.auto_comment for c in stub.comments} == {"No response."}


def test_feedback_shows_no_hidden_check_and_no_script(course, catalogue, handed_in):
    course.nbgrader("generate_feedback", TOPIC)
    topic = catalogue[TOPIC].topics[0]
    hidden = [
        case.name
        for exercise in topic.exercises
        for check in exercise.checks
        for case in check.cases
        if not case.public
    ]
    for student in handed_in:
        page = (course.folder / "feedback" / student / TOPIC / f"{TOPIC}.html").read_text()
        assert ATTACK not in page
        assert not re.search(r"<[^>]*(on\w+=alert|javascript:|data:a)", page)
        assert "<svg onload" not in page
        assert "<img src=x" not in page
        for name in hidden:
            assert f"case '{name}'" not in page
            assert f"case &#39;{name}&#39;" not in page
    page = (course.folder / "feedback" / "scripts" / TOPIC / f"{TOPIC}.html").read_text()
    assert "<h1>Mine" in page
    page = (course.folder / "feedback" / "stub" / TOPIC / f"{TOPIC}.html").read_text()
    assert "not implemented yet" in page
    beside = (course.folder / "feedback").rglob("*.json")
    assert {path.parent.name for path in beside} == {"selfcheck"}  # public cases, no reports


def test_a_persons_score_and_comment_survive_a_regrade(course):
    exercise = course.scores("stub")
    name = next(iter(exercise))
    with course.gradebook() as gradebook:
        gradebook.find_grade(name, TOPIC, TOPIC, "stub").manual_score = 1.25
        comment = gradebook.find_submission_notebook(TOPIC, TOPIC, "stub").comments[0]
        comment.manual_comment = "I saw your draft."
        gradebook.db.commit()
    course.nbgrader("autograde", TOPIC, "--student", "stub", "--force")
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade(name, TOPIC, TOPIC, "stub")
        assert (grade.auto_score, grade.score, grade.needs_manual_grade) == (0.0, 1.25, True)
        notebook = gradebook.find_submission_notebook(TOPIC, TOPIC, "stub")
        assert "I saw your draft." in [comment.comment for comment in notebook.comments]


def test_the_export_quotes_and_agrees_with_the_gradebook(course, catalogue):
    with course.gradebook() as gradebook:
        gradebook.update_or_create_student("correct", last_name='Doe, "J."', first_name="a\nb")
    course.nbgrader(
        "export", "--exporter=autograder.interop.nbgrader.export.DetailedExport", "--to=out.csv"
    )
    with (course.folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    mine = [row for row in rows if row["student_id"] == "correct"]
    assert {(row["last_name"], row["first_name"]) for row in mine} == {('Doe, "J."', "a\nb")}
    assert sum(float(row["check_score"]) for row in mine) == catalogue[TOPIC].max_score
    assert {row["exercise"] for row in rows} == {e.name for _, e in catalogue[TOPIC].exercises}
    bugs = {bug.name for _, e in catalogue[TOPIC].exercises for bug in e.misconceptions}
    found = {row["student_id"]: row["diagnosis"] for row in rows if row["diagnosis"]}
    assert any(student in found[student].split("; ") for student in bugs & found.keys())


def test_validate_tells_a_student_what_is_missing_and_when_it_is_right(course):
    released = course.folder / "release" / TOPIC
    wrong = course.nbgrader("validate", f"{TOPIC}.ipynb", cwd=released)
    assert "VALIDATION FAILED" in wrong
    assert "not implemented yet" in wrong
    assert "Traceback" not in wrong
    right = course.nbgrader("validate", f"{TOPIC}.ipynb", cwd=course.folder / "source" / TOPIC)
    assert "Success! Your notebook passes all the tests." in right


def test_a_notebook_that_is_there_is_not_overwritten(course):
    again = CliRunner().invoke(main, ["nbgrader", "init", str(course.folder)])
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_an_unknown_assignment_is_one_sentence(tmp_path):
    result = CliRunner().invoke(main, ["nbgrader", "init", str(tmp_path), "--assignments", "no"])
    assert result.exit_code == 2
    assert "there is no assignment 'no'" in result.output


def test_classes_are_handed_out_and_graded_as_functions_are(nbgrader, tmp_path):
    topic = "layer_objects"
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    more = ["--reference", str(ROOT / "reference" / "_more"), "--assignments", topic]
    made = CliRunner().invoke(main, ["nbgrader", "init", str(tmp_path / "course"), *more])
    assert made.exit_code == 0, made.output
    course = Course(nbgrader, tmp_path / "course", secret, topic)
    released, source = course.generate()
    (chosen,) = Catalogue.load(ROOT / "reference" / "_more")[topic].topics
    bug = chosen.exercises[0].misconceptions[0]
    assert bug.new not in json.dumps(released)
    solved = Students(chosen, released, source).solved
    wrong = json.loads(
        json.dumps(solved).replace(json.dumps(bug.old)[1:-1], json.dumps(bug.new)[1:-1])
    )
    assert wrong != solved
    papers = {"right": solved, "wrong": wrong, "stub": released}
    course.grade({student: json.dumps(paper).encode() for student, paper in papers.items()})
    full = {check_id(e.name): e.max_score for e in chosen.exercises}
    assert course.scores("right") == full
    assert set(course.scores("stub").values()) == {0.0}
    lost = course.scores("wrong")
    assert 0 < sum(lost.values()) < sum(full.values())
    course.nbgrader("generate_feedback", topic)
    page = (course.folder / "feedback" / "wrong" / topic / f"{topic}.html").read_text()
    assert bug.name in page


def test_manually_graded_cells_keep_their_scores_beside_ours(nbgrader, tmp_path, catalogue):
    folder, secret = tmp_path / "course", tmp_path / "secret"
    secret.write_bytes(SECRET)
    made = CliRunner().invoke(main, ["nbgrader", "init", str(folder), "--assignments", TOPIC])
    assert made.exit_code == 0, made.output
    path = folder / "source" / TOPIC / f"{TOPIC}.ipynb"
    source = nbformat.read(path, as_version=4)
    written = nbformat.v4.new_markdown_cell("Because of $x$.")
    written.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": "why",
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "points": 4,
        "cell_type": "markdown",
    }
    source.cells.append(written)
    nbformat.write(source, path)
    course = Course(nbgrader, folder, secret)
    released, solution = course.generate()
    students = Students(catalogue[TOPIC].topics[0], released, solution)
    cell(students.solved, "why")["source"] = "I think so, since $\\log$ overflows."
    course.grade({"somebody": json.dumps(students.solved).encode()})
    with course.gradebook() as gradebook:
        mine = gradebook.find_grade("why", TOPIC, TOPIC, "somebody")
        assert (mine.auto_score, mine.needs_manual_grade) == (None, True)
        mine.manual_score = 2.5
        gradebook.db.commit()
    course.nbgrader("autograde", TOPIC, "--force")
    course.nbgrader(
        "export", "--exporter=autograder.interop.nbgrader.export.DetailedExport", "--to=out.csv"
    )
    with course.gradebook() as gradebook:
        assert gradebook.find_grade("why", TOPIC, TOPIC, "somebody").score == 2.5
        together = gradebook.find_submission(TOPIC, "somebody").score
        assert together == catalogue[TOPIC].max_score + 2.5
    with (folder / "out.csv").open(newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["exercise"] == "why"]
    assert (float(row["score"]), float(row["max_score"])) == (2.5, 4.0)
    autograded = nbformat.read(
        folder / "autograded" / "somebody" / TOPIC / f"{TOPIC}.ipynb", as_version=4
    )
    assert "since $\\log$ overflows" in autograded.cells[-1].source
