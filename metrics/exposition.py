"""All numbers in the text format of Prometheus."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from caching.api import BOUNDS_S
from metrics import shared, snapshots
from metrics.families import FAMILIES, Family

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text() -> bytes:
    """Return what Prometheus is told, within a few seconds, whichever server hangs."""
    registry = CollectorRegistry()
    registry.register(_Collected({**snapshots.read_all(), **shared.read()}))
    return generate_latest(registry)


class _Collected(Collector):
    """Numbers as families of prometheus-client."""

    def __init__(self, numbers: Mapping[str, Mapping[tuple[Any, ...], Any]]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            make = _histogram if family.kind == "histogram" else _simple
            yield make(family, self._numbers.get(family.name, {}))


def _simple(family: Family, numbers: Mapping[tuple[Any, ...], float]) -> Metric:
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = made(family.name, family.help, labels=family.labels)
    for labels, number in numbers.items():
        metric.add_metric(list(map(str, labels)), number)
    return metric


def _histogram(family: Family, numbers: Mapping[tuple[Any, ...], Sequence[float]]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    for labels, (*counts, seconds) in numbers.items():
        buckets = list(zip(bounds, accumulate(counts), strict=True))
        metric.add_metric(list(map(str, labels)), buckets, seconds)
    return metric
