"""The audit log in sentences: what was done, for who reads it. Each action has one; an entry of
another version, whose action is not known, is told by the names of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from server.grades.moments import spelled
from server.language import N_
from server.storage.audit import Action
from server.storage.models import AuditEntry

Detail = Mapping[str, Any]

# The actions, as a list to choose from calls them.
NAMES: Mapping[Action, str] = {
    Action.ENROLLED: N_("enrolled"),
    Action.LEFT: N_("left the course"),
    Action.RETURNED: N_("back in the course"),
    Action.ROLE_CHANGED: N_("role changed"),
    Action.USER_RENAMED: N_("name changed"),
    Action.EXTENSION_GRANTED: N_("extension granted"),
    Action.STARTED: N_("started"),
    Action.TEAM_CHANGED: N_("team changed"),
    Action.FREE_DAYS_CHOSEN: N_("free days chosen"),
    Action.PUBLISHED: N_("results published"),
    Action.WITHDRAWN: N_("results taken back"),
    Action.GRADE_CHANGED: N_("grade changed"),
    Action.ADJUSTED: N_("points by hand"),
    Action.QUESTION_ASKED: N_("question asked"),
    Action.QUESTION_ANSWERED: N_("question answered"),
    Action.ANNOUNCED: N_("announced"),
    Action.ANNOUNCEMENT_CHANGED: N_("announcement changed"),
    Action.ANNOUNCEMENT_WITHDRAWN: N_("announcement withdrawn"),
    Action.PAIR_JUDGED: N_("similar pair judged"),
    Action.MARKED: N_("answer marked"),
    Action.RUBRIC_CHANGED: N_("rubric changed"),
    Action.RESULT_POSTED: N_("result posted"),
    Action.REGRADE_STARTED: N_("regrade started"),
    Action.REGRADE_APPLIED: N_("regrade applied"),
    Action.REGRADE_DISCARDED: N_("regrade discarded"),
    Action.SIMILARITY_SEARCHED: N_("similarity searched"),
    Action.EXPORTED: N_("grades exported"),
    Action.COURSE_SYNCED: N_("course changed"),
    Action.COURSE_COPIED: N_("course copied"),
    Action.SECTION_CHANGED: N_("section changed"),
    Action.COURSE_CONNECTED: N_("course system connected"),
    Action.COURSE_DISCONNECTED: N_("course system disconnected"),
}
_CAUSES = {
    "graded": "because a submission was graded",
    "not graded": "because a submission could not be graded",
    "accepted": "because something was handed in",
    "extension": "because of the extension",
    "adjusted": "because of the points by hand",
    "answered": "because a part was answered",
    "marked": "because an answer was marked",
    "rubric": "because a rubric was changed",
    "posted": "because a result from elsewhere was posted",
    "team changed": "because a team changed",
    "free days": "because of the free days that are left",
    "course changed": "because the course's policy changed",
}
_JUDGED = {"none": "taken back to be looked at again", "seen": "marked as seen"}


def sentence(entry: AuditEntry, zone: tzinfo) -> str:
    """
    Args:
        zone: the course's.
    """
    told = _SENTENCES.get(entry.action)
    return _plainly(entry) if told is None else told(entry.detail, zone)


def about(entry: AuditEntry) -> str:
    """Whom or what it is about, if that is no person."""
    what, _, number = entry.subject.partition(":")
    return "The course" if what == "course" else f"{what} {number}".capitalize().strip()


def _grade(detail: Detail, zone: tzinfo) -> str:
    after, before = _points(detail.get("after")), _points(detail.get("before"))
    cause = detail.get("cause", "")
    why = _CAUSES.get(cause, f"by {cause}" if cause.startswith("regrade") else cause)
    return f"The grade for {detail.get('assignment')} is {after}, was {before}, {why}."


def _adjusted(detail: Detail, zone: tzinfo) -> str:
    return (
        f"{detail.get('points', 0):+g} points by hand for {detail.get('assignment')}: "
        f"{detail.get('reason')}"
    )


def _marked(detail: Detail, zone: tzinfo) -> str:
    before = detail.get("before")
    said = f", was {before}" if before is not None else ""
    return (
        f"The {detail.get('round', 'mark')} for {detail.get('part')} in "
        f"{detail.get('assignment')} is {detail.get('after')} of {detail.get('of', 0):g}{said}."
    )


def _rubric(detail: Detail, zone: tzinfo) -> str:
    before, after = detail.get("before"), detail.get("after")
    place = f"the rubric of {detail.get('part')} in {detail.get('assignment')}"
    if before is None:
        return f"To {place} was added: {after}."
    count = _many(detail.get("marks", 0), "mark")
    if after is None:
        return f"From {place} was taken, and from {count}: {before}."
    return f"In {place}, and in {count}, {before} is now {after}."


def _extension(detail: Detail, zone: tzinfo) -> str:
    given, parts = detail.get("after") or {}, []
    for key, words in (("due", "due"), ("late_until", "late until")):
        if given.get(key):
            parts.append(f"{words} {spelled(datetime.fromisoformat(given[key]), zone)}")
    if given.get("extra_attempts"):
        parts.append(f"{_many(given['extra_attempts'], 'attempt')} more")
    if given.get("extra_minutes"):
        parts.append(f"{_many(given['extra_minutes'], 'minute')} more")
    return (
        f"{detail.get('assignment')}: {', '.join(parts) or 'as for everyone'}. "
        f"{detail.get('reason', '')}"
    )


def _regrade(words: str) -> Callable[[Detail, tzinfo], str]:
    def told(detail: Detail, zone: tzinfo) -> str:
        count = detail.get("submissions", 0)
        said = f"A regrade of {_many(count, 'submission')} for {detail.get('assignment')} {words}"
        if "grades_changed" in detail:
            said += f", and {_many(detail['grades_changed'], 'grade')} changed"
        return f"{said}: {detail.get('reason')}"

    return told


def _synced(detail: Detail, zone: tzinfo) -> str:
    changes = [str(change) for change in detail.get("changes", [])]
    made = [one for one in changes if one.startswith("course ") and one.endswith(": created")]
    rest = "; ".join(one for one in changes if one not in made)
    said = "The course was made" if made else "The course was changed"
    return f"{said}: {rest}." if rest else f"{said}."


def _check(detail: Detail) -> str:
    return (
        f"{detail.get('check')} of {detail.get('exercise')}, attempt {detail.get('attempt')} for "
        f"{detail.get('assignment')}"
    )


def _announced(became: str) -> Callable[[Detail, tzinfo], str]:
    def told(detail: Detail, zone: tzinfo) -> str:
        section = detail.get("section")
        whom = f"section {section}" if section else "the course"
        return f"The announcement \u201c{detail.get('title')}\u201d to {whom} was {became}."

    return told


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _points(value: float | None) -> str:
    return "none" if value is None else f"{round(value, 2):g}"


_SENTENCES: Mapping[str, Callable[[Detail, tzinfo], str]] = {
    Action.ENROLLED: lambda d, z: f"Enrolled as {d.get('after')}.",
    Action.LEFT: lambda d, z: f"Left the course, as {d.get('role')}.",
    Action.RETURNED: lambda d, z: f"In the course again, as {d.get('after')}.",
    Action.ROLE_CHANGED: lambda d, z: f"Is {d.get('after')} now, was {d.get('before')}.",
    Action.USER_RENAMED: lambda d, z: f"Is called {d.get('after')} now, was {d.get('before')}.",
    Action.GRADE_CHANGED: _grade,
    Action.ADJUSTED: _adjusted,
    Action.MARKED: _marked,
    Action.RUBRIC_CHANGED: _rubric,
    Action.EXTENSION_GRANTED: _extension,
    Action.STARTED: lambda d, z: f"Pressed Start for {d.get('assignment')}.",
    Action.TEAM_CHANGED: lambda d, z: (
        f"For {d.get('assignment')} is in {d.get('after') or 'no team'} now, "
        f"was in {d.get('before') or 'no team'}."
    ),
    Action.FREE_DAYS_CHOSEN: lambda d, z: (
        f"{d.get('assignment')} uses {_many(d.get('after', 0), 'free day')} at most now, "
        f"was {d.get('before', 0)}."
    ),
    Action.PUBLISHED: lambda d, z: (
        f"For {d.get('assignment')} students see from now on: {_text(d.get('parts', []))}."
    ),
    Action.WITHDRAWN: lambda d, z: (
        f"For {d.get('assignment')} what was published was taken back: {_text(d.get('parts', []))}."
    ),
    Action.QUESTION_ASKED: lambda d, z: f"Asked about {_check(d)}.",
    Action.QUESTION_ANSWERED: lambda d, z: f"The question about {_check(d)} was {d.get('state')}.",
    Action.ANNOUNCED: _announced("made"),
    Action.ANNOUNCEMENT_CHANGED: _announced("changed"),
    Action.ANNOUNCEMENT_WITHDRAWN: _announced("withdrawn"),
    Action.PAIR_JUDGED: lambda d, z: (
        f"The likeness of attempt {d.get('attempt')} for {d.get('assignment')} to "
        f"{d.get('other')}'s was {_JUDGED.get(d.get('after', ''), d.get('after'))}."
    ),
    Action.RESULT_POSTED: lambda d, z: (
        f"A result for {d.get('assignment')} that was found elsewhere was posted."
    ),
    Action.REGRADE_STARTED: _regrade("was started"),
    Action.REGRADE_APPLIED: _regrade("was applied"),
    Action.REGRADE_DISCARDED: _regrade("was discarded"),
    Action.SIMILARITY_SEARCHED: lambda d, z: (
        f"Similar submissions for {d.get('assignment')} were searched."
    ),
    Action.EXPORTED: lambda d, z: (
        f"The grades of {_many(d.get('students', 0), 'student')} were exported as "
        f"{d.get('format')}."
    ),
    Action.COURSE_SYNCED: _synced,
    Action.COURSE_COPIED: lambda d, z: (
        f"The course was copied to {d.get('to')}, {_many(d.get('days', 0), 'day')} later."
    ),
    Action.SECTION_CHANGED: lambda d, z: (
        f"Is in section {d.get('after') or 'none'} now, was in {d.get('before') or 'none'}."
    ),
    Action.USER_CREATED: lambda d, z: (
        f"The account was made{', as an administrator' if d.get('admin') else ''}."
    ),
    Action.USER_INVITED: lambda d, z: "An invitation link was made.",
    Action.USER_DISABLED: lambda d, z: "The account was disabled.",
    Action.USER_ENABLED: lambda d, z: "The account was enabled again.",
    Action.ADDRESS_CHANGED: lambda d, z: (
        f"Is reached at {d.get('after')} now, was at {d.get('before')}."
    ),
    Action.PASSWORD_SET: lambda d, z: "A new password was chosen.",
    Action.IDENTITY_LINKED: lambda d, z: f"May log in through {d.get('issuer')} now.",
    Action.IDENTITY_UNLINKED: lambda d, z: f"Can no longer log in through {d.get('issuer')}.",
    Action.PLATFORM_REGISTERED: lambda d, z: f"The course system {d.get('issuer')} was registered.",
    Action.PLATFORM_REMOVED: lambda d, z: f"The course system {d.get('issuer')} was removed.",
    Action.COURSE_CONNECTED: lambda d, z: "The course was connected to a course system's.",
    Action.COURSE_DISCONNECTED: lambda d, z: "The course is no longer a course system's.",
    Action.TOKEN_CREATED: lambda d, z: f"An API token was made, for {_text(d.get('scopes', ''))}.",
    Action.TOKEN_REVOKED: lambda d, z: "An API token was revoked.",
    Action.DATA_EXPORTED: lambda d, z: "All that is kept about this person was exported.",
    Action.DATA_ERASED: lambda d, z: (
        "All that is kept about this person was erased, "
        f"{_many(d.get('submissions', 0), 'submission')} with it."
    ),
}


def _plainly(entry: AuditEntry) -> str:
    """The action's words and its details."""
    what = " ".join(reversed(entry.action.split("."))).capitalize().replace("_", " ")
    details = ", ".join(
        f"{name.replace('_', ' ')} {'none' if value is None else _text(value)}"
        for name, value in entry.detail.items()
    )
    return f"{what}: {details}." if details else f"{what}."


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(inner)}" for key, inner in value.items() if inner)
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
