"""What students get, for those who do without torch."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.errors import AuthoringError
from autograder.handout import kept
from autograder.handout.release import release
from autograder.topics import aside
from autograder.topics.catalogue import Catalogue
from tests.autograder.topics.test_index import TOPIC

LESSON = "# Doubling\n\nWith $x$.\n\n<!-- exercise: double -->\n\n```python\nprint(1)\n```\n"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    (folder / "doubling.py").write_text(TOPIC)
    (folder / "doubling.md").write_text(LESSON)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_the_lesson_and_what_it_asks_for(reference: Path, cache: Path) -> None:
    assert kept.handout(reference, cache, "doubling", make=False) is None
    found = kept.handout(reference, cache, "doubling")
    assert found is not None
    assert [part.kind for part in found.lesson] == ["text", "exercise", "experiment"]
    asked = found.exercises["double"]
    assert (asked.points, asked.functions) == (3.0, ("double",))
    assert "return 2 * x" not in asked.code
    assert "Twice x." in asked.code


def test_it_is_kept_until_a_lesson_changes(
    reference: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.handout(reference, cache, "doubling")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("made again"))
        kept.handout(reference, cache, "doubling")
    (reference / "doubling.md").write_text(LESSON.replace("With", "Without"))
    found = kept.handout(reference, cache, "doubling")
    assert found is not None
    assert "Without" in found.lesson[0].content


def test_a_lesson_edited_while_it_was_made_is_made_again(
    reference: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, made = reference / "doubling.md", aside.made
    later = LESSON + "\nMore of it.\n"

    def edited_meanwhile(*arguments: str) -> bytes:
        content = made(*arguments)
        lesson.write_text(later)
        return content

    lesson.write_text(LESSON + "\nNot made yet.\n")
    monkeypatch.setattr(aside, "made", edited_meanwhile)
    found = kept.handout(reference, cache, "doubling")
    assert found is not None
    assert "More of it." in found.lesson[-1].content


def test_the_archive_is_what_is_released(reference: Path, cache: Path, tmp_path: Path) -> None:
    top = tmp_path / "doubling"
    top.mkdir()
    released = release(Catalogue.load(reference)["doubling"], top)
    with zipfile.ZipFile(kept.archive(reference, cache, "doubling")) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == {
            str(path.relative_to(tmp_path)): path.read_bytes() for path in released
        }


def test_what_there_is_not_is_said(reference: Path, cache: Path) -> None:
    with pytest.raises(AuthoringError, match="there is no assignment 'tripling'"):
        kept.handout(reference, cache, "tripling")


def test_it_needs_no_torch() -> None:
    said = "import sys; import autograder.handout.kept; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
