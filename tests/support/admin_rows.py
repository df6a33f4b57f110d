"""A row of each model that the staff can act on in the admin."""

from datetime import timedelta

from django.contrib.auth.models import Group
from django.utils import timezone

from counters.models import Counter
from popups.models import Popup
from posts.models import Comment, Post
from ratings.models import Item
from reports.models import Case, Kind, Reason, Report
from reports.services import file_report
from social.models import Block, Follow
from users.models import Login, User, UserState

UNDELETED = {Counter, Case, Report, Login}  # derived from rows, kept, or ended by an action of their own


def report_on(user: User) -> Report:
    """Report a new post of the user's, by root."""
    post, root = Post.objects.create_one(author_id=user.pk, text="hello"), User.objects.get(username="root")
    about = {"kind": Kind.POST, "target_id": post.pk, "author_id": user.pk}
    report_id, _ = file_report(reporter_id=root.pk, reason=Reason.SPAM, **about)
    return Report.objects.get(pk=report_id)


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
    Login: lambda user: Login.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1)),
    Case: lambda user: report_on(user).case,
    Report: report_on,
    Popup: lambda user: Popup.objects.create(title="A popup"),
    Counter: lambda user: Counter.objects.create(kind="user", target_id=user.pk, name="followers", value=7),
}
