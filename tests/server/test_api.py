"""The API: what a program asks, gets and is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.storage.audit import Action
from server.storage.models import ApiToken, AuditEntry, Scope
from server.web.problems import MEDIA_TYPE
from tests.server.conftest import SOURCE, House

Ask = Callable[..., TestResponse]
EVERYTHING = tuple(Scope)


@pytest.fixture
def ask(app: Flask, house: House) -> Ask:
    """`ask("student", "/me")`: the answer to a program of the student's."""

    def ask(
        name: str, path: str, *, scopes: tuple[Scope, ...] = EVERYTHING, **options: Any
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {house.token(name, *scopes)}"}
        method = "POST" if "data" in options else "GET"
        return app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)

    return ask


HAND_IN = "/courses/dl/assignments/norm/submissions"


def files(*named: tuple[str, bytes]) -> dict[str, Any]:
    return {"file": [(BytesIO(content), name) for name, content in named]}


def refusal(response: TestResponse) -> tuple[int, str]:
    """What a problem document says, well formed as it must be."""
    assert response.mimetype == MEDIA_TYPE
    assert response.json is not None
    assert response.json["status"] == response.status_code
    assert response.json["type"] == "about:blank"
    assert response.json["title"]
    return response.status_code, response.json["detail"]


def test_the_whole_way(ask: Ask, house: House) -> None:
    me = ask("student", "/me", scopes=(Scope.READ,)).json
    assert (me["email"], me["token"]["scopes"]) == ("student@example.org", ["read"])
    (course,) = ask("student", "/courses").json
    assert (course["slug"], course["role"]) == ("dl", "student")
    norm, losses = ask("student", "/courses/dl/assignments").json
    assert (norm["slug"], norm["state"], norm["refusal"]) == ("norm", "open", None)
    assert losses["grade"] is None

    accepted = ask("student", HAND_IN, data=files(("solution.py", SOURCE)))
    assert accepted.status_code == 201
    where = accepted.location.removeprefix("/api/v1")
    assert {**accepted.json, "look": []} == {**ask("student", where).json, "look": []}
    assert (accepted.json["state"], accepted.json["position"]) == ("waiting", 1)
    assert refusal(ask("student", f"{where}/report"))[0] == 404

    house.clock.advance(60)
    claim = house.queue.claim()
    house.queue.progress(claim, "dropout", 2, 5)
    assert ask("student", where).json["progress"] == {"exercise": "dropout", "done": 2, "total": 5}
    house.queue.give_back(claim)
    house.grade_all()

    graded = ask("student", where).json
    assert (graded["state"], graded["final"]) == ("graded", True)
    # On one scale, the assignment's points, whatever the report's own was.
    assert (graded["score"], graded["max_score"]) == (7.5, 10.0)
    assert graded["counts"] is True
    report = ask("student", f"{where}/report").json
    assert report["view"] == "student"
    assert (report["score"], report["max_score"]) == (7.5, 10.0)
    assert ask("student", "/courses/dl/assignments/norm").json["grade"]["points"] == 7.5
    (listed,) = ask("student", "/courses/dl/submissions").json
    assert listed == {name: graded[name] for name in listed}


def test_several_files_are_kept_as_one_zip_and_the_same_ones_are_the_same(
    ask: Ask, house: House
) -> None:
    both = ("a.py", SOURCE), ("b.py", SOURCE)
    first, second = (ask("student", HAND_IN, data=files(*both)).json for _ in range(2))
    assert first["filename"] == "normalization.zip"
    assert first["digest"] == second["digest"]


def test_what_is_not_accepted_says_why(ask: Ask, house: House) -> None:
    for sent, said in (
        (files(("a.txt", b"x")), "no .py, .ipynb or .zip"),
        (files(("a.py", b"")), "is empty"),
        (files(("a.zip", b"x"), ("b.py", b"x")), "is a zip"),
        (files(("a.py", b"x"), ("a.py", b"x")), "two files"),
    ):
        code, detail = refusal(ask("student", HAND_IN, data=sent))
        assert (code, said in detail) == (422, True), detail
    nothing = ask("student", HAND_IN, data={})
    assert refusal(nothing)[0] == 422
    assert nothing.json["errors"][0]["field"] == "file"
    too_much = files(("a.py", b"#" * 33 * 2**20))
    assert refusal(ask("student", HAND_IN, data=too_much))[0] == 413
    house.clock.advance(15 * 86400)
    code, detail = refusal(ask("student", HAND_IN, data=files(("a.py", SOURCE))))
    assert code == 409
    assert "closed on" in detail
    assert house.rows() == []


