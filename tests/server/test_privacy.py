"""All that is kept about a person, and that nothing is after it was deleted."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.cli import main
from autograder.handin.submission import parse
from server import engine
from server.grading import checking
from server.storage import audit
from server.storage.models import (
    Adjustment,
    AnnouncementSeen,
    Answer,
    AnswerImage,
    AuditEntry,
    Base,
    Comment,
    Extension,
    FreeDaysChosen,
    Kind,
    LookedAt,
    MailSwitch,
    Mark,
    MarkItem,
    Part,
    PartKind,
    Question,
    QuestionState,
    Regrade,
    RegradeItem,
    RegradeState,
    RubricItem,
    Scope,
    Sitting,
    State,
    Submission,
    Team,
    TeamMember,
    User,
)
from tests.server import engines
from tests.server.conftest import SOURCE, House
from tests.server.test_courses import contents

Browser = Callable[[str], FlaskClient]


def leave_traces(house: House) -> str:
    """Something of the student's in every table that can hold it; their submission's public id."""
    public_id = house.graded()
    (row,) = house.rows()
    house.token("student", Scope.READ)
    house.identity("student", "https://login.example.org")
    house.outgoing("student")
    announced = house.announcement()
    author, student, at = house.user("assistant").id, house.user("student").id, house.clock()
    with house.database.write() as session:
        for text, for_staff in (("To you, Student", False), ("Among staff", True)):
            session.add(
                Comment(
                    submission_id=row.id,
                    author_id=author,
                    text=text,
                    for_staff=for_staff,
                    written_at=at,
                )
            )
        marks = {"assignment_id": row.assignment_id, "user_id": student}
        session.add(
            Adjustment(
                **marks,
                submission_id=row.id,
                points=1.0,
                reason="a good idea",
                adjusted_by_id=author,
                adjusted_at=at,
            )
        )
        session.add(Sitting(**marks, started_at=at))
        team = Team(assignment_id=row.assignment_id, name="Team", code="CODE", made_at=at)
        session.add(team)
        session.flush()
        session.add(TeamMember(**marks, team_id=team.id, joined_at=at))
        session.add(AnnouncementSeen(announcement_id=announced, user_id=student, seen_at=at))
        session.add(FreeDaysChosen(**marks, days=1, chosen_at=at))
        checking.ask(session, row.assignment_id, student, parse("a.py", b"x"), b"x", at=at)
        session.add(MailSwitch(user_id=student, kind=Kind.COMMENT))
        session.add(Extension(**marks, reason="ill", granted_by_id=author, granted_at=at))
        regrade = Regrade(
            assignment_id=row.assignment_id,
            reason="new cases",
            state=RegradeState.RUNNING,
            started_by_id=author,
            started_at=at,
        )
        session.add(regrade)
        session.flush()
        _answer(session, row, author, at)
        session.add_all(
            [
                LookedAt(submission_id=row.id, looked_by_id=author, looked_on=at),
                Question(
                    submission_id=row.id,
                    exercise="group_norm",
                    check_name="values: y",
                    text="I think this is right",
                    asked_at=at,
                    state=QuestionState.OPEN,
                ),
            ]
        )
        session.add(
            RegradeItem(
                regrade_id=regrade.id, submission_id=row.id, state=State.WAITING, not_before=at
            )
        )
    return public_id


def _answer(session: Session, row: Submission, marker: int, at: datetime) -> None:
    """The student's answer to a part that people mark: an image, and a mark with an item."""
    place = {"assignment_id": row.assignment_id, "user_id": row.user_id}
    part = Part(
        assignment_id=row.assignment_id,
        slug="plot",
        position=0,
        kind=PartKind.IMAGE,
        title="A plot",
        prompt="",
        points=1.0,
    )
    session.add(part)
    session.flush()
    answer = Answer(
        **place, public_id="0" * 32, part_id=part.id, number=1, digest="0" * 64, received_at=at
    )
    item = RubricItem(part_id=part.id, position=0, text="labels", points=0.5)
    session.add_all([answer, item])
    session.flush()
    image = {"media_type": "image/png", "width": 1, "height": 1, "content": b"a plot"}
    mark = Mark(**place, answer_id=answer.id, round=1, marker_id=marker, points=0.5, marked_at=at)
    session.add_all([AnswerImage(answer_id=answer.id, user_id=row.user_id, **image), mark])
    session.flush()
    session.add(MarkItem(mark_id=mark.id, item_id=item.id, user_id=row.user_id))


