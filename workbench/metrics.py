"""What this process measures about itself; the part that is asked of the database is added at each reading.

No label bears a person, a code or an id: addresses are those of the route table, outcomes are words of ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.services.health import Health, Standing

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nothing reads
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_REQUESTS = Counter(
    "korrigo_http_requests", "Requests answered.", ["route", "method", "status"], registry=REGISTRY
)
_DURATION = Histogram(
    "korrigo_http_request_duration_seconds",
    "Time from a request to the end of its answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
_SIGN_INS = Counter("korrigo_sign_ins", "Passwords checked.", ["outcome"], registry=REGISTRY)
_WEBSOCKETS = Gauge("korrigo_websockets_active", "Pages that are open.", registry=REGISTRY)
for _outcome in ("ok", "refused"):
    _SIGN_INS.labels(_outcome)  # a counter that is not there yet would hide the first refusals

_UP = {Standing.OK: 1.0, Standing.DEGRADED: 0.5, Standing.DOWN: 0.0}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def answered(*, route: str, method: str, status: int, duration_s: float) -> None:
    """Count a request; ``route`` is a template of an address, never the address."""
    kind = method if method in _METHODS else "other"  # whoever asks chooses it: it must not grow the table
    _REQUESTS.labels(route, kind, str(status)).inc()
    _DURATION.labels(route).observe(duration_s)


def signed_in(*, ok: bool) -> None:
    """Count a password that was right, or was not."""
    _SIGN_INS.labels("ok" if ok else "refused").inc()


def page_opened() -> None:
    """A browser opened the websocket of a page."""
    _WEBSOCKETS.inc()


def page_closed() -> None:
    """The websocket of a page ended."""
    _WEBSOCKETS.dec()


def exposition(health: Health) -> bytes:
    """Everything in Prometheus' text format."""
    asked = CollectorRegistry()
    asked.register(_Asked(health))
    return generate_latest(REGISTRY) + generate_latest(asked)


class _Asked(Collector):
    """The parts of an installation as they were just found."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """One family per figure; a figure that could not be had is left out rather than zero."""
        info = GaugeMetricFamily("korrigo_build_info", "Version and commit.", labels=["version", "commit"])
        info.add_metric([self._health.version, self._health.commit], 1)
        yield info
        standing = GaugeMetricFamily("korrigo_component_up", "1 well, 0.5 degraded, 0 down.", labels=["part"])
        for part in self._health.components:
            standing.add_metric([part.name], _UP[part.standing])
        yield standing
        yield from self._database()
        yield from self._jobs()
        yield from self._rest()

    def _database(self) -> Iterable[Metric]:
        part = self._health.component("database")
        if part.latency_ms is not None:
            yield _gauge(
                "korrigo_database_latency_seconds", "A question's way there.", part.latency_ms / 1000
            )
        yield from self._figures("database", ("connections", "korrigo_database_connections", "Open ones."))

    def _jobs(self) -> Iterable[Metric]:
        figures = self._health.component("queue").figures
        jobs = GaugeMetricFamily("korrigo_jobs", "Background jobs.", labels=["status"])
        for status in ("waiting", "running", "failed"):
            if (count := figures.get(status)) is not None:
                jobs.add_metric([status], float(count))
        yield jobs
        if "waiting" in figures:
            oldest = float(figures.get("oldest_waiting_s") or 0)
            yield _gauge("korrigo_jobs_oldest_waiting_seconds", "Age of the oldest that waits.", oldest)
        yield from self._figures("queue", ("workers", "korrigo_workers", "Workers seen lately."))

    def _rest(self) -> Iterable[Metric]:
        yield from self._figures(
            "files",
            ("free_share", "korrigo_disk_free_ratio", "Free share of the home's disk."),
            ("free_bytes", "korrigo_disk_free_bytes", "Free space on the home's disk."),
        )
        yield from self._figures(
            "journal",
            ("unsealed", "korrigo_journal_unsealed", "Entries that wait for the sealer."),
            ("oldest_unsealed_s", "korrigo_journal_oldest_unsealed_seconds", "Age of the oldest of them."),
        )
        backup = self._health.component("backup")
        if "age_s" in backup.figures:
            known = backup.figures["age_s"] is not None
            yield _gauge("korrigo_backup_made", "1 when a verified backup was ever made.", float(known))
        yield from self._figures(
            "backup",
            ("age_s", "korrigo_backup_age_seconds", "Age of the last verified backup."),
            ("bytes", "korrigo_backup_size_bytes", "Size of the last verified backup."),
        )
        redis = self._health.component("redis").figures
        for kind in ("hits", "misses", "failures"):
            if (count := redis.get(kind)) is not None:
                yield CounterMetricFamily(
                    f"korrigo_page_cache_{kind}", f"Page images: {kind}.", value=float(count)
                )

    def _figures(self, part: str, *wanted: tuple[str, str, str]) -> Iterable[Metric]:
        figures = self._health.component(part).figures
        for figure, name, told in wanted:
            if (value := figures.get(figure)) is not None:
                yield _gauge(name, told, float(value))


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)
