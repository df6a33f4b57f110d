"""A row of each model that the staff can change in the admin."""

from django.contrib.auth.models import Group

from counters.models import Counter
from popups.models import Popup
from posts.models import Comment, Post
from ratings.models import Item
from social.models import Block, Follow
from users.models import User, UserState

MAKE = {
    User: lambda user: user,
    UserState: lambda user: UserState.objects.create_one(user_id=user.pk),
    Group: lambda user: Group.objects.create(name=user.username),
    Follow: lambda user: Follow.objects.create(follower=user, followee=User.objects.get(username="root")),
    Block: lambda user: Block.objects.create(blocker=user, blocked=User.objects.get(username="root")),
    Post: lambda user: Post.objects.create_one(author_id=user.pk, text="hello"),
    Comment: lambda user: Comment.objects.create(
        author=user, post=Post.objects.create_one(author_id=user.pk, text="x")
    ),
    Item: lambda user: Item.objects.create_one(title="An item"),
    Popup: lambda user: Popup.objects.create(title="A popup"),
    Counter: lambda user: Counter.objects.create(kind="user", target_id=user.pk, name="followers", value=7),
}
