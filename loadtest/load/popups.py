"""A locust scenario of users who enter, and are shown a popup now and then: `locust -f loadtest/popups.py --host …`.

Most entries are due nothing, a few claim a popup, fewer still are clicked or dismissed. Which popups there are is the
server's: make some in its admin, or seed its demo data. See README.md.
"""

import random
from typing import Any

from locust import task

from loadtest.load.api_client import Client

PLATFORMS = ("ios", "android", "web")
VERSIONS = ("2.8.1", "3.0.0", "3.2.0", "3.10.4")
CLICKED, DISMISSED = 0.1, 0.6  # of the popups that are shown


class Visitor(Client):
    """Enters again and again, with one device."""

    def on_start(self) -> None:
        super().on_start()
        self.device = f"platform={random.choice(PLATFORMS)}&app_version={random.choice(VERSIONS)}"

    @task(20)
    def enter(self) -> None:
        self._enter("home")

    @task(1)
    def open_profile(self) -> None:
        self._enter("profile")

    def _enter(self, placement: str) -> None:
        popup: Any = None
        with self.call("GET", f"popups/next?placement={placement}&{self.device}", "popups/next") as answer:
            if answer.status_code == 200:
                popup = answer.json()["popup"]
        if popup is not None:
            self._react(popup)

    def _react(self, popup: Any) -> None:
        """A phone on a bad line tells it twice now and then."""
        chance = random.random()
        if chance > CLICKED + DISMISSED:
            return
        event = {"claim": popup["claim"], "type": "click" if chance < CLICKED else "dismiss"}
        for _ in range(random.choice((1, 1, 1, 2))):
            with self.call("POST", f"popups/{popup['id']}/events", "popups/{id}/events", json=event):
                pass
