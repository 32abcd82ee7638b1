"""What a machine's device is like for grading, part by part, within a given time.

Made for the first hours with a GPU: what of the sandbox's profile its driver really needs, what a
session costs, what is left behind, and whether the catalogue gets its verdicts there.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from autograder.exercise import Exercise, Misconception
from autograder.grading.grader import Grader
from autograder.judging.call import Call, Value
from autograder.sandbox import Limits, Sandbox, SandboxFault, SandboxUnavailable, doctor
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.profiles import Profile, profile_for
from autograder.topics.catalogue import EVERYTHING, Catalogue, Topic
from autograder.topics.folder import DEFAULT

LIMITS = Limits(call_seconds=20, load_seconds=30)
SECRET = b"cases for checking a device"
WARM = 10  # sessions, whose time is taken
# What the sixth decimal of float32 does not survive, by how many bits of the mantissa are left.
COARSE = {"TF32": 10, "bfloat16": 7, "float16": 10}
_EXACTLY = "convolution", "conv2d"

_COARSEN = """
import torch as _torch
def _coarse(value):
    if not isinstance(value, _torch.Tensor) or value.dtype != _torch.float32:
        return value
    kept = {bits}
    scale = _torch.exp2(_torch.floor(_torch.log2(value.abs().clamp(min=1e-30))) - kept)
    return _torch.where(value == 0, value, _torch.round(value / scale) * scale)
_exact = conv2d
def conv2d(x, weight, *more, **named):
    return _exact(_coarse(x), _coarse(weight), *more, **named)
"""
_PROBES = """
import torch
def work(x): return (x @ x).sum()
def endless(x):
    while True: x = x @ x
def fill(x, count): x.new_full((count,), 1234567); return None
def found(x, count):
    left = torch.empty(count, dtype=x.dtype, device=x.device)
    return int((left == 1234567).sum())
