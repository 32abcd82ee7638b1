"""Gradmark beside nbgrader, otter-grader, gradescope-utils and plain pytest: `make bench`.

All of them grade one right submission of the same six exercises with the same calls, each in its
own format. Cold is one submission by the tool's own command, from the start of the process to its
end; a round runs all of them in turn, and what is printed are ratios to `import torch` in the same
round. In a batch is what each further submission costs. The peers compare with `assert_close`, in
the process that runs the student's code; what they do not do (a sandbox, gradients judged one by
one, diagnosis) they do not pay for.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import nbformat
import torch
from nbformat import v4
from rich.console import Console
from rich.table import Table

from autograder.grading.many import Item, grade_many
from autograder.judging.call import Seed
from autograder.judging.compare import ValueExpectation
from autograder.judging.local import LocalSession
from autograder.judging.refusal import RefusalExpectation
from autograder.topics.catalogue import DEFAULT, Catalogue
from autograder.truth.oracle import Oracle

SECRET = b"the benchmark's own secret"
# What the reference's topics are asked for.
SIX = {
    "conv2d": "convolution",
    "batch_norm": "normalization",
    "kaiming_normal_": "initialization",
    "dropout": "regularization",
    "group_norm": "normalization",
    "focal_loss": "losses",
}
PEERS = ("nbgrader", "otter-grader", "gradescope-utils")

CHECKS = '''"""What an instructor would write: each case's call, and what it should give."""
from pathlib import Path
import torch

CASES = torch.load(Path(__file__).with_name("cases.pt"), weights_only=True)

def taken(value):
    if isinstance(value, dict):
        return torch.Generator().manual_seed(value["seed"])
    return value.clone() if isinstance(value, torch.Tensor) else value

def check(functions, exercise):
    for function, positional, named, seed, kind, expected in CASES[exercise]:
        torch.manual_seed(seed)
        arguments = [taken(value) for value in positional]
        options = {name: taken(value) for name, value in named.items()}
        try:
            got = functions[function](*arguments, **options)
        except Exception:
            if kind == "refused":
                continue
            raise
        assert kind != "refused", function
        if kind == "values":
            torch.testing.assert_close(got, expected, equal_nan=True)
