"""A class graded from its folder, as an instructor would: once, again, and after a change."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autograder.cli import main
from autograder.collection.layouts import LAYOUTS

RIGHT = """
import torch

def relu(x):
    return torch.where(x > 0, x, torch.zeros_like(x))

def relu_backward(grad_y, x):
    return torch.where(x > 0, grad_y, torch.zeros_like(grad_y))
"""
WRONG = RIGHT.replace("grad_y, torch", "-grad_y, torch")
CANVAS = {
    "exampleada_12345_678901_activations.py": RIGHT,
    "examplebo_LATE_12346_678902_activations-1.py": WRONG,
    "examplecy_12347_678903_activations.ipynb": "{",
    "exampledi_12348_678904_essay.pdf": "",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    for name, content in CANVAS.items():
        (tmp_path / "class" / name).write_text(content)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    options = ["--secret-file", "secret", "--jobs", "2", "--out", "out"]
    command = ["grade", "activations", *map(str, arguments), *options]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_class_from_its_folder_to_what_the_course_system_takes(here: Path) -> None:
    done = run("class", "--similarity")
    assert done.exit_code == 0, done.output
    assert "3 submissions (canvas)" in done.output
    assert "essay.pdf" in done.output  # what could not be placed is said
    grades = {row["id"]: row for row in table(here / "out/grades.csv")}
    assert float(grades["12345"]["relu"]) == 10
    assert 0 < float(grades["12346"]["relu"]) < 10
    assert "late" in grades["12346"]["remarks"]
    assert float(grades["12347"]["points"]) == 0
    assert "notebook" in grades["12347"]["remarks"]
    canvas = table(here / "out/canvas.csv")
    assert [row["ID"] for row in canvas] == ["", "12345", "12346", "12347"]
    page = (here / "out/index.html").read_text()
    assert "exampleada_12345.html" in page
    assert (here / "out/exampleada_12345.html").exists()
    assert "expected" not in json.dumps(page)

    # Again: nothing is graded that is there already, and only what changed is.
    times = {p.name: p.stat().st_mtime_ns for p in (here / "out/reports").iterdir()}
    (here / "class/exampleada_12345_678901_activations.py").write_text(WRONG)
    export = 'Student,ID,SIS User ID,SIS Login ID,Section,Homework 2 (77)\n"    Points Possible"'
    export += ',,,,,10\n"Example, Ada",12345,s1,ada,S1,\n"Example, Eve",12349,s2,eve,S1,3\n'
    (here / "gradebook.csv").write_text("\ufeff" + export)
    done = run("class", "--gradebook", "gradebook.csv", "--title", "Homework 2")
    assert done.exit_code == 0, done.output
    changed = [
        p.name for p in (here / "out/reports").iterdir() if p.stat().st_mtime_ns != times[p.name]
    ]
    assert changed == ["exampleada_12345.json"]
    filled = table(here / "out/canvas.csv")
    assert [row["Student"] for row in filled[1:]] == ["Example, Ada", "Example, Eve"]
    assert float(filled[1]["Homework 2 (77)"]) < 10
    assert filled[2]["Homework 2 (77)"] == "3"  # who handed nothing in keeps what was there


@pytest.mark.slow
def test_moodle_gets_its_worksheet_and_its_feedback_back(here: Path) -> None:
    with zipfile.ZipFile("moodle.zip", "w") as archive:
        for name, code in (("Ada Example_2001", RIGHT), ("Bo Beispiel_2002", WRONG)):
            archive.writestr(f"{name}_assignsubmission_file_/activations.py", code)
    sheet = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,"
        '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
        'Teilnehmer/in2001,Ada Example,ada@example.org,Submitted,,"30,00",-,-,\n'
        "Participant 2003,Eve Example,eve@example.org,No submission,,30.00,-,-,\n"
    )
    Path("sheet.csv").write_text(sheet)
    done = run("moodle.zip", "--gradebook", "sheet.csv")
    assert done.exit_code == 0, done.output
    rows = table(here / "out/moodle-grades.csv")
    assert float(rows[0]["Grade"]) == pytest.approx(10 * 30 / 60)
    assert "relu" not in rows[0]["Feedback comments"].split(";")[0]
    assert rows[1]["Grade"] == ""
    with zipfile.ZipFile(here / "out/moodle-feedback.zip") as archive:
        assert sorted(archive.namelist()) == [
            "Ada Example_2001_assignsubmission_file_/report.html",
            "Bo Beispiel_2002_assignsubmission_file_/report.html",
        ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_is_one_sentence_whatever_it_is_called(here: Path, layout: str) -> None:
    (here / "empty").mkdir()
    done = run("empty", "--layout", layout)
    assert done.exit_code == 2
    assert done.output.strip() == "gradmark: empty holds no files"


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\xff\x00"])
def test_a_gradebook_that_is_none_is_one_sentence(here: Path, content: str) -> None:
    from autograder.collection.returns import canvas_csv
    from autograder.collection.tree import CollectionError

    with pytest.raises(CollectionError, match="gradebook"):
        canvas_csv([], "x", 10, content.encode("latin-1"))


def test_a_short_line_of_a_worksheet_stays_as_it_is() -> None:
    from autograder.collection.returns import moodle_worksheet

    assert "x,," in moodle_worksheet([], 10, b"Full name,Identifier,Grade\nx\n")
