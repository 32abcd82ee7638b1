"""course.toml and rosters: what is read, what is refused, and that doing it again is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from autograder.cli import main
from server import courses, engine
from server.courses import CourseError, spec
from server.storage.models import AuditEntry, Base, Course
from tests.server import engines
from tests.server.conftest import COURSE, House, course_spec

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "docs" / "course.example.toml").read_text("utf-8")
TOPICS = ("normalization", "losses")


def test_the_example_is_read() -> None:
    course = courses.read(EXAMPLE, TOPICS)
    norm, losses = course.assignments
    assert norm.due_at.astimezone(UTC) == datetime(2027, 4, 26, 21, 59, tzinfo=UTC)
    assert (norm.attempts_per_day, losses.attempts_per_day) == (5, 5)  # [policy]'s
    assert (norm.counts, losses.counts) == ("best", "last-before-due")
    assert losses.late_until is None
    assert [part.kind for part in losses.parts] == ["text", "image"]
    assert r"$\log \sum_i e^{x_i}$" in losses.parts[0].prompt


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[course]", "[course", "The file is not valid TOML"),
        ("[course]", "[curse]", "the file has no key 'curse': there are course, policy"),
        ('title = "Deep Learning"', "", "[course] lacks title: a text of up to"),
        (
            "Europe/Berlin",
            "Mars/Base",
            "timezone = 'Mars/Base' is not allowed: it must be the name",
        ),
        ("points = 20", 'points = "20"', "[[assignments]] 'normalization': points = '20' is not"),
        ("points = 20", "points = nan", "points = nan is not allowed"),
        ("points = 20", "points = true", "points = True is not allowed"),
        ("attempts = 20", "attempts = 0", "attempts = 0 is not allowed: it must be how many"),
        ('"last-before-due"', '"first"', 'it must be one of "best", "last", "last-before-due"'),
        ('topic = "losses"', 'topic = "loss"', 'it must be one of "normalization", "losses"'),
        (
            'kind = "image"',
            'kind = "video"',
            "part 'curves': kind = 'video' is not allowed",
        ),
        ('slug = "curves"', 'slug = "why-log-sum-exp"', "slug is that of an earlier part"),
        (
            "points = 2\n",
            "points = 9.5\n",
            "parts are worth 10.5 points together, more",
        ),
        ("points = 1\n", "worth = 1\n", "part 'curves' has no key 'worth': there are slug, kind"),
        ('slug = "losses"', 'slug = "normalization"', "slug is that of an earlier assignment"),
        ('slug = "losses"', 'slug = "a/b"', "slug = 'a/b' is not allowed: it must be lower-case"),
        (
            "due = 2027-04-26 23:59:00",
            "due = 2027-04-26",
            "due = 2027-04-26 is not allowed",
        ),
        ("due = 2027-04-26 23:59:00", "due = 2027-04-01 00:00:00", "due must be later than opens"),
        ("late_until = 2027-05-03", "late_until = 2027-04-03", "late_until must not be earlier"),
        ("late_penalty = 10", "penalty = 10", "[policy] has no key 'penalty': there are late_"),
        ("attempts = 20", "atempts = 20", "has no key 'atempts'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(old: str, new: str, said: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(CourseError) as error:
        courses.read(EXAMPLE.replace(old, new), TOPICS)
    assert said in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@given(st.text() | st.sampled_from(EXAMPLE.splitlines()).map("\n".join))
def test_whatever_the_file_holds_the_error_is_ours(text: str) -> None:
    with pytest.raises(CourseError):
        courses.read(text, TOPICS)


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    for key in (*spec.COURSE, *spec.POLICY, *spec.ASSIGNMENT, *spec.PART):
        assert f"`{key.name}`" in page, key.name


def contents(house: House) -> dict[str, list[tuple[object, ...]]]:
    with house.database.read() as session:
        return {
            table.name: [
                tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
        }


def sync(house: House, wanted: courses.CourseSpec) -> list[str]:
    with house.database.write() as session:
        return courses.sync(session, wanted, at=house.clock(), actor=None)


def test_doing_it_again_changes_nothing(house: House) -> None:
    example = courses.read(EXAMPLE, TOPICS)
    assert len(sync(house, example)) == 3
    before = contents(house)
    assert sync(house, example) == []
    assert contents(house) == before


def test_a_change_is_told_and_audited_and_the_secret_stays(house: House) -> None:
    sync(house, courses.read(EXAMPLE, TOPICS))
    with house.database.read() as session:
        secrets = session.scalars(select(Course.secret)).all()
    assert len(set(secrets)) == 3  # one for each course
    changed = EXAMPLE.replace("points = 20", "points = 25")
    assert sync(house, courses.read(changed, TOPICS)) == [
        "assignment normalization: points was 20.0, is 25.0"
    ]
    with house.database.read() as session:
        assert session.scalars(select(Course.secret)).all() == secrets
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.action == "course.synced"
    assert entry.detail["changes"] == ["assignment normalization: points was 20.0, is 25.0"]


def test_what_has_submissions_is_not_taken_away(house: House) -> None:
    house.accept()
    whole = course_spec(house.clock())
    without = courses.CourseSpec(whole.slug, whole.title, whole.timezone, whole.assignments[1:])
    with pytest.raises(CourseError, match="'norm' has submissions, so it must stay"):
        sync(house, without)
    (first, *rest) = whole.assignments
    other = courses.AssignmentSpec(**{**vars(first), "topic": "losses"})
    moved = courses.CourseSpec(whole.slug, whole.title, whole.timezone, (other, *rest))
    with pytest.raises(CourseError, match="its topic stays 'normalization'"):
        sync(house, moved)


ROSTER = """\
Name,Email,Role,Section
"Doe, J.",Doe@Example.org,,A
Known,student@example.org,,B
Helper,helper@example.org,assistant,
"""


def test_the_command_line_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "load", lambda reference: engines.ENGINE)
    (tmp_path / "course.toml").write_text(EXAMPLE, "utf-8")
    (tmp_path / "roster.csv").write_text(ROSTER, "utf-8")

    def run(*command: str) -> str:
        data = ("--data", str(tmp_path / "data"))
        result = CliRunner().invoke(main, [*command, *data])
        assert "Traceback" not in result.output
        return f"{result.exit_code} {result.output}"

    sync = ("course", "sync", str(tmp_path / "course.toml"))
    import_ = ("course", "roster", "deep-learning", str(tmp_path / "roster.csv"))
    assert run(*import_).startswith("2 Error: There is no course 'deep-learning'")
    assert "0 course deep-learning: created" in run(*sync)
    assert run(*sync) == "0 Nothing changed.\n"
    assert run(*import_, "--dry-run").endswith("Nothing is changed.\n")
    assert run(*import_).endswith("3 added, 0 changed, 0 unchanged.\n")
    assert run(*import_).endswith("0 added, 0 changed, 3 unchanged.\n")
    assert run(*import_, "--links").count("http://127.0.0.1:8000/invitations/") == 3
    assert run("user", "add", "x@y.org", "--url", "https://g.example").startswith("0 https://g.")
    assert run("user", "add", "x@y.org").startswith("2 Error: There is a user x@y.org already.")
    assert run("user", "invite", "z@y.org").startswith("2 Error: There is no user z@y.org.")


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2026-10-25 02:30:00", "comes twice in Europe/Berlin"),
        ("2027-03-28 02:30:00", "does not exist in Europe/Berlin"),
    ],
)
def test_a_time_that_the_clocks_repeat_or_skip_is_refused(due: str, said: str) -> None:
    text = re.sub(r"(?m)^due = .*$", f"due = {due}", EXAMPLE)
    text = re.sub(r"(?m)^late_until = .*$", "", text)
    text = re.sub(r"(?m)^opens = .*$", "opens = 2026-10-01 08:00:00", text)
    with pytest.raises(courses.CourseError, match=said) as refusal:
        courses.read(text, TOPICS)
    assert ("+02:00 or 2026-10-25T02:30:00+01:00" in str(refusal.value)) == ("twice" in said)


def test_with_its_offset_such_a_time_is_taken_once(house: House) -> None:
    now = course_spec(house.clock()).assignments[0]
    dates = {"opens": now.opens_at, "due": now.due_at, "late_until": now.due_at}
    text = COURSE.format(slug="dl", last="losses", **dates)
    text = re.sub(r"(?m)^due = .*$", "due = 2099-10-25T02:30:00+02:00", text)
    text = re.sub(r"(?m)^late_until = .*$", "", text)
    for expected in (True, False, False):
        with house.database.write() as session:
            changes = courses.sync(
                session,
                courses.read(text, engines.ENGINE.topics),
                at=house.clock(),
                actor=None,
            )
        assert bool(changes) == expected
