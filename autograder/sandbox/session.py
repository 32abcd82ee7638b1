"""A session: one submission in a confined process, called until it is closed."""

from __future__ import annotations

import math
import re
import signal
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Protocol

from autograder.judging.call import Answer, Call, Failure, Results, reaches_back
from autograder.sandbox import codec
from autograder.sandbox.inside import warm, wire
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.limits import DeviceFault, Limits, SandboxFault
from autograder.sandbox.profiles import Profile
from autograder.sandbox.zygote import Worker

# A pattern that begins with plain letters is looked for in a tenth of the time.
_MORE = {word: re.compile(rf"{word}\b(?<!\w{word})") for word in warm.WORDS_FOR_MORE}
_REMARKS = re.compile(
    r'"""(?s:.*?)"""|'
    r"'''(?s:.*?)'''|#.*"
)
MAX_LOADS_FAILED = 2
MAX_LOADS = 20  # of one submission at a time, each without what stopped the ones before
MAX_STEPS = 100_000  # of one loading
PATIENCE = 2  # timeouts of one function: an endless loop must not use up the time of the others
MAX_REQUEST_CALLS = 256
MAX_REQUEST_BYTES = 32 * 2**20
MAX_ARRIVED_BYTES = 8 * 2**20  # of answers that nobody has taken yet, but for the last


@dataclass(frozen=True)
class Problem:
    """What went wrong in one statement of a submission while it was loaded; `names` are those that
    it would have bound."""

    place: str  # "losses.py" or "cell 3"
    exception: str  # empty where it was left out for what it did before
    message: str
    line: int
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = f"{self.exception}: " if self.exception else ""
        return f"{self.place}, line {self.line}: {kind}{self.message}"


@dataclass(frozen=True)
class Loading:
    """How loading went. What works can be called, whatever problems there were.

    `found` says of the functions that were asked for in which place and line each is defined, and
    after that where else.
    """

    problems: tuple[Problem, ...] = ()
    found: Mapping[str, tuple[codec.Place, ...]] = field(default_factory=dict)
    output: str = ""
    failure: Failure | None = None  # when loading came to no end at all
    seconds: float = 0.0


class Host(Protocol):
    """What a session needs of its sandbox."""

    profile: Profile

    def fork(self, slot: int, limits: Limits, *, more: bool) -> Worker: ...
    def look_ahead(self, slot: int, limits: Limits, *, more: bool) -> None: ...
    def take_slot(self, *, ours: bool) -> int: ...
    def free_slot(self, slot: int) -> None: ...
    def examine(self) -> None: ...


