"""Work that takes a grader, spread over processes that each keep one warm."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

from autograder.grading.grader import Grader
from autograder.reading import Reader
from autograder.sandbox.profiles import profile_for
from autograder.topics.catalogue import Catalogue

_AHEAD = 2  # pieces of work per process that are drawn before they can be done
_COMMON = "autograder.grading.forked"

Work = TypeVar("Work")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Setting:
    """How a process that grades is to be set up.

    Attributes:
        reference: the folder of topics; None for the one that comes along.
        confined: False only for code that the caller wrote.
        cache: a folder to keep the reference's training runs in.
    """

    secret: bytes
    reference: Path | None = None
    device: str = "cpu"
    confined: bool = True
    cache: Path | None = None


class Warm:
    """What such a process keeps: made when it is first asked for."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue.load(self._setting.reference)

    @cached_property
    def grader(self) -> Grader:
        s = self._setting
        return Grader(self.catalogue, s.secret, s.device, confined=s.confined, cache=s.cache)

    @cached_property
    def reader(self) -> Reader:
        return Reader(confined=self._setting.confined)


@dataclass(frozen=True)
class Lost(Generic[Work]):
    """Work whose process was ended from outside, twice: the second time it was at work alone."""

    work: Work


def spread(
    task: Callable[[Warm, Work], Result], works: Iterable[Work], setting: Setting, jobs: int
) -> Iterator[Result | Lost[Work]]:
    """Do `task` for each piece of work, `jobs` at a time; the results come as they are done.

    Work is drawn from the iterable when it is wanted. What a task raises is raised here, and ends
    the rest.
    """
    jobs = min(jobs, profile_for(setting.device).sessions)  # a GPU takes one at a time
    with _pool(setting, jobs) as pool:
        at_work: dict[Future[Result], Work] = {}
        lost: list[Work] = []
        waiting = iter(works)
        try:
            while True:
                while len(at_work) < _AHEAD * jobs and (more := next(waiting, _NONE)) is not _NONE:
                    lost.append(more)  # type: ignore[arg-type]
                    at_work[pool.submit(_do, task, lost[-1])] = lost[-1]
                    lost.pop()
                if not at_work:
                    return
                for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                    lost.append(at_work.pop(future))
                    result = future.result()
                    lost.pop()
                    yield result
        except BrokenProcessPool:
            lost += at_work.values()
        finally:
            for future in at_work:
                future.cancel()
    for work in lost:  # one of these ended it; the others did nothing wrong
        yield from _alone(task, work, setting)
    yield from spread(task, waiting, setting, jobs)


_NONE = object()


def _alone(
    task: Callable[[Warm, Work], Result], work: Work, setting: Setting
) -> Iterator[Result | Lost[Work]]:
    with _pool(setting, 1) as pool:
        try:
            yield pool.submit(_do, task, work).result()
        except BrokenProcessPool:
            yield Lost(work)


def _pool(setting: Setting, jobs: int) -> ProcessPoolExecutor:
    context = get_context("forkserver")
    context.set_forkserver_preload([_COMMON])
    return ProcessPoolExecutor(jobs, context, _start, (setting,))


# In the processes.

_warm: Warm  # set by `_start`


def _start(setting: Setting) -> None:
    global _warm
    gc.freeze()  # what is shared with the others stays so
    _warm = Warm(setting)


def _do(task: Callable[[Warm, Work], Result], work: Work) -> Result:
    return task(_warm, work)
