"""manage.py sweep_posts: delete the rows of posts that are already gone for their readers."""

from caching.recurring import RecurringCommand
from posts import removal


class Command(RecurringCommand):
    help = "Delete removed posts and what points at them every second, for ever; with --once, do it now and end."
    incomplete = "Nothing lost, but not all deleted"
    waiting = "Removed posts wait"

    def finish(self) -> str:
        return f"{sum(removal.sweep())} rows deleted."

    def step(self) -> bool:
        return next(removal.sweep(), 0) > 0
