"""The invariant of follows and blocks: no user follows another where one of the two blocks the other."""

from django.db import connection

COUNT = """
    SELECT COUNT(*) FROM social_follow f JOIN social_block b
    ON (b.blocker_id = f.follower_id AND b.blocked_id = f.followee_id)
    OR (b.blocker_id = f.followee_id AND b.blocked_id = f.follower_id)
"""


def follows_despite_blocks() -> int:
    """Return the number of violations, counted by one statement and so in one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        return cursor.fetchone()[0]
