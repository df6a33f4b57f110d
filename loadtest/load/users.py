"""A locust scenario of clients that read users: `locust -f loadtest/load/users.py --host http://…`. See README.md.

Ids are drawn by Zipf's law, batches are as large as pages of a feed, and the names to look up and to search for come
from earlier answers.
"""

import random
from urllib.parse import quote

from locust import task

from loadtest.load.api_client import ApiClient

STATUSES = ("online", "away", "busy", "offline")


class UserReader(ApiClient):
    """A client that mostly reads, and sometimes edits its own profile or state."""

    @task(40)
    def read_user(self) -> None:
        with self.call("GET", f"users/{self.shared.zipf.draw_one()}", "users/{id}") as answer:
            if answer.status_code == 404:  # a deleted user
                answer.success()
            elif answer.status_code == 200:
                user = answer.json()
                self.shared.names.append((user["username"], user["nickname"]))

    @task(25)
    def read_authors_of_a_feed(self) -> None:
        self.read_feed("users")

    @task(10)
    def read_state(self) -> None:
        with self.call("GET", f"users/{self.shared.zipf.draw_one()}/state", "users/{id}/state") as answer:
            if answer.status_code == 404:
                answer.success()

    @task(10)
    def read_own_user(self) -> None:
        with self.call("GET", "users/me", "users/me") as answer:
            if answer.status_code == 200 and answer.json()["id"] != self.account.id:
                answer.failure("the answer is another user")

    @task(5)
    def look_up_username(self) -> None:
        if self.shared.names:
            username, _ = random.choice(self.shared.names)
            with self.call("GET", f"users?username={quote(username)}", "users?username={name}"):
                pass

    @task(5)
    def search(self) -> None:
        if self.shared.names:
            text = random.choice(random.choice(self.shared.names)) or "a"
            query = quote(text[: random.randint(2, 6)].strip() or "a")
            with self.call("GET", f"users/search?q={query}", "users/search?q={beginning}"):
                pass

    @task(3)
    def change_state(self) -> None:
        with self.call("PATCH", "users/me/state", "users/me/state", json={"status": random.choice(STATUSES)}):
            pass

    @task(2)
    def edit_profile(self) -> None:
        with self.call("PATCH", "users/me", "users/me", json={"bio": f"Load test, {random.randint(1, 99)}"}):
            pass