"""


@dataclass
class Part:
    """One thing that was looked at. `ok` is None where nothing can be wrong, or time was up."""

    name: str
    ok: bool | None = None
    says: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


class DeviceCheck:
    """Looks at one part after the other until the time is up; what is left is named.

    Args:
        device: as `--device` has it.
        seconds: for all of it.
    """

    def __init__(self, device: str, seconds: float, reference: Path | None = None) -> None:
        self._device = device
        self._until = time.monotonic() + seconds
        self._reference = reference
        self._catalogue = Catalogue.load(reference)

    def run(self) -> Iterator[Part]:
        walls = Part("doctor")
        with _timed(walls):
            found = doctor.examine(self._device)
            walls.ok = doctor.can_confine(found)
            walls.figures = {wall.name: wall.document() for wall in found}
            missing = [f"{w.name}: {w.remedy or w.detail}" for w in found if w.needed and not w.ok]
            walls.says = "; ".join(missing) or "every wall stands"
        yield walls
        if not walls.ok:
            return
        profile = profile_for(self._device)
        parts: tuple[tuple[str, Callable[[Part], None]], ...] = (
            ("sessions", lambda part: self._sessions(part)),
            ("an endless loop", lambda part: self._endless(part)),
            ("memory between sessions", lambda part: self._memory(part)),
            ("low precision", lambda part: self._coarse(part)),
            ("needs", lambda part: self._needs(part, profile)),
            ("attacks", lambda part: self._attacks(part)),
            ("catalogue", lambda part: self._verdicts(part)),
        )
        for name, look in parts:
            part = Part(name)
            with _timed(part):
                if self._left <= 0:
                    part.says = "no time was left"
                else:
                    look(part)
            yield part

    @property
    def _left(self) -> float:
        return self._until - time.monotonic()

    def _sessions(self, part: Part) -> None:
        """What the first one costs, and the next ones."""
        began = time.monotonic()
        with Sandbox(self._device, LIMITS) as sandbox:
            part.figures["start, with the first context (s)"] = round(time.monotonic() - began, 3)
            began = time.monotonic()
            for _ in range(WARM):
                with sandbox.session([Source("probe", (_PROBES,))]) as session:
                    answer = session.call(Call("work", {"x": torch.ones(64, 64)}, 1))
                    if answer.failure is not None:
                        part.ok, part.says = False, answer.failure.message
                        return
            each = (time.monotonic() - began) / WARM
        part.figures["a warm session (s)"] = round(each, 4)
        part.ok, part.says = True, f"{1 / each:.1f} sessions in a second"

    def _endless(self, part: Part) -> None:
        """How long after the call's time a next call is answered."""
        with (
            Sandbox(self._device, LIMITS) as sandbox,
            sandbox.session([Source("probe", (_PROBES,))]) as session,
        ):
            x = torch.ones(1024, 1024)
            began = time.monotonic()
            stopped = session.call(Call("endless", {"x": x}, 1), 2.0)
            again = session.call(Call("work", {"x": x}, 1))
            took = time.monotonic() - began - 2.0
        part.figures["until the next answer (s)"] = round(took, 3)
        kind = stopped.failure.kind if stopped.failure else "returned"
        part.ok = kind == "timeout" and again.failure is None
        part.says = f"it ended as {kind}, and the next call was answered after {took:.2f} s"

    def _memory(self, part: Part) -> None:
        """Whether a session finds in its memory what another one has left."""
        count = 2**24
        mark: dict[str, Value] = {"x": torch.zeros(1, dtype=torch.int32), "count": count}
        with Sandbox(self._device, LIMITS) as sandbox:
            with sandbox.session([Source("probe", (_PROBES,))]) as session:
                session.call(Call("fill", mark, 2))
            with sandbox.session([Source("probe", (_PROBES,))]) as session:
                answer = session.call(Call("found", mark, 2))
        part.figures["elements found"] = answer.value
        part.ok = type(answer.value) is int and answer.value == 0
        part.says = f"{answer.value} of {count} elements of another session's were found"

    def _coarse(self, part: Part) -> None:
        """Float32 computed with fewer digits is caught by its numbers."""
        topic = self._catalogue[_EXACTLY[0]].topics[0]
        exercise = next(e for e in topic.exercises if e.name == _EXACTLY[1])
        caught = {}
        with Grader(self._catalogue, SECRET, sandbox=Sandbox(self._device, LIMITS)) as grader:
            for name, bits in {"float32": None, **COARSE}.items():
                more = "" if bits is None else _COARSEN.format(bits=bits)
                source = Source(topic.name, (topic.solution() + more,))
                score = grader.grade_exercise(topic, exercise, [source])["score"]
                caught[name] = exercise.max_score - score
        part.figures["points lost"] = caught
        part.ok = caught["float32"] == 0 and all(caught[name] > 0 for name in COARSE)
        part.says = "each costs points" if part.ok else "not every one costs points"

    def _needs(self, part: Part, profile: Profile) -> None:
        """Each permission is taken away alone: does the device still work?"""
        untried = []
        for name, without in _without(profile):
            if self._left < 60:
                untried.append(name)
                continue
            try:
                Sandbox(self._device, LIMITS, profile=without).close()
                part.figures[name] = "not needed"
            except (SandboxUnavailable, SandboxFault) as error:
                part.figures[name] = f"needed: {error}"
        part.figures.update(dict.fromkeys(untried, "not tried, for want of time"))
        needed = sum(str(what).startswith("needed") for what in part.figures.values())
        part.says = f"{needed} of {len(part.figures)} permissions are needed"

    def _attacks(self, part: Part) -> None:
        """The attacks of the project's tests, where they are at hand."""
        root = Path(__file__).parents[2]
        if not (root / "tests/attacks").is_dir():
            part.says = "the project's tests are not on this machine"
            return
        command = [sys.executable, "-m", "tests.attacks", "--device", self._device]
        # The device's package may be at hand for this process alone.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=max(self._left - 60, 1),
            )
        except subprocess.TimeoutExpired:
            part.says = "they took too long"
            return
        last = (done.stdout.strip() or done.stderr.strip() or "nothing").splitlines()[-1]
        part.ok, part.says = done.returncode == 0, last

    def _verdicts(self, part: Part) -> None:
        """The solutions pass, and every misconception loses marks: first all solutions, then of
        each exercise one misconception after the other, as far as there is time."""
        tried = {place: _Tried(place) for place in self._places()}
        left = deque(sorted(tried.values(), key=lambda one: one.is_large))
        with Grader(self._catalogue, SECRET, sandbox=Sandbox(self._device, LIMITS)) as grader:
            while left and self._left > 10:
                one = left.popleft()
                one.next(grader)
                if one.waiting:
                    left.append(one)
        part.figures = {one.name: one.says for one in tried.values()}
        part.ok = not any(one.wrong for one in tried.values())
        count = sum(one.count for one in tried.values())
        most = sum(one.most for one in tried.values())
        part.says = f"{count} of {most} solutions and misconceptions were graded"

    def _places(self) -> Iterator[tuple[Topic, Exercise]]:
        """Of the course and of the second one beside it, if that is at hand; but no experiments,
        which take long."""
        more = (self._reference or DEFAULT) / "_more"
        for catalogue in (self._catalogue, *([Catalogue.load(more)] if more.is_dir() else ())):
            for topic, exercise in catalogue[EVERYTHING].exercises:
                if exercise.functions:
                    yield topic, exercise


