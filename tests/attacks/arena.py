"""Grade attacks as submissions; look at both halves: nothing came of it, all is well after."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from autograder.grading.grader import Grader
from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox, Session
from autograder.sandbox.profiles import Profile
from autograder.topics.catalogue import Catalogue
from tests.attacks.attack import BLUNDERS, Attack
from tests.attacks.world import World, descendants

COURSE = Path(__file__).parent / "course"
# How long the machine takes must not matter: only an attack that may end by a time limit has one.
PATIENT = Limits(60, load_seconds=60, session_seconds=10**4, memory_bytes=5 * 2**28)
IMPATIENT = replace(PATIENT, call_seconds=1)
# What is an attack on the CPU and allowed by another profile.
ALLOWED = {
    "cuda": {
        *("thread", "more torch threads", "shared memory", "grow the heap"),  # which reserves it
        *(f"system call {name}" for name in ("memfd_create", "pipe", "eventfd", "set_mempolicy")),
    },
    # The tests' own, in Python: it has threads, and wraps no tensor that has a class already.
    "second": {"thread", "more torch threads", "tensor subclass"},
}
GONE_SECONDS = 20.0  # how long the kernel may take to end what was killed

NEIGHBOUR = """
import torch
mark = {mark!r} * 1
torch.mark = mark
try: open('/tmp/' + mark, 'w').write(mark * 1000)
except OSError: pass
count = 0
def count_up():
    global count
    count += 1
    return count, mark
"""


@dataclass(frozen=True)
class Verdict:
    """What came of one attack. It is contained when nothing is wrong."""

    ended: str  # how, in words of a report: "PermissionError", "timeout", "crash", ...
    wrong: list[str] = field(default_factory=list)
    unhealthy: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def contained(self) -> bool:
        return not self.wrong and not self.unhealthy


class Arena:
    """One grader, one neighbour that it grades all the time, and the bait."""

    def __init__(self, grader: Grader, world: World, neighbour: Session) -> None:
        self._grader = grader
        self._world = world
        self._neighbour = neighbour
        ((self._topic, self._exercise),) = Catalogue.load(COURSE)["scaling"].exercises
        self._honest = Source("scaling", (self._topic.solution(),))
        self._calls = 0
        if (ahead := grader._sandbox._ahead._worker) is not None:
            ahead.born()
        # The zygote, the neighbour's worker, the one that is ahead, perhaps a guard.
        self._processes = self._count()

    def run(self, attack: Attack) -> Verdict:
        began = time.monotonic()
        source = attack.source(self._world.aims)
        limits = IMPATIENT if "timeout" in attack.ends else PATIENT
        entry = self._grade(source, limits)
        cases = [case for check in entry["checks"][:1] for case in check["cases"]]
        endings = [_ending(case) for case in cases]
        wrong = [
            f"it ended as {kind}: {case['message']}"
            for (kind, name), case in zip(endings, cases, strict=True)
            if kind not in attack.ends or name in BLUNDERS
        ]
        if entry["score"]:
            wrong.append(f"it scored {entry['score']}")
        if self._world.mark in json.dumps(entry):
            wrong.append("it read what belongs to somebody else")
        wrong += self._world.touched()
        name = endings[0][1] or endings[0][0]
        return Verdict(name, wrong, self._health(), time.monotonic() - began)

    def _grade(self, source: Source, limits: Limits) -> dict[str, Any]:
        self._grader._sandbox.limits = limits
        return self._grader.grade_exercise(self._topic, self._exercise, [source])

    def _health(self) -> list[str]:
        """What is not well with the grader."""
        found = []
        entry = self._grade(self._honest, PATIENT)
        if entry["score"] != entry["max_score"]:
            found.append(f"the next submission got {entry['score']} of {entry['max_score']}")
        self._calls += 1
        answer = self._neighbour.call(Call("count_up", {}, 0))
        if answer.value != (self._calls, self._world.mark):
            found.append(f"the neighbour's session is not what it was: {answer}")
        if not self._alone():
            found.append("a process was left behind")
        return found

    def _alone(self) -> bool:
        """Whether the sandbox's processes are again those that there were at first."""
        deadline = time.monotonic() + GONE_SECONDS
        while self._count() > self._processes:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _count(self) -> int:
        return len(list(descendants(self._grader._sandbox._zygote._launcher.pid)))


def _ending(case: dict[str, object]) -> tuple[str, str]:
    """The kind of failure, or "returned", and the exception's class."""
    evidence = case["evidence"]
    if case["problem"] != "failure" or not isinstance(evidence, dict):
        return "returned", ""
    return evidence["kind"], evidence["exception"]


def applies(attack: Attack, uid: int) -> bool:
    return (not attack.x86 or platform.machine() == "x86_64") and (not attack.root or uid == 0)


@contextmanager
def open_arena(profile: Profile | None = None) -> Iterator[Arena]:
    torch.set_num_threads(1)
    secret = b"the secret of the arena"
    sandbox = Sandbox(limits=PATIENT, profile=profile)
    with (
        World() as world,
        Grader(Catalogue.load(COURSE), secret, sandbox=sandbox) as grader,
        grader._sandbox.session(
            [Source("neighbour", (NEIGHBOUR.format(mark=world.mark),))]
        ) as neighbour,
    ):
        yield Arena(grader, world, neighbour)
