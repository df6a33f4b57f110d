"""What is counted of posts; imported once Django's models are there.

A post that is being deleted no longer counts for its author and its original from its first moment on; one that the
staff has hidden does, as counts tell of rows and not of what a viewer may see.
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