def test_to_a_token_that_may_not_manage_staff_are_students(ask: Ask, house: House) -> None:
    submission = f"/courses/dl/submissions/{house.graded()}"
    student = house.user("student").id
    for path in (f"{submission}/report", f"/courses/dl/submissions?user_id={student}"):
        assert ask("assistant", path).status_code == 200
        assert ask("assistant", path, scopes=(Scope.READ,)).status_code == 404
        assert ask("classmate", path).status_code == 404
    assert ask("assistant", f"{submission}/report").json["view"] == "instructor"
    assert ask("assistant", f"{submission}/report?view=student").json["view"] == "student"
    assert refusal(ask("student", f"{submission}/report?view=instructor"))[0] == 403
    everyone = "/courses/dl/submissions?everyone=true"
    assert len(ask("assistant", everyone).json) == 1
    assert ask("assistant", "/courses/dl/submissions").json == []
    assert refusal(ask("assistant", everyone, scopes=(Scope.READ,)))[0] == 403
    assert ask("assistant", "/courses", scopes=(Scope.READ,)).json[0]["role"] == "student"
    house.clock.advance(15 * 86400)
    only_submit = ask("assistant", HAND_IN, data=files(("a.py", SOURCE)), scopes=(Scope.SUBMIT,))
    assert only_submit.status_code == 409
    assert ask("assistant", HAND_IN, data=files(("a.py", SOURCE))).status_code == 201


def test_grades_are_for_staff(ask: Ask, house: House) -> None:
    public_id = house.graded()
    (grade,) = ask("assistant", "/courses/dl/grades").json
    assert grade["user"]["email"] == "student@example.org"
    assert (grade["points"], grade["max_points"]) == (7.5, 10)
    assert grade["submission"] == public_id
    assert ask("assistant", "/courses/dl/grades?assignment=losses").json == []
    assert refusal(ask("student", "/courses/dl/grades"))[0] == 403


def test_the_gradebook_is_exported_and_the_audit_log_notes_it(ask: Ask, house: House) -> None:
    public_id = house.graded()
    book = ask("assistant", "/courses/dl/exports/grades").json
    (student,) = [line for line in book["students"] if line["email"] == "student@example.org"]
    assert student["grades"]["norm"]["submission"] == public_id
    assert student["total"] == 7.5
    with house.database.read() as session:
        entries = session.query(AuditEntry).filter_by(action=Action.EXPORTED.value).all()
    assert [entry.actor_id for entry in entries] == [house.user("assistant").id]


def test_lists_come_in_pages(ask: Ask, house: House) -> None:
    sent = [house.accept(f"{number}.py") for number in range(5)]
    got = []
    for page in (1, 2, 3):
        answer = ask("student", f"/courses/dl/submissions?page={page}&page_size=2")
        assert json.loads(answer.headers["X-Pagination"])["total"] == 5
        got += [submission["id"] for submission in answer.json]
    assert got == sent[::-1]
    assert ask("student", "/courses/dl/submissions?page=99999999999999999999").json == []
    too_many = ask("student", "/courses/dl/submissions?page_size=100000")
    assert refusal(too_many)[0] == 422
    assert too_many.json["errors"][0]["field"] == "page_size"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic eDp5", "Bearer \xff"]
)
def test_without_a_token_that_holds_nothing_is_told(app: Flask, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = app.test_client().get("/api/v1/me", headers=headers)
    assert refusal(answer)[0] == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_opens_no_page(app: Flask, house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token('admin', *EVERYTHING)}"}
    for page in ("/", "/account", "/courses/dl/"):
        assert "/login" in app.test_client().get(page, headers=headers).location


def test_the_use_of_a_token_is_noted(ask: Ask, house: House) -> None:
    ask("student", "/me")
    house.clock.advance(1)
    with house.database.read() as session:
        assert session.query(ApiToken).one().last_used_at is not None


def test_a_program_that_goes_mad_is_slowed_down(ask: Ask) -> None:
    codes = {ask("student", HAND_IN, data={}).status_code for _ in range(31)}
    assert codes == {422, 429}
    assert ask("classmate", HAND_IN, data={}).status_code == 422


def test_errors_are_problem_documents_below_the_api_and_pages_elsewhere(
    ask: Ask, app: Flask, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(ask("student", "/nowhere"))[0] == 404
    wrong_method = ask("student", "/me", data={})
    assert refusal(wrong_method)[0] == 405
    assert "GET" in wrong_method.headers["Allow"]
    assert app.test_client().get("/nowhere").mimetype == "text/html"

    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the server's")

    monkeypatch.setattr("server.web.access.seats", broken)
    code, detail = refusal(ask("student", "/courses"))
    assert code == 500
    assert "secret" not in detail


def test_the_page_that_describes_it_has_every_operation(app: Flask) -> None:
    page = app.test_client().get("/api/v1/docs").text
    document = app.test_client().get("/api/v1/openapi.json").json
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            assert f'<p class="code">{method.upper()} {path}</p>' in page
    assert 'href="#SubmissionStatus"' in page
    assert 'id="SubmissionStatus"' in page


def test_staff_read_who_is_in_the_course(house: House, app: Flask) -> None:
    headers = {"Authorization": f"Bearer {house.token('assistant', Scope.MANAGE)}"}
    listed = app.test_client().get("/api/v1/courses/dl/people", headers=headers).json
    assert listed is not None
    assert {(p["user"]["email"], p["role"], p["here"]) for p in listed} >= {
        ("student@example.org", "student", True),
        ("instructor@example.org", "instructor", True),
    }
    assert "outsider@example.org" not in {p["user"]["email"] for p in listed}
