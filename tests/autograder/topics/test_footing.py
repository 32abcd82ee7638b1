"""What is kept of a topic's answers goes when anything changes that they follow from."""

import os

import pytest

from autograder.topics.catalogue import Catalogue
from autograder.topics.footing import footing

TOPIC = '''"""Doubling."""

import table_of_factors
import torch

from autograder.checks import values
from autograder.exercise import Exercise, case, normal


def double(x):
    return table_of_factors.TWO * x


EXERCISES = (
    Exercise(
        functions=(double,),
        checks=(values(double, (case("three", public=True, x=normal(3)),), points={"y": 1}),),
    ),
)
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Of the course's own, beside its exercises."""
    folder = tmp_path / "elsewhere" / "table_of_factors"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from .numbers import TWO\n")
    (folder / "numbers.py").write_text("TWO = 2.0\n")
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def told(tmp_path):
    (topic,) = Catalogue.load(tmp_path / "reference")["doubling"].topics
    return topic.footing


def test_packages_and_data_are_part_of_it(tmp_path, package):
    topic = tmp_path / "reference" / "doubling.py"
    topic.parent.mkdir()
    topic.write_text(TOPIC)
    first = told(tmp_path)
    assert told(tmp_path) == first
    (topic.parent / "doubling.md").write_text("No answer follows from a text.")
    assert told(tmp_path) == first
    (topic.parent / "numbers.csv").write_text("1,2")
    with_data = told(tmp_path)
    assert with_data != first
    (package / "numbers.py").write_text("TWO = 3.0\n")
    os.utime(package / "numbers.py", (1, 1))
    with_another_package = told(tmp_path)
    assert with_another_package not in {first, with_data}
    topic.write_text(TOPIC.replace("TWO * x", "TWO * x + 0"))
    assert told(tmp_path)[0] != with_another_package[0]


@pytest.mark.parametrize("line", ["import torch.nn as nn", "import math, json", "from . import x"])
def test_what_is_versioned_with_the_engine_is_not(tmp_path, line):
    topic = tmp_path / "a.py"
    assert footing(topic, {topic: line.encode()}) == footing(topic, {topic: b""})


@pytest.mark.parametrize("line", ["import no_such_package", "import a.b, pytest"])
def test_what_is_not_installed_changes_nothing(tmp_path, line):
    topic = tmp_path / "a.py"
    alone = footing(topic, {topic: b""})
    assert (footing(topic, {topic: line.encode()}) == alone) == ("pytest" not in line)