def test_everything_of_a_person_is_in_the_archive(house: House, browser: Browser) -> None:
    leave_traces(house)
    admin = browser("admin")
    user = house.user("student")
    assert user.email in admin.get("/admin/users?q=student").text
    address = f"/admin/users/{user.id}"
    assert f"{address}/export" in admin.get(address).text
    response = admin.get(f"{address}/export")
    assert response.headers["Content-Disposition"] == f"attachment; filename=user-{user.id}.zip"
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        names = set(archive.namelist())
        folder = "submissions/dl/norm/1"
        files = {f"{folder}/{name}" for name in ("file.py", "submission.json", "report.json")}
        assert names == {"person.json", "answers/1.png", *files}
        assert archive.read("answers/1.png") == b"a plot"
        assert archive.read(f"{folder}/file.py").startswith(SOURCE)
        report = json.loads(archive.read(f"{folder}/report.json"))
        person = json.loads(archive.read("person.json"))
        told = json.loads(archive.read(f"{folder}/submission.json"))
    assert report == {**engines.report("normalization"), "view": "student"}
    assert [comment["text"] for comment in told["comments"]] == ["To you, Student"]
    for table in Base.metadata.sorted_tables:
        if "user_id" in table.c and table.name != "invitations":
            assert person[table.name], table.name
    assert person["users"][0]["email"] == user.email
    assert "grade.changed" in [entry["action"] for entry in person["audit_log"]]
    text = json.dumps(person)
    for secret in (user.password, user.session_key, "Among staff", "classmate"):
        assert str(secret) not in text


def test_what_is_deleted_is_gone_and_nobody_else_is_touched(house: House, browser: Browser) -> None:
    public_id = leave_traces(house)
    others = house.accept(user="classmate")
    house.grade_all()
    user, classmate = house.user("student"), house.user("classmate")
    student, admin = browser("student"), browser("admin")
    address = f"/admin/users/{user.id}/delete"
    before = contents(house)
    assert admin.post(address, data={"email": "classmate@example.org"}).status_code == 422
    assert contents(house) == before

    assert admin.post(address, data={"email": "Student@example.org"}).status_code == 303

    assert student.get("/").status_code == 302  # logged out
    after = contents(house)
    log = after.pop("audit_entries")
    everything = str(after)
    for trace in (user.name, user.email, user.session_key, public_id, "a good idea", "ill"):
        assert f"'{trace}'" not in everything
    for table in Base.metadata.sorted_tables:
        if "user_id" in table.c:
            place = list(table.c).index(table.c.user_id)
            assert user.id not in [row[place] for row in after[table.name]], table.name
    assert log[: len(before["audit_entries"])] == before["audit_entries"]
    with house.database.read() as session:
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        deleted = session.get_one(User, user.id)
    assert entry is not None
    assert (entry.action, entry.subject) == (audit.Action.DATA_ERASED, f"user:{user.id}")
    assert entry.actor_id == house.user("admin").id
    assert deleted.disabled
    assert house.files.read(others).startswith(SOURCE)
    assert house.row(others).state is State.GRADED
    assert house.user("classmate").name == classmate.name
    assert admin.post(address, data={"email": deleted.email}).status_code == 303  # and again


def test_nobody_deletes_themselves(house: House, browser: Browser) -> None:
    admin = house.user("admin")
    response = browser("admin").post(f"/admin/users/{admin.id}/delete", data={"email": admin.email})
    assert response.status_code == 422
    assert "You cannot delete yourself" in response.text


def test_deleted_in_mid_grade_the_grader_goes_on(house: House) -> None:
    house.accept()
    house.accept(user="classmate")

    def grade(secret: bytes, topic: str, *_: object) -> dict[str, object]:
        CliRunner().invoke(
            main,
            ["user", "delete", "student@example.org", "--yes", "--data", str(house.config.data)],
        )
        return engines.report(topic)

    house.grade_all(grade)
    (row,) = house.rows()
    assert row.state is State.GRADED
    assert row.user_id == house.user("classmate").id


def test_the_command_line_does_the_same(house: House, tmp_path: Path) -> None:
    public_id = leave_traces(house)
    archive = tmp_path / "student.zip"

    def run(*command: str, answer: str | None = None) -> str:
        data = ("--data", str(house.config.data))
        result = CliRunner().invoke(main, ["user", *command, *data], input=answer)
        assert "Traceback" not in result.output
        return f"{result.exit_code} {result.output}"

    engine_view, engine.student_view = engine.student_view, lambda report: report
    try:
        assert run("export", "student@example.org", str(archive)).startswith("0 ")
    finally:
        engine.student_view = engine_view
    assert "person.json" in zipfile.ZipFile(archive).namelist()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert "exists: choose a new file" in run("export", "student@example.org", str(archive))
    assert run("delete", "student@example.org", answer="n\n").startswith("1 ")
    assert house.row(public_id)
    told = run("delete", "student@example.org", answer="y\n")
    assert told.endswith("student@example.org is deleted, with 1 submissions.\n")
    assert house.rows() == []
    assert run("delete", "student@example.org", "--yes").startswith("2 Error: There is no user")
