"""Functions for other processes: they like posts, remove them, or kill their process while they do."""

import contextlib
import random
import time
from collections import Counter
from functools import partial

from tests.support.crashes import dies_at_commit

CHUNK = 5


def toggle(user_ids: list[int], post_id: int, times: int, seed: int) -> int:
    """Like and unlike a post as random users; return the number of inserted likes less the deleted ones."""
    from posts import services

    chance, more = random.Random(seed), 0
    for _ in range(times):
        pair = {"user_id": chance.choice(user_ids), "post_id": post_id}
        more += services.like(**pair) if chance.random() < 0.6 else -services.unlike(**pair)
    return more


def mark(user_ids: list[int], post_ids: list[int], seed: int) -> dict[str, int]:
    """Write to each post over HTTP until it is gone; return the number of answers by status."""
    from django.conf import settings

    from tests.support.api_client import ApiClient
    from users.models import User

    settings.THROTTLES = {}
    api, chance, answers = ApiClient(), random.Random(seed), Counter()
    people = list(User.objects.filter(pk__in=user_ids))
    for post_id in post_ids:
        status = 0
        while status != 404:
            method, address, body = chance.choice(
                [
                    ("PUT", f"posts/{post_id}/like", None),
                    ("DELETE", f"posts/{post_id}/like", None),
                    ("PUT", f"posts/{post_id}/favorite", None),
                    ("POST", f"posts/{post_id}/comments", {"text": "Hi"}),
                    ("POST", "posts", {"text": "Look", "repost_of": post_id}),
                ]
            )
            status = api.request(method, address, body, by=chance.choice(people)).status
            answers[str(status)] += 1
    return answers


def remove(author_id: int, post_ids: list[int], longest_s: float) -> dict[str, int]:
    """Delete each post twice over HTTP, after a random pause; sweep() deletes the rest. Return answers by status."""
    from jobs import deletion
    from tests.support.api_client import ApiClient
    from users.models import User

    deletion.CHUNK = deletion.AT_ONCE = CHUNK
    api, answers, author = ApiClient(), Counter(), User.objects.get(pk=author_id)
    for post_id in post_ids:
        time.sleep(random.uniform(0, longest_s))
        for _ in range(2):
            answers[str(api.delete(f"posts/{post_id}", by=author).status)] += 1
    return answers


def sweep(post_ids: list[int]) -> int:
    """Sweep until none of the posts is left; return the number of deleted rows."""
    from django.db import OperationalError

    from jobs import deletion
    from posts import removal
    from posts.models import Post

    deletion.CHUNK, rows = CHUNK, 0
    while Post.objects.filter(pk__in=post_ids).exists():
        with contextlib.suppress(
            OperationalError
        ):  # a deadlock with the author's request; try again, as the command does
            rows += next(removal.removed_posts.sweep(), 0)
    return rows


def leave(user_ids: list[int], longest_s: float) -> None:
    """Delete each user after a random pause."""
    from jobs import deletion
    from users.services import delete_user

    deletion.CHUNK = CHUNK
    for user_id in user_ids:
        time.sleep(random.uniform(0, longest_s))
        list(delete_user(user_id))


def die_at(work: str, post_id: int, commits: int, when: str) -> None:
    """Remove or sweep a post and kill the process just "before" or "after" its n-th commit."""
    from jobs import deletion
    from posts import removal

    deletion.CHUNK = CHUNK
    dies_at_commit(commits, when)
    removal.remove([post_id]) if work == "remove" else list(removal.removed_posts.sweep())


def in_feed_at_once(reader_id: int, author_id: int, rounds: int, seed: int) -> list[str]:
    """Write what changes a reader's feed, and read it after each write; return the writes that it did not show."""
    from django.conf import settings

    from posts import services
    from posts.models import Post
    from social import services as graph
    from tests.support.api_client import ApiClient
    from users.models import User

    settings.THROTTLES = {}
    api, reader, chance = ApiClient(), User.objects.get(pk=reader_id), random.Random(seed)
    pair = {"follower_id": reader_id, "followee_id": author_id}

    def shows(post: Post) -> bool:
        return post.pk in [each["id"] for each in api.get("feed?limit=100", by=reader).json["results"]]

    missed = []
    for number in range(rounds):
        post = services.publish(author_id=author_id, text="New")
        there_and_back = {
            "publish": (lambda: None, lambda: None),
            "hide": (
                partial(Post.objects.update_one, post.pk, state=Post.State.HIDDEN),
                partial(Post.objects.update_one, post.pk, state=Post.State.SHOWN),
            ),
            "unfollow": (partial(graph.unfollow, **pair), partial(graph.follow, **pair)),
            "deactivate": (
                partial(User.objects.update_one, author_id, is_active=False),
                partial(User.objects.update_one, author_id, is_active=True),
            ),
        }
        for name in ["publish", *chance.sample(["hide", "unfollow", "deactivate"], 3)]:
            away, back = there_and_back[name]
            away()
            missed += [f"{number}: {name}"] if shows(post) != (name == "publish") else []
            back()
            missed += [f"{number}: {name}, and back"] if not shows(post) else []
        services.delete_post(post_id=post.pk, by=author_id)
        missed += [f"{number}: delete"] if shows(post) else []
    return missed


def scroll(reader_id: int, pages: int) -> int:
    """Read pages of a feed, which fills the cache; return how many."""
    from django.conf import settings

    from tests.support.api_client import ApiClient
    from users.models import User

    settings.THROTTLES = {}
    api, reader, address = ApiClient(), User.objects.get(pk=reader_id), "feed"
    for _ in range(pages):
        address = api.get(address, by=reader).json["next"] or "feed"
    return pages
