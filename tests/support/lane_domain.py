"""Everything that the hot lane answers: the data, and the addresses."""

import itertools

import pytest
from django.utils import timezone

from api.cursors import Cursor, encode
from posts.models import Comment, Favorite, Like, Post
from ratings.models import Item
from ratings.services import publish, rate
from social import services as graph
from social.models import Follow
from users.models import UserState
from users.projections import OWN, PUBLIC

UNKNOWN = 10**12


@pytest.fixture
def world(new_user, alice, bob, dora):
    """Users with names of all kinds, and alice's follows, blocks, favourites and likes."""
    odd = {
        "ümläut": {"nickname": '小明 🎉 \u2028 "quoted" \\ <b>', "bio": "line\nbreak\ttab \x7f é"},
        "plain": {"nickname": "", "level": 7, "is_vip": True},
    }
    others = [new_user(f"other_{n}", **columns) for n, columns in enumerate(odd.values())]
    graph.follow(follower_id=alice.pk, followee_id=bob.pk)
    graph.follow(follower_id=bob.pk, followee_id=alice.pk)
    for follower in (dora, *others):  # who are gone or hidden from alice, or will be
        Follow.objects.create(follower=follower, followee=bob)
    graph.block(blocker_id=others[0].pk, blocked_id=alice.pk)
    graph.block(blocker_id=alice.pk, blocked_id=others[1].pk)
    posts = [Post.objects.create_one(author_id=bob.pk, text=f"post {n}") for n in range(4)]
    for post in posts[1:3]:
        Favorite.objects.create(user_id=alice.pk, post_id=post.pk)
        for person in (alice, bob, dora, *others):
            Like.objects.create(user_id=person.pk, post_id=post.pk)
            Comment.objects.create(author_id=person.pk, post_id=post.pk, text=f"Hi from {person}")
    items = [publish(title=f"item {n}", description='"') for n in range(4)]
    for rater, score in ((alice, 7), (bob, 10)):
        rate(user_id=rater.pk, item_id=items[0].pk, score=score)
    Item.objects.update_one(items[3].pk, removed_at=timezone.now())
    for pk, status in ((bob.pk, "online"), (others[0].pk, "busy")):
        UserState.objects.create_one(user_id=pk, status=status, message="<b>", last_seen_at=timezone.now())
    return [alice, bob, dora, *others], posts, items


def lists(ids):
    """Yield lists of ids: in several orders, with duplicates, with encoded commas."""
    texts = [str(each) for each in ids]
    yield ",".join(texts)
    yield ",".join(reversed(texts))
    yield ",".join([*texts, texts[0], *texts])
    yield "%2C".join(texts[:2])
    yield "%2c".join(texts[1:3])
    yield texts[-1]


def domain(people, posts, items):
    """Yield the addresses that the hot lane answers."""
    ids, post_ids, item_ids = ([*(each.pk for each in those), UNKNOWN] for those in (people, posts, items))
    yield from users(people, [*ids, 2**63 - 1])
    yield from graph_of(people, [*ids, 2**63 - 1])
    yield from of_posts(people, post_ids)
    yield from (f"ratings?ids={text}" for text in lists(item_ids))
    yield from (f"ratings/{pk}" for pk in item_ids[:3])
    targets = [f"{kind}:{pk}" for kind, pks in (("user", ids), ("post", post_ids), ("rating", [1])) for pk in pks]
    for text in lists(targets):
        yield f"counters?targets={text}"
        yield f"counters?targets={text.replace(':', '%3A')}"


def feed_pages(user, post_ids):
    """Yield the addresses of pages of the feed, in both directions."""
    yield from ("feed", "feed?limit=1", "feed?limit=15")
    for pk, backwards in itertools.product(post_ids, [True, False]):
        cursor = encode(Cursor(backwards, (pk,)), f"posts.feed:{user.pk}")
        yield from (f"feed?cursor={cursor}", f"feed?limit=2&cursor={cursor}")


def users(people, ids):
    fields = ["", "fields=id", "fields=nickname,id,nickname", f"fields={','.join(PUBLIC)}", "fields=id%2Cbio"]
    yield "users/me"
    for pk, chosen in itertools.product([user.pk for user in people if user.is_active], fields):
        yield f"users/{pk}" + (f"?{chosen}" if chosen else "")
    yield f"users/{ids[0]}?fields={','.join(OWN)}"
    for text, chosen in itertools.product(lists(ids), fields):
        yield f"users?ids={text}" + (f"&{chosen}" if chosen else "")
    yield f"users?ids={ids[0]}&fields=email,id"
    for name in ("bob", "BoB", "dora", "nobody_at_all"):
        yield f"users?username={name}"
        yield f"users?username={name}&fields=nickname,id"
    yield "users?username=Alice&fields=email%2Cid"
    yield from (f"users/{pk}/state" for pk in ids[:2])


def graph_of(people, ids):
    lists_of_users = [f"users/{user.pk}/{name}" for user in people[:2] for name in ("followers", "following")]
    for path, limit in itertools.product(lists_of_users, ["", "?limit=1", "?limit=20"]):
        yield f"{path}{limit}"
    for text in lists(ids):
        yield f"relationships?ids={text}"
        yield f"users/profiles?ids={text}"
    yield f"relationships?ids={','.join(map(str, range(1, 101)))}"


def of_posts(people, post_ids):
    for text in lists(post_ids):
        yield f"favorites/check?ids={text}"
        yield f"posts?ids={text}"
    yield from (f"posts/{pk}" for pk in post_ids[:-1])
    about = [f"posts/{pk}/{kind}" for pk in post_ids[:-1] for kind in ("comments", "likers")]
    paged = ["favorites", *(f"users/{user.pk}/posts" for user in people[:2]), *about]
    for path, limit in itertools.product(paged, ["", "?limit=1", "?limit=3", "?limit=15"]):
        yield f"{path}{limit}"
    yield from feed_pages(people[0], post_ids)
    yield f"favorites/check?ids={','.join(map(str, range(1, 201)))}"
