"""The sandbox: keeps a warm zygote and opens sessions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from types import TracebackType
from typing import TYPE_CHECKING

from autograder.sandbox.ahead import Ahead
from autograder.sandbox.claim import Claim
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.limits import DeviceFault, Limits, SandboxFault, SandboxUnavailable
from autograder.sandbox.profiles import MAX_SESSIONS, Profile, profile_for
from autograder.sandbox.runtime import forget
from autograder.sandbox.spare import Spare
from autograder.sandbox.watch import Watch
from autograder.sandbox.zygote import Worker, Zygote

if TYPE_CHECKING:
    from autograder.sandbox.scanning import Scan
    from autograder.sandbox.session import Session

_OURS = 2 * MAX_SESSIONS  # a slot: those below it are submissions', and spare workers'
_SCANS = _OURS + 1
SPARE_SECONDS = 6 * 3600.0  # of processor time for a worker that is ahead of its submission


class Sandbox:
    """Confines submissions on `device`. Use it as a context manager, from one thread.

    With `confined=False` the same processes run with no namespaces and no system-call filter:
    for code that the caller wrote.

    Args:
        wait: until it is ready. Its start takes seconds, in which the caller may import torch:
            without waiting, what is the matter with the machine is raised by `ready`.
        profile: what a worker may reach; by default, what code on the device needs.

    Raises:
        SandboxUnavailable: this machine cannot confine code, or has no such device.
        SandboxFault: the sandbox does not start although it should.
    """

    def __init__(
        self,
        device: str = "cpu",
        limits: Limits | None = None,
        confined: bool = True,
        *,
        wait: bool = True,
        profile: Profile | None = None,
    ) -> None:
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable("only Linux can confine code: grade on a Linux machine.")
        self.device = device
        self.profile = profile or profile_for(device, confined=confined)
        self.limits = limits or Limits()
        self._closed = False
        self._free = set(range(self.profile.sessions))
        self._free_for_ours = {_OURS}
        only = self.profile.sessions == 1 and self.profile.nodes
        self._claim = Claim(device, self.profile.nodes) if only else None
        self._zygote = Zygote(self.profile)
        self._spare: Spare | None = None
        self._ahead = Ahead()
        self._tried = False
        self._watch = None if self.profile.address_space else Watch(self.limits.memory_bytes)
        if self.profile.context:
            self._spare = Spare(self._fork_spare, device, self.profile.device)
            self._spare_slots = cycle(range(MAX_SESSIONS, 2 * MAX_SESSIONS))
        if wait:
            self.ready()

    def ready(self) -> None:
        """Wait until it can fork. Raises what the constructor says."""
        try:
            self._zygote.ready()
        except (SandboxFault, SandboxUnavailable):  # once may be bad luck, or something kept is old
            forget()
            self._start_again()
        if self._spare is not None and not self._tried:
            self._tried = True
            try:
                self._spare.examine()
            except DeviceFault as error:
                self.close()
                raise SandboxUnavailable(f"in the sandbox, {error}") from error

    @property
    def confined(self) -> bool:
        return self.profile.confined

    def session(
        self,
        sources: Sequence[Source],
        runs: int = 0,
        homes: Mapping[str, str] | None = None,
        *,
        ours: bool = False,
    ) -> Session:
        """A session for one submission. It is opened, and the submission loaded, by `with`.

        Args:
            runs: how many training runs it goes through, each of which takes its time.
            homes: the functions that are asked for, each with the topic that it belongs to, which
                says where to look for it. Without any, everything is loaded.
            ours: whether it is the reference's, which may be open beside as many submissions as
                there may be.
        """
        from autograder.sandbox.session import Session

        return Session(self, sources, self.limits.with_runs(runs), homes, ours=ours)

    def scan(self, sources: Sequence[Source]) -> Scan:
        """What the sources use, looked for in a process of its own: `with` begins it."""
        from autograder.sandbox.scanning import Scan

        return Scan(self._begin_scan, sources, self.limits.load_seconds)

    def fork(self, slot: int, limits: Limits, *, more: bool = False) -> Worker:
        """A fresh worker for the session in `slot`, from a new zygote if the old one is gone.

        Args:
            more: whether it is to find imported what few submissions need.
        """
        if self._closed:
            raise SandboxFault("the sandbox is closed")
        if self._spare is not None:
            spare = self._spare.take()
            self._spare.prepare()
            return spare
        worker = self._ahead.take(slot, limits, more=more)
        if worker is None:
            worker = self._fork(slot, limits, more=more)
        elif self._watch is not None:
            self._watch.add(worker)
        return worker

    def look_ahead(self, slot: int, limits: Limits, *, more: bool = False) -> None:
        """Have a worker on its way for the session after the one in `slot`: that has loaded, which
        takes two processors with the scan beside it, and by now there is time."""
        if self._spare is None and self._free and slot in range(MAX_SESSIONS):
            self._ahead.prepare(self._zygote, min(self._free), limits, more=more)

    def examine(self) -> None:
        """Whether what went wrong in a session was the device's fault. Raises DeviceFault."""
        if self._spare is not None:
            self._spare.examine()

    def _fork_spare(self) -> Worker:
        """A worker for whichever submission comes next: the parent's clock alone bounds its
        time, and the next one has another user id."""
        limits = replace(self.limits, session_seconds=SPARE_SECONDS)
        return self._fork(next(self._spare_slots), limits, more=True)

    def _begin_scan(self) -> Worker:
        return self._watched(lambda zygote: zygote.begin(_SCANS, self.limits))

    def _fork(self, slot: int, limits: Limits, *, more: bool) -> Worker:
        return self._watched(lambda zygote: zygote.fork(slot, limits, more=more))

    def _watched(self, fork: Callable[[Zygote], Worker]) -> Worker:
        worker = self._from_zygote(fork)
        if self._watch is not None:
            self._watch.add(worker)
        return worker

    def _from_zygote(self, fork: Callable[[Zygote], Worker]) -> Worker:
        if self._closed:
            raise SandboxFault("the sandbox is closed")
        self.ready()
        if self._zygote.alive:
            try:
                return fork(self._zygote)
            except SandboxFault:
                pass  # once may be bad luck
        self._start_again()
        return fork(self._zygote)

    def _start_again(self) -> None:
        self._ahead.drop()
        self._zygote.close()
        self._zygote = Zygote(self.profile)
        self._zygote.ready()

    def take_slot(self, *, ours: bool = False) -> int:
        free = self._free_for_ours if ours else self._free
        if not free:
            most = "one session of the reference" if ours else f"{self.profile.sessions} sessions"
            raise SandboxFault(f"more than {most} would be open")
        slot = free.pop() if ours else self._ahead.slot_of(free)
        free.discard(slot)
        return slot

    def free_slot(self, slot: int) -> None:
        (self._free_for_ours if slot == _OURS else self._free).add(slot)

    def close(self) -> None:
        """End the zygote and every session."""
        self._closed = True
        if self._spare is not None:
            self._spare.drop()
        self._ahead.drop()
        if self._watch is not None:
            self._watch.close()
        self._zygote.close()
        if self._claim is not None:
            self._claim.release()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
