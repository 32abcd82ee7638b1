"""What `glance` and `items` work out of a class, kept while it is true: nothing is shown that has
changed since (`server.storage.changes`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage import changes
from server.storage.models import Assignment, Course, User
from server.web.instructor import glance, items
from server.web.instructor.charts import Bars
from server.web.kept import Kept
from server.web.services import services

T = TypeVar("T")


class Figures:
    """Of some assignments of a course, as one view of the database has them."""

    def __init__(
        self, session: Session, course: Course, assignments: Sequence[Assignment], kept: Kept
    ) -> None:
        self._session, self._course, self._assignments = session, course, assignments
        self._kept = kept
        self._numbers = changes.numbers(session, course.id, [a.id for a in assignments])

    def standings(self) -> list[glance.Standing]:
        found = self._each(
            "standing",
            lambda ids: {
                s.assignment.id: s
                for s in glance.standings(self._session, self._course, self._of(ids))
            },
        )
        return [replace(found[a.id], assignment=a) for a in self._assignments]

    def exercise_means(self) -> dict[int, list[glance.ExerciseMean]]:
        return self._each(
            "means",
            lambda ids: _grouped(ids, glance.exercise_means(self._session, self._course, ids)),
        )

    def misconceptions(self, limit: int) -> list[glance.Misconception]:
        found = self._each(
            "misconceptions",
            lambda ids: _grouped(ids, glance.misconceptions(self._session, self._course, ids)),
        )
        return sorted(
            (one for of_one in found.values() for one in of_one),
            key=glance.Misconception.most_frequent_first,
        )[:limit]

    def all_misconceptions(self) -> dict[int, list[glance.Misconception]]:
        return self._each(
            "all misconceptions",
            lambda ids: {
                a.id: glance.all_misconceptions(self._session, self._course, a)
                for a in self._of(ids)
            },
        )

    def at_risk(
        self, pressing: Sequence[Assignment], limit: int
    ) -> list[tuple[User, glance.AtRisk]]:
        ids = [a.id for a in pressing]
        numbers = tuple(self._numbers[id_] for id_ in ids)
        (found,) = self._kept.each(
            {self._course.id: numbers},
            ("at risk", *ids, limit),
            lambda _: {self._course.id: glance.at_risk(self._session, self._course, ids, limit)},
        ).values()
        users = {
            user.id: user
            for user in self._session.scalars(
                select(User).where(User.id.in_([one.user_id for one in found]))
            )
        }
        return [(users[one.user_id], one) for one in found]

    def items(self) -> dict[int, list[items.Item]]:
        return self._each(
            "items",
            lambda ids: {a.id: items.items(self._session, self._course, a) for a in self._of(ids)},
        )

    def over_time(
        self, begin: datetime, end: datetime, steps: int, mark: datetime | None = None
    ) -> Bars:
        def work_out(ids: list[int]) -> dict[int, dict[int, int]]:
            counts = glance.handed_in(self._session, ids, begin, end, steps)
            return {id_: counts.get(id_, {}) for id_ in ids}

        total: Counter[int] = Counter()
        for counts in self._each(("handed in", begin, end, steps), work_out).values():
            total.update(counts)
        return glance.over_time(self._course, total, begin, end, steps, mark)

    def _each(
        self, what: Hashable, work_out: Callable[[list[int]], Mapping[int, T]]
    ) -> dict[int, T]:
        return self._kept.each(self._numbers, what, work_out)

    def _of(self, ids: Sequence[int]) -> list[Assignment]:
        return [a for a in self._assignments if a.id in ids]


def figures(session: Session, course: Course, assignments: Sequence[Assignment]) -> Figures:
    """With what the server that answers the current request has kept."""
    return Figures(session, course, assignments, services().kept)


_OfOne = TypeVar("_OfOne", glance.ExerciseMean, glance.Misconception)


def _grouped(ids: Sequence[int], found: Sequence[_OfOne]) -> dict[int, list[_OfOne]]:
    grouped: dict[int, list[_OfOne]] = {id_: [] for id_ in ids}
    for one in found:
        grouped[one.assignment_id].append(one)
    return grouped
