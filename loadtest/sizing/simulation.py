"""Queues, simulated event by event: requests that arrive at random and go from server to server.

A station has servers and one queue, first come, first served. A route is a list of (station, mean service time in µs).
Service times are exponential, about as spread as those of a mix of requests. Requests arrive as a Poisson process; or
each of a number of clients sends its next request as soon as it has the answer, as a load generator does.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

Route = list[tuple["Station", float]]
NewRoute = Callable[[random.Random], Route]
WARM_UP = 0.2  # share of the requests that is not counted


class Station:
    """Servers with one queue. `speed` scales the service times: two servers of speed 1 stand for four of speed ½."""

    def __init__(self, servers: int, speed: float = 1.0) -> None:
        self.servers, self.speed = servers, speed
        self.idle = servers
        self.waiting: deque[tuple[_Request, float]] = deque()  # with the mean service time
        self.busy_us = 0.0
        self.most_inside = 0


class _Request(NamedTuple):
    arrived_us: float
    route: Iterator[tuple[Station, float]]
    number: int


class Result(NamedTuple):
    """What was simulated: latencies of the counted requests in ms, sorted, and how long it all took."""

    latencies_ms: list[float]
    seconds: float

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * percent / 100))]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies_ms) / self.seconds / (1 - WARM_UP)

    def utilization(self, station: Station) -> float:
        """Return the share of the time for which the servers of a station were busy."""
        return station.busy_us / 1e6 / self.seconds / station.servers


class Simulation:
    """A run of `requests` requests, of which each takes a new route; the same seed gives the same run."""

    def __init__(self, new_route: NewRoute, requests: int, *, seed: int = 1) -> None:
        self._new_route, self._left, self._total = new_route, requests, requests
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, _Request, Station | None]] = []
        self._sequence = 0
        self._latencies_ms: list[float] = []
        self._now_us = 0.0
        self._again = False

    def open(self, per_second: float) -> Result:
        """Run with Poisson arrivals."""
        at_us = 0.0
        for _ in range(self._total):
            at_us += self._random.expovariate(per_second / 1e6)
            self._arrive(at_us)
        return self._run()

    def closed(self, clients: int) -> Result:
        """Run with clients that send their next request at once."""
        self._again = True
        for _ in range(min(clients, self._total)):
            self._arrive(0.0)
        return self._run()

    def _arrive(self, at_us: float) -> None:
        self._left -= 1
        route = iter(self._new_route(self._random))
        self._schedule(at_us, _Request(at_us, route, self._total - self._left), None)

    def _schedule(self, at_us: float, request: _Request, served_by: Station | None) -> None:
        self._sequence += 1
        heappush(self._events, (at_us, self._sequence, request, served_by))

    def _run(self) -> Result:
        while self._events:
            self._now_us, _, request, served_by = heappop(self._events)
            if served_by is not None:
                self._leave(served_by)
            step = next(request.route, None)
            if step is None:
                self._finish(request)
            else:
                self._enter(request, *step)
        return Result(sorted(self._latencies_ms), self._now_us / 1e6)

    def _enter(self, request: _Request, station: Station, mean_us: float) -> None:
        station.waiting.append((request, mean_us))
        inside = len(station.waiting) + station.servers - station.idle
        station.most_inside = max(station.most_inside, inside)
        if station.idle:
            station.idle -= 1
            self._serve(station)

    def _serve(self, station: Station) -> None:
        request, mean_us = station.waiting.popleft()
        service_us = self._random.expovariate(1.0) * mean_us / station.speed
        station.busy_us += service_us
        self._schedule(self._now_us + service_us, request, station)

    def _leave(self, station: Station) -> None:
        if station.waiting:
            self._serve(station)
        else:
            station.idle += 1

    def _finish(self, request: _Request) -> None:
        if request.number > WARM_UP * self._total:
            self._latencies_ms.append((self._now_us - request.arrived_us) / 1000)
        if self._again and self._left > 0:
            self._arrive(self._now_us)
