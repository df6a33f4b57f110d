"""The baselines give the same answers as the API."""

from loadtest.baselines import sharding
from loadtest.baselines.models import Tally
from loadtest.bench import rating_items
from posts import services as posting
from ratings import services as rating
from social import services

CALLER = 1


def test_relationships_by_sql_are_those_of_the_id_sets(get):
    services.follow(follower_id=CALLER, followee_id=2)
    services.follow(follower_id=3, followee_id=CALLER)
    for pair in ((CALLER, 4), (4, CALLER)):
        services.follow(follower_id=pair[0], followee_id=pair[1])
    services.block(blocker_id=CALLER, blocked_id=5)
    services.block(blocker_id=6, blocked_id=CALLER)
    ids = f"?ids={','.join(map(str, range(8, 1, -1)))},999"
    ours = get(f"/api/v1/relationships{ids}")
    assert get(f"/baseline/relationships{ids}") == ours
    assert len({tuple(each.values())[1:] for each in ours["results"]}) == 6


def test_favourites_cached_by_content_are_those_of_the_id_sets(get, send, redis):
    posts = [posting.publish(author_id=2, text="Hello").pk for _ in range(4)]
    ids = f"?ids={','.join(map(str, posts[::-1]))},{10**12}"

    def favorites():
        ours = get(f"/api/v1/favorites/check{ids}")
        assert get(f"/baseline/favorites/check{ids}") == ours
        return [post for post in posts if ours["results"][str(post)]]

    posting.add_favorite(user_id=CALLER, post_id=posts[0])  # by this process, before the sets exist
    posting.add_favorite(user_id=CALLER + sharding.SHARDS, post_id=posts[1])  # in the same sets
    assert favorites() == posts[:1]
    send("PUT", f"/api/v1/posts/{posts[2]}/favorite")
    send("DELETE", f"/api/v1/posts/{posts[0]}/favorite")
    assert favorites() == posts[2:3]
    ttls_s = [redis.ttl(sharding.key(post, sharding.shard_of(CALLER))) for post in posts]
    assert all(sharding.LIFE_S - 60 < ttl_s <= sharding.LIFE_S for ttl_s in ttls_s)


def test_the_home_page_by_the_orm_is_the_cached_one(get):
    first = posting.publish(author_id=2, text="Hello").pk
    for _ in range(20):
        posting.publish(author_id=2, text="Again", repost_of=first)
    for post in (first + 20, first + 10):
        posting.like(user_id=CALLER, post_id=post)
        posting.add_favorite(user_id=3, post_id=post)
        posting.comment(post_id=post, author_id=3, text="So true")
    posting.add_favorite(user_id=CALLER, post_id=first + 12)
    ours = get("/api/v1/users/2/posts")["results"]
    for post in ours:
        del post["counts"]["favorites"]
    assert get("/baseline/users/2/posts")["results"] == ours
    assert [sum(post[mark] for post in ours) for mark in ("liked", "favorited")] == [2, 1]


def test_all_rating_variants_give_the_same_answers(send, tallies):
    items = {variant: rating.publish(title="Tea house").pk for variant in rating_items.ADDRESSES}
    tallies.bulk_create([Tally(item_id=item) for item in items.values()])
    for user, score in ((1, 5), (2, 10), (1, 1), (1, 1), (2, 9)):
        answers = [
            send("PUT", rating_items.ADDRESSES[variant].format(item), {"score": score}, user)
            for variant, item in items.items()
        ]
        assert [answer.pop("id") for answer in answers] == list(items.values())
        assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["score"], answers[0]["count"], answers[0]["my_score"]) == (5.0, 2, 9)
