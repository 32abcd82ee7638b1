"""Benchmarks measure nothing here: they run, and what plans by them counts right."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.capacity import Costs, Fleet, Service, simulate
from benchmarks.peers import SIX, plain_cases, six_exercises

ROOT = Path(__file__).parents[1]


def test_a_simulated_night_is_what_arithmetic_says():
    costs = Costs(
        web=0.0, pages=0.0, accept=0.0, claim=0.0, finish=0.0, grading={"cpu": Service(10.0, 1e-9)}
    )
    seen = simulate([(0.0, "cpu")] * 9, Fleet(web=1, cpu=3, gpu=0), costs)
    assert [round(wait) for wait in seen.waits["cpu"]] == [10] * 3 + [20] * 3 + [30] * 3


def test_whoever_writes_is_alone_in_it():
    costs = Costs(
        web=0.0, pages=0.0, accept=2.0, claim=0.0, finish=0.0, grading={"cpu": Service(1.0, 1e-9)}
    )
    seen = simulate([(0.0, "cpu")] * 4, Fleet(web=4, cpu=4, gpu=0), costs)
    assert [round(seconds) for seconds in seen.accepted] == [2, 4, 6, 8]


def test_peers_are_given_a_topic_of_six_exercises_and_plain_cases(tmp_path):
    catalogue = six_exercises(tmp_path / "reference")
    assert {exercise.name for _, exercise in catalogue["sixfold"].exercises} == set(SIX)
    torch.save(plain_cases(catalogue), tmp_path / "cases.pt")
    cases = torch.load(tmp_path / "cases.pt", weights_only=True)
    assert all(len(cases[exercise]) > 9 for exercise in SIX)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("queueing", ["--students", "2", "--rounds", "1"]),
        ("uploads", ["--uploads", "3", "--seconds", "1", "--students", "3"]),
        ("against", ["HEAD", "--rounds", "1", "--times", "1", "--topics", "activations"]),
        ("pages", ["--students", "3", "--assignments", "2", "--attempts", "2", "--postgresql"]),
    ],
)
def test_it_runs(name, options):
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
