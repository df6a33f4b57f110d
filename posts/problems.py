"""What the endpoints of posts answer instead of a post."""

from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import Problem, not_found
from api.views import inactive_account
from posts import services
from posts.models import Post
from users.models import User


def no_such_post() -> Problem:
    """Return the 404 of a post that is not there for the caller."""
    return not_found("such post")


def blocked() -> Problem:
    """Return the 403 for a caller whom a block separates from the author."""
    return Problem(403, "blocked", "You and the author of the post do not see each other.")


@contextmanager
def refusals() -> Iterator[None]:
    """Convert the exceptions of the services to problems."""
    try:
        yield
    except Post.DoesNotExist:
        raise no_such_post() from None
    except User.DoesNotExist:
        raise inactive_account() from None
    except services.Blocked:
        raise blocked() from None