'''


def six_exercises(folder: Path) -> Catalogue:
    """A reference folder with one topic, `sixfold`."""
    topic = folder / "sixfold"
    topic.mkdir(parents=True)
    for name in SIX.values():
        if (package := DEFAULT / name).is_dir():
            left = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, topic / name, ignore=left, dirs_exist_ok=True)
        else:
            shutil.copy(package.with_suffix(".py"), topic)
    for file in topic.rglob("*.py"):
        text = file.read_text("utf-8")
        if "\nEXERCISES = " in text:
            kept = f"EXERCISES = tuple(e for e in EXERCISES if e.name in {set(SIX)!r})\n"
            file.write_text(f"{text}\n\n{kept}", "utf-8")
    names = sorted(set(SIX.values()))
    parts = ", ".join(f"*{name}.EXERCISES" for name in names)
    init = f'"""Six exercises."""\n\nfrom . import {", ".join(names)}\n\nEXERCISES = ({parts})\n'
    (topic / "__init__.py").write_text(init, "utf-8")
    return Catalogue.load(folder)


def plain_cases(catalogue: Catalogue) -> dict[str, list[tuple[Any, ...]]]:
    """Every call of a student's function that Gradmark makes, by exercise, with what the solution
    gives."""

    def plain(value: Any) -> Any:
        if isinstance(value, Seed):
            return {"seed": value.value}
        return tuple(plain(item) for item in value) if isinstance(value, tuple) else value

    oracle, cases = Oracle(SECRET), {}
    for topic, exercise in catalogue["sixfold"].exercises:
        solution = LocalSession(topic.functions())
        rows = []
        for trial in oracle.trials(topic, exercise):
            kind = {ValueExpectation: "values", RefusalExpectation: "refused"}
            for call in trial.calls:
                if call.function.startswith("@"):  # an operation of Gradmark's own
                    continue
                values = [(name, plain(value)) for name, value in call.arguments.items()]
                positional = [value for _, value in values[: call.positional]]
                named = dict(values[call.positional :])
                expected = solution.call(call).value
                how = kind.get(type(trial.expectation), "called")
                rows.append((call.function, positional, named, call.seed, how, plain(expected)))
        cases[exercise.name] = rows
    return cases


@dataclass(frozen=True)
class Tool:
    name: str
    command: Sequence[str]
    folder: Path
    before: Callable[[], object] = lambda: None
    environment: Mapping[str, str] = field(default_factory=dict)


def peers_environment(folder: Path) -> Path:
    """A virtual environment with the peers, which sees the packages of this one."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        spec = find_spec("torch")
        assert spec is not None  # noqa: S101
        assert spec.origin is not None  # noqa: S101
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "ours.pth").write_text(f"{Path(spec.origin).parents[1]}\n")
        pip = [str(python), "-m", "pip", "install", "--quiet", *PEERS]
        subprocess.run(pip, check=True)
    return python


def tools(work: Path, python: Path, solution: str, cases: Any, reference: Path) -> list[Tool]:
    def folder(name: str) -> Path:
        made = work / name
        made.mkdir()
        (made / "sixfold.py").write_text(solution, "utf-8")
        (made / "checks.py").write_text(CHECKS, "utf-8")
        torch.save(cases, made / "cases.pt")
        return made

    plain = folder("pytest")
    tests = "\n".join(f"def test_{n}():\n    check(vars(sixfold), {n!r})\n" for n in SIX)
    (plain / "test_sixfold.py").write_text(f"import sixfold\nfrom checks import check\n\n{tests}")

    scope = folder("gradescope")
    methods = "\n".join(
        f"    @weight(10)\n    def test_{n}(self):\n        check(vars(sixfold), {n!r})\n"
        for n in SIX
    )
    (scope / "run_tests.py").write_text(
        "import unittest\nimport sixfold\nfrom checks import check\n"
        "from gradescope_utils.autograder_utils.decorators import weight\n"
        "from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner\n\n"
        f"class Six(unittest.TestCase):\n{methods}\n"
        "with open('results.json', 'w') as file:\n"
        "    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Six)\n"
        "    assert JSONTestRunner(stream=file).run(suite).wasSuccessful()\n"
    )

    otter = folder("otter")
    (otter / "tests").mkdir()
    for name in SIX:
        (otter / "tests" / f"{name}.py").write_text(
            # All in one, for otter takes a second Python file for one of the submission's.
            CHECKS.replace('Path(__file__).with_name("cases.pt")', '"cases.pt"')
            + "\nfrom otter.test_files import test_case\n"
            f"OK_FORMAT = False\nname = {name!r}\npoints = 10\n\n"
            f"@test_case()\ndef test_all(env):\n    check(env, {name!r})\n"
        )
    generate = ["generate", "-t", "tests", "-o", "a.zip", "--no-requirements"]
    run = [str(python), "-m", "otter"]
    subprocess.run([*run, *generate, "cases.pt"], cwd=otter, check=True)

    course = folder("nbgrader")
    hand_in(course, "student-0", solution)
    nbgrader = [str(python), "-m", "nbgrader"]
    for command in ("generate_assignment", "autograde"):
        done = subprocess.run([*nbgrader, command, "sixfold"], cwd=course, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode()[-2000:])

    ours = folder("gradmark")
    (ours / "secret").write_bytes(SECRET)
    gradmark = str(Path(sys.executable).with_name("gradmark"))
    options = ["--reference", str(reference), "--secret-file", "secret"]
    return [
        Tool("import torch", [sys.executable, "-c", "import torch"], plain),
        Tool("plain pytest", [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"], plain),
        Tool("gradescope-utils", [str(python), "run_tests.py"], scope),
        Tool("otter-grader", [*run, "run", "-a", "a.zip", "-o", ".", "sixfold.py"], otter),
        Tool("nbgrader", [*nbgrader, "autograde", "sixfold", "--force"], course),
        Tool("gradmark", [gradmark, "grade", "sixfold", "sixfold.py", *options], ours),
    ]


def hand_in(course: Path, student: str, solution: str) -> None:
    """The assignment's source, if it is not there, and a submission of that student's."""
    source = course / "source" / "sixfold"
    handed_in = course / "submitted" / student / "sixfold"
    if not source.exists():
        source.mkdir(parents=True)
        nbformat.write(
            notebook("### BEGIN SOLUTION\npass\n### END SOLUTION"), source / "sixfold.ipynb"
        )
        (course / "nbgrader_config.py").write_text(
            "c = get_config()\nc.CourseDirectory.course_id = 'sixfold'\n"
            "c.ExecutePreprocessor.timeout = 300\n"
        )
    for name in ("checks.py", "cases.pt"):
        shutil.copy(course / name, source)
    handed_in.mkdir(parents=True)
    nbformat.write(notebook(solution), handed_in / "sixfold.ipynb")
    for name in ("checks.py", "cases.pt"):
        shutil.copy(course / name, handed_in)


def notebook(solution: str) -> Any:
    def marked(name: str, source: str, **how: Any) -> Any:
        grading = {"grade_id": name, "schema_version": 3, "task": False, **how}
        return v4.new_code_cell(source, metadata={"nbgrader": grading})

    cells = [marked("solution", solution, grade=False, solution=True, locked=False)]
    for name in SIX:
        check = f"from checks import check\ncheck(globals(), {name!r})"
        how = {"grade": True, "solution": False, "locked": True, "points": 10}
        cells.append(marked(f"test_{name}", check, **how))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return v4.new_notebook(cells=cells, metadata=kernel)


def measured(tool: Tool, log: Path) -> tuple[float, float]:
    """Wall seconds, and the peak memory of the largest process in MB."""
    with log.open("ab") as output:
        began = time.monotonic()
        process = subprocess.Popen(tool.command, cwd=tool.folder, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        words = log.read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{tool.name} failed: {words}")
    return seconds, usage.ru_maxrss / 1024


def batch_of_ours(reference: Path, solution: str, jobs: int, size: int) -> float:
    """Seconds for each further submission, with that many graders."""
    items = (Item(str(n), "sixfold.py", solution.encode()) for n in range(size))
    times = []
    for graded in grade_many(items, "sixfold", SECRET, reference=reference, jobs=jobs):
        report = graded.report
        assert report is not None, graded  # noqa: S101
        assert report["score"] == report["max_score"]  # noqa: S101
        times.append(time.monotonic())
    warm = times[2 * jobs :]  # the first ones of each grader wait for its start
    return (warm[-1] - warm[0]) / (len(warm) - 1)


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often all of them run in turn.")
@click.option("--students", default=6, show_default=True, help="In a batch.")
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    default=Path(".venv-peers"),
    show_default=True,
    help="Where the peers are installed, if they are not yet.",
)
def main(rounds: int, students: int, environment: Path) -> None:
    """Grade the same six exercises with each tool."""
    torch.set_num_threads(1)
    console = Console()
    python = peers_environment(environment.absolute())
    commands = (str(python.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    os.environ["PATH"] = os.pathsep.join(commands)  # nbgrader starts alembic
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        catalogue = six_exercises(work / "reference")
        (topic,) = catalogue["sixfold"].topics
        solution, cases = topic.solution(), plain_cases(catalogue)
        all_ = tools(work, python, solution, cases, work / "reference")
        found: dict[str, list[tuple[float, float]]] = {tool.name: [] for tool in all_}
        for tool in all_:  # once uncounted: disks and caches are warm for everybody
            measured(tool, work / "log")
        for number in range(rounds):
            with console.status(f"Round {number + 1} of {rounds} ..."):
                for tool in all_:
                    found[tool.name].append(measured(tool, work / "log"))
        per_student = {
            name: statistics.median(seconds for seconds, _ in figures)
            for name, figures in found.items()
        }
        with console.status("In a batch ..."):
            nbgrader = next(tool for tool in all_ if tool.name == "nbgrader")
            for number in range(1, students):
                hand_in(nbgrader.folder, f"student-{number}", solution)
            whole, _ = measured(nbgrader, work / "log")
            per_student["nbgrader"] = (whole - per_student["nbgrader"]) / (students - 1)
            of_ours = {
                jobs: batch_of_ours(work / "reference", solution, jobs, 8 * jobs + 16)
                for jobs in sorted({1, os.cpu_count() or 1})
            }
            per_student["gradmark"] = of_ours[1]
    show(console, found, per_student, of_ours)


def show(
    console: Console,
    found: Mapping[str, Sequence[tuple[float, float]]],
    per_student: Mapping[str, float],
    of_ours: Mapping[int, float],
) -> None:
    table = Table(title="One right submission of six exercises", title_justify="left", box=None)
    for heading in ("", "cold, s", "of import torch", "each further one, s", "largest process, MB"):
        table.add_column(heading, justify="right" if heading else "left")
    base = [seconds for seconds, _ in found["import torch"]]
    for name, figures in found.items():
        took = [seconds for seconds, _ in figures]
        ratio = statistics.median(s / b for s, b in zip(took, base, strict=True))
        table.add_row(
            name,
            f"{statistics.median(took):.1f}",
            f"{ratio:.2f}",
            f"{per_student[name]:.2f}",
            f"{max(memory for _, memory in figures):.0f}",
        )
    console.print(table)
    for jobs, seconds in of_ours.items():
        console.print(f"gradmark with {jobs} grader(s): {1 / seconds:.1f} submissions a second.")
    console.print(_machine())


def _machine() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    load = os.getloadavg()[0]
    name = model[1] if model else "an unknown processor"
    return f"{name}, {os.cpu_count()} cores, load {load:.1f}, {time.strftime('%Y-%m-%d')}."


if __name__ == "__main__":
    main()
