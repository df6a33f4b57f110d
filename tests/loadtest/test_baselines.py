"""What the benchmark measures against, and how it arranges it, gives the right answers."""

import io
import json
from itertools import pairwise
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest
from django.core.management import call_command
from django.db import connection

from counters import rollup
from counters.models import Delta
from loadtest import graph, rated_items
from loadtest.baselines import sharding
from loadtest.baselines.management.commands import cursors_of_followers, time_counts
from loadtest.baselines.management.commands.write_follows import Order
from loadtest.baselines.models import Tally
from loadtest.feed import SAMPLE, Community
from posts import services as posting
from ratings import services as rating
from social import services
from tests.loadtest.conftest import PEOPLE

SELF, OTHERS = 1, range(2, PEOPLE)


@pytest.fixture
def send(site, tokens):
    def send(method, path, body=None, user=SELF):
        headers = {"Authorization": f"Bearer {tokens[user - 1]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{site}{path}", data, headers, method=method)  # noqa: S310  our server
        with urlopen(request) as answer:  # noqa: S310
            return json.load(answer)

    return send


@pytest.fixture
def get(send):
    return lambda path: send("GET", path)


@pytest.fixture
def celebrity(site):
    """Followed by all others, one after the other."""
    for number in OTHERS:
        services.follow(follower_id=number, followee_id=PEOPLE)
    return PEOPLE


def printed(command, *arguments, **options):
    output = io.StringIO()
    call_command(command.Command(), *map(str, arguments), stdout=output, **options)
    return output.getvalue()


def test_the_sql_of_relationships_says_what_the_id_sets_say(get):
    services.follow(follower_id=SELF, followee_id=2)
    services.follow(follower_id=3, followee_id=SELF)
    for pair in ((SELF, 4), (4, SELF)):
        services.follow(follower_id=pair[0], followee_id=pair[1])
    services.block(blocker_id=SELF, blocked_id=5)
    services.block(blocker_id=6, blocked_id=SELF)
    ids = f"?ids={','.join(map(str, range(8, 1, -1)))},999"
    ours = get(f"/api/v1/relationships{ids}")
    assert get(f"/baseline/relationships{ids}") == ours
    assert len({tuple(each.values())[1:] for each in ours["results"]}) == 6


def test_a_cursor_leads_to_the_edge_that_is_so_deep(get, celebrity):
    names = [user["id"] for user in get(f"/api/v1/users/{celebrity}/followers")["results"]]
    assert names == list(OTHERS)[::-1][:20]
    cursors = printed(cursors_of_followers, celebrity, 10, 33).split()
    for depth, cursor in zip((10, 33), cursors, strict=True):
        page = get(f"/api/v1/users/{celebrity}/followers?cursor={cursor}")
        assert [user["id"] for user in page["results"]] == list(OTHERS)[::-1][depth : depth + 20]


def test_every_way_to_count_gives_the_same(celebrity):
    found = json.loads(printed(time_counts, celebrity, SELF, rounds=2, seconds=0.01))
    assert found.keys() == time_counts.WAYS.keys()
    for way in found.values():
        assert [each["count"] for each in way[str(celebrity)]] == [len(OTHERS)] * 2
        assert all(each["seconds"] >= 0.01 and each["latencies_ms"] for each in way[str(celebrity)])


@pytest.mark.parametrize("shift", [1, 7, 11])
def test_writers_share_the_followers_and_nobody_follows_himself(shift):
    orders = [Order(first, 3, users=12, shift=shift, celebrity=None, begins_at=0, seconds=1) for first in (1, 2, 3)]
    pairs = [pair for order in orders for pair in order.pairs()]
    assert sorted(follower for follower, _ in pairs) == sorted(followee for _, followee in pairs) == list(range(1, 13))
    assert all(follower != followee for follower, followee in pairs)
    assert {followee for _, followee in orders[0]._replace(celebrity=99).pairs()} == {99}


@pytest.mark.django_db
def test_a_celebrity_s_followers_are_all_different_and_real_where_pages_show_them():
    users, followers, deep = 20, 100, 50
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE numbers(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 100) "  # noqa: S608
            f"SELECT {graph.follower(users, followers, deep)} FROM numbers ORDER BY seq DESC"
        )
        newest_first = [row[0] for row in cursor.fetchall()]
    real = graph.pages(users)
    assert len(set(newest_first)) == followers
    assert all(pk < users - 1 for start in (0, deep) for pk in newest_first[start : start + real])
    assert all(pk > graph.FAR for pk in newest_first[real:deep] + newest_first[deep + real :])


