"""What was worked out for assignments or courses, while nothing that it follows from changes."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage import sums
from server.storage.database import Database, forgiving
from server.storage.models import Figures

_FORM = 1  # rises when any of the figures is kept in another form
_MOST = 2000  # figures of one assignment in memory; each is some kilobytes at most


class Kept:
    """For each assignment or course the latest of a kind: in the database, for whichever server is
    asked next, and in this server's memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()

    def each(
        self,
        session: Session,
        what: str,
        numbers: Mapping[int, object],
        work_out: Callable[[list[int]], Mapping[int, Any]],
    ) -> dict[int, Any]:
        """For each assignment the figures of this kind, as JSON has them: no tuples.

        Args:
            session: the view of the database in which `numbers` were read.
            numbers: what stands while the figures hold, by assignment, as JSON could say it.
            work_out: for those of which nothing is kept that holds; one for each of them.
        """
        stands = {id_: json.dumps([_FORM, number]) for id_, number in numbers.items()}
        found = self._remembered(what, stands)
        if missing := [id_ for id_ in numbers if id_ not in found]:
            stored = self._stored(session, what, missing)
            found |= {id_: had[1] for id_, had in stored.items() if had[0] == stands[id_]}
            if new := [id_ for id_ in missing if id_ not in found]:
                worked_out = work_out(new)
                found |= {id_: json.loads(json.dumps(worked_out[id_])) for id_ in new}
                self._store(what, {id_: (stands[id_], found[id_]) for id_ in new})
            self._remember(what, {id_: (stands[id_], found[id_]) for id_ in missing})
        return found

    def _remembered(self, what: str, stands: Mapping[int, str]) -> dict[int, Any]:
        with self._lock:
            had = {id_: self._found.get((what, id_)) for id_ in stands}
        return {id_: one[1] for id_, one in had.items() if one and one[0] == stands[id_]}

    def _remember(self, what: str, rows: Mapping[int, tuple[str, Any]]) -> None:
        with self._lock:
            for id_, row in rows.items():
                self._found[what, id_] = row
                self._found.move_to_end((what, id_))
            while len(self._found) > _MOST:
                self._found.popitem(last=False)

    def _stored(
        self, session: Session, what: str, ids: Collection[int]
    ) -> dict[int, tuple[str, Any]]:
        query = select(Figures.of, Figures.stands, Figures.found).where(
            Figures.what == what, Figures.of.in_(ids)
        )
        return {of: (stands, found) for of, stands, found in session.execute(query)}

    def _store(self, what: str, rows: Mapping[int, tuple[str, Any]]) -> None:
        values = [
            {"what": what, "of": id_, "stands": stands, "found": found}
            for id_, (stands, found) in sorted(rows.items())
        ]
        with forgiving("no figures are kept"), self._database.touch() as session:
            new = sums.upsert(session.get_bind().dialect.name, Figures)
            again = {"stands": new.excluded.stands, "found": new.excluded.found}
            session.connection().execute(
                new.on_conflict_do_update(index_elements=["what", "of"], set_=again), values
            )
