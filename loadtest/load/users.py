"""A locust scenario of users who read users: `locust -f loadtest/users.py --host http://…`. See README.md.

Ids are drawn by Zipf's law, batches are as large as pages of a feed, and names to look up and to search for are those
that earlier answers showed.
"""

import random
from urllib.parse import quote

from locust import task

from loadtest.load.api_client import Client

STATUSES = ("online", "away", "busy", "offline")


class Reader(Client):
    """Reads mostly, writes its own profile and state now and then."""

    @task(40)
    def read_user(self) -> None:
        with self.call("GET", f"users/{self.crowd.zipf.one()}", "users/{id}") as answer:
            if answer.status_code == 404:  # a deleted user
                answer.success()
            elif answer.status_code == 200:
                user = answer.json()
                self.crowd.names.append((user["username"], user["nickname"]))

    @task(25)
    def read_authors_of_a_feed(self) -> None:
        self.read_feed("users")

    @task(10)
    def read_state(self) -> None:
        with self.call("GET", f"users/{self.crowd.zipf.one()}/state", "users/{id}/state") as answer:
            if answer.status_code == 404:
                answer.success()

    @task(10)
    def read_own_user(self) -> None:
        with self.call("GET", "users/me", "users/me") as answer:
            if answer.status_code == 200 and answer.json()["id"] != self.account.id:
                answer.failure("somebody else's user")

    @task(5)
    def look_up_username(self) -> None:
        if self.crowd.names:
            username, _ = random.choice(self.crowd.names)
            with self.call("GET", f"users?username={quote(username)}", "users?username={name}"):
                pass

    @task(5)
    def search(self) -> None:
        if self.crowd.names:
            text = random.choice(random.choice(self.crowd.names)) or "a"
            asked = quote(text[: random.randint(2, 6)].strip() or "a")
            with self.call("GET", f"users/search?q={asked}", "users/search?q={beginning}"):
                pass

    @task(3)
    def show_state(self) -> None:
        with self.call("PATCH", "users/me/state", "users/me/state", json={"status": random.choice(STATUSES)}):
            pass

    @task(2)
    def edit_profile(self) -> None:
        with self.call("PATCH", "users/me", "users/me", json={"bio": f"Load test, {random.randint(1, 99)}"}):
            pass
