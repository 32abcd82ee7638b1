"""What students get: stubs, notebooks, a self-check for plain pytest, a README; nothing hidden."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2

from autograder import handin, judging
from autograder.handout.public import public_data
from autograder.handout.stubs import stub
from autograder.handout.workbook import student_workbook, write_notebook
from autograder.judging.codec import dumps
from autograder.sandbox.inside import loading
from autograder.topics.catalogue import Assignment, Topic

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("autograder", "render/templates/release"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    autoescape=False,  # noqa: S701 - Python and Markdown of our own, no page
)

# What leaves the project, and where it stands in the folder `selfcheck`.
_RELEASED = {judging: "", handin: "handin", loading: "loading"}


def release(assignment: Assignment, directory: Path, *, replace: bool = False) -> list[Path]:
    """Write the assignment's folder and return what was written.

    Files that are there already are replaced, except a stub or a notebook: a student's work is not
    overwritten unless `replace` says so.

    Raises:
        FileExistsError: one of these is there and differs from what would be written.
    """
    texts = {directory / f"{topic.name}.py": stub(topic) for topic in assignment.topics}
    for topic in assignment.topics:
        texts[directory / f"{topic.name}.ipynb"] = write_notebook(student_workbook(topic))
    for path, text in texts.items():
        if not replace and path.exists() and path.read_text("utf-8") != text:
            raise FileExistsError(
                f"{path} holds somebody's work: release into another folder, or --replace it"
            )
    release_selfcheck(assignment.topics, directory)
    for topic in assignment.topics:
        texts[directory / f"test_{topic.name}.py"] = _render("test_topic.py.j2", topic=topic)
    for name in ("conftest.py", "pytest.ini", "pyproject.toml", "requirements.txt", "README.md"):
        texts[directory / name] = _render(f"{name}.j2", assignment=assignment)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return sorted(path for path in directory.rglob("*") if path.is_file())


def release_selfcheck(topics: Iterable[Topic], directory: Path) -> None:
    """Write the folder `selfcheck` with the judging engine, what loads a submission, and the
    topics' public cases; those of topics that were released there before stay."""
    engine = directory / "selfcheck"
    data = {path.name: path.read_text("utf-8") for path in engine.glob("*.json")}
    data |= {f"{topic.name}.json": dumps(public_data(topic)) for topic in topics}
    if engine.exists():
        shutil.rmtree(engine)
    for package, place in _RELEASED.items():
        folder = Path(package.__file__ or "").parent
        shutil.copytree(folder, engine / place, ignore=shutil.ignore_patterns("__pycache__"))
    for path in engine.rglob("*.py"):
        text = path.read_text("utf-8")
        for package, place in _RELEASED.items():
            text = text.replace(package.__name__, f"selfcheck.{place}".rstrip("."))
        path.write_text(text, "utf-8")
    for name, text in data.items():
        (engine / name).write_text(text, "utf-8")


def _render(template: str, **values: Any) -> str:
    return _templates.get_template(template).render(**values)
