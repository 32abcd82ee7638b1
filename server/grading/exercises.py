"""By which exercises submissions are graded: where the hosts are several, the web server says it,
and a grader whose own are others grades nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.logs import Seldom
from server.storage.config import ConfigError
from server.storage.database import Database, forgiving
from server.storage.models import Exercises
from server.storage.sums import upsert

log = logging.getLogger(__name__)

Digests = Callable[[], Mapping[str, str]]  # of each topic's reference, as the folder holds it now

_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_BETWEEN_COMPLAINTS = 60.0


def publish(database: Database, digests: Digests) -> None:
    """Say what holds now.

    Raises:
        ConfigError: the exercises cannot be loaded, and what was said before holds.
    """
    now = digests()
    with database.read() as session:
        if _said(session) == now:
            return
    with database.write() as session:
        session.execute(delete(Exercises).where(Exercises.topic.not_in(now)))
        for topic, digest in now.items():
            new = upsert(session.get_bind().dialect.name, Exercises).values(
                topic=topic, digest=digest
            )
            session.execute(
                new.on_conflict_do_update(index_elements=["topic"], set_={"digest": digest})
            )


class Same:
    """Whether this host's exercises are those that the web server says: looked at every few
    seconds, and complained of when they are not."""

    def __init__(self, database: Database, digests: Digests) -> None:
        self._database = database
        self._digests = digests
        self._complaints = Seldom(log, _SECONDS_BETWEEN_COMPLAINTS)
        self._next_look = 0.0
        self._answer = False

    def __call__(self) -> bool:
        if time.monotonic() >= self._next_look:
            self._answer = False
            with forgiving("nothing is claimed"):
                self._answer = self._look()
            self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        return self._answer

    def _look(self) -> bool:
        with self._database.ask() as session:
            said = _said(session)
        try:
            own = self._digests()
        except ConfigError as error:
            self._complaints.error("nothing is graded until this is mended: %s", error)
            return False
        if not said:
            self._complaints.error("nothing is graded: no web server has said by which exercises")
            return False
        others = sorted(topic for topic in said if said[topic] != own.get(topic))
        if others:
            self._complaints.error(
                "nothing is graded: these exercises are not those of the web server: %s",
                ", ".join(others),
            )
        return not others


def _said(session: Session) -> dict[str, str]:
    return {row.topic: row.digest for row in session.scalars(select(Exercises))}
