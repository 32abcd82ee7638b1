"""`gradmark demo`: sample submissions, graded for real, and a server to look at them."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import undefer

from autograder.catalogue import EVERYTHING, Catalogue, Topic
from autograder.exercise import Misconception
from autograder.render.text import render
from autograder.report import student_view
from autograder.stubs import stub
from autograder.submission import parse
from server import accounts, courses, engine, roster
from server.cli import serve
from server.clock import utc_now
from server.config import Config
from server.database import Database
from server.files import Files
from server.grader import EXIT_CANNOT_GRADE, GraderLoop
from server.models import Assignment, Course, Role, Submission, User
from server.queue import Queue
from server.roster import Person

INSTRUCTOR = "instructor@generated.invalid"

_COURSE = """
[course]
slug = "demo"
title = "Demo course (generated)"
timezone = "UTC"
"""
_ASSIGNMENT = """
[[assignments]]
slug = "{0}"
topic = "{0}"
title = {1}
points = {2:g}
opens = 2026-01-01 00:00:00
due = 2099-12-31 00:00:00
"""

ATTACK = '''\
"""A submission that has no solution, and tries to get marks and secrets all the same."""

import builtins
import gc
import os
import socket
import subprocess
import sys

import torch


def try_everything():
    for attack in (
        lambda: open("/etc/passwd").read(),
        lambda: open("/proc/1/environ", "rb").read(),
        lambda: socket.create_connection(("127.0.0.1", 8000), 1),
        lambda: subprocess.run(["sh", "-c", "id"], check=True),
        lambda: os.fork(),
        lambda: os.kill(1, 9),
        lambda: [o for o in gc.get_objects() if "reference" in str(getattr(o, "__module__", ""))],
    ):
        try:
            print("got", str(attack())[:60])
        except BaseException as error:
            print("refused:", type(error).__name__, error)


class AlwaysEqual(torch.Tensor):
    def __eq__(self, other):
        return torch.ones_like(self, dtype=torch.bool)


torch.equal = torch.allclose = lambda *args, **kwargs: True
builtins.abs = lambda value: 0


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    try_everything()

    return x.as_subclass(AlwaysEqual)


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    print('{"score": 10}')
    os._exit(0)
'''


@click.command()
@click.option("--serve/--no-serve", "serving", default=True, help="Stop after grading, or serve.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the demo's submissions and reports are kept.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.pass_context
def demo(context: click.Context, serving: bool, data: Path, host: str, port: int) -> None:
    """Grade generated sample submissions, print their reports, and serve them."""
    console = Console()
    config = Config(data)
    config.prepare()
    database = Database(config.database)
    database.migrate()
    files = Files(config.submissions)
    queue = Queue(database, files)
    folder = data / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = Catalogue.load()
    password = _people(database, catalogue)
    wanted = list(samples(catalogue))
    for number, (topic, name, content) in enumerate(wanted, 1):
        (folder / name).write_bytes(content)
        _hand_in(database, queue, _student(number), topic, name, content)
    loop = GraderLoop(queue, files, lambda: engine.open_grader(None))
    try:
        with console.status(f"Grading {len(wanted)} samples in the sandbox ..."):
            loop.drain()
    except engine.CannotConfine as error:
        click.echo(f"gradmark: {error}", err=True)
        context.exit(EXIT_CANNOT_GRADE)
    with database.read() as session:
        query = select(Submission).options(undefer(Submission.report)).order_by(Submission.id)
        for submission in session.scalars(query):
            if submission.report is not None:
                render(student_view(submission.report), console)
    console.print(f"The samples are in {folder}; everybody in the course is generated.")
    for who, email in (("a student", _student(1)), ("the instructor", INSTRUCTOR)):
        console.print(f"Log in as {who}: {email}, password {password}")
    if serving:
        context.invoke(serve, host=host, port=port, data=data)


def _student(number: int) -> str:
    return f"student{number}@generated.invalid"


def _people(database: Database, catalogue: Catalogue) -> str:
    """Make the course and who is in it; return the password of those who can log in, a new one
    each time."""
    password = secrets.token_urlsafe(9)
    now = utc_now()
    toml = _COURSE + "".join(
        _ASSIGNMENT.format(topic.name, json.dumps(topic.title), topic.max_score)
        for topic in catalogue.assignments.values()
    )
    with database.write() as session:
        courses.sync(session, courses.read(toml, catalogue.assignments), at=now, actor=None)
        course = session.scalars(select(Course)).one()
        people = [Person(0, INSTRUCTOR, "Instructor (generated)", Role.INSTRUCTOR)]
        people += [
            Person(number, _student(number), f"Student {number} (generated)")
            for number, _ in enumerate(samples(catalogue), 1)
        ]
        roster.enrol(session, course, people, at=now, actor=None)
        for email in (INSTRUCTOR, _student(1)):
            user = session.scalars(select(User).where(User.email == email)).one()
            accounts.set_password(session, user, password, at=now)
    return password


def _hand_in(
    database: Database, queue: Queue, email: str, topic: str, name: str, content: bytes
) -> None:
    """Unless the student has handed in the same before."""
    submission = parse(name, content)
    with database.read() as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        assignment = session.scalars(select(Assignment).where(Assignment.topic == topic)).one()
        there = select(Submission).where(
            Submission.user_id == user.id,
            Submission.assignment_id == assignment.id,
            Submission.digest == submission.digest,
        )
        if session.scalar(there.limit(1)) is not None:
            return
    queue.accept(assignment.id, user.id, submission, content)


def samples(catalogue: Catalogue) -> Iterator[tuple[str, str, bytes]]:
    """(assignment, file name, content): one that is right, some with typical bugs, one that
    attacks."""
    topics = {topic.name: topic for topic in catalogue[EVERYTHING].topics}
    yield EVERYTHING, "all-correct.zip", _zip({t.name: t.solution() for t in topics.values()})
    yield (
        EVERYTHING,
        "one-bug-each.zip",
        _zip({t.name: t.solution(_first(t)) for t in topics.values()}),
    )
    normalization = topics["normalization"]
    yield (
        "normalization",
        "two-bugs.ipynb",
        _notebook(
            "%matplotlib inline\n!pip install torch",
            normalization.solution(_named(normalization, "eps-outside-root")),
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
            _function(normalization, _named(normalization, "mean-path-dropped")),
        ),
    )
    yield "losses", "unfinished.py", stub(topics["losses"]).encode()
    yield (
        "regularization",
        "syntax-error.py",
        b"import torch\n\ndef dropout(x, p=0.5:\n    return x\n",
    )
    yield "normalization", "attack.py", ATTACK.encode()


def _first(topic: Topic) -> Misconception:
    return topic.exercises[0].misconceptions[0]


def _named(topic: Topic, name: str) -> Misconception:
    return next(m for e in topic.exercises for m in e.misconceptions if m.name == name)


def _function(topic: Topic, misconception: Misconception) -> str:
    """The one edited function, as a notebook's later cell that replaces an earlier one."""
    source = topic.solution(misconception)
    name = misconception.function.__name__
    start = source.index(f"def {name}(")
    end = source.find("\n\n\ndef ", start)
    return source[start : None if end < 0 else end]


def _zip(modules: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in modules.items():
            # A fixed time, so that the same samples are the same bytes and are not graded twice.
            archive.writestr(zipfile.ZipInfo(f"{name}.py", (2026, 1, 1, 0, 0, 0)), source)
    return buffer.getvalue()


def _notebook(*cells: str) -> bytes:
    document = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            }
            for cell in cells
        ],
    }
    return json.dumps(document).encode()
