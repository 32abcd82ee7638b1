"""What Prometheus reads: the requests of this process, and from the database all the rest."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from server.clock import Clock
from server.grading.meters import Ending, Readings
from server.grading.workload import by_state, workload
from server.storage.database import Database
from server.storage.models import RegradeItem, Submission


class Metrics:
    """Those of one application."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Grading(database, clock))
        self._requests = Counter(
            "gradmark_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gradmark_request_seconds",
            "How long answers took.",
            ("route",),
            registry=self.registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
        )

    def install(self, app: Flask) -> None:
        app.extensions["gradmark_metrics"] = self

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


def of(app: Flask) -> Metrics:
    found = app.extensions["gradmark_metrics"]
    assert isinstance(found, Metrics)  # noqa: S101 - for the type checker
    return found


def exposition(app: Flask) -> tuple[bytes, str]:
    """The text, and its content type."""
    return generate_latest(of(app).registry), CONTENT_TYPE_LATEST


class _Grading(Collector):
    """Read when Prometheus asks: the graders are other processes, maybe on other machines."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> list[Metric]:
        return []  # so that registering does not read the database

    def collect(self) -> Iterator[Metric]:
        with self._database.read() as session:
            load = workload(session, self._clock())
            readings = Readings(session)
            states = {
                "submissions": by_state(session, Submission),
                "regrades": by_state(session, RegradeItem),
            }
        for name, counts in states.items():
            gauge = GaugeMetricFamily(
                f"gradmark_{name}", f"How many {name} are in each state.", labels=["state"]
            )
            for state, count in counts.items():
                gauge.add_metric([state.value], count)
            yield gauge
        waiting = load.oldest_waiting
        yield GaugeMetricFamily(
            "gradmark_oldest_waiting_seconds",
            "How long the submission waits that waits longest; 0 when none does.",
            value=0.0 if waiting is None else waiting.total_seconds(),
        )
        for name, what, of in (
            ("graders", "Graders that are alive, on devices that work.", lambda d: len(d.able)),
            (
                "graders_set_aside",
                "Graders whose device does not work.",
                lambda d: len(d.set_aside),
            ),
            ("device_waiting", "Submissions that wait for such a device.", lambda d: d.waiting),
        ):
            gauge = GaugeMetricFamily(f"gradmark_{name}", what, labels=["device"])
            for kind, found in load.devices.items():
                gauge.add_metric([kind], of(found))
            yield gauge
        yield CounterMetricFamily(
            "gradmark_accepted", "Submissions accepted.", value=readings.accepted
        )
        endings = CounterMetricFamily(
            "gradmark_gradings",
            "Gradings by how they ended; fault and failed are faults of the machinery.",
            labels=["end"],
        )
        for how in Ending:
            endings.add_metric([how.value], readings.ended(how))
        yield endings
        histogram = HistogramMetricFamily(
            "gradmark_grading_seconds", "How long it took to grade a submission."
        )
        histogram.add_metric([], readings.buckets(), readings.seconds)
        yield histogram
