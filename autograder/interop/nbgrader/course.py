"""Write a course directory for nbgrader."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from autograder.errors import AuthoringError
from autograder.handout.release import release_selfcheck
from autograder.handout.workbook import source_workbook, write_notebook
from autograder.topics.catalogue import EVERYTHING, Catalogue, Topic

CONFIG = "nbgrader_config.py"


def init(
    directory: Path, assignments: Iterable[str] = (), reference: Path | None = None
) -> list[Path]:
    """Write `source/` notebooks and, where there is none yet, `nbgrader_config.py`.

    Args:
        assignments: names of topics; all of them when empty.
        reference: a folder of topics of one's own, which the configuration then names.

    Returns:
        The notebooks and the configuration, as far as they were written.

    Raises:
        KeyError: there is no such assignment.
        FileExistsError: a notebook is there already and may hold an instructor's work.
    """
    topics = _topics(Catalogue.load(reference), assignments)
    notebooks = {
        directory / "source" / topic.name / f"{topic.name}.ipynb": topic for topic in topics
    }
    directory.mkdir(parents=True, exist_ok=True)
    for path in notebooks:
        if path.exists():
            raise FileExistsError(
                f"{path} is there already: remove its folder to have it written anew"
            )
    for path, topic in notebooks.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write_notebook(source_workbook(topic)), "utf-8")
        release_selfcheck([topic], path.parent)
    written = list(notebooks)
    config = directory / CONFIG
    if not config.exists():
        template = resources.files("autograder") / f"render/templates/nbgrader/{CONFIG}.j2"
        own = f"c.GradeInSandbox.reference = {str(reference.absolute())!r}\n" if reference else ""
        config.write_text(template.read_text("utf-8") + own, "utf-8")
        written.append(config)
    return written


def _topics(catalogue: Catalogue, assignments: Iterable[str]) -> tuple[Topic, ...]:
    names = list(assignments)
    if EVERYTHING in names:
        raise AuthoringError(f"in nbgrader each topic is an assignment: leave {EVERYTHING!r} out")
    if not names:
        return catalogue[EVERYTHING].topics
    return tuple(topic for name in names for topic in catalogue[name].topics)
