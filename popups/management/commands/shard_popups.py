"""manage.py shard_popups: show or change the number of shards that the users of popups are divided among."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from caching.api import Unavailable
from popups import keys, layouts, resharding, slots
from popups.events import stream
from popups.resharding import counted


class Command(BaseCommand):
    """Command `shard_popups`: divides users among shards, each with a hash tag of its own on a Redis Cluster."""

    help = (
        "Show the shards of popups; with a number, divide users among so many, while they are shown popups. Good "
        "numbers can be divided by the number of masters, such as 12. If it is interrupted, run it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("shards", nargs="?", type=int, help=f"from 1 to {keys.MOST_SHARDS}")
        parser.add_argument("--cancel", action="store_true", help="go back to the shards before a change that failed")
        parser.add_argument(
            "--recount", action="store_true", help="let shards whose data is lost show again what the tables lack"
        )

    def handle(self, *args: Any, shards: int | None, cancel: bool, recount: bool, **options: Any) -> None:
        try:
            if cancel:
                found = resharding.cancel(self.stdout.write)
                self.stdout.write("Cancelled." if found else "There is no unfinished change.")
            elif recount:
                lost = counted(resharding.recount(layouts.read(), self.stdout.write), "shard")
                self.stdout.write(f"{lost} had lost data.")
            elif shards is not None:
                self._reshard(shards)
            else:
                self._show()
        except resharding.Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        except (Unavailable, Error) as error:
            raise CommandError(
                f"{error}. Nothing is lost; run the command again, or go back by shard_popups --cancel."
            ) from error

    def _reshard(self, shards: int) -> None:
        if not 1 <= shards <= keys.MOST_SHARDS:
            raise CommandError(f"A number of shards is from 1 to {keys.MOST_SHARDS}.")
        began = time.monotonic()
        layout = resharding.reshard(shards, self.stdout.write)
        self.stdout.write(
            f"Users are divided among {counted(len(layout.shards), 'shard')} ({time.monotonic() - began:.1f} s in all)."
        )

    def _show(self) -> None:
        layout, unfinished = layouts.read(), resharding.pending()
        self.stdout.write(f"Layout {layout.number}, {counted(len(layout.shards), 'shard')}:")
        for shard in layout.shards:
            tag = shard.begin.partition("{")[2].partition("}")[0]
            waiting = counted(stream.backlog([shard]), "waiting event")
            self.stdout.write(f"{shard.number:5}  slot {slots.slot_of(tag):5}  {waiting}")
        if unfinished is not None:
            self.stdout.write(
                f"A change to {counted(unfinished.shards, 'shard')} was not finished: go on with it by shard_popups "
                f"{unfinished.shards}, or go back by shard_popups --cancel."
            )