class Session:
    """Answers calls. What the submission does comes back as a Failure, and never raises.

    Raises:
        SandboxFault: something of ours failed, twice in a row.
    """

    def __init__(
        self,
        host: Host,
        sources: Sequence[Source],
        limits: Limits,
        homes: Mapping[str, str] | None = None,
        *,
        ours: bool = False,
    ) -> None:
        self._host = host
        self._ours = ours
        self._limits = limits
        self._sources = [asdict(source) for source in sources]
        self._more = any(_asks_for_more(chunk) for source in sources for chunk in source.chunks)
        self._homes = dict(homes or {})
        self._skip: dict[codec.Key, str] = {}  # what hung or ended the process, and how
        self._slot: int | None = None
        self._worker: Worker | None = None
        self._loaded = False
        self._loads_failed = 0
        self._timeouts: Counter[str] = Counter()
        self._seconds_left = self._limits.session_seconds
        self._chars_left = self._limits.output_chars
        self.loading = Loading()

    def __enter__(self) -> Session:
        self._slot = self._host.take_slot(ours=self._ours)
        try:
            try:
                self._open()
            except SandboxFault:  # once may be bad luck
                self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
        if self._slot is not None:
            self._host.free_slot(self._slot)
            self._slot = None

    @property
    def has_answered(self) -> bool:
        """Whether an answer of the present run has arrived that is not read yet."""
        return self._worker is not None and self._worker.has_sent

    def call(self, call: Call, seconds: float | None = None) -> Answer:
        """Call a function of the submission, for at most `seconds` (by default, the limit's)."""
        (answer,) = self.run([call], seconds)
        return answer

    def timed(self, call: Call) -> tuple[Answer, float]:
        """Call a function, and how long it took until the answer had arrived, by the profile's
        clock. A submission has no part in taking either time."""
        worker = self._worker
        before = self._clock(worker)
        answer = self.call(call)
        if answer.failure is not None or worker is not self._worker:
            return answer, math.inf
        return answer, self._clock(worker) - before

    def _clock(self, worker: Worker | None) -> float:
        if self._host.profile.clock == "wall" or worker is None:
            return time.perf_counter()
        return worker.processor_seconds()

    def run(
        self, calls: Sequence[Call], seconds: float | None = None, apart: Collection[int] = ()
    ) -> Generator[Answer, None, None]:
        """Call one function after the other, in as few requests as can be; each answer comes when
        it is there, while the worker goes on. A call may refer to what earlier ones gave.

        The first request is on its way when this returns, and each further one as soon as all
        answers before it have arrived, whether or not they have been taken.

        Args:
            seconds: for at most how long each, by default the limit's.
            apart: the places of calls of which nothing gets into the process before all calls above
                them are answered.
        """
        if self._slot is None:
            raise SandboxFault("the session is not open")
        seconds = self._limits.call_seconds if seconds is None else seconds
        answers = self._run(calls, seconds, frozenset(apart))
        next(answers)
        return answers

    def _run(
        self, calls: Sequence[Call], seconds: float, apart: Collection[int]
    ) -> Generator[Answer, None, None]:
        """The answers, after one that says that the first request has been sent."""
        results = Results(calls)
        arrived = deque([Answer()])
        held = 0  # bytes of them
        faulted_at = -1
        sent: _Sent | None = None
        upcoming: codec.Request | None = None
        try:
            while arrived or len(results) < len(calls):
                try:
                    if sent is None and len(results) < len(calls):
                        failure = self._obstacle(calls[len(results)], results)
                        if failure is None:
                            request = self._request(calls, results, upcoming, apart)
                            sent, upcoming = self._send(request, seconds), None
                        else:
                            arrived.append(Answer(failure=failure))
                            results.add(arrived[-1])
                    # What follows is sent the sooner if what has arrived is read first.
                    while arrived and not (
                        sent is not None and held <= MAX_ARRIVED_BYTES and sent.worker.has_sent
                    ):
                        answer = arrived.popleft()
                        held -= answer.size
                        yield answer
                    if sent is not None:
                        arrived.append(self._ask(calls[len(results)], results, sent, seconds))
                        held += arrived[-1].size
                        results.add(arrived[-1])
                        if self._worker is not sent.worker:
                            sent = upcoming = None
                            continue
                        if upcoming is None:
                            upcoming = codec.Request(sent.request.end)
                        if upcoming.end < len(calls) and self._fits(calls, upcoming, apart):
                            upcoming.add(calls[upcoming.end])
                        if len(results) == sent.request.end:
                            sent = None
                except DeviceFault:
                    self._worker = None
                    raise
                except SandboxFault:
                    self._abandon(sent)
                    self._worker = sent = upcoming = None
                    # What the ended worker held is lost, and not through the submission's fault.
                    if len(results) == faulted_at or reaches_back(calls, len(results)):
                        raise
                    faulted_at = len(results)
        finally:
            # Whoever takes no more answers than these leaves the worker at what is still owed.
            self._abandon(sent)

    def _abandon(self, sent: _Sent | None) -> None:
        if sent is not None and self._worker is sent.worker:
            self._worker = None
            sent.worker.kill()

    def _open(self) -> None:
        """Load the submission, and again without what hangs or ends the process."""
        assert self._slot is not None  # noqa: S101
        failure: Failure | None = None
        for _ in range(MAX_LOADS):
            failure, stopped = self._load()
            if failure is None:
                self._loaded = True
                break
            if not stopped:
                break
            self._skip.update(stopped)
        if failure is not None:
            self._loads_failed += 1
        self.loading = replace(self.loading, failure=failure)
        self._host.look_ahead(self._slot, self._limits, more=self._more)

    def _load(self) -> tuple[Failure | None, dict[codec.Key, str]]:
        """Load once. Returns what went wrong, and which statements are to be left out for it, with
        the reason."""
        assert self._slot is not None  # noqa: S101
        self._worker = self._host.fork(self._slot, self._limits, more=self._more)
        request = {
            "sources": self._sources,
            "homes": self._homes,
            "skip": [[*key, why] for key, why in self._skip.items()],
            "device": self._host.profile.device,
            "output_chars": self._chars_left,
            "reply_bytes": self._limits.reply_bytes,
        }
        watch = Watch(self._limits.load_seconds, len(self._skip))

        def load(worker: Worker) -> Answer:
            latest = worker.deadline
            wire.send(worker.write, request, [])
            for _ in range(MAX_STEPS):
                step = codec.read_loading(worker.read, self._homes)
                if isinstance(step, codec.Loaded):
                    if not self._loaded:  # later, a worker may say what an earlier one was given
                        problems = tuple(Problem(**p) for p in step.problems)
                        self.loading = Loading(problems, step.found, step.output)
                    return Answer(output=step.output)
                worker.deadline = min(latest, watch.begin(step))
            raise codec.ReplyError("loading comes to no end")

        answer = self._timed(load, self._limits.load_seconds)
        self.loading = replace(self.loading, seconds=self.loading.seconds + answer.seconds)
        if answer.failure is None or answer.failure.kind == "budget":
            return answer.failure, {}
        return answer.failure, watch.blame(answer.failure)

    def _obstacle(self, call: Call, results: Results) -> Failure | None:
        """Why the call cannot be put at all. Opens the session again where it has ended."""
        if self._seconds_left <= 0:
            return _out_of_budget(self._limits)
        if self._timeouts[call.function] >= PATIENCE:
            return Failure("timeout", f"it has taken too long {PATIENCE} times before")
        if results.resolve(call) is None:
            return Failure("input")
        if self._worker is None and self._loads_failed < MAX_LOADS_FAILED:
            self._open()
        return self.loading.failure if self._worker is None else None

    def _request(
        self,
        calls: Sequence[Call],
        results: Results,
        prepared: codec.Request | None,
        apart: Collection[int],
    ) -> codec.Request:
        complete = prepared is not None and len(prepared) and prepared.complete(results)
        request = prepared if prepared and complete else codec.Request(len(results))
        while request.end < len(calls) and self._fits(calls, request, apart):
            known = results.resolve(calls[request.end])
            if known is None:
                break
            request.add(known)
        return request

    def _fits(self, calls: Sequence[Call], request: codec.Request, apart: Collection[int]) -> bool:
        """Whether the next call can be of the same request."""
        if len(request) and request.end in apart:
            return False
        small = len(request) < MAX_REQUEST_CALLS and request.size <= MAX_REQUEST_BYTES
        return small and self._timeouts[calls[request.end].function] < PATIENCE

    def _send(self, request: codec.Request, seconds: float) -> _Sent:
        """Send the request to a worker that owes nothing. What goes wrong, whoever reads the
        answers is told."""
        worker = self._worker
        assert worker is not None  # noqa: S101
        began = time.monotonic()
        worker.deadline = began + min(seconds, self._seconds_left)
        broken: OSError | None = None
        worker.shelf.clear()
        try:
            wire.send(worker.write, request.header, request.buffers)
        except OSError as error:  # TimeoutError is one
            broken = error
        except BaseException:  # such as KeyboardInterrupt: what comes next would be out of step
            self.close()
            raise
        self._seconds_left -= time.monotonic() - began
        return _Sent(request, worker, broken)

    def _ask(self, call: Call, results: Results, sent: _Sent, seconds: float) -> Answer:
        """Read the answer to `call`."""
        known = results.resolve(call)
        # What later calls refer to is held at once.
        left = self._limits.run_bytes - results.size

        def ask(worker: Worker) -> Answer:
            if sent.broken is not None:
                raise sent.broken
            most = min(self._limits.reply_bytes, left)
            return codec.read_reply(worker.read, known or call, most, worker.shelf.take)

        answer = self._timed(ask, seconds)
        if known is None and answer.failure is None:
            return Answer(failure=Failure("input"), seconds=answer.seconds)
        failure = answer.failure
        if failure is not None and failure.kind == "timeout":
            self._timeouts[call.function] += 1
        if failure is not None and failure.kind == "missing" and self.loading.problems:
            why = replace(failure, message=str(self._reason(call.function)))
            answer = replace(answer, failure=why)
        return answer

    def _reason(self, function: str) -> Problem:
        """Why the function is missing: what would have defined it, or else what failed first."""
        problems = self.loading.problems
        return next((problem for problem in problems if function in problem.names), problems[0])

    def _timed(self, action: Callable[[Worker], Answer], seconds: float) -> Answer:
        """Do `action` with the worker, on the parent's clock. A worker that fails is ended."""
        worker = self._worker
        assert worker is not None  # noqa: S101
        start = time.monotonic()
        worker.deadline = start + min(seconds, self._seconds_left)
        failure: Failure | None = None
        answer = Answer()
        try:
            answer = action(worker)
            failure = answer.failure
        except TimeoutError:
            in_budget = seconds < self._seconds_left
            message = f"no answer within {seconds:g} seconds"
            failure = Failure("timeout", message) if in_budget else _out_of_budget(self._limits)
        except codec.ReplyError as error:
            failure = Failure("reply", str(error))
        except (EOFError, OSError):
            failure = Failure("crash")
        except BaseException:  # such as KeyboardInterrupt: what comes next would be out of step
            self.close()
            raise
        elapsed = time.monotonic() - start
        if failure is not None and answer.failure is None:  # the worker cannot go on
            self._worker = None
            if failure.kind == "crash":
                status = worker.end()
                too_much = Failure("memory", "it held more memory than it may")
                failure = too_much if worker.held_too_much else Failure("crash", _how(status))
            else:
                worker.kill()
            self._host.examine()  # was it the submission, or the device?
        elif failure is not None and failure.kind in {"memory", "device"}:
            self._worker = None
            worker.kill()
            self._host.examine()
        self._seconds_left -= elapsed  # not before: a fault of ours must not be charged
        output = answer.output[: self._chars_left]
        self._chars_left -= len(output)
        size, operators = answer.size, answer.operators
        return Answer(answer.value, answer.arguments, failure, elapsed, output, size, operators)


