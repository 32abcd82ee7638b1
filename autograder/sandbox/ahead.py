"""A worker ahead: forked and confined while a submission is graded, so that the next one need not
wait for that."""

from __future__ import annotations

from collections.abc import Set
from contextlib import suppress

from autograder.sandbox.limits import SandboxFault
from autograder.sandbox.zygote import Allowance, Worker, Zygote


class Ahead:
    """At most one worker, which has met no submission. It is for the session in its slot alone, so
    that its user id is nobody else's, and for one that may use exactly what it may."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._slot = -1
        self._for: tuple[int, ...] = ()

    def prepare(self, zygote: Zygote, slot: int, allowance: Allowance, *, more: bool) -> None:
        """Have one on its way, if there is none."""
        if self._worker is None:
            with suppress(SandboxFault):  # whoever needs it will say so
                self._worker = zygote.begin(slot, allowance, more=more)
                self._slot, self._for = slot, _numbers(allowance, more)

    def slot_of(self, free: Set[int]) -> int:
        """The slot that the next session shall have, of those that are free."""
        return self._slot if self._worker is not None and self._slot in free else min(free)

    def take(self, slot: int, allowance: Allowance, *, more: bool) -> Worker | None:
        """The worker, if it is for this slot, may use as much, and is there."""
        if self._worker is None or slot != self._slot:
            return None
        if self._for != _numbers(allowance, more) or not self._worker.waits:
            self.drop()
            return None
        worker, self._worker = self._worker, None
        return worker

    def drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


def _numbers(allowance: Allowance, more: bool) -> tuple[int, ...]:
    return allowance.memory_bytes, allowance.cpu_seconds, allowance.scratch_bytes, more
