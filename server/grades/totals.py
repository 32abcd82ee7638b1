"""A student's total in a course: the one place that says what it is, and how it came about.

`total` is the rule, a pure function. Without groups it is the sum of the points. With groups it is
a percentage: of each group the share that was reached of what its assignments weigh, and of the
groups the mean by their weights. What is neither graded nor over counts for nothing yet; what is
over and has no grade counts zero. All of it is computed in exact fractions, and rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.grades import teams
from server.grades.deadlines import deadlines
from server.language import _, ngettext, number
from server.storage.models import Assignment, Course, Extension, Grade, GradeGroup, Rounding

_MILLION = 1_000_000  # points are kept in millionths


class Part(StrEnum):
    """What an assignment is in the total."""

    COUNTS = "counts"
    BONUS = "bonus"
    LEFT_OUT = "left out"  # as one of the lowest
    NOT_YET = "not yet"  # neither graded nor over
    HIDDEN = "not shown yet"
    NOT_IN = "not in the total"  # in no group, where there are groups


@dataclass(frozen=True)
class Entry:
    """An assignment and what a student has for it."""

    assignment: Assignment
    points: float | None  # None: no grade
    is_over: bool  # whether nothing can be handed in any more
    is_shown: bool = True

    @property
    def counts(self) -> bool:
        return self.is_shown and (self.points is not None or self.is_over)


@dataclass(frozen=True)
class Line:
    assignment: Assignment
    points: float | None
    part: Part


@dataclass(frozen=True)
class GroupTotal:
    """
    Attributes:
        share: what was reached, in percent; None: nothing counts yet.
        weight: of the group, in percent of those that count by now.
    """

    title: str
    share: float | None
    weight: float
    drop_lowest: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Total:
    """
    Attributes:
        value: rounded by the course's rule; None: nothing counts yet.
        exact: before that, to six decimals.
        most: what can be reached without bonus.
        groups: empty where the course has none; then `lines` has the assignments.
    """

    value: float | None
    exact: float | None
    most: float
    in_percent: bool
    groups: tuple[GroupTotal, ...]
    lines: tuple[Line, ...]


def total(course: Course, groups: Sequence[GradeGroup], entries: Sequence[Entry]) -> Total:
    """
    Args:
        groups: the course's, in their order.
        entries: one for each assignment that students see, in any order.
    """
    ordered = sorted(entries, key=lambda entry: entry.assignment.position)
    if not groups:
        return _sum(course, ordered)
    of_group = {
        group.id: [e for e in ordered if e.assignment.group_id == group.id] for group in groups
    }
    shares = {id_: _share(of_group[id_], group.drop_lowest) for id_, group in _by_id(groups)}
    counting = [g for g in groups if shares[g.id][0] is not None and g.weight > 0]
    weights = sum((_exact(group.weight) for group in counting), Fraction())
    value = None
    if counting:
        value = sum(
            (_exact(g.weight) / weights * (shares[g.id][0] or 0) for g in counting), Fraction()
        )
    loose = [e for e in ordered if e.assignment.group_id not in of_group]
    return Total(
        _rounded(course, None if value is None else 100 * value),
        _shown(None if value is None else 100 * value),
        100.0,
        True,
        tuple(
            GroupTotal(
                group.title,
                _shown(None if share is None else 100 * share),
                float(100 * _exact(group.weight) / weights) if group in counting else 0.0,
                group.drop_lowest,
                lines,
            )
            for group in groups
            for share, lines in [shares[group.id]]
        ),
        tuple(Line(e.assignment, e.points if e.is_shown else None, Part.NOT_IN) for e in loose),
    )


def _by_id(groups: Iterable[GradeGroup]) -> list[tuple[int, GradeGroup]]:
    return [(group.id, group) for group in groups]


def _sum(course: Course, entries: Sequence[Entry]) -> Total:
    lines, value = [], Fraction()
    for entry in entries:
        part = _part(entry)
        lines.append(Line(entry.assignment, entry.points if entry.is_shown else None, part))
        if entry.counts:
            value += _exact(entry.points or 0.0)
    most = sum(entry.assignment.points for entry in entries if not entry.assignment.bonus)
    return Total(_rounded(course, value), _shown(value), most, False, (), tuple(lines))


def _part(entry: Entry) -> Part:
    if not entry.is_shown:
        return Part.HIDDEN
    if not entry.counts:
        return Part.NOT_YET
    return Part.BONUS if entry.assignment.bonus else Part.COUNTS


def _share(entries: Sequence[Entry], drop: int) -> tuple[Fraction | None, tuple[Line, ...]]:
    """What was reached of a group, from 0 to 1 and beyond with bonus; None where nothing counts."""
    required = [e for e in entries if _part(e) is Part.COUNTS]
    bonus = sum((_weight(e) * _reached(e) for e in entries if _part(e) is Part.BONUS), Fraction())
    kept = _kept(required, bonus, drop)
    whole = sum((_weight(e) for e in kept), Fraction())
    share = None
    if whole:
        share = (bonus + sum((_weight(e) * _reached(e) for e in kept), Fraction())) / whole
    lines = tuple(
        Line(
            e.assignment,
            e.points if e.is_shown else None,
            Part.LEFT_OUT if e in required and e not in kept else _part(e),
        )
        for e in entries
    )
    return share, lines


def _kept(required: Sequence[Entry], bonus: Fraction, drop: int) -> list[Entry]:
    """All but those whose leaving makes the share greatest; one at least stays.

    With unlike weights the lowest share is not always the one to leave out. The best choice for a
    share q keeps those with the greatest w * (s - q); q rises until it stays (Dinkelbach 1967).
    """
    count = max(min(len(required), 1), len(required) - drop)
    if count == len(required):
        return list(required)
    share = Fraction(-1)
    while True:
        kept = sorted(
            required,
            key=lambda e: (-_weight(e) * (_reached(e) - share), e.assignment.position),
        )[:count]
        whole = sum((_weight(e) for e in kept), Fraction())
        found = (bonus + sum((_weight(e) * _reached(e) for e in kept), Fraction())) / whole
        if found <= share:
            return [e for e in required if e in kept]
        share = found


def _weight(entry: Entry) -> Fraction:
    weight = entry.assignment.weight
    return _exact(entry.assignment.points if weight is None else weight)


def _reached(entry: Entry) -> Fraction:
    return _exact(entry.points or 0.0) / _exact(entry.assignment.points)


def _exact(value: float) -> Fraction:
    return Fraction(round(value * _MILLION), _MILLION)


def _shown(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 6)


def _rounded(course: Course, value: Fraction | None) -> float | None:
    if value is None or not course.round_to:
        return _shown(value)
    step = _exact(course.round_to)
    steps = {
        Rounding.HALF_UP: lambda: floor(value / step + Fraction(1, 2)),
        Rounding.UP: lambda: ceil(value / step),
        Rounding.DOWN: lambda: floor(value / step),
    }[course.rounding]()
    return float(steps * step)


class Totals:
    """The totals of a course's students as staff see them, read from the database once.

    Args:
        only: the one student whose total will be asked for; None: anybody's may be.
    """

    def __init__(
        self,
        session: Session,
        course: Course,
        now: datetime,
        *,
        only: int | None = None,
    ) -> None:
        self._course, self._now, self._zone = course, now, ZoneInfo(course.timezone)
        self._assignments = [a for a in Assignment.of(session, course) if not a.hidden]
        self.groups = GradeGroup.of(session, course)
        granted = (
            select(Extension).join(Extension.assignment).where(Assignment.course_id == course.id)
        )
        if only is not None and all(a.team_size == 1 for a in self._assignments):
            granted = granted.where(Extension.user_id == only)
        self._extensions = {
            (row.assignment_id, row.user_id): row for row in session.scalars(granted)
        }
        for assignment in self._assignments:
            if of_team := teams.teams_of(session, assignment):
                own = [row for (id_, _), row in self._extensions.items() if id_ == assignment.id]
                for user, row in teams.extensions(of_team, own).items():
                    self._extensions[assignment.id, user] = row
        self._over = {a.id: self._is_over(a, None) for a in self._assignments}

    def of(self, user_id: int, grades: Mapping[int, Grade]) -> Total:
        """
        Args:
            grades: the student's, by the assignment's id.
        """
        return total(
            self._course, self.groups, [self._entry(a, user_id, grades) for a in self._assignments]
        )

    def _entry(self, assignment: Assignment, user_id: int, grades: Mapping[int, Grade]) -> Entry:
        grade = grades.get(assignment.id)
        extension = self._extensions.get((assignment.id, user_id))
        over = self._over[assignment.id]
        if extension is not None:
            over = self._is_over(assignment, extension)
        points = None if grade is None else grade.points
        return Entry(assignment, points, over)

    def _is_over(self, assignment: Assignment, extension: Extension | None) -> bool:
        return not deadlines(assignment, extension, self._zone).takes(self._now)


def everybody(session: Session, course: Course, now: datetime) -> dict[int, float | None]:
    """The total of each who has a grade, as staff see it."""
    grades: dict[int, dict[int, Grade]] = {}
    query = select(Grade).join(Grade.assignment).where(Assignment.course_id == course.id)
    for grade in session.scalars(query):
        grades.setdefault(grade.user_id, {})[grade.assignment_id] = grade
    found = Totals(session, course, now)
    return {user: found.of(user, theirs).value for user, theirs in grades.items()}


def equation(found: Total) -> str:
    """How the total came about, in numbers."""
    if found.exact is None:
        return ""
    if found.in_percent:
        terms = [
            f"{_number(group.weight)} % × {_number(group.share)}"
            for group in found.groups
            if group.share is not None and group.weight
        ]
    else:
        counted = (Part.COUNTS, Part.BONUS)
        terms = [_number(line.points or 0.0) for line in found.lines if line.part in counted]
    said = _number(found.exact)
    if len(terms) > 1 or found.in_percent:
        said = f"{' + '.join(terms)} = {said}"
    if found.value == found.exact:
        return said
    return _("%(sum)s, rounded %(rounded)s", sum=said, rounded=_number(found.value))


def words(course: Course, groups: Sequence[GradeGroup]) -> list[str]:
    """The rule, in sentences."""
    if not groups:
        said = [_("The total is the sum of the points.")]
    else:
        weights = ", ".join(f"{group.title} {_number(group.weight)}" for group in groups)
        said = [
            _(
                "The total is a percentage, of the groups by their weights: %(weights)s.",
                weights=weights,
            ),
            *(
                ngettext(
                    "Of %(group)s, the lowest %(num)s is left out.",
                    "Of %(group)s, the lowest %(num)s are left out.",
                    group.drop_lowest,
                    group=group.title,
                )
                for group in groups
                if group.drop_lowest
            ),
        ]
    said.append(_("What has no grade counts zero once it is over, and nothing before."))
    if course.round_to:
        step = _number(course.round_to)
        how = {
            Rounding.HALF_UP: _("It is rounded to the nearest multiple of %(step)s.", step=step),
            Rounding.UP: _("It is rounded up to the next multiple of %(step)s.", step=step),
            Rounding.DOWN: _("It is rounded down to the last multiple of %(step)s.", step=step),
        }[course.rounding]
        said.append(how)
    return said


def _number(value: float | None) -> str:
    return number(value or 0.0)
