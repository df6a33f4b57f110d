"""A replica answers marked reads while it is up to date; otherwise the writer does, without an error."""

import time

import pytest

from tests.support.polling import wait_until
from tests.support.short_form import SHORT

NOT_READ, READ_AGAIN = "is not read until it is up to date", "is read again"


@pytest.fixture(scope="module")
def people(site):
    """(id, token) of two users, of whom the first has all that lists show."""
    number = time.monotonic_ns()
    (ann, token), (ben, _) = (site.hosts[0].account(f"list_{name}{number}") for name in ("ann", "ben"))
    ask = site.hosts[0].request
    post = ask("POST", "posts", {"text": "Hello"}, token=token).json["id"]
    ask("PUT", f"users/{ben}/follow", token=token)
    ask("PUT", f"posts/{post}/like", token=token)
    ask("PUT", f"posts/{post}/favorite", token=token)
    ask("POST", f"posts/{post}/comments", {"text": "Hi"}, token=token)
    return {"ann": ann, "ben": ben, "post": post, "token": token}


# With a limit above those of the first pages that the cache has.
MARKED = [
    "users/{ben}/followers?limit=50", "users/{ann}/following?limit=50", "users/me/friends",
    "users/me/blocks", "users/search?q=list",
    "posts/{post}/likers?limit=50", "posts/{post}/comments?limit=50", "favorites?limit=50",
    "users/{ann}/posts?limit=50", "users/me/export",
]  # fmt: skip
CACHED = ["users/{ben}", "posts/{post}", "users/{ann}/posts", "relationships?ids={ben}", "counters?targets=user:{ben}"]
UNMARKED = [*CACHED, "users/me/sessions"]


def read(site, path, people, host=0):
    answer = site.hosts[host].request("GET", path.format(**people), token=people["token"])
    assert answer.status == 200, (path, answer)
    return answer.json


def selects(replication):
    return replication.writer.selects(), replication.replica.selects()


def asked_by(site, replication, path, people):
    """Read, and return how many SELECTs that took on the writer and on the replica."""
    before = selects(replication)
    read(site, path, people)
    return [after - earlier for earlier, after in zip(before, selects(replication), strict=True)]


@pytest.mark.parametrize("path", MARKED)
def test_a_marked_read_asks_the_writer_for_its_position_alone(site, replication, people, path):
    wait_until_used(site, replication, people)
    read(site, path, people)  # fills entries
    # Every 500 ms of use, a host looks for pending invalidations as well.
    asked = min(asked_by(site, replication, path, people) for _ in range(4))
    if path.endswith("export"):  # a position for each page, and the account at the end
        assert asked[1] == 2 * (asked[0] - 1) > 10
    else:
        assert asked[0] == 1
        assert 2 <= asked[1] <= 4


@pytest.mark.parametrize("path", UNMARKED)
@pytest.mark.parametrize("is_cold", [False, True])
def test_no_other_read_asks_the_replica(site, replication, people, path, is_cold):
    read(site, path, people)
    if is_cold:
        site.flush()
    _, before = selects(replication)
    read(site, path, people)
    assert selects(replication)[1] == before


def wait_until_used(site, replication, people):
    """Wait until the pause after an earlier failure is over on both hosts."""
    for host in (0, 1):

        def is_used(host=host):
            before = replication.replica.selects()
            read(site, "users/me/friends", people, host)
            return replication.replica.selects() - before >= 2

        wait_until(is_used)


def write(site, people, turn):
    """Change a list, and return whether each host shows it at once."""
    method = ("PUT", "DELETE")[turn % 2]
    site.hosts[turn % 2].request(method, f"posts/{people['post']}/like", token=people["token"])
    shown = [len(read(site, "posts/{post}/likers?limit=50", people, host)["results"]) for host in (0, 1)]
    return shown == [1 - turn % 2] * 2


def test_what_was_written_shows_at_once_while_the_replica_follows(site, replication, people):
    wait_until_used(site, replication, people)
    before = replication.replica.selects()
    assert all(write(site, people, turn) for turn in range(60))
    assert replication.replica.selects() - before > 60  # most of the 240 reads of a position and a page


@pytest.mark.parametrize("fault", ["SQL_THREAD"] if SHORT else ["SQL_THREAD", "IO_THREAD", "killed", "silent"])
def test_a_replica_that_is_behind_or_away_is_not_read(site, replication, people, fault):
    wait_until_used(site, replication, people)
    begin, end = {
        "killed": (replication.kill, replication.restart),
        "silent": (replication.pause, replication.go_on),
    }.get(fault, (lambda: replication.stop(fault), replication.resume))
    logged = site.logs().count(NOT_READ)
    begin()
    try:
        assert all(write(site, people, turn) for turn in range(10))
        for path in MARKED:
            read(site, path, people)
    finally:
        end()
    wait_until_used(site, replication, people)
    assert site.logs().count(NOT_READ) - logged == 2  # one line in each process, however many reads
    assert site.logs().count(READ_AGAIN) == site.logs().count(NOT_READ)


def test_a_replica_that_lacks_a_table_is_not_read(site, replication, people):
    wait_until_used(site, replication, people)
    replication.replica.execute("SET sql_log_bin = 0; RENAME TABLE hotpath.social_block TO hotpath.away")
    try:
        assert read(site, "users/me/blocks", people)["results"] == []
    finally:
        replication.replica.execute("SET sql_log_bin = 0; RENAME TABLE hotpath.away TO hotpath.social_block")


def test_an_error_of_the_writer_is_not_taken_for_the_replica_s(site, replication, people):
    wait_until_used(site, replication, people)
    site.flush()  # so that the posts of a list that the replica answers are asked of the writer
    logged = site.logs().count(NOT_READ)
    replication.writer.execute("SET sql_log_bin = 0; RENAME TABLE hotpath.posts_post TO hotpath.away")
    try:
        assert site.hosts[0].request("GET", "favorites?limit=50", token=people["token"]).status == 503
    finally:
        replication.writer.execute("SET sql_log_bin = 0; RENAME TABLE hotpath.away TO hotpath.posts_post")
    before = replication.replica.selects()
    assert len(read(site, "favorites?limit=50", people)["results"]) == 1
    assert replication.replica.selects() - before >= 2
    assert site.logs().count(NOT_READ) == logged
