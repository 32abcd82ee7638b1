"""How many workers a deadline night takes, and what breaks first: a simulation, fed with what one
submission was measured to cost. `python -m benchmarks.capacity` prints docs/capacity.md's tables,

    --measure   what gradings cost on this machine: generated students' hand-ins, graded once each
    --check     a small real run on PostgreSQL, and the same run simulated
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import simpy
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from autograder.grading.grader import Grader
from autograder.handin.submission import parse
from autograder.topics.catalogue import Catalogue
from benchmarks import uploads
from benchmarks.deployment import TOPIC, Part, deployed, furnish, shared
from server.demo import story
from server.grading.meters import Readings
from server.storage.config import Config
from server.storage.database import Database
from server.storage.models import Submission

HOUR = 3600.0


@dataclass(frozen=True)
class Service:
    """Seconds that a grading takes: log-normal."""

    mean: float
    spread: float  # of the mean: standard deviation

    def draw(self, chance: random.Random) -> float:
        sigma = math.sqrt(math.log(1 + self.spread**2))
        return chance.lognormvariate(math.log(self.mean) - sigma**2 / 2, sigma)


@dataclass(frozen=True)
class Costs:
    """Of one submission, in seconds; docs/capacity.md says where each was measured."""

    web: float = 0.050  # of a processor of the web servers: the upload
    pages: float = 0.060  # and three pages that its student looks at meanwhile
    accept: float = 0.012  # while nobody else writes
    claim: float = 0.010
    finish: float = 0.013
    grading: dict[str, Service] = field(
        default_factory=lambda: {"cpu": Service(0.5, 0.9), "gpu": Service(6.0, 0.7)}
    )


@dataclass(frozen=True)
class Night:
    """The last day before a deadline. Of the uploads, four in ten come evenly, five with a rate
    that doubles every 80 minutes, and one within the last ten minutes."""

    students: int = 10_000
    uploads: int = 3  # of each
    on_gpu: float = 0.25  # of the uploads
    seed: int = 1

    def arrivals(self) -> list[tuple[float, str]]:
        chance = random.Random(self.seed)  # noqa: S311
        end, found = 24 * HOUR, []
        for _ in range(self.students * self.uploads):
            way = chance.random()
            if way < 0.4:
                at = chance.uniform(0, end)
            elif way < 0.9:
                at = max(0.0, end - chance.expovariate(1 / (2 * HOUR)))
            else:
                at = chance.uniform(end - 600, end)
            found.append((at, "gpu" if chance.random() < self.on_gpu else "cpu"))
        return sorted(found)


@dataclass(frozen=True)
class Fleet:
    web: int = 4  # processors of the web servers
    cpu: int = 4  # graders, each with a processor of its own
    gpu: int = 4  # graders, each with a GPU of its own


@dataclass
class Seen:
    accepted: list[float] = field(default_factory=list)  # seconds from upload to "accepted"
    waits: dict[str, list[float]] = field(default_factory=lambda: {"cpu": [], "gpu": []})
    since: float = 0.0  # what came before is not counted
    busy: dict[str, float] = field(default_factory=dict)  # seconds in the last ten minutes

    def p95(self, kind: str) -> float:
        return quantile(self.waits[kind], 0.95)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def simulate(
    arrivals: Sequence[tuple[float, str]], fleet: Fleet, costs: Costs, *, since: float = 0.0
) -> Seen:
    """Uploads pass a web server's processor and the database's one writer, wait for a grader of
    their kind in the order of arrival, and pass the writer twice more: claimed, and stored."""
    chance = random.Random(2)  # noqa: S311
    env = simpy.Environment()
    web, writer = simpy.Resource(env, fleet.web), simpy.Resource(env, 1)
    queues = {kind: simpy.Store(env) for kind in ("cpu", "gpu")}
    seen = Seen(since=since)

    def use(resource: simpy.Resource, name: str, seconds: float) -> Iterator[Any]:
        with resource.request() as turn:
            yield turn
            yield env.timeout(seconds)
            if env.now >= since:
                seen.busy[name] = seen.busy.get(name, 0.0) + seconds

    def upload(kind: str) -> Iterator[Any]:
        began = env.now
        yield from use(web, "web", costs.web)
        yield from use(writer, "writer", costs.accept)
        if began >= since:
            seen.accepted.append(env.now - began)
        queues[kind].put(began)
        yield from use(web, "web", costs.pages)

    def grader(kind: str) -> Iterator[Any]:
        while True:
            began = yield queues[kind].get()
            yield from use(writer, "writer", costs.claim)
            seconds = costs.grading[kind].draw(chance)
            yield env.timeout(seconds)
            yield from use(writer, "writer", costs.finish)
            if began >= since:
                seen.waits[kind].append(env.now - began)

    def night() -> Iterator[Any]:
        for at, kind in arrivals:
            yield env.timeout(at - env.now)
            env.process(upload(kind))

    for kind, count in (("cpu", fleet.cpu), ("gpu", fleet.gpu)):
        for _ in range(count):
            env.process(grader(kind))
    env.process(night())
    env.run(until=(arrivals[-1][0] if arrivals else 0.0) + 6 * HOUR)
    return seen


LIMIT = 120.0  # seconds of waiting, p95 of the last hour


def workers_needed(night: Night, costs: Costs, kind: str) -> tuple[int, float]:
    """The fewest with whom the last hour's p95 from upload to report is below the limit."""
    arrivals = night.arrivals()
    own = [one for one in arrivals if one[1] == kind]

    def p95(count: int) -> float:
        fleet = replace(Fleet(web=10**6), **{kind: count})
        return simulate(own, fleet, replace(costs), since=23 * HOUR).p95(kind)

    few, many = 0, 1
    while p95(many) > LIMIT:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if p95(middle) <= LIMIT else (middle, many)
    return many, p95(many)


