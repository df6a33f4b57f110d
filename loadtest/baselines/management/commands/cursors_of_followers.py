"""manage.py cursors_of_followers: print cursors into a follower list, deeper than a client could page in time."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from api import cursors
from social.models import Follow
from social.user_lists import Followers


class Command(BaseCommand):
    """Command `cursors_of_followers`: prints one signed cursor for each depth, for requests of deep pages."""

    help = "Print for each depth the cursor of the page of a user's followers that comes after so many edges."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pk", type=int)
        parser.add_argument("depths", type=int, nargs="+", help="ascending")

    def handle(self, *args: Any, pk: int, depths: list[int], **options: Any) -> None:
        newest_first = Follow.objects.filter(followee_id=pk).order_by("-pk").values_list("pk", flat=True)
        edges = newest_first[depths[0] - 1 : depths[-1]]
        for depth in depths:
            cursor = cursors.Cursor(False, (edges[depth - depths[0]],))
            self.stdout.write(cursors.encode(cursor, f"{Followers.purpose}:{pk}"))