@dataclass(frozen=True)
class _Sent:
    """A request whose answers are owed."""

    request: codec.Request
    worker: Worker
    broken: OSError | None  # where it could not be sent


class Watch:
    """The clock of one loading: every statement has a share of the time.

    The first that uses up its share has had half of the time, the next a quarter, and so on.
    """

    def __init__(self, seconds: float, stopped: int) -> None:
        self._seconds = seconds
        self._share: float = max(seconds * 0.5 ** (1 + stopped), seconds / 40)
        self._began = 0.0
        self._current: codec.Key | None = None
        self._spent: dict[codec.Key, float] = defaultdict(float)

    def begin(self, key: codec.Key) -> float:
        """Note that this statement runs from now on. Returns until when it may."""
        now = time.monotonic()
        if self._current is not None:
            self._spent[self._current] += now - self._began
        self._current, self._began = key, now
        return now + self._share - self._spent[key]

    def blame(self, failure: Failure) -> dict[codec.Key, str]:
        """The statements that loading failed for, and how to say it."""
        current = self._current
        if current is None:
            return {}
        if failure.kind != "timeout":
            return {current: f"it was left out, for {failure.message or 'it ended the process'}"}
        self.begin(current)
        slow = f"it was left out after {{:.{1 if self._share < 1 else 0}f}} seconds"
        if self._spent[current] >= self._share:
            return {current: slow.format(self._share)}
        left, blamed = sum(self._spent.values()), {}
        # None of them took too long alone, but all together did.
        for key, spent in sorted(self._spent.items(), key=lambda item: -item[1]):
            if left <= self._seconds / 2:
                break
            left -= spent
            blamed[key] = slow.format(spent)
        return blamed


def _asks_for_more(text: str) -> bool:
    """Whether code of it may need more of torch: docstrings and comments, such as the exercises'
    own, name what nobody calls."""
    # Looking for each word as it stands takes a third of the time of one pattern for all of them.
    words = [found for word, found in _MORE.items() if word in text and found.search(text)]
    code = _REMARKS.sub("", text) if words else ""
    return any(found.search(code) for found in words)


def _out_of_budget(limits: Limits) -> Failure:
    message = f"the submission's {limits.session_seconds:g} seconds are used up"
    return Failure("budget", message)


def _how(status: int) -> str:
    if status >= 0:
        return f"the process ended with exit status {status}"
    try:
        return f"the process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"the process was ended by signal {-status}"