def what_breaks(costs: Costs, fleet: Fleet, console: Console) -> None:
    """The same night with more and more students, the fleet as it is."""
    table = Table(title="More students, the same machines", title_justify="left", box=None)
    for heading in (
        *("students", "uploads/s, last 10 min", "accepted p99, s"),
        *("CPU p95, s", "GPU p95, s", "web busy", "writer busy"),
    ):
        table.add_column(heading, justify="right")
    for students in (2_000, 5_000, 10_000, 15_000, 20_000, 40_000):
        arrivals = Night(students=students).arrivals()
        since = 24 * HOUR - 600
        seen = simulate(arrivals, fleet, costs, since=since)
        last = sum(at >= since for at, _ in arrivals)
        table.add_row(
            f"{students:,}",
            f"{last / 600:.1f}",
            f"{quantile(seen.accepted, 0.99):.2f}",
            f"{seen.p95('cpu'):.0f}",
            f"{seen.p95('gpu'):.0f}",
            f"{seen.busy.get('web', 0.0) / 600 / fleet.web:.0%}",
            f"{seen.busy.get('writer', 0.0) / 600:.0%}",
        )
    console.print(table)


def ceiling(costs: Costs, count: Callable[[float], Fleet]) -> float:
    """Uploads a second, evenly, at which "accepted" takes longer than 0.5 s (p99)."""
    rate, step = 1.0, 1.25
    while True:
        chance = random.Random(3)  # noqa: S311
        at, arrivals = 0.0, []
        while at < 120:
            at += chance.expovariate(rate)
            arrivals.append((at, "cpu"))
        seen = simulate(arrivals, count(rate), costs, since=20.0)
        if quantile(seen.accepted, 0.99) > 0.5:
            return rate / step
        rate *= step


def plan(costs: Costs, console: Console) -> None:
    table = Table(
        title="Workers for 10,000 students, 3 uploads each, p95 below two minutes in the last hour",
        title_justify="left",
        box=None,
    )
    for heading in ("kind", "a grading takes, s", "workers", "p95, s"):
        table.add_column(heading, justify="right")
    needed = {}
    for kind, means in (("cpu", (0.25, 0.5, 1.0, 3.0)), ("gpu", (2.0, 6.0, 15.0))):
        for mean in means:
            own = replace(
                costs, grading={**costs.grading, kind: replace(costs.grading[kind], mean=mean)}
            )
            count, p95 = workers_needed(Night(), own, kind)
            if mean == costs.grading[kind].mean:
                needed[kind] = count
            table.add_row(kind, f"{mean:g}", str(count), f"{p95:.0f}")
    console.print(table)
    what_breaks(costs, Fleet(web=2, cpu=needed["cpu"], gpu=needed["gpu"]), console)
    much = lambda rate: Fleet(web=10**6, cpu=math.ceil(4 * rate), gpu=1)  # noqa: E731
    console.print(
        f"However many web servers and workers: the one writer takes {ceiling(costs, much):.0f} "
        "uploads a second before accepting one takes more than half a second (p99)."
    )


