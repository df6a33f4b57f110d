"""Demo posts and what was made of them, in batches; running it again adds those of newcomers."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from django.db import transaction
from django.db.models import Max, Model

from posts import demo
from posts.demo import Written
from posts.models import Comment, Favorite, Like, Post
from social.models import Block

BATCH = 500  # posts in one transaction

Near = Callable[[int, int], bool]


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Posts of these users, for users.seeding; always the same ones. Returns how many of what were added."""
    added = Counter(posts=0, likes=0, favorites=0, comments=0)
    who_wrote = set(Post.objects.filter(author_id__in=user_ids).values_list("author_id", flat=True).distinct())
    apart = set(Block.objects.filter(blocker_id__in=user_ids).values_list("blocker_id", "blocked_id"))
    pks: list[int | None] = []  # of the posts so far; None for those that were there, whose pks nobody noted
    everything = demo.written(len(user_ids))
    while batch := list(islice(everything, BATCH)):
        with transaction.atomic():
            posts = _posts(batch, user_ids, who_wrote, pks)
            added.update(_insert(batch, posts, user_ids, lambda a, b: apart.isdisjoint(((a, b), (b, a)))))
    return dict(added)


def _posts(
    batch: list[Written], user_ids: Sequence[int], who_wrote: set[int], pks: list[int | None]
) -> list[Post | None]:
    # Pks are chosen here: MySQL does not tell those of a multi-row INSERT, and rows would go one by one.
    pk = Post.objects.aggregate(highest=Max("pk"))["highest"] or 0
    posts: list[Post | None] = []
    for each in batch:
        author_id, original = user_ids[each.author], pks[-each.repost_of] if each.repost_of else None
        if author_id in who_wrote:
            posts.append(None)
        else:
            pk += 1
            posts.append(
                Post(pk=pk, author_id=author_id, text=each.text, created_at=each.created_at, repost_of_id=original)
            )
        pks.append(None if posts[-1] is None else pk)
    return posts


def _insert(batch: list[Written], posts: list[Post | None], user_ids: Sequence[int], near: Near) -> dict[str, int]:
    """Nobody has anything to do with the words of somebody they are blocked from."""
    rows: dict[type[Model], list] = {Post: [], Like: [], Favorite: [], Comment: []}
    for each, post in zip(batch, posts, strict=True):
        if post is None:
            continue
        rows[Post].append(post)
        answers = [(user_ids[person], text) for person, text in each.comments]
        for model, people in ((Like, each.likers), (Favorite, each.keepers)):
            ids = [user_ids[person] for person in people]
            rows[model] += [model(user_id=one, post=post) for one in ids if near(one, post.author_id)]
        rows[Comment] += [
            Comment(author_id=one, post=post, text=text) for one, text in answers if near(one, post.author_id)
        ]
    for model, instances in rows.items():
        model.objects.bulk_create(instances)
    return {f"{model._meta.model_name}s": len(instances) for model, instances in rows.items()}
