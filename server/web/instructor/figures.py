"""What `glance` and `items` work out of a class, kept while it is true: nothing is shown that has
changed since (`server.storage.changes`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage import changes
from server.storage.models import Assignment, Course, User
from server.web.instructor import glance, items
from server.web.instructor.charts import Bars
from server.web.kept import Kept
from server.web.services import services

_OfOne = TypeVar("_OfOne", glance.ExerciseMean, glance.Misconception, items.Item, items.Spread)


class Figures:
    """Of some assignments of a course, as one view of the database has them."""

    def __init__(
        self, session: Session, course: Course, assignments: Sequence[Assignment], kept: Kept
    ) -> None:
        self._session, self._course, self._assignments = session, course, assignments
        self._kept = kept
        self._numbers = changes.numbers(session, course.id, [a.id for a in assignments])

    def standings(self) -> list[glance.Standing]:
        def work_out(ids: list[int]) -> dict[int, Any]:
            found = glance.standings(self._session, self._course, self._of(ids))
            return {s.assignment.id: [getattr(s, name) for name in names] for s in found}

        names = [name for name in _names(glance.Standing) if name != "assignment"]
        found = self._each("standing", work_out, *names)
        return [
            glance.Standing(assignment=a, **dict(zip(names, found[a.id], strict=True)))
            for a in self._assignments
        ]

    def exercise_means(self) -> dict[int, list[glance.ExerciseMean]]:
        return self._lists(
            "means",
            glance.ExerciseMean,
            lambda ids: _grouped(ids, glance.exercise_means(self._session, self._course, ids)),
        )

    def misconceptions(self, limit: int) -> list[glance.Misconception]:
        found = self._lists(
            "misconceptions",
            glance.Misconception,
            lambda ids: _grouped(ids, glance.misconceptions(self._session, self._course, ids)),
        )
        return sorted(
            (one for of_one in found.values() for one in of_one),
            key=glance.Misconception.most_frequent_first,
        )[:limit]

    def all_misconceptions(self) -> dict[int, list[glance.Misconception]]:
        return self._lists(
            "all misconceptions",
            glance.Misconception,
            lambda ids: {
                a.id: glance.all_misconceptions(self._session, self._course, a)
                for a in self._of(ids)
            },
        )

    def at_risk(
        self, pressing: Sequence[Assignment], limit: int
    ) -> list[tuple[User, glance.AtRisk]]:
        ids, course = [a.id for a in pressing], self._course
        (rows,) = self._kept.each(
            self._session,
            "at risk",
            {course.id: [limit, *([id_, *self._numbers[id_]] for id_ in ids)]},
            lambda _: {
                course.id: [
                    astuple(one) for one in glance.at_risk(self._session, course, ids, limit)
                ]
            },
        ).values()
        found = [glance.AtRisk(*row) for row in rows]
        users = {
            user.id: user
            for user in self._session.scalars(
                select(User).where(User.id.in_([one.user_id for one in found]))
            )
        }
        return [(users[one.user_id], one) for one in found]

    def spreads(self, steps: int) -> dict[int, list[items.Spread]]:
        return self._lists(
            f"spreads, {steps}",
            items.Spread,
            lambda ids: {
                a.id: items.spreads(self._session, self._course, a, steps) for a in self._of(ids)
            },
        )

    def items(self) -> dict[int, list[items.Item]]:
        found = self._lists(
            "items",
            items.Item,
            lambda ids: {a.id: items.items(self._session, self._course, a) for a in self._of(ids)},
        )
        return {
            id_: [replace(i, alone=[items.Alone(*one) for one in i.alone]) for i in of_one]  # type: ignore[misc]
            for id_, of_one in found.items()
        }

    def over_time(
        self, begin: datetime, end: datetime, steps: int, mark: datetime | None = None
    ) -> Bars:
        def work_out(ids: list[int]) -> dict[int, Any]:
            counts = glance.handed_in(self._session, ids, begin, end, steps)
            return {id_: sorted(counts.get(id_, {}).items()) for id_ in ids}

        span = [begin.isoformat(), end.isoformat()]
        total: Counter[int] = Counter()
        for counts in self._each(f"handed in, {steps}", work_out, *span).values():
            total.update(dict(counts))
        return glance.over_time(self._course, total, begin, end, steps, mark)

    def _lists(
        self, what: str, kind: type[_OfOne], work_out: Callable[[list[int]], Mapping[int, Any]]
    ) -> dict[int, list[_OfOne]]:
        """Of figures that are records."""

        def as_rows(ids: list[int]) -> dict[int, Any]:
            return {id_: [astuple(one) for one in of] for id_, of in work_out(ids).items()}

        found = self._each(what, as_rows, *_names(kind))  # of records of another form nothing holds
        return {id_: [kind(*row) for row in rows] for id_, rows in found.items()}

    def _each(
        self, what: str, work_out: Callable[[list[int]], Mapping[int, Any]], *asked: str
    ) -> dict[int, Any]:
        """
        Args:
            asked: what else they follow from.
        """
        numbers = {id_: [*number, *asked] for id_, number in self._numbers.items()}
        return self._kept.each(self._session, what, numbers, work_out)

    def _of(self, ids: Sequence[int]) -> list[Assignment]:
        return [a for a in self._assignments if a.id in ids]


def figures(session: Session, course: Course, assignments: Sequence[Assignment]) -> Figures:
    """With what the server that answers the current request has kept."""
    return Figures(session, course, assignments, services().kept)


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


_Mean = TypeVar("_Mean", glance.ExerciseMean, glance.Misconception)


def _grouped(ids: Sequence[int], found: Sequence[_Mean]) -> dict[int, list[_Mean]]:
    grouped: dict[int, list[_Mean]] = {id_: [] for id_ in ids}
    for one in found:
        grouped[one.assignment_id].append(one)
    return grouped
