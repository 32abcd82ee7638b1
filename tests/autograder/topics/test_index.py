"""What is known of the assignments without loading them."""

import json
import subprocess
import sys

import pytest

from autograder.errors import AuthoringError
from autograder.topics import aside, index
from autograder.topics.catalogue import Catalogue

TOPIC = '''"""Doubling: by hand."""
print("loaded")
from autograder.checks import values
from autograder.exercise import Exercise, case, normal

def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

CASES = [case("some", public=True, x=normal(3)), case("more", x=normal(4))]
EXERCISES = [Exercise((double,), (values(double, CASES, points={"y": 2}),))]
'''


@pytest.fixture
def reference(tmp_path):
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "doubling.py").write_text(TOPIC)
    return folder


def test_it_says_what_the_catalogue_says(reference, tmp_path):
    entries = index.index(reference, tmp_path / "cache")
    assert list(entries) == ["doubling", "all"]
    loaded = Catalogue.load(reference)["doubling"]
    entry = entries["doubling"]
    assert (entry.title, entry.max_score) == ("Doubling: by hand", loaded.max_score)
    assert entry.digest == loaded.digest
    assert entry.exercises == (index.Row("doubling", "double", 3.0, 1, 2, 0),)


def test_it_is_kept_until_a_file_changes(reference, tmp_path, monkeypatch):
    first = index.index(reference, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(aside, "made", lambda *arguments: pytest.fail("asked again"))
        assert index.index(reference, tmp_path) == first
    (reference / "doubling.py").write_text(TOPIC.replace('"y": 2', '"y": 5'))
    changed = index.index(reference, tmp_path)
    assert changed["doubling"].max_score == 6.0
    assert changed["doubling"].digest != first["doubling"].digest


def test_a_kept_file_that_is_damaged_is_none(reference, tmp_path):
    cache = tmp_path / "cache"
    first = index.index(reference, cache)
    (kept,) = cache.iterdir()
    kept.write_text(json.dumps([{"name": "doubling"}]))
    assert index.index(reference, cache) == first


def test_what_was_edited_while_it_was_told_is_told_again(reference, tmp_path, monkeypatch):
    (path,) = reference.glob("*.py")
    made, answers = aside.made, []

    def edited_meanwhile(*arguments):
        answers.append(made(*arguments))
        if len(answers) == 1:
            path.write_text(TOPIC.replace('"y": 2', '"y": 5'))
        return answers[-1]

    monkeypatch.setattr(aside, "made", edited_meanwhile)
    assert index.index(reference, tmp_path)["doubling"].max_score == 6.0
    path.write_text(TOPIC)
    assert index.index(reference, tmp_path)["doubling"].max_score == 3.0


def test_files_that_are_edited_all_the_time_are_said(reference, tmp_path, monkeypatch):
    (path,) = reference.glob("*.py")

    def edited_meanwhile(*arguments):
        path.write_text(path.read_text() + "\n")
        return b"[]"

    monkeypatch.setattr(aside, "made", edited_meanwhile)
    with pytest.raises(AuthoringError, match="being changed all the time"):
        index.index(reference, tmp_path)


def test_what_is_wrong_with_a_topic_is_said(reference, tmp_path):
    (reference / "broken.py").write_text("1 / 0\n")
    with pytest.raises(AuthoringError, match=r"broken\.py"):
        index.index(reference, tmp_path)


def test_it_needs_no_torch():
    program = "import sys; from autograder.topics import index; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
