"""Behaviour 87: what a user does reads and writes one partition of the large tables, on a real MariaDB.

The product is driven by HTTP, by its commands and their functions, on tables that are partitioned by the user; each
statement is explained before it is executed. What looks into all partitions is listed here and explained in
docs/growing/partitions.md.
"""

from collections import Counter
from datetime import timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.utils import timezone

from counters import reconcile
from counters.rollup import roll_up_all
from popups.models import Event, Popup
from popups.retention import sweep_expired
from posts import services as posts
from posts.models import Like
from posts.removal import remove as remove_posts
from ratings import services as ratings
from ratings.models import Score
from ratings.removal import remove as remove_items
from social import keysets as social_keysets
from social import services as social
from social.models import Follow
from tests.partitions.partitioned_tables import PARTITIONS, explained, partitioned, run
from tests.support.empty_redis import empty_redis
from users import exports
from users.deletion_hooks import run_all
from users.models import Erasure
from users.services import delete_user, set_active

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

FOLLOW, LIKE, FAVORITE = "social_follow", "posts_like", "posts_favorite"
SCORE, EVENT, USER_POPUP = "ratings_score", "popups_event", "popups_userpopup"
ALL = PARTITIONS
EXPECTED = {
    "likes": {LIKE: 1, FAVORITE: 1},
    "favourites": {FAVORITE: 1},
    "list of favourites": {FAVORITE: 1},
    "marks, cold": {LIKE: 1, FAVORITE: 1},
    "follows": {FOLLOW: 1},
    "following": {FOLLOW: 1},
    "scores": {SCORE: 1},
    "score withdrawn": {SCORE: 1},
    "scores, cold": {SCORE: 1},
    "popups, cold": {USER_POPUP: 1},
    # Two users, who may be in two partitions.
    # Asked from the other end: by the post, the item or the user who is followed.
    "likers": {LIKE: ALL},
    "followers": {FOLLOW: ALL},
    "relationships, cold": {FOLLOW: ALL},
    "friends": {FOLLOW: ALL},
    "post removed": {LIKE: ALL, FAVORITE: ALL},
    "item removed": {SCORE: ALL},
    "account hidden": {FAVORITE: ALL},
    # Work on many users at once.
    "drain": {},
    "retention": {EVENT: ALL},
    "reconciliation": {LIKE: ALL, FAVORITE: ALL, FOLLOW: ALL, SCORE: ALL},
    "roll-up": {},
    # A user's own rows by the user, the follows of others from the other end.
    "export": {LIKE: 1, FAVORITE: 1, FOLLOW: ALL, SCORE: 1, EVENT: 1, USER_POPUP: 1},
    "erasure": {LIKE: 1, FAVORITE: 1, FOLLOW: ALL, SCORE: 1, EVENT: 1, USER_POPUP: 1},
}


