"""What students get: stubs, a self-check that plain pytest runs, a README; nothing hidden."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Any

import jinja2

from autograder import judging
from autograder.catalogue import Assignment, Topic
from autograder.exercise import Exercise
from autograder.judging.codec import dumps
from autograder.oracle import PUBLIC_SECRET, Oracle

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("autograder", "render/templates/release"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    autoescape=False,  # noqa: S701 - Python and Markdown of our own, no page
)


def release(assignment: Assignment, directory: Path, *, replace: bool = False) -> list[Path]:
    """Write the assignment's folder and return what was written.

    Files that are there already are replaced, except a stub: a student's work is not overwritten
    unless `replace` says so.

    Raises:
        FileExistsError: a stub of that name is there and differs from what would be written.
    """
    stubs = {directory / f"{topic.name}.py": stub(topic) for topic in assignment.topics}
    for path, text in stubs.items():
        if not replace and path.exists() and path.read_text("utf-8") != text:
            raise FileExistsError(
                f"{path} holds somebody's work: release into another folder, or --replace it"
            )
    engine = directory / "selfcheck"
    if engine.exists():
        shutil.rmtree(engine)
    shutil.copytree(
        Path(judging.__file__).parent, engine, ignore=shutil.ignore_patterns("__pycache__")
    )
    texts = dict(stubs)
    for topic in assignment.topics:
        texts[engine / f"{topic.name}.json"] = dumps(_public_data(topic))
        texts[directory / f"test_{topic.name}.py"] = _render("test_topic.py.j2", topic=topic)
    for name in ("conftest.py", "pytest.ini", "README.md"):
        texts[directory / name] = _render(f"{name}.j2", assignment=assignment)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return sorted(path for path in directory.rglob("*") if path.is_file())


def stub(topic: Topic) -> str:
    """The topic's file without its solution: module docstring, signatures, docstrings."""
    lines = topic.source.splitlines()
    tree = ast.parse(topic.source)
    parts = [f'"""{ast.get_docstring(tree, clean=False) or topic.name}"""', "import torch"]
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            raise ValueError(f"{topic.path.name}: {node.name} has no docstring to give to students")
        head = "\n".join(lines[node.lineno - 1 : node.body[0].end_lineno])
        parts.append(f'{head}\n    raise NotImplementedError("{node.name}")')
    return "\n\n".join(parts[:2]) + "".join(f"\n\n\n{part}" for part in parts[2:]) + "\n"


def _public_data(topic: Topic) -> list[dict[str, Any]]:
    oracle = Oracle(PUBLIC_SECRET)
    return [_exercise(oracle, topic, exercise) for exercise in topic.exercises]


def _exercise(oracle: Oracle, topic: Topic, exercise: Exercise) -> dict[str, Any]:
    trials = [trial for trial in oracle.trials(topic, exercise) if trial.case.public]
    checks = [
        {
            "name": check.name,
            "gated": check.gated,
            "points": dict(check.points),
            "trials": [
                {
                    "case": trial.case.name,
                    "calls": list(trial.calls),
                    "expectation": trial.expectation,
                    "updates": sorted(check.updates),
                }
                for trial in trials
                if trial.check is check
            ],
        }
        for check in exercise.checks
    ]
    return {
        "name": exercise.name,
        "unchanged": exercise.unchanged,
        # A check without a public case has nothing to show.
        "checks": [check for check in checks if check["trials"]],
    }


def _render(template: str, **values: Any) -> str:
    return _templates.get_template(template).render(**values)
