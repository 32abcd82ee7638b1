"""The command line: what it prints, writes and exits with."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.report import schema


@pytest.fixture
def gradmark(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADMARK_SECRET_FILE", str(tmp_path / "secret"))

    def run(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def solution(tmp_path, catalogue):
    path = tmp_path / "losses.py"
    path.write_text(catalogue["losses"].topics[0].solution())
    return path


def test_grade_prints_the_report_and_writes_it(gradmark, solution, tmp_path):
    json_file, html_file = tmp_path / "report.json", tmp_path / "report.html"
    result = gradmark("grade", "losses", solution, "--json", json_file, "--html", html_file)
    assert result.exit_code == 0
    report = json.loads(json_file.read_text())
    jsonschema.validate(report, schema())
    assert report["view"] == "student"
    assert report["score"] == report["max_score"]
    assert f"{report['score']:g} of {report['max_score']:g} points" in result.output
    assert "<!doctype html>" in html_file.read_text()


def test_plots_are_of_training_curves_only(gradmark, solution, tmp_path):
    result = gradmark("grade", "losses", solution, "--plots", tmp_path / "plots")
    assert result.exit_code == 0
    assert "no training curve" in result.output


def test_grade_exits_with_0_whatever_the_score(gradmark, tmp_path):
    path = tmp_path / "losses.py"
    path.write_text("def focal_loss(:\n")
    result = gradmark("grade", "losses", path, "--view", "instructor")
    assert result.exit_code == 0
    assert "0 of" in result.output
    assert "SyntaxError" in result.output


def test_the_secret_is_made_once_and_private(gradmark, solution, tmp_path):
    gradmark("grade", "losses", solution)
    secret = tmp_path / "secret"
    first = secret.read_bytes()
    assert len(first) == 32
    assert secret.stat().st_mode & 0o777 == 0o600
    gradmark("grade", "losses", solution)
    assert secret.read_bytes() == first


def test_misuse_exits_with_2_and_one_sentence(gradmark, solution, tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    (tmp_path / "no-topics").mkdir()
    short = tmp_path / "short"
    short.write_bytes(b"abc")
    for arguments in (
        ("grade", "tricks", solution),
        ("grade", "losses", tmp_path / "absent.py"),
        ("grade", "losses", empty),
        ("grade", "losses", picture),
        ("grade", "losses", tmp_path / "no-topics"),
        ("grade", "losses", solution, "--view", "god"),
        ("grade", "losses", solution, "--reference", tmp_path / "no-topics"),
        ("grade", "losses", solution, "--secret-file", short),
        ("grade", "losses", solution, "--json", tmp_path / "no-such-folder" / "report.json"),
        ("grade",),
        ("release", "tricks", tmp_path / "out"),
        ("audit", "tricks"),
        ("nonsense",),
    ):
        result = gradmark(*arguments)
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output
        assert result.output.strip()


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "no-such-device"])
def test_a_machine_that_cannot_grade_exits_with_3_and_one_sentence(gradmark, solution, device):
    result = gradmark("grade", "losses", solution, "--device", device)
    assert result.exit_code == 3
    assert device in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_without_a_sandbox_the_report_says_so(gradmark, solution, tmp_path):
    html_file = tmp_path / "report.html"
    result = gradmark(
        "grade", "losses", solution, "--no-sandbox", "--view", "instructor", "--html", html_file
    )
    assert result.exit_code == 0
    assert "without a sandbox" in result.output
    assert "without a sandbox" in html_file.read_text()


def test_exercises_lists_them_all(gradmark, catalogue):
    result = gradmark("exercises")
    assert result.exit_code == 0
    for topic, exercise in catalogue["all"].exercises:
        assert any(
            line.split()[:2] == [topic.name, exercise.name] for line in result.output.splitlines()
        )


AUTHORED = '''
"""Doubling."""

from autograder.checks import values
from autograder.exercise import Exercise, case, edit, normal


def double(x):
    """Twice x."""
    return x * 2.0 + 0.0


EXERCISES = (
    Exercise(
        functions=(double,),
        checks=(values(double, [case("a", x=normal(3), public=True)], points={"y": 9}),),
        misconceptions=(
            edit(double, "2.0", "3.0", name="thrice", hint="How often?"),
            INVISIBLE
        ),
    ),
)
'''


@pytest.mark.parametrize(
    ("invisible", "status"),
    [("", 0), ('edit(double, "+ 0.0", "- 0.0", name="invisible", hint="None."),', 1)],
)
def test_audit_of_an_authors_own_exercise(gradmark, tmp_path, invisible, status):
    folder = tmp_path / "exercises"
    folder.mkdir()
    (folder / "doubling.py").write_text(AUTHORED.replace("INVISIBLE", invisible))
    json_file, html_file = tmp_path / "audit.json", tmp_path / "audit.html"
    result = gradmark(
        "audit", "--reference", folder, "--json", json_file, "--html", html_file, "--jobs", 1
    )
    assert result.exit_code == status
    assert "thrice" in html_file.read_text()
    (audited,) = json.loads(json_file.read_text())
    assert audited["caught"] == 1
    assert audited["identified"] == 1
    assert audited["passed"] == audited["correct"] == 1
    assert [miss["who"] for miss in audited["misses"]] == ["invisible"] * status


def test_audit_fails_when_a_correct_solution_loses_a_mark(gradmark, tmp_path):
    folder, corpus = tmp_path / "exercises", tmp_path / "corpus" / "correct" / "doubling"
    folder.mkdir()
    corpus.mkdir(parents=True)
    (folder / "doubling.py").write_text(AUTHORED.replace("INVISIBLE", ""))
    (corpus / "double--adding.py").write_text("def double(x):\n    return x + x\n")
    (corpus / "double--wrong.py").write_text("def double(x):\n    return x\n")
    result = gradmark("audit", "--reference", folder, "--corpus", tmp_path / "corpus")
    assert result.exit_code == 1
    assert "double--wrong" in result.output
    assert "double--adding" not in result.output


def test_edits_by_machine_that_no_case_sees_are_listed_until_they_are_recorded(gradmark, tmp_path):
    folder, corpus = tmp_path / "exercises", tmp_path / "corpus"
    folder.mkdir()
    corpus.mkdir()
    topic = folder / "doubling.py"
    topic.write_text(AUTHORED.replace("INVISIBLE", ""))
    command = ("audit", "--mutants", "--reference", folder, "--corpus", corpus, "--jobs", 1)
    before = gradmark(*command)
    assert before.exit_code == 1
    assert "SURVIVES double, " in before.output  # + 0.0 may as well be - 0.0
    assert "+ 0.0 -> " in before.output
    assert "2.0 -> 4.0" not in before.output
    recorded = gradmark(*command, "--record")
    assert recorded.exit_code == 0
    assert "+ 0.0 -> " in (corpus / "equivalent" / "doubling.json").read_text()
    assert gradmark(*command, "--most", 3).exit_code == 0
    topic.write_text(topic.read_text().replace("+ 0.0", "+ 0.0 + 0.0"))
    assert gradmark(*command).exit_code == 1  # of another function, nothing is recorded
    assert gradmark(*command, "--record", "--most", 3).exit_code == 2


def test_audit_says_what_comes_near_the_line(gradmark, tmp_path):
    """float32 allows 128 units of roundoff; errors a few times less or more are near that."""
    folder, corpus = tmp_path / "exercises", tmp_path / "corpus" / "correct" / "doubling"
    folder.mkdir()
    corpus.mkdir(parents=True)
    near = AUTHORED.replace("INVISIBLE", "").replace("import values", "import precision as values")
    near = near.replace('"2.0", "3.0"', '"2.0", "2.0002"')
    (folder / "doubling.py").write_text(near)
    (corpus / "double--coarse.py").write_text(
        "def double(x):\n    return x * (2.0 + 60 * 2**-23)\n"
    )
    json_file, html_file = tmp_path / "audit.json", tmp_path / "audit.html"
    options = ("--corpus", tmp_path / "corpus", "--json", json_file, "--html", html_file)
    result = gradmark("audit", "--reference", folder, *options)
    assert result.exit_code == 0, result.output
    (audited,) = json.loads(json_file.read_text())
    assert [weak["who"] for weak in audited["weaknesses"]] == ["double--coarse", "thrice"]
    assert "weak double, double--coarse: " in result.output
    assert "Weak: double--coarse is " in html_file.read_text()
    assert 0 < audited["correct_margin"] < 1
    assert 0 < audited["bug_margin"] < 1


def test_a_corpus_that_cannot_be_read_is_named(gradmark, tmp_path):
    folder, corpus = tmp_path / "exercises", tmp_path / "corpus" / "correct" / "doubling"
    folder.mkdir()
    corpus.mkdir(parents=True)
    (folder / "doubling.py").write_text(AUTHORED.replace("INVISIBLE", ""))
    (corpus / "double--bytes.py").write_bytes(b"\xff\xfe")
    result = gradmark("audit", "--reference", folder, "--corpus", tmp_path / "corpus")
    assert result.exit_code == 2
    assert "double--bytes.py" in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_commands_answer_help_without_loading_torch():
    code = (
        "import sys; from autograder.cli import main\n"
        "try: main(['grade', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
