"""The job: one worker leads and follows the log, the others wait to take its place."""

from binlog.stream import Stream
from binlog.tables import tables_of
from caching.extend import apply_logged


class Follower:
    def __init__(self) -> None:
        self._stream: Stream | None = None

    def step(self) -> bool:
        from django.db import connection

        if self._stream is None:
            with connection.cursor() as c:
                c.execute("SELECT @@gtid_binlog_pos")
                gtids = c.fetchone()[0]
            self._stream = Stream("default", gtids, tables_of("default"))
        entries = self._stream.take(1)
        apply_logged("default", [e.rows for e in entries if e.rows])
        return True


follower = Follower()
