"""Through every door, what a hand-in costs grows no worse than n log n, and stays below a bound.

What reads hand-ins runs in this process here, so that the processor time of a door is all of it:
the request, the reading, the page. Each job by itself, and more dimensions, are in
`tests/autograder/reading/test_growth.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from autograder.handin.submission import SubmissionError
from autograder.reading import Reader
from autograder.reading.inside.jobs import JOBS
from server.grades import similarity
from server.storage.models import Assignment, Scope, User
from tests.growth import FACTOR, OTHERS, SCRIPTS, Dimension, File, hold
from tests.server.conftest import House

pytest.importorskip("copydetect", reason="pip install 'gradmark[similarity]'")

Browser = Callable[[str], FlaskClient]
MOST = 6.0  # seconds of processor time for a request, and all that it makes be read


@pytest.fixture(autouse=True)
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: Reader, job: str, *files: File, **arguments: Any) -> Any:
        try:
            return JOBS[job].work(*files, **arguments)
        except (RecursionError, MemoryError):
            raise SubmissionError("It takes too much to read.") from None

    monkeypatch.setattr(Reader, "run", run)


FILES: dict[str, Dimension] = {
    what: {**SCRIPTS, **OTHERS}[what]
    for what in ("names", "blanks in a line", "magics", "a quadratic codec", "outputs", "members")
}


@dataclass(frozen=True)
class Stored:
    filename: str
    digest: str


@pytest.mark.slow
@pytest.mark.parametrize("what", FILES)
def test_a_file_through_every_door(house: House, app: Flask, browser: Browser, what: str) -> None:
    """Refused or not: what is stored here got there by a door that was open once."""
    student, instructor = browser("student"), browser("instructor")
    token = {"Authorization": f"Bearer {house.token('student', Scope.SUBMIT, Scope.READ)}"}
    before = house.graded()
    ids: dict[tuple[File, str], str] = {}

    def kept(file: File, user: str) -> str:
        name, content = file
        if (file, user) not in ids:
            found = Stored(name, hashlib.sha256(content).hexdigest())
            accepted = house.queue.accept(
                house.assignment().id, house.user(user).id, found, content, unlimited=True
            )
            ids[file, user] = accepted.public_id
            house.grade_all()
        return ids[file, user]

    def post(client: FlaskClient, address: str, file: File, field: str, **more: Any) -> None:
        data = {field: (BytesIO(file[1]), file[0])}
        answer = client.post(address, data=data, content_type="multipart/form-data", **more)
        assert answer.status_code < 500

    def get(client: FlaskClient, address: str, **more: Any) -> None:
        assert client.get(address, **more).status_code == 200

    def upload(file: File) -> None:
        post(student, "/courses/dl/assignments/norm/", file, "file")

    def api(file: File) -> None:
        course = "/api/v1/courses/dl"
        post(app.test_client(), f"{course}/assignments/norm/look", file, "file", headers=token)
        address = f"{course}/submissions/{kept(file, 'student')}/report"
        get(app.test_client(), address, headers=token)

    def report(file: File) -> None:
        get(student, house.page(kept(file, "student")))

    def staff(file: File) -> None:
        get(instructor, f"/courses/dl/staff/submissions/{kept(file, 'student')}/")

    def comparison(file: File) -> None:
        chosen = f"before={before}&after={kept(file, 'student')}"
        get(student, f"/courses/dl/assignments/norm/compare?{chosen}")

    def search(file: File) -> None:
        for user in ("student", "classmate"):
            kept(file, user)
        with house.database.write() as session:
            actor, now = session.get_one(User, house.user("instructor").id), house.clock()
            assignment = session.get_one(Assignment, house.assignment().id)
            number = similarity.start(session, assignment, at=now, actor=actor).id
        similarity.run(house.database, house.files, number, "pass", house.clock)

    def pair(file: File) -> None:
        number = house.pair(kept(file, "student"), kept(file, "classmate"))
        get(instructor, f"/courses/dl/staff/similarity/{number}/")

    def exports(file: File) -> None:
        kept(file, "student")
        get(instructor, "/courses/dl/staff/exports/grades.json")

    for n in (1, FACTOR):  # what only stores and grades is counted nowhere
        file = FILES[what][1](n * FILES[what][0])
        for user in ("student", "classmate"):
            kept(file, user)
    for door in (upload, api, report, staff, comparison, search, pair, exports):
        try:
            hold(door, FILES[what], MOST)
        except AssertionError as error:
            raise AssertionError(f"{door.__name__}: {error}") from None
