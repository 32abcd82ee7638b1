"""Whole experiments: what the first steps, which students are graded on, lead to."""

import json
import shutil

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.grading.experiments import experiments, train_whole
from autograder.topics.catalogue import DEFAULT, Catalogue

COURSE = '''
"""Two short experiments."""

from autograder.checks import curve
from autograder.exercise import Exercise
from autograder.training import Run, constant, conv, cosine, digits, sgd


def small(name, batch, schedule, whole):
    return Run(
        name,
        network=(conv(10, 8),),
        data=digits(hidden=50),
        optimiser=sgd(),
        schedule=schedule,
        batch=batch,
        steps=2,
        whole=whole,
    )


EXERCISES = (
    Exercise(
        name="linear",
        checks=(
            curve(
                small("batches of 8", 8, constant(0.1), 40),
                small("batches of 32", 32, cosine(0.1), 10),
                points={"training": 1},
                name="batches",
            ),
            curve(small("graded whole", 16, constant(0.1), 0), points={"training": 1}),
        ),
    ),
)
'''


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    left_out = shutil.ignore_patterns("_more", "__pycache__", "*.md")
    shutil.copytree(DEFAULT, folder, ignore=left_out, dirs_exist_ok=True)
    (folder / "linear.py").write_text(COURSE)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def results(reference, cache):
    return train_whole("linear", reference, processes=2, cache=cache)


def test_every_run_is_trained_whole_in_order(results):
    runs = [(result.experiment.run.name, len(result.trained.losses)) for result in results]
    assert runs == [("batches of 8", 40), ("batches of 32", 10), ("graded whole", 2)]
    first = results[0]
    assert first.final_loss < first.trained.losses[0]
    assert 0 <= first.trained.error_rate < 0.9


def test_what_comes_out_does_not_depend_on_the_processes_and_is_kept(
    reference, cache, results, monkeypatch
):
    told = []
    alone = train_whole("linear", reference, progress=lambda *step: told.append(step))
    assert [r.trained for r in alone] == [r.trained for r in results]
    assert [done for _, done, _ in told][-1] == told[0][2] == 52
    before = {path: path.stat().st_ino for path in cache.iterdir()}
    again = train_whole("linear", reference, cache=cache)
    assert [r.trained for r in again] == [r.trained for r in results]
    assert {path: path.stat().st_ino for path in cache.iterdir()} == before


def test_the_rates_of_the_first_steps_are_those_of_the_whole(reference):
    (first, second, _) = experiments(Catalogue.load(reference)["linear"])
    assert (first.run.whole_steps, second.run.whole_steps) == (40, 10)
    program = second.run.program(*drawn(second))
    (rate, *_) = (o.call for o in program.operations if o.call.function == "cosine_schedule")
    assert rate.arguments["total_steps"] == 10
    assert program.steps == 2


def drawn(experiment):
    import torch

    from autograder.case import draw
    from autograder.judging.local import LocalSession

    case = experiment.run.case()
    arguments = draw(case, lambda name: torch.Generator().manual_seed(0))
    session = LocalSession(experiment.topic.functions())
    return arguments, session.parameters, lambda purpose: 0, torch.float64


def test_the_command_shows_and_writes_them(reference, tmp_path):
    file, plots = tmp_path / "results.json", tmp_path / "plots"
    options = ["--reference", str(reference), "--json", str(file), "--plots", str(plots)]
    ran = CliRunner(env={"HOME": str(tmp_path)}).invoke(main, ["experiments", "linear", *options])
    assert ran.exit_code == 0, ran.output
    assert "batches of 32" in ran.output
    documents = json.loads(file.read_text())
    assert [d["steps"] for d in documents] == [40, 10, 2]
    assert {"linear-batches.svg", "linear-graded-whole.svg"} <= {p.name for p in plots.iterdir()}


def test_an_assignment_without_experiments_is_told_so(tmp_path):
    ran = CliRunner(env={"HOME": str(tmp_path)}).invoke(main, ["experiments", "losses"])
    assert ran.exit_code == 2
    assert "losses has no training run" in ran.output
