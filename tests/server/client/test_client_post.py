"""`gradmark post`: a class that was graded from its folder comes into its course on a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from autograder.cli import main
from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.report import Report, student_view
from server.grading import posting
from server.storage.models import AuditEntry, Grade, Outgoing, Scope, State, Submission, User
from tests.server.client.conftest import Gradmark, Served

CODE = "def cross_entropy(logits, target):\n    return logits\n"


@pytest.fixture(scope="module")
def report(grader: Grader) -> Report:
    return grader.grade("losses", parse("losses.py", CODE.encode()))


Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, report: Report) -> Folder:
    """A folder of results, as `gradmark grade` writes it: a test of its own says that it does."""

    def make(*owners: dict[str, Any], score: float = 3.0, report: Report = report) -> Path:
        path = tmp_path / "losses-results"
        for part in ("files", "reports"):
            (path / part).mkdir(parents=True, exist_ok=True)
        entries = []
        for number, owner in enumerate(owners):
            slug, graded = f"s{number}", not owner.pop("refused", False)
            at, late = owner.pop("at", None), owner.pop("late", False)
            text = owner.pop("code", f"{CODE}# {number}\n")
            whose = dict.fromkeys(("key", "name", "identifier", "login", "email", "folder"), "")
            entries.append(
                {
                    "slug": slug,
                    "owner": {**whose, **owner},
                    "at": at,
                    "late": late,
                    "filename": "losses.py",
                    "graded": graded,
                }
            )
            (path / "files" / slug).write_text(text)
            kept = {"report": {**report, "score": score}}
            (path / "reports" / f"{slug}.json").write_text(json.dumps(kept))
        said = {"assignment": "losses", "layout": "canvas", "results": entries}
        (path / "results.json").write_text(json.dumps(said))
        return path

    return make


@pytest.fixture
def teacher(served: Served, gradmark: Gradmark) -> Gradmark:
    token = served.house.token("instructor", *Scope)
    assert gradmark("login", served.url, typed=f"{token}\n").exit_code == 0
    return gradmark


def rows(served: Served, table: type[Any]) -> list[Any]:
    with served.house.database.read() as session:
        return list(session.scalars(select(table)))


def test_results_are_proposed_posted_once_and_count_by_the_rules(
    served: Served, teacher: Gradmark, folder: Folder
) -> None:
    due = served.house.assignment("losses").due_at
    results = folder(
        {"key": "student_7", "name": "Student", "email": "student@example.org"},
        {"key": "classmate_8", "name": "classmate", "late": True},
        {"key": "stranger", "login": "stranger"},
        {"key": "broken", "name": "Broken", "refused": True},
    )
    asked = teacher("post", "losses", results)
    assert asked.exit_code == 2
    assert "--yes says that the proposal is right" in asked.output
    assert served.house.rows() == []

    done = teacher("post", "dl/losses", results, "--yes")
    assert done.exit_code == 0, done.output
    assert "Student, student@example.org" in done.output
    assert "Found by the name alone." in done.output
    assert "No student of the course has this name or address." in done.output
    assert "Broken: without a report" in done.output
    assert "counts as in time: classmate" in done.output
    assert "2 posted, 0 were there already." in done.output
    assert "1 could not be placed" in done.output
    found = served.house.rows()
    assert {row.user_id for row in found} == {
        served.house.user(name).id for name in ("student", "classmate")
    }
    assert {(row.state, row.score) for row in found} == {(State.GRADED, 3.0)}
    assert all(row.received_at <= due for row in found)
    (worth,) = {row.max_score for row in found}
    assert {grade.points for grade in rows(served, Grade)} == {round(10 * 3 / worth, 6)}
    posted = [e for e in rows(served, AuditEntry) if e.action == "result.posted"]
    assert {e.actor_id for e in posted} == {served.house.user("instructor").id}

    again = teacher("post", "losses", results, "--yes")
    assert "0 posted, 2 were there already." in again.output
    assert len(served.house.rows()) == 2
    assert len([e for e in rows(served, AuditEntry) if e.action == "result.posted"]) == 2


def test_whom_nobody_can_place_is_placed_by_hand(
    served: Served, teacher: Gradmark, folder: Folder, tmp_path: Path
) -> None:
    results = folder({"key": "anon_7"}, {"key": "anon_8"})
    none = teacher("post", "losses", results, "--yes")
    assert none.exit_code == 3
    assert "None of these results has a place in the course." in none.output
    by_hand = tmp_path / "people.csv"
    by_hand.write_text("\ufeffkey,email\nanon_7,Student@example.org\nanon_8,\n")
    done = teacher("post", "losses", results, "--yes", "--people", by_hand)
    assert "1 posted" in done.output
    by_hand.write_text("who\nme\n")
    wrong = teacher("post", "losses", results, "--yes", "--people", by_hand)
    assert wrong.exit_code == 2
    assert "columns key and email" in wrong.output


def test_two_of_one_name_are_nobody(served: Served, teacher: Gradmark, folder: Folder) -> None:
    for name in ("twin.one", "twin.two"):
        served.house.student(name)
    with served.house.database.write() as session:
        for user in session.scalars(select(User).where(User.email.like("twin%"))):
            user.name = "Alex Müller"
    results = folder({"key": "muelleralex_1", "name": "Müller, Alex"})
    done = teacher("post", "losses", results, "--yes")
    assert "Fits several students" in done.output
    assert served.house.rows() == []


def test_a_result_counts_as_late_as_its_file_was(
    served: Served, teacher: Gradmark, folder: Folder
) -> None:
    clock = served.house.clock
    clock.advance(9 * 86400)
    early = clock.now.replace(tzinfo=None).isoformat()
    owner = {"key": "student@example.org", "email": "student@example.org"}
    results = folder({**owner, "at": early}, {**owner, "at": "2020-01-01T10:00:00+02:00"})
    assert teacher("post", "norm", results, "--yes").exit_code == 3  # it is about another topic
    done = teacher("post", "losses", results, "--yes")
    assert "2 posted" in done.output
    first, second = served.house.rows()
    assert first.received_at == datetime(2020, 1, 1, 8, tzinfo=UTC)
    assert second.received_at > served.house.assignment("losses").due_at
    (grade,) = rows(served, Grade)
    assert grade.submission_id == first.id  # the other came after the end


def test_what_this_server_graded_stays(served: Served, teacher: Gradmark, folder: Folder) -> None:
    owner = {"key": "s", "email": "student@example.org", "code": CODE}
    served.house.accept("losses.py", CODE.encode(), assignment="losses")
    done = teacher("post", "losses", folder(owner), "--yes")
    assert "There with another result, which stays: s" in done.output
    (row,) = served.house.rows()
    assert row.state is State.WAITING


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda r: student_view(r), "student's view"),
        (lambda r: {**r, "assignment": "normalization"}, "about 'normalization', not about"),
        (lambda r: {**r, "max_score": 1.0}, "not between 0 and its greatest"),
        (lambda r: {**r, "exercises": [{"name": 3}]}, "does not hold at exercises[0]"),
        (lambda r: {"schema": r["schema"]}, "does not hold at"),
    ],
)
def test_a_report_that_does_not_hold_is_one_sentence(
    served: Served,
    teacher: Gradmark,
    folder: Folder,
    report: Report,
    change: Callable[[Report], Report],
    sentence: str,
) -> None:
    owner = {"key": "s", "name": "Sam", "email": "student@example.org"}
    done = teacher("post", "losses", folder(owner, report=change(report)), "--yes")
    assert done.exit_code == 3
    assert "Sam: " in done.output
    assert sentence in done.output
    assert served.house.rows() == []
    assert rows(served, Grade) == []


def test_a_score_beyond_all_numbers_is_refused() -> None:
    content = b'{"assignment": "losses", "view": "full", "score": 1.0, "max_score": 1e999}'
    with pytest.raises(posting.PostingError, match="not between 0 and its greatest"):
        posting.report_of(content, "losses", lambda report: None)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"results": [{"slug": "../x"}]}', "\0"])
def test_a_folder_that_holds_no_results_is_one_sentence(
    teacher: Gradmark, tmp_path: Path, content: str
) -> None:
    (tmp_path / "results.json").write_text(content)
    done = teacher("post", "losses", tmp_path, "--yes")
    assert done.exit_code == 2
    assert "holds no results of a class" in done.output


def test_it_takes_an_instructor_with_a_token_that_may_manage(
    served: Served, gradmark: Gradmark, folder: Folder
) -> None:
    results = folder({"key": "s", "email": "student@example.org"})
    for name, scopes in (("instructor", [Scope.READ, Scope.SUBMIT]), ("student", list(Scope))):
        token = served.house.token(name, *scopes)
        gradmark("login", served.url, typed=f"{token}\n")
        done = gradmark("post", "losses", results, "--yes")
        assert done.exit_code == 3, done.output
    assert served.house.rows() == []


@pytest.mark.slow
def test_from_a_course_systems_folder_to_the_course(
    served: Served, teacher: Gradmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing replaced between the two commands."""
    (tmp_path / "class").mkdir()
    for name in ("student_12_345_losses.py", "classmate_LATE_13_346_losses-1.py"):
        (tmp_path / "class" / name).write_text(f"{CODE}# {name}\n")
    monkeypatch.chdir(tmp_path)
    graded = CliRunner().invoke(main, ["grade", "losses", "class", "--jobs", "1"])
    assert graded.exit_code == 0, graded.output
    done = teacher("post", "losses", "losses-results", "--yes")
    assert "2 posted" in done.output, done.output
    assert {row.filename for row in served.house.rows()} == {"losses.py"}
    assert {row.state for row in rows(served, Submission)} == {State.GRADED}
    assert rows(served, Outgoing) == []
