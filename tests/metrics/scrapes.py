"""Scrapes of /metrics, read by the parser of prometheus-client."""

import time

from prometheus_client.parser import text_string_to_metric_families

from tests.support.polling import wait_until
from tests.support.web_servers import say

TOKEN = "scrape-me"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Scrape:
    """What one scrape says."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of a name that have these labels."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def named(self, name: str) -> list:
        """Return the samples of a name."""
        return [sample for sample in self.samples if sample.name == name]


def scrape(port: int) -> Scrape:
    """Return what a server says now."""
    answer = say(port, "GET", "/metrics", **BEARER)
    assert answer.status == 200, answer.body
    return Scrape(answer.body.decode())


def settled(web) -> Scrape:
    """Return what a server says once all processes have written what they have counted until now."""
    now = time.time()
    wait_until(lambda: scrape(web.port) and _all_written_since(web, now))
    return scrape(web.port)


def _all_written_since(web, moment: float) -> bool:
    try:
        return all(path.stat().st_mtime > moment for path in (web.data / "metrics").glob("*.json"))
    except FileNotFoundError:  # replaced, or that of a process that has ended
        return False
