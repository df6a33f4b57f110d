"""Demo posts with likes, favourites and comments, in batches. A second run adds the posts of new users."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from posts import demo
from posts.demo import DemoPost
from posts.models import Comment, Favorite, Like, Post
from social.models import Block
from users.seeding import batches

BATCH = 500  # posts in one transaction

Admits = Callable[[int, int], bool]


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Add posts of the users, always the same ones; return the number of added rows by kind. For users.seeding."""
    added = Counter(posts=0, likes=0, favorites=0, comments=0)
    known_authors = set(Post.objects.filter(author_id__in=user_ids).values_list("author_id", flat=True).distinct())
    blocks = set(Block.objects.filter(blocker_id__in=user_ids).values_list("blocker_id", "blocked_id"))
    pks: list[int | None] = []  # of all posts so far; None for posts of an earlier run
    for batch in batches(demo.posts(len(user_ids)), BATCH):
        with transaction.atomic():
            posts = _posts(batch, user_ids, known_authors, pks)
            added.update(_insert(batch, posts, user_ids, lambda a, b: blocks.isdisjoint(((a, b), (b, a)))))
    return dict(added)


def _posts(
    batch: list[DemoPost], user_ids: Sequence[int], known_authors: set[int], pks: list[int | None]
) -> list[Post | None]:
    # Primary keys are chosen here, as MySQL does not return the keys of a multi-row INSERT.
    pk = Post.objects.aggregate(highest=Max("pk"))["highest"] or 0
    posts: list[Post | None] = []
    for each in batch:
        author_id, original = user_ids[each.author], pks[-each.repost_of] if each.repost_of else None
        if author_id in known_authors:
            posts.append(None)
        else:
            pk += 1
            posts.append(
                Post(pk=pk, author_id=author_id, text=each.text, created_at=each.created_at, repost_of_id=original)
            )
        pks.append(None if posts[-1] is None else pk)
    return posts


def _insert(batch: list[DemoPost], posts: list[Post | None], user_ids: Sequence[int], admits: Admits) -> dict[str, int]:
    """Insert posts with their marks and comments, except between users of whom one blocks the other."""
    rows: dict[Any, list] = {Post: [], Like: [], Favorite: [], Comment: []}
    for each, post in zip(batch, posts, strict=True):
        if post is None:
            continue
        rows[Post].append(post)
        comments = [(user_ids[user], text) for user, text in each.comments]
        for model, users in ((Like, each.likers), (Favorite, each.keepers)):
            ids = [user_ids[user] for user in users]
            rows[model] += [model(user_id=user_id, post=post) for user_id in ids if admits(user_id, post.author_id)]
        rows[Comment] += [
            Comment(author_id=author_id, post=post, text=text)
            for author_id, text in comments
            if admits(author_id, post.author_id)
        ]
    for kind, instances in rows.items():
        kind.objects.bulk_create(instances)
    return {f"{kind._meta.model_name}s": len(instances) for kind, instances in rows.items()}
