"""Shared by all tests: one warm grader, because importing torch costs seconds."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from autograder.grading.grader import Grader
from autograder.sandbox import Limits
from autograder.topics.catalogue import Catalogue
from tests.catalogues import FIRST

torch.set_num_threads(1)
settings.register_profile("gradmark", deadline=None)  # machines differ, and are shared
settings.load_profile("gradmark")

SECRET = b"a secret that only the tests use"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="The database that the server's tests work on; PostgreSQL is started by them.",
    )


def pytest_collection_finish() -> None:
    """What was imported and collected is there to stay: to look through its 750,000 objects takes
    0.4 s of every full collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return FIRST


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for the reference's training runs, one for all processes of these tests."""
    folder = tmp_path_factory.getbasetemp()
    return (folder if worker_id == "master" else folder.parent) / "kept"


@pytest.fixture(scope="session")
def grader(catalogue: Catalogue, kept: Path) -> Iterator[Grader]:
    limits = Limits(call_seconds=2, load_seconds=5, session_seconds=30)
    with Grader(catalogue, SECRET, limits=limits, cache=kept) as grader:
        yield grader
