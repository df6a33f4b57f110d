"""Users who write on one host and read on the other, all at once, see what they wrote, whatever the replica does."""

import random
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import pytest

from tests.support.polling import wait_until
from tests.support.short_form import SHORT

USERS, POSTS = 6, 4
TURNS = 25 if SHORT else 300


@pytest.fixture
def post_ids(site, replication):
    _, token = site.hosts[0].account(f"author{random.randrange(10**9)}")
    publish = lambda number: site.hosts[0].request("POST", "posts", {"text": f"Post {number}"}, token)  # noqa: E731
    return [publish(number).json["id"] for number in range(POSTS)]


def write_and_read(site, seed, post_ids):
    """Change the own favourites at random, and return what another host showed wrongly right after."""
    rng, wrong = random.Random(seed), []
    _, token = site.hosts[0].account(f"reader{seed}x{rng.randrange(10**9)}x{post_ids[0]}")
    favorites: list[int] = []
    for turn in range(TURNS):
        writer, reader = rng.sample(site.hosts, 2)
        post_id = rng.choice(post_ids)
        method = rng.choice(["PUT", "DELETE"])
        written = writer.request(method, f"posts/{post_id}/favorite", token=token)
        if method == "DELETE" and post_id in favorites:
            favorites.remove(post_id)
        elif method == "PUT" and post_id not in favorites:
            favorites.insert(0, post_id)
        shown = reader.request(
            "GET", rng.choice(["favorites", "favorites?limit=50"]), token=token
        )  # by the cache, by SQL
        seen = [each["id"] for each in shown.json["results"]] if shown.status == 200 else None
        if written.status != 200 or seen != favorites:
            wrong.append((turn, written, seen, list(favorites)))
    return wrong


def use(host, replication):
    """Read, and return whether the replica has answered, which no host asks for a while after a failure."""
    _, token = host.account(f"user{random.randrange(10**9)}")
    before = replication.replica.selects()
    host.request("GET", "users/me/friends", token=token)
    return replication.replica.selects() - before >= 2


def test_own_writes_show_at_once_on_the_other_host(site, replication, post_ids):
    for host in site.hosts:
        wait_until(partial(use, host, replication))
    before = replication.replica.selects()
    with ThreadPoolExecutor(USERS) as pool:
        users = [pool.submit(write_and_read, site, seed, post_ids) for seed in range(USERS)]
        stops = 0
        while wait(users, timeout=1.5).not_done:  # long enough for hosts to use the replica again
            replication.stop(random.choice(["SQL_THREAD", "IO_THREAD"]))
            stops += 1
            wait(users, timeout=0.3)
            replication.resume()
    wrong = [each for user in users for each in user.result()]
    assert not wrong, f"{len(wrong)} of {USERS * TURNS}, such as {wrong[0]}"
    assert stops or SHORT
    assert replication.replica.selects() - before > USERS * TURNS / 20
