"""A locust scenario of clients that ask for popups: `locust -f loadtest/load/popups.py --host http://…`. See README.md.

Most requests find no popup due, a few claim one, and fewer still report a click or a dismissal. The server must have
popups: create some in its admin, or seed its demo data.
"""

import random
from typing import Any

from locust import task

from loadtest.load.api_client import ApiClient

PLATFORMS = ("ios", "android", "web")
VERSIONS = ("2.8.1", "3.0.0", "3.2.0", "3.10.4")
CLICKED, DISMISSED = 0.1, 0.6  # shares of the popups that are shown


class PopupViewer(ApiClient):
    """A client that opens pages again and again, on one device."""

    def on_start(self) -> None:
        super().on_start()
        self.device = f"platform={random.choice(PLATFORMS)}&app_version={random.choice(VERSIONS)}"

    @task(20)
    def open_home(self) -> None:
        self._open("home")

    @task(1)
    def open_profile(self) -> None:
        self._open("profile")

    def _open(self, placement: str) -> None:
        popup: Any = None
        with self.call("GET", f"popups/next?placement={placement}&{self.device}", "popups/next") as answer:
            if answer.status_code == 200:
                popup = answer.json()["popup"]
        if popup is not None:
            self._react(popup)

    def _react(self, popup: Any) -> None:
        """Report a click or a dismissal; sometimes twice, as a phone with a bad connection does."""
        chance = random.random()
        if chance > CLICKED + DISMISSED:
            return
        event = {"claim": popup["claim"], "type": "click" if chance < CLICKED else "dismiss"}
        for _ in range(random.choice((1, 1, 1, 2))):
            with self.call("POST", f"popups/{popup['id']}/events", "popups/{id}/events", json=event):
                pass
