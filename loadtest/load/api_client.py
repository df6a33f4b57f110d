"""The base of all locust scenarios: an API client, its command line options, and the data that the clients share."""

import logging
import random
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import GreenletExit
from gevent.lock import BoundedSemaphore
from locust import FastHttpUser, events

from loadtest.load.accounts import API, BEHIND_TLS, Account, Refused
from loadtest.load.zipf import Zipf

NAMES_REMEMBERED, POSTS_REMEMBERED, ITEMS_REMEMBERED = 50, 500, 200
MAX_PAGES = 5  # of a list that a client scrolls
FORBIDDEN, NOT_FOUND = 403, 404


class SharedData:
    """The accounts of a locust process, and the objects that its clients have seen in answers."""

    def __init__(self, accounts: list[Account], largest_id: int) -> None:
        self.accounts = accounts
        self.zipf = Zipf(range(1, largest_id + 1))
        self.names: deque[tuple[str, str]] = deque(maxlen=NAMES_REMEMBERED)
        """(username, nickname) of users seen lately."""
        self.posts: deque[int] = deque(maxlen=POSTS_REMEMBERED)
        """Ids of posts seen lately."""
        self.items: deque[int] = deque(maxlen=ITEMS_REMEMBERED)
        """Ids of rating items created lately."""
        self._next_index = count()

    def next_account(self) -> Account:
        return self.accounts[next(self._next_index) % len(self.accounts)]


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    parser.add_argument(
        "--accounts", type=int, default=10, env_var="LOAD_ACCOUNTS",
        help="accounts of each locust process; registered at the first run",
    )  # fmt: skip
    parser.add_argument(
        "--password", default="load-test-only", env_var="LOAD_PASSWORD", help="password of these accounts"
    )
    parser.add_argument(
        "--largest-id", type=int, default=0, env_var="LOAD_LARGEST_ID",
        help="read the users with ids from 1 to this one (default: to the newest account)",
    )  # fmt: skip
    parser.add_argument(
        "--think",
        type=float,
        default=1.0,
        env_var="LOAD_THINK",
        help="average seconds between a client's requests",
    )


_creating = BoundedSemaphore()


def shared_data(environment: Any) -> SharedData:
    """Return the data of this process and test run; the first call creates it while other calls wait.

    End the calling client (GreenletExit) if the server refused the accounts.
    """
    with _creating:
        if not hasattr(environment, "shared_data"):
            environment.shared_data = _create(environment)
    if environment.shared_data is None:
        raise GreenletExit
    return environment.shared_data


def _create(environment: Any) -> SharedData | None:
    """Return None and end the test run if the server refuses an account."""
    options = environment.parsed_options
    process = getattr(environment.runner, "worker_index", 0)
    names = [f"load.{process}.{number}" for number in range(options.accounts)]
    try:
        accounts = [Account(environment.host, name, options.password) for name in names]
    except Refused as refused:
        logging.getLogger(__name__).error("No account, no test: %s", refused)
        environment.process_exit_code = 1
        gevent.spawn(environment.runner.quit)
        return None
    return SharedData(accounts, options.largest_id or max(account.id for account in accounts))


class ApiClient(FastHttpUser):
    """A mobile client of the API. It shares its account with other clients if there are more clients than accounts."""

    abstract = True

    def wait_time(self) -> float:
        """Return the seconds until the client's next request."""
        think_s: float = self.environment.parsed_options.think
        return random.uniform(0.5, 1.5) * think_s

    def on_start(self) -> None:
        self.shared = shared_data(self.environment)
        self.account = self.shared.next_account()

    def call(self, method: str, path: str, name: str, **options: Any) -> Any:
        """Send a request, reported under `name`, and return its answer for use in a `with` block.

        A status other than 2xx is a failure unless the block calls `success()` of the answer.
        """
        headers = {"Authorization": f"Bearer {self.account.token()}", **BEHIND_TLS}
        return self.client.request(method, API + path, name=name, headers=headers, catch_response=True, **options)

    def scroll(self, path: str, name: str, allowed: Collection[int] = (NOT_FOUND,)) -> Iterator[Any]:
        """Yield the first pages of a list, up to MAX_PAGES; stop at an answer with an `allowed` status, which is no
        failure."""
        for _ in range(random.randint(1, MAX_PAGES)):
            page: Any = None
            with self.call("GET", path, name) as answer:
                if answer.status_code in allowed:
                    answer.success()
                elif answer.status_code == 200:
                    page = answer.json()
            if page is None:
                return
            yield page
            if page["next"] is None:
                return
            link = urlsplit(page["next"])
            path = f"{link.path.removeprefix(API)}?{link.query}"
            self.wait()

    def read_feed(self, path: str) -> None:
        """Read a batch of users as large as a page of a feed."""
        self.read_batch(path, self.shared.zipf.draw_feed())

    def read_batch(self, path: str, ids: Sequence[int]) -> None:
        """Read a batch, and check that the answer has the ids in the order of the request."""
        with self.call("GET", f"{path}?ids={','.join(map(str, ids))}", f"{path}?ids={{feed}}") as answer:
            if answer.status_code == 200:
                document = answer.json()
                expected = [pk for pk in ids if pk not in document["missing"]]
                if [each["id"] for each in document["results"]] != expected:
                    answer.failure("the answer has other ids than the request, or another order")
