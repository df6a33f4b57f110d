"""A locust scenario of users who read users: `locust -f loadtest/users.py --host http://…`. See README.md.

Ids are drawn by Zipf's law, batches are as large as pages of a feed, and names to look up and to search for are those
that earlier answers showed.
"""

import logging
import random
from collections import deque
from itertools import count
from typing import Any
from urllib.parse import quote

import gevent
from gevent import GreenletExit
from gevent.lock import BoundedSemaphore
from locust import FastHttpUser, events, task

from loadtest.accounts import API, BEHIND_TLS, Account, Refused
from loadtest.zipf import Zipf

NAMES_KEPT = 50
STATUSES = ("online", "away", "busy", "offline")


class Crowd:
    """Whom the users of this locust process are, and whom they read."""

    def __init__(self, accounts: list[Account], largest_id: int) -> None:
        self.accounts = accounts
        self.zipf = Zipf(range(1, largest_id + 1))
        self.names: deque[tuple[str, str]] = deque(maxlen=NAMES_KEPT)
        """(username, nickname) of users met lately."""
        self._turn = count()

    def next_account(self) -> Account:
        return self.accounts[next(self._turn) % len(self.accounts)]


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    parser.add_argument(
        "--accounts", type=int, default=10, env_var="LOAD_ACCOUNTS",
        help="accounts that each locust process logs in, and registers the first time",
    )  # fmt: skip
    parser.add_argument(
        "--password", default="load-test-only", env_var="LOAD_PASSWORD", help="password of these accounts"
    )
    parser.add_argument(
        "--largest-id", type=int, default=0, env_var="LOAD_LARGEST_ID",
        help="read the users from 1 to this id (default: to the newest of the accounts)",
    )  # fmt: skip
    parser.add_argument(
        "--think", type=float, default=1.0, env_var="LOAD_THINK", help="seconds between a user's requests, on average"
    )


_gathering = BoundedSemaphore()


def crowd_of(environment: Any) -> Crowd:
    """Of this process and test; whoever comes first gathers it, the others wait."""
    with _gathering:
        if not hasattr(environment, "crowd"):
            environment.crowd = _gathered(environment)
    if environment.crowd is None:
        raise GreenletExit  # this user ends without a word
    return environment.crowd


def _gathered(environment: Any) -> Crowd | None:
    """None, and an end of everything, where the server gives no accounts."""
    options = environment.parsed_options
    number = getattr(environment.runner, "worker_index", 0)
    names = [f"load.{number}.{each}" for each in range(options.accounts)]
    try:
        accounts = [Account(environment.host, name, options.password) for name in names]
    except Refused as refused:
        logging.getLogger(__name__).error("No account, no test: %s", refused)
        environment.process_exit_code = 1
        gevent.spawn(environment.runner.quit)
        return None
    return Crowd(accounts, options.largest_id or max(account.id for account in accounts))


class Reader(FastHttpUser):
    """A mobile client of the API: reads mostly, writes its own profile and state now and then."""

    def wait_time(self) -> float:
        think_s: float = self.environment.parsed_options.think
        return random.uniform(0.5, 1.5) * think_s

    def on_start(self) -> None:
        self.crowd = crowd_of(self.environment)
        self.account = self.crowd.next_account()

    @task(40)
    def read_user(self) -> None:
        with self._call("GET", f"users/{self.crowd.zipf.one()}", "users/{id}") as answer:
            if answer.status_code == 404:  # a deleted user
                answer.success()
            elif answer.status_code == 200:
                user = answer.json()
                self.crowd.names.append((user["username"], user["nickname"]))

    @task(25)
    def read_authors_of_a_feed(self) -> None:
        ids = self.crowd.zipf.feed()
        with self._call("GET", f"users?ids={','.join(map(str, ids))}", "users?ids={feed}") as answer:
            if answer.status_code == 200:
                found = answer.json()
                if [user["id"] for user in found["results"]] != [pk for pk in ids if pk not in found["missing"]]:
                    answer.failure("the answer is not what was asked, in that order")

    @task(10)
    def read_state(self) -> None:
        with self._call("GET", f"users/{self.crowd.zipf.one()}/state", "users/{id}/state") as answer:
            if answer.status_code == 404:
                answer.success()

    @task(10)
    def read_own_user(self) -> None:
        with self._call("GET", "users/me", "users/me") as answer:
            if answer.status_code == 200 and answer.json()["id"] != self.account.id:
                answer.failure("somebody else's user")

    @task(5)
    def look_up_username(self) -> None:
        if self.crowd.names:
            username, _ = random.choice(self.crowd.names)
            with self._call("GET", f"users?username={quote(username)}", "users?username={name}"):
                pass

    @task(5)
    def search(self) -> None:
        if self.crowd.names:
            text = random.choice(random.choice(self.crowd.names)) or "a"
            asked = quote(text[: random.randint(2, 6)].strip() or "a")
            with self._call("GET", f"users/search?q={asked}", "users/search?q={beginning}"):
                pass

    @task(3)
    def show_state(self) -> None:
        with self._call("PATCH", "users/me/state", "users/me/state", json={"status": random.choice(STATUSES)}):
            pass

    @task(2)
    def edit_profile(self) -> None:
        with self._call("PATCH", "users/me", "users/me", json={"bio": f"Load test, {random.randint(1, 99)}"}):
            pass

    def _call(self, method: str, path: str, name: str, **options: Any) -> Any:
        """An answer to be used in a `with` block; any status but 2xx that the block does not excuse is a failure."""
        headers = {"Authorization": f"Bearer {self.account.token()}", **BEHIND_TLS}
        return self.client.request(method, API + path, name=name, headers=headers, catch_response=True, **options)