class Crowd:
    """Five users who follow each other, like and keep a post of the first, and rate an item."""

    def __init__(self, api, new_user):
        self.api = api
        self.people = [new_user(f"user_{number}") for number in range(5)]
        self.alice, self.bob, self.carol, *_ = self.people
        self.post = posts.publish(author_id=self.alice.pk, text="Hello")
        self.item = ratings.publish(title="Tea house")
        self.popup = Popup.objects.create(title="Hello")
        for one, other in [*pairwise(self.people), *pairwise(self.people[::-1])]:
            social.follow(follower_id=one.pk, followee_id=other.pk)
        for person in self.people:
            posts.like(user_id=person.pk, post_id=self.post.pk)
            posts.add_favorite(user_id=person.pk, post_id=self.post.pk)
            ratings.rate(user_id=person.pk, item_id=self.item.pk, score=7)

    def steps(self):
        """Yield the name of each part, and what it does; those that delete come last."""
        about = {"follower_id": self.alice.pk, "followee_id": self.carol.pk}
        post, score = f"posts/{self.post.pk}", f"ratings/{self.item.pk}/score"
        twice = ("PUT", "PUT", "DELETE", "DELETE", "PUT")
        yield "likes", lambda: [self.send(method, f"{post}/like") for method in twice]
        yield "favourites", lambda: [self.send(method, f"{post}/favorite") for method in twice]
        yield "list of favourites", lambda: self.send("GET", "favorites")
        yield "marks, cold", lambda: self.send("GET", f"posts?ids={self.post.pk},77")
        yield "follows", lambda: [verb(**about) for verb in (social.follow, social.unfollow, social.follow)]
        yield "following", lambda: social_keysets.FOLLOWING.page(self.alice.pk, None)
        yield "scores", lambda: [self.send("PUT", score, {"score": each}) for each in (1, 2, 2)]
        yield "score withdrawn", lambda: [self.send("DELETE", score) for _ in range(2)]
        yield "scores, cold", lambda: self.send("GET", f"ratings?ids={self.item.pk},77")
        yield "popups, cold", lambda: [self.enter(person) for person in self.people]
        yield "drain", lambda: call_command("drain_popup_events", once=True, stdout=StringIO())
        yield "likers", lambda: self.send("GET", f"{post}/likers")
        yield "followers", lambda: social_keysets.FOLLOWERS.page(self.alice.pk, None)
        yield "relationships, cold", lambda: self.send("GET", f"relationships?ids={self.alice.pk}")
        yield "friends", lambda: social_keysets.FRIENDS.page(self.alice.pk, None)
        yield "retention", lambda: list(sweep_expired())
        yield "reconciliation", lambda: [list(reconcile.run(kind)) for kind in ("post", "user", "rating")]
        yield "roll-up", roll_up_all
        yield "export", lambda: list(exports.export(self.bob.pk))
        yield "block", lambda: social.block(blocker_id=self.bob.pk, blocked_id=self.carol.pk)
        yield "erasure", lambda: list(run_all(self.people[-1].pk))
        yield "account hidden", lambda: set_active([self.alice.pk], active=False)
        yield "post removed", lambda: remove_posts([self.post.pk])
        yield "item removed", lambda: remove_items([self.item.pk])

    def send(self, method, path, *args):
        answer = self.api.request(method, path, *args, by=self.bob)
        assert answer.status == 200, answer
        return answer.json

    def enter(self, person):
        query = {"placement": "home", "platform": "ios", "app_version": "3.2.0"}
        assert self.api.get("popups/next", by=person, query=query).json["popup"]


@pytest.fixture
def crowd(api, new_user, empty_cache_without_throttles):
    """The crowd, on partitioned tables."""
    with partitioned(rows=5_000):
        yield Crowd(api, new_user)


def test_which_partitions_the_product_looks_into(crowd):
    found = {}
    for name, act in crowd.steps():
        if name.endswith("cold"):
            empty_redis()
        with explained() as accesses:
            act()
        found[name] = widest(accesses)
    print(*found.items(), sep="\n")
    assert found.pop("block")[FOLLOW] <= 2  # of two owners, who may share a partition
    assert found == EXPECTED
    # What was left: bob's block of carol has deleted their follows, and the last user is gone.
    assert not Like.objects.filter(post=crowd.post).exists()
    assert not Score.objects.filter(item=crowd.item).exists()
    assert Follow.objects.filter(follower__in=crowd.people).count() == 5
    assert Event.objects.filter(popup=crowd.popup).count() == 4


def test_what_foreign_keys_would_refuse(crowd, api):
    """A partitioned table has none: what never was is refused before, and what a race leaves is deleted later."""
    for path, body in (
        ("users/999999/follow", None),
        ("posts/999999/like", None),
        ("posts/999999/favorite", None),
        ("ratings/999999/score", {"score": 3}),
    ):
        assert api.put(path, body, by=crowd.bob).status == 404
    gone = crowd.people[-1].pk
    list(delete_user(gone))
    late = {"social_follow": "follower_id, followee_id", "posts_like": "user_id, post_id"}
    for table, columns in late.items():  # as by requests that were at work when the account went
        run(f"INSERT INTO {table} ({columns}, created_at) VALUES ({gone}, {crowd.post.pk}, NOW())")  # noqa: S608
    Erasure.objects.update(due_at=timezone.now(), gone_at=timezone.now() - timedelta(hours=1))
    call_command("sweep_removed", once=True, stdout=StringIO())
    assert not Follow.objects.filter(follower=gone).exists()
    assert not Like.objects.filter(user=gone).exists()


def widest(accesses):
    """Return the largest number of partitions that a statement looks into, by table."""
    found = Counter()
    for access in accesses:
        found[access.table] = max(found[access.table], access.partitions)
    return dict(found)