def test_the_earlier_favourites_say_what_the_id_sets_say(get, send, redis):
    posts = [posting.publish(author_id=2, text="Hello").pk for _ in range(4)]
    ids = f"?ids={','.join(map(str, posts[::-1]))},{10**12}"

    def kept():
        ours = get(f"/api/v1/favorites/check{ids}")
        assert get(f"/baseline/favorites/check{ids}") == ours
        return [post for post in posts if ours["results"][str(post)]]

    posting.add_favorite(user_id=SELF, post_id=posts[0])  # by this process, before the sets are there
    posting.add_favorite(user_id=SELF + sharding.SHARDS, post_id=posts[1])  # in the same sets
    assert kept() == posts[:1]
    send("PUT", f"/api/v1/posts/{posts[2]}/favorite")
    send("DELETE", f"/api/v1/posts/{posts[0]}/favorite")
    assert kept() == posts[2:3]
    lives_s = [redis.ttl(sharding.key(post, sharding.shard_of(SELF))) for post in posts]
    assert all(sharding.LIFE_S - 60 < life_s <= sharding.LIFE_S for life_s in lives_s)


def test_the_earlier_home_page_shows_what_the_cached_one_shows(get):
    first = posting.publish(author_id=2, text="Hello").pk
    for _ in range(20):
        posting.publish(author_id=2, text="Again", repost_of=first)
    for post in (first + 20, first + 10):
        posting.like(user_id=SELF, post_id=post)
        posting.add_favorite(user_id=3, post_id=post)
        posting.comment(post_id=post, author_id=3, text="So true")
    posting.add_favorite(user_id=SELF, post_id=first + 12)
    ours = get("/api/v1/users/2/posts")["results"]
    for post in ours:
        del post["counts"]["favorites"]
    assert get("/baseline/users/2/posts")["results"] == ours
    assert [sum(post[mark] for post in ours) for mark in ("liked", "favorited")] == [2, 1]


@pytest.fixture
def tallies(transactional_db):
    """The table that only a benchmark's own database has."""
    with connection.schema_editor() as editor:
        editor.create_model(Tally)
    yield Tally.objects
    with connection.schema_editor() as editor:
        editor.delete_model(Tally)


def test_the_usual_ways_to_rate_say_what_appended_deltas_say(send, tallies):
    items = {way: rating.publish(title="Tea house").pk for way in rated_items.ADDRESSES}
    tallies.bulk_create([Tally(item_id=item) for item in items.values()])
    for user, score in ((1, 5), (2, 10), (1, 1), (1, 1), (2, 9)):
        answers = [
            send("PUT", rated_items.ADDRESSES[way].format(item), {"score": score}, user) for way, item in items.items()
        ]
        assert [answer.pop("id") for answer in answers] == list(items.values())
        assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["score"], answers[0]["count"], answers[0]["my_score"]) == (5.0, 2, 9)


def test_what_is_off_is_found(site, tallies):
    ground = SimpleNamespace(sql=rows_of)
    item = rating.publish(title="Tea house").pk
    tallies.create(item_id=item, count=2, sum=14, score_5=1, score_9=1)
    for user, score in ((1, 5), (2, 9)):
        rating.rate(user_id=user, item_id=item, score=score)
    assert [rated_items.off(ground, way, item) for way in rated_items.ADDRESSES] == [0, 0, 0]
    assert rated_items.off(ground, rated_items.APPENDED, item, pending=False) == 2 + 14 + 1 + 1
    rollup.roll_up_all()
    assert rated_items.off(ground, rated_items.APPENDED, item, pending=False) == 0
    tallies.filter(pk=item).update(sum=13, score_1=1)
    Delta.objects.create(kind="rating", target_id=item, name="score_5", amount=-1)
    assert [rated_items.off(ground, way, item) for way in rated_items.ADDRESSES] == [2, 2, 1]


def rows_of(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_each_body_is_a_change():
    assert all(one != other for one, other in pairwise([*rated_items.BODIES, rated_items.BODIES[0]]))
    assert sorted(json.loads(body)["score"] for body in rated_items.BODIES) == list(rated_items.SCORES)


def test_a_week_of_a_feed():
    community = Community(users=200, days=7)
    slices = list(community.slices())
    assert [len(each) for each in slices] == [10] * 14
    checks = [check for each in slices for check in each]
    assert {check.user_id for check in checks} <= set(community.readers)
    assert {sharding.shard_of(reader) for reader in community.readers} == {SAMPLE}
    assert all(15 <= len(check.post_ids) <= 50 for check in checks)
    newest = [check.post_ids[0] for check in checks]
    assert newest == sorted(newest)
    assert (newest[0], newest[-1] <= community.posts) == (28 * 100, True)
