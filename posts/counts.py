"""The counters of posts; imported when Django's models are loaded.

A post that is marked as removed does not count for its author and its original. A post hidden by the staff does:
counters count rows, not what a viewer may see.
"""

from django.db.models import Q

from counters.api import CounterSet, CountOf
from posts.models import Comment, Favorite, Like, Post

NOT_REMOVED = ~Q(state=Post.State.REMOVED)

CounterSet(
    "post",
    likes=CountOf(Like, "post"),
    comments=CountOf(Comment, "post"),
    reposts=CountOf(Post, "repost_of", where=NOT_REMOVED),
    favorites=CountOf(Favorite, "post"),
)
CounterSet("user", posts=CountOf(Post, "author", where=NOT_REMOVED))
