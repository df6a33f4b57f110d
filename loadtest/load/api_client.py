"""What all locust scenarios share: accounts, whom they meet, their options, and a client that speaks the API."""

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

NAMES_KEPT, POSTS_KEPT, ITEMS_KEPT = 50, 500, 200
MOST_PAGES = 5
FORBIDDEN, NOT_FOUND = 403, 404


class Crowd:
    """Whom the users of this locust process are, and whom they read."""

    def __init__(self, accounts: list[Account], largest_id: int) -> None:
        self.accounts = accounts
        self.zipf = Zipf(range(1, largest_id + 1))
        self.names: deque[tuple[str, str]] = deque(maxlen=NAMES_KEPT)
        """(username, nickname) of users met lately."""
        self.posts: deque[int] = deque(maxlen=POSTS_KEPT)
        """Ids of posts met lately."""
        self.items: deque[int] = deque(maxlen=ITEMS_KEPT)
        """Ids of items to rate, made lately."""
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


class Client(FastHttpUser):
    """A mobile client of the API with an account of its own (or shared, if there are more clients than accounts)."""

    abstract = True

    def wait_time(self) -> float:
        think_s: float = self.environment.parsed_options.think
        return random.uniform(0.5, 1.5) * think_s

    def on_start(self) -> None:
        self.crowd = crowd_of(self.environment)
        self.account = self.crowd.next_account()

    def call(self, method: str, path: str, name: str, **options: Any) -> Any:
        """An answer to be used in a `with` block; any status but 2xx that the block does not excuse is a failure."""
        headers = {"Authorization": f"Bearer {self.account.token()}", **BEHIND_TLS}
        return self.client.request(method, API + path, name=name, headers=headers, catch_response=True, **options)

    def scroll(self, path: str, name: str, excused: Collection[int] = (NOT_FOUND,)) -> Iterator[Any]:
        """The pages of a list, as far as people scroll; no more after an answer with an `excused` status."""
        for _ in range(random.randint(1, MOST_PAGES)):
            page: Any = None
            with self.call("GET", path, name) as answer:
                if answer.status_code in excused:
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
        """Ask for as many users as a page of a feed has authors."""
        self.read_these(path, self.crowd.zipf.feed())

    def read_these(self, path: str, ids: Sequence[int]) -> None:
        """What is asked in one order is answered in it."""
        with self.call("GET", f"{path}?ids={','.join(map(str, ids))}", f"{path}?ids={{feed}}") as answer:
            if answer.status_code == 200:
                found = answer.json()
                if [each["id"] for each in found["results"]] != [pk for pk in ids if pk not in found["missing"]]:
                    answer.failure("the answer is not what was asked, in that order")
