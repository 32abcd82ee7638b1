"""What was worked out for assignments or courses, while nothing that it follows from changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 2000  # figures of one assignment; each is some kilobytes at most


class Kept:
    """The figures of one server's database, for each assignment or course the latest of a kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    def each(
        self,
        numbers: Mapping[int, Hashable],
        what: Hashable,
        work_out: Callable[[list[int]], Mapping[int, T]],
    ) -> dict[int, T]:
        """For each assignment the figures of this kind.

        Args:
            numbers: what stands while they hold, by assignment.
            work_out: for those of which nothing is kept that holds; one for each of them.
        """
        with self._lock:
            kept = {id_: self._found.get((what, id_)) for id_ in numbers}
        found = {
            id_: had[1] for id_, had in kept.items() if had is not None and had[0] == numbers[id_]
        }
        missing = [id_ for id_ in numbers if id_ not in found]
        if missing:
            new = work_out(missing)
            with self._lock:
                for id_ in missing:
                    self._found[what, id_] = numbers[id_], new[id_]
                    self._found.move_to_end((what, id_))
                while len(self._found) > _MOST:
                    self._found.popitem(last=False)
            found.update(new)
        return found
