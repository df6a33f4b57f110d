"""Posts of the cast."""

import pytest

from posts import services


@pytest.fixture(autouse=True)
def start(empty_cache_without_throttles):
    pass


@pytest.fixture
def write():
    """write(author, text): publish a post."""
    return lambda author, text="Hello", **more: services.publish(author_id=author.pk, text=text, **more)


@pytest.fixture
def post(alice, write):
    return write(alice)


@pytest.fixture
def story(alice, bob, carol, write):
    """(carol's post, alice's repost of it, bob's repost of alice's)"""
    original = write(carol, "First")
    post = write(alice, "Second", repost_of=original.pk)
    repost = write(bob, "Third", repost_of=post.pk)
    return original, post, repost


@pytest.fixture
def fans(new_user, story):
    """Twelve users who each like, favourite and comment on alice's post of the story."""
    people = [new_user(f"fan_{number:02}") for number in range(12)]
    for person in people:
        services.like(user_id=person.pk, post_id=story[1].pk)
        services.add_favorite(user_id=person.pk, post_id=story[1].pk)
        services.comment(post_id=story[1].pk, author_id=person.pk, text="Hi")
    return people