class _Tried:
    """An exercise whose solution and misconceptions are graded one by one."""

    def __init__(self, place: tuple[Topic, Exercise]) -> None:
        self._topic, self._exercise = place
        self.name = self._exercise.name
        self.waiting: list[Misconception | None] = [None, *self._exercise.misconceptions]
        self.most = len(self.waiting)
        self.wrong: list[str] = []

    @property
    def is_large(self) -> bool:
        """Whether it has cases for GPUs only, whose truth takes the CPU long."""
        return any(case.on == "gpu" for check in self._exercise.checks for case in check.cases)

    @property
    def count(self) -> int:
        return self.most - len(self.waiting)

    @property
    def says(self) -> str:
        if not self.count:
            return "not tried, for want of time"
        found = ", ".join(self.wrong) or "as on the CPU"
        if not self.waiting:
            return found
        return f"{found}, as far as {self.count - 1} of {self.most - 1} misconceptions"

    def next(self, grader: Grader) -> None:
        misconception = self.waiting.pop(0)
        topic = self._topic
        files = [Source(part.name, (part.solution(),)) for part in topic.beside]
        edits = () if misconception is None else (misconception,)
        files.append(Source(topic.name, (topic.solution(*edits),)))
        if grader.passes(topic, self._exercise, files) != (misconception is None):
            self.wrong.append(misconception.name if misconception else "the solution")


def document(device: str, parts: list[Part]) -> dict[str, Any]:
    """All that was found, as JSON."""
    return {
        "schema": "gradmark-device-check/1",
        "device": device,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "kernel": platform.release(),
        "driver": _driver(),
        "parts": [asdict(part) for part in parts],
    }


def _driver() -> str:
    try:
        return Path("/proc/driver/nvidia/version").read_text().splitlines()[0].strip()
    except (OSError, IndexError):
        return "none"


def _without(profile: Profile) -> Iterator[tuple[str, Profile]]:
    """The profile with one thing less, for each thing that it allows."""
    if profile.own_proc:
        yield "a procfs of its own", replace(profile, own_proc=False)
    if profile.threads > 1:
        yield "threads", replace(profile, threads=1)
    if not profile.address_space:
        yield "no limit of address space", replace(profile, address_space=True)
    for name in profile.nodes:
        fewer = {path: at for path, at in profile.nodes.items() if path != name}
        yield name, replace(profile, nodes=fewer)
    for name in profile.trees:
        less = {path: at for path, at in profile.trees.items() if path != name}
        yield name, replace(profile, trees=less)
    for name in profile.system_calls:
        calls = tuple(call for call in profile.system_calls if call != name)
        yield name, replace(profile, system_calls=calls)
    for name in profile.environment:
        kept = {key: value for key, value in profile.environment.items() if key != name}
        yield name, replace(profile, environment=kept)
    for ioctl in profile.ioctls:
        left = tuple(other for other in profile.ioctls if other != ioctl)
        yield f"ioctl {ioctl[1]:#x}", replace(profile, ioctls=left)


class _timed:
    """Takes a part's time; what goes wrong in it is what the part says."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self._part.seconds = round(time.monotonic() - self._began, 2)
        if not isinstance(error, Exception):
            return False
        self._part.ok = False
        self._part.says = f"{type(error).__name__}: {error}"
        return True
