"""Seeding of follows for the benchmark."""

import pytest
from django.db import connection

from loadtest.bench import seed_follows
from loadtest.bench.seed_follows import CelebritySize


@pytest.mark.django_db
def test_followers_differ_and_exist_where_pages_show_them():
    users, followers, deep = 20, 100, 50
    follower_id = seed_follows.follower_id_sql(users, CelebritySize(followers, deep))
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE numbers(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 100) "  # noqa: S608
            f"SELECT {follower_id} FROM numbers ORDER BY seq DESC"
        )
        newest_first = [row[0] for row in cursor.fetchall()]
    real = seed_follows.real_followers(users)
    assert len(set(newest_first)) == followers
    assert all(pk < users - 1 for start in (0, deep) for pk in newest_first[start : start + real])
    assert all(pk > seed_follows.FIRST_UNUSED_ID for pk in newest_first[real:deep] + newest_first[deep + real :])
