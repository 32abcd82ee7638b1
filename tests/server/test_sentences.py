"""The audit log speaks to people: every action in a sentence of its own."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from server.storage.audit import Action
from server.storage.models import AuditEntry
from server.web.instructor.sentences import sentence

DETAIL = {
    "after": "a",
    "before": "b",
    "assignment": "norm",
    "points": 1.5,
    "reason": "A reason.",
    "changes": ["norm: points 10, was 20"],
    "issuer": "https://login.example.org",
    "scopes": ["read", "submit"],
    "role": "student",
    "students": 3,
    "format": "csv",
    "attempt": 2,
    "exercise": "group_norm",
    "check": "values",
    "state": "accepted",
    "other": "Somebody",
    "part": "Why",
    "title": "The room has changed",
    "to": "another",
}


def told(action: str, **detail: object) -> str:
    entry = AuditEntry(
        at=datetime(2026, 5, 1, tzinfo=UTC), action=action, subject="user:1", detail=detail
    )
    return sentence(entry, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_sentence(action: Action) -> None:
    numbers = {Action.GRADE_CHANGED: {"after": 9.0, "before": 7.0, "cause": "graded"}}
    given = {Action.EXTENSION_GRANTED: {"after": {"due": "2026-05-02T21:59:59+00:00"}}}
    detail = DETAIL | numbers.get(action, {}) | given.get(action, {})
    said = told(action.value, **detail)
    plain = told("of.later", **detail)
    assert said.endswith(".")
    assert "None" not in said
    assert plain.partition(":")[2] not in said  # it is no list of fields
    assert action.value not in said


def test_an_action_of_a_later_version_is_told_by_its_fields() -> None:
    assert told("grade.frozen", until=3) == "Frozen grade: until 3."


def test_one_is_not_many() -> None:
    applied = {"assignment": "norm", "reason": "A new case."}
    one = told("regrade.applied", submissions=1, grades_changed=1, **applied)
    assert one == "A regrade of 1 submission for norm was applied, and 1 grade changed: A new case."
    two = told("regrade.applied", submissions=2, grades_changed=0, **applied)
    assert "2 submissions for norm was applied, and 0 grades changed" in two


def test_a_course_is_made_once_and_then_changed() -> None:
    made = told("course.synced", changes=["course dl: created", "assignment act: created"])
    assert made == "The course was made: assignment act: created."
    changed = told("course.synced", changes=["assignment act: points 10, was 20"])
    assert changed == "The course was changed: assignment act: points 10, was 20."
