"""Feeds of several processes while others write: what a write's answer promises, the next feed shows."""

import pytest

from posts.models import Post
from social import services as graph
from tests.posts.processes import in_feed_at_once, scroll
from tests.support.api_client import ApiClient
from tests.support.forkserver import run_in_processes

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, ROUNDS, READERS, SEEN = 3, 12, 2, 60


def test_every_write_shows_in_the_next_feed(bob, new_user):
    """Each writer has an author, a block and a follow of its own to change; readers fill the cache all the time."""
    authors = [new_user(f"author_{number}").pk for number in range(WRITERS)]
    for pk in authors:
        graph.follow(follower_id=bob.pk, followee_id=pk)
        Post.objects.bulk_create([Post(author_id=pk, text="Before") for _ in range(17)])
    missed = run_in_processes(
        *[(in_feed_at_once, bob.pk, pk, ROUNDS, number) for number, pk in enumerate(authors)],
        *[(scroll, bob.pk, SEEN)] * READERS,
    )
    assert missed == [[]] * WRITERS + [SEEN] * READERS
    found, address = [], "feed?limit=100"
    while address:
        page = ApiClient().get(address, by=bob).json
        found, address = found + [post["id"] for post in page["results"]], page["next"]
    assert found == [*Post.objects.filter(author__in=authors, state=0).order_by("-pk").values_list("pk", flat=True)]
