"""Behaviour 82: the node that writes is killed, or cut off and comes back: nothing acknowledged is lost, counts are
exact, and writes go on within five seconds."""

import faulthandler
import os
import signal
import statistics
import time

import pytest

from tests.support.galera import wait_for
from tests.support.programs import WEB, Program
from tests.support.short_form import SHORT
from tests.topologies.galera import actions
from tests.topologies.galera.load import LONGEST_S, Writer, longest_pause_s

ROUNDS = int(os.environ.get("ROUNDS", "1" if SHORT else "20"))
FEWER = int(os.environ.get("ROUNDS", "3"))
WRITERS = 6
LONGEST_PAUSE_S = 5
STEADY_S = 1


@pytest.fixture
def web(galera, redis_url, tmp_path):
    own = {"DEBUG": "0", "HTTPS": "off", "THROTTLES": "off", "WEB_WORKERS": "1", "WEB_THREADS": "8"}
    own |= {"SECRET_KEY": "tests-only-" + "x" * 50, "DATABASE_URL": galera.url, "REDIS_URL": redis_url}
    (tmp_path / "data").mkdir()
    program = Program(WEB, tmp_path / "data", **own).wait_until_up()
    yield program
    program.end(signal.SIGTERM)


@pytest.fixture
def writers(web, first, user_id):
    others = [first.call(actions.new_user, f"other{number}of{user_id}") for number in range(10)]
    ids = [first.call(actions.new_user, f"writer{number}of{user_id}") for number in range(WRITERS)]
    writers = [Writer(web.port, each, others) for each in ids]
    for each in writers:
        each.start()
    wait_for(lambda: all(writer.posts for writer in writers))
    yield writers
    for each in writers:
        each.stop()


def killed(node):
    node.kill()
    yield
    node.start()


def cut_off(node):
    node.cut_off()
    yield
    node.reconnect()


def without_cluster(node):
    """Let clients reach a node that reaches no other: it answers pings, and refuses statements (1047)."""
    node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    yield
    node.query("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")


def frozen(node):
    node.freeze()
    yield
    node.thaw()


def restarted(node):
    node.stop()
    yield
    node.start()


FAULTS = {killed: ROUNDS, cut_off: ROUNDS, without_cluster: FEWER, frozen: FEWER, restarted: FEWER}


@pytest.mark.parametrize("fault", [killed] if SHORT else FAULTS, ids=lambda fault: fault.__name__)
def test_the_node_that_writes_is_lost(galera, start, writers, fault):
    faulthandler.cancel_dump_traceback_later()  # each wait has its own limit
    pauses = []
    for _ in range(FAULTS[fault]):
        wait_until_it_writes(galera.nodes[0])
        begin = time.monotonic()
        broken = fault(galera.nodes[0])
        next(broken)
        wait_until_writing_again(writers, since=begin + STEADY_S)
        list(broken)
        galera.nodes[0].wait_until_synced()
        wait_until_writing_again(writers, since=time.monotonic() + STEADY_S)
        pauses.append(longest_pause_s(writers, begin, time.monotonic()))
    for each in writers:
        each.stop()
    for each in writers:
        each.join(LONGEST_S)
        assert not each.is_alive()
    print(f"\n{fault.__name__}, {len(pauses)} times: {summary(pauses, writers)}")
    assert_nothing_is_lost(galera, start, writers)
    assert max(pauses) <= LONGEST_PAUSE_S


def wait_until_it_writes(node):
    """Wait until the service uses a node, which HAProxy prefers once it has been found healthy twice."""
    before = inserts(node)
    wait_for(lambda: inserts(node) > before)


def inserts(node):
    """Return how many INSERTs the node has got from clients; what it applies for other nodes is not among them."""
    [[_, number]] = node.query("SHOW GLOBAL STATUS LIKE 'Com_insert'")
    return int(number)


def wait_until_writing_again(writers, since):
    """Wait until each writer was acknowledged a write after a moment."""
    wait_for(lambda: all(writer.acknowledged_at[-1] > since for writer in writers))


def summary(pauses, writers):
    refusals = [status for writer in writers for status in writer.refusals]
    counted = {status: refusals.count(status) for status in sorted(set(refusals))}
    acknowledged = sum(len(writer.acknowledged_at) for writer in writers)
    return (
        f"pauses of {statistics.median(pauses):.1f} s in the median, {min(pauses):.1f} to {max(pauses):.1f} s, "
        f"{acknowledged} acknowledged writes, repeated after {counted}"
    )


def assert_nothing_is_lost(galera, start, writers):
    galera.wait_until_whole()
    for node in galera.nodes:
        for writer in writers:
            assert sorted(column(node, "text", "posts_post", "author_id", writer)) == sorted(writer.posts)
            follows = column(node, "followee_id", "social_follow", "follower_id", writer)
            assert set(map(int, follows)) == writer.followed
    for number in (1, 2, 3):
        application = start(number)
        application.call(actions.roll_up_all)
        for writer in writers:
            assert application.call(actions.drift, writer.user_id) == []
            assert application.call(actions.counts, writer.user_id) == (len(writer.posts), len(writer.followed))


def column(node, name, table, owner, writer):
    """Return what a node has of a writer, with all that the cluster has committed."""
    query = f"SELECT {name} FROM hotpath.{table} WHERE {owner} = {writer.user_id}"  # noqa: S608
    return [value for (value,) in node.query(f"SET wsrep_sync_wait = 7; {query}")]
