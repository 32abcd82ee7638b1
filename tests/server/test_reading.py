"""What a hand-in costs the server that reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from autograder.reading import Reader, SandboxFault, TooMuch
from tests.server.conftest import SOURCE, House, post_file


def test_one_user_has_two_hand_ins_read_at_a_time(
    app: Flask, house: House, browser: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are being read, others are not kept waiting, and neither are pages."""
    inside, go = threading.Semaphore(0), threading.Event()
    run = Reader.run

    def slow(self: Reader, job: str, *files: tuple[str, bytes], **arguments: object) -> object:
        if b"slow" in files[0][1]:
            inside.release()
            assert go.wait(60)
        return run(self, job, *files, **arguments)

    monkeypatch.setattr(Reader, "run", slow)
    codes: list[int] = []

    def upload() -> None:
        codes.append(post_file(browser("student"), content=b"x = 'slow'\n").status_code)

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=60)
    assert post_file(browser("student"), content=SOURCE).status_code == 429
    assert post_file(browser("classmate"), content=SOURCE).status_code == 303
    go.set()
    for thread in threads:
        thread.join(60)
    assert codes == [303, 303]
    assert post_file(browser("student"), content=SOURCE).status_code == 303


@pytest.mark.parametrize(("error", "code"), [(TooMuch("'a.py' is too much."), 422)])
def test_too_much_is_one_sentence(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Reader, "run", refuse)
    answer = post_file(client)
    assert (answer.status_code, "is too much." in answer.text) == (code, True)


def test_a_machine_that_cannot_read_accepts_nothing(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SandboxFault("the zygote is gone")

    monkeypatch.setattr(Reader, "run", fail)
    assert post_file(client).status_code == 503
    assert house.rows() == []


def test_what_cannot_be_stored_is_shown_all_the_same(
    house: House, browser: Callable[[str], FlaskClient]
) -> None:
    """Lone surrogates and control characters of a cell: whatever was accepted, its pages answer."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [
        {**cell, "source": "def batch_norm(x):\n    return '\ud800\udfff\x00\x1b'\n" + end}
        for end in ("", "# \udc00")
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    student = browser("student")
    content = json.dumps(document).encode()
    pages = [
        post_file(student, "a.ipynb", content + end).headers["Location"] for end in (b"", b"\n")
    ]
    house.grade_all()
    for page in pages:
        assert student.get(page).status_code == 200
        staff = page.replace("/courses/dl/", "/courses/dl/staff/")
        assert browser("instructor").get(staff).status_code == 200
    assert student.get("/courses/dl/assignments/norm/compare").status_code == 200