def measure(console: Console, count: int) -> None:
    """What the generated students' hand-ins cost, each graded once, warm."""
    catalogue = Catalogue.load()
    found = story.hand_ins(catalogue, datetime.now(UTC), students=20)
    random.Random(1).shuffle(found)  # noqa: S311
    own = Part("this", (os.getpid(),))
    seconds, clock = [], []
    with Grader(catalogue, b"s" * 32) as grader:
        for one in found[: count // 2]:  # the oracle's answers are kept from then on
            grader.grade(one.assignment, parse(one.filename, one.content))
        for one in found[:count]:
            before, began = own.seconds(), time.perf_counter()
            grader.grade(one.assignment, parse(one.filename, one.content))
            seconds.append(own.seconds() - before)
            clock.append(time.perf_counter() - began)
    mean = statistics.mean(seconds)
    console.print(
        f"{count} hand-ins of {len({one.assignment for one in found[:count]})} assignments: "
        f"{mean:.2f} s of processors each (spread {statistics.stdev(seconds) / mean:.1f}, "
        f"longest {max(seconds):.1f}), {statistics.mean(clock):.2f} s on the clock."
    )


def check(console: Console, load: uploads.Load, graders: int) -> None:
    """A real run, and its simulation with what the run itself says that a grading took."""
    catalogue = Catalogue.load()
    source = catalogue[TOPIC].topics[0].solution().encode()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server, url = opened.enter_context(shared())
        config = Config(folder / "data", shared=url)
        config.prepare()
        database = Database(config.database)
        opened.callback(database.close)
        database.migrate()
        tokens = furnish(database, catalogue, load.uploads)
        there = opened.enter_context(deployed(config, graders=graders, server=server))
        uploads.warm_up(there, database, tokens[:50], source, graders)
        with database.read() as session:
            before = Readings(session)
            first = session.scalars(select(Submission.id).order_by(Submission.id.desc())).first()
        uploads.run(load, there, database, tokens, source + b"# check")
        while uploads.waiting(database):
            time.sleep(0.5)
        with database.read() as session:
            after = Readings(session)
            rows = session.scalars(select(Submission).where(Submission.id > first)).all()
    rows = [row for row in rows if row.graded_at is not None]
    real = [(row.graded_at - row.received_at).total_seconds() for row in rows]
    count = uploads.gradings(after) - uploads.gradings(before)
    mean = (after.seconds - before.seconds) / count
    came = min(row.received_at for row in rows)
    arrivals = [((row.received_at - came).total_seconds(), "cpu") for row in rows]
    costs = replace(Costs(), web=0.0, pages=0.0, grading={"cpu": Service(mean, 0.5)})
    seen = simulate(sorted(arrivals), Fleet(web=10**6, cpu=graders, gpu=0), costs)
    table = Table(
        title=f"{len(rows)} uploads within {load.seconds:g} s, {graders} graders, a grading "
        f"{mean:.2f} s",
        title_justify="left",
        box=None,
    )
    for heading in ("from accepted to graded, s", "median", "p95", "longest"):
        table.add_column(heading, justify="right")
    for name, waits in (("real", real), ("simulated", seen.waits["cpu"])):
        cells = (quantile(waits, 0.5), quantile(waits, 0.95), max(waits))
        table.add_row(name, *(f"{value:.1f}" for value in cells))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="what gradings cost here")
    parser.add_argument("--check", action="store_true", help="a real run beside its simulation")
    parser.add_argument("--uploads", type=int, default=120, help="of --check")
    parser.add_argument("--seconds", type=float, default=20.0, help="within so long")
    parser.add_argument("--graders", type=int, default=2)
    parser.add_argument("--hand-ins", type=int, default=40, help="of --measure")
    options = parser.parse_args()
    console = Console(width=110)
    if options.measure:
        measure(console, options.hand_ins)
    if options.check:
        check(console, uploads.Load(options.uploads, options.seconds), options.graders)
    if not (options.measure or options.check):
        plan(Costs(), console)


if __name__ == "__main__":
    main()
