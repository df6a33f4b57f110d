"""The counters of posts and their authors, and what they are when nothing is left of a removed post."""

from counters.reads import counts_of
from posts.models import Comment, Favorite, Like, Post, Removal
from tests.support.counter_drift import find_drifts

ZEROS = {"likes": 0, "comments": 0, "reposts": 0, "favorites": 0}


def post_counts(*posts):
    """Return the counters of each post."""
    found = counts_of("post", [post.pk for post in posts])
    return [found[post.pk] for post in posts]


def posts_of(*people):
    """Return how many posts each user has."""
    found = counts_of("user", [person.pk for person in people])
    return [found[person.pk]["posts"] for person in people]


def drifts():
    """Return the counters of posts and users that differ from the rows."""
    return find_drifts("post", "user")


def assert_settled(story):
    """Assert that nothing is left of alice's post in the story and that all counters equal the rows."""
    original, post, repost = story
    assert post_counts(original, post, repost) == [ZEROS, ZEROS, ZEROS]
    assert not any(model.objects.exists() for model in (Like, Favorite, Comment, Removal))
    assert Post.objects.get(pk=repost.pk).repost_of_id is None
    assert drifts() == []
