"""Demo posts and what was made of them, in batches; running it again adds those of newcomers."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from django.db import transaction
from django.db.models import Max

from posts import demo
from posts.demo import Written
from posts.models import Comment, Favorite, Like, Post
from social.models import Block

BATCH = 500  # posts in one transaction


def seed(user_ids: Sequence[int]) -> dict[str, int]:
    """Posts of these users, for users.seeding; always the same ones. Returns how many of what were added."""
    added = Counter(posts=0, likes=0, favorites=0, comments=0)
    who_wrote = set(Post.objects.filter(author_id__in=user_ids).values_list("author_id", flat=True).distinct())
    apart = set(Block.objects.filter(blocker_id__in=user_ids).values_list("blocker_id", "blocked_id"))
    pks: list[int | None] = []
    everything = demo.written(len(user_ids))
    while batch := list(islice(everything, BATCH)):
        added.update(_add(batch, user_ids, who_wrote, apart, pks))
    return dict(added)


def _add(
    batch: list[Written],
    user_ids: Sequence[int],
    who_wrote: set[int],
    apart: set[tuple[int, int]],
    pks: list[int | None],
) -> dict[str, int]:
    """`pks` grows by what the posts of the batch are in the database, None for those that are not added now."""
    posts: list[Post] = []
    likes: list[Like] = []
    favorites: list[Favorite] = []
    comments: list[Comment] = []
    with transaction.atomic():
        # Pks are chosen here: MySQL does not tell those of a multi-row INSERT, and rows would go one by one.
        pk = (Post.objects.aggregate(highest=Max("pk"))["highest"] or 0) + 1
        for each in batch:
            author_id = user_ids[each.author]
            if author_id in who_wrote:
                pks.append(None)
                continue
            original = pks[-each.repost_of] if each.repost_of else None
            post = Post(pk=pk, author_id=author_id, text=each.text, created_at=each.created_at, repost_of_id=original)
            pks.append(pk)
            pk += 1
            posts.append(post)

            def near(person: int, author_id: int = author_id) -> bool:
                return apart.isdisjoint(((user_ids[person], author_id), (author_id, user_ids[person])))

            likes += [Like(user_id=user_ids[fan], post=post) for fan in each.likers if near(fan)]
            favorites += [Favorite(user_id=user_ids[fan], post=post) for fan in each.keepers if near(fan)]
            comments += [
                Comment(author_id=user_ids[fan], post=post, text=text) for fan, text in each.comments if near(fan)
            ]
        for model, rows in ((Post, posts), (Like, likes), (Favorite, favorites), (Comment, comments)):
            model.objects.bulk_create(rows)
    return {"posts": len(posts), "likes": len(likes), "favorites": len(favorites), "comments": len(comments)}
