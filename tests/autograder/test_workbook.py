"""Notebooks from lessons: complete, the same every time, and runnable from top to bottom."""

import os

import nbformat
import pytest

from autograder.errors import AuthoringError
from autograder.handin.notebook import EXPERIMENT, SELF_CHECK, read_cells
from autograder.handout.release import release_selfcheck
from autograder.handout.stubs import heads, solution_cells
from autograder.handout.workbook import source_workbook, student_workbook, write_notebook
from autograder.topics.catalogue import Catalogue
from autograder.topics.lesson import lesson
from tests.catalogues import FIRST
from tests.docs.test_docs_commands import TEXT

TOPICS = FIRST["all"].topics
EXAMPLE = next(text for page, text in TEXT.items() if page.name == "authors.md")
by_name = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@pytest.fixture
def softplus(tmp_path):
    """The docs' example as a topic, and the path of its lesson."""
    (tmp_path / "softplus.py").write_text(EXAMPLE.split("```python\n")[1].split("```")[0])
    return Catalogue.load(tmp_path)["softplus"].topics[0], tmp_path / "softplus.md"


@by_name
def test_a_workbook_is_valid_and_the_same_every_time(topic):
    for make in (student_workbook, source_workbook):
        notebook = make(topic)
        nbformat.validate(notebook)
        assert write_notebook(make(topic)) == write_notebook(notebook)
        assert all(not cell.get("outputs") for cell in notebook.cells)


@by_name
def test_a_workbook_has_every_function_and_check_once_and_no_solution(topic):
    text = write_notebook(student_workbook(topic))
    sources = [cell.source for cell in read_cells(text) if cell.kind == "code"]
    for exercise in topic.exercises:
        for function in exercise.functions:
            assert sum(s.startswith(f"def {function.__name__}(") for s in sources) == 1
        checked = sum(f'check("{exercise.name}", globals())' in source for source in sources)
        assert checked == (1 if exercise.functions else 0)
    documented = "\n".join(heads(topic).values())
    for line in "".join(solution_cells(topic, heads(topic)).values()).splitlines():
        if len(line.strip()) > 25 and line not in documented:
            assert not any(line in source for source in sources), line
    assert "SOLUTION" not in text
    assert "nbgrader" not in text


@by_name
def test_what_is_given_is_not_graded(topic):
    for cell in read_cells(write_notebook(source_workbook(topic))):
        if cell.source.startswith((EXPERIMENT, SELF_CHECK)):
            assert not cell.solution


def test_a_lesson_is_text_experiments_and_exercises_in_its_order(softplus):
    topic, path = softplus
    path.write_text(
        "# A\n\n```python\n1 + 1\n```\n<!-- exercise: softplus -->\n\nB\n\n```\nx\n```\n"
    )
    kinds = [(part.kind, part.content) for part in lesson(topic)]
    assert kinds == [
        ("text", "# A"),
        ("experiment", "1 + 1"),
        ("exercise", "softplus"),
        ("text", "B\n\n```\nx\n```"),
    ]


def test_an_exercise_that_the_lesson_leaves_out_comes_at_its_end(softplus):
    topic, path = softplus
    assert [part.kind for part in lesson(topic)] == ["text", "exercise"]
    path.write_text("# Only words\n")
    assert lesson(topic)[-1].content == "softplus"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- exercise: relu -->", "'relu', which is no exercise"),
        ("<!-- exercise: softplus -->\n" * 2, "more than once"),
        ("```python\n1\n", "not closed"),
    ],
)
def test_a_lesson_that_is_not_well_formed_is_one_sentence(softplus, text, message):
    topic, path = softplus
    path.write_text(text)
    with pytest.raises(AuthoringError, match=message):
        lesson(topic)


@pytest.mark.slow
@by_name
def test_a_workbook_runs_from_top_to_bottom_and_renders(topic, tmp_path, monkeypatch):
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR", str(tmp_path / "mpl")))
    release_selfcheck([topic], tmp_path)
    notebook = source_workbook(topic)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        printed = "".join(o.text for o in outputs if o.output_type == "stream")
        if cell.id.startswith("check-"):
            assert "points here" in printed
            assert "✗" not in printed
        if "plt.show()" in cell.source:
            assert any("image/png" in o.get("data", {}) for o in outputs), cell.source
    page, _ = HTMLExporter().from_notebook_node(notebook)
    plots = sum("plt.show()" in cell.source for cell in notebook.cells)
    assert page.count('src="data:image/png') == plots
