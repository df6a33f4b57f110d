"""The check of favourites is exact for any number of favourites, before and after changes."""

import random

import pytest
from django.db import connection

from posts import services
from posts.models import Favorite

pytestmark = pytest.mark.django_db(transaction=True)

ASKED, CHANGED, ROUNDS, SPARE = 200, 5, 5, 300
# From 0 to 199,999.
NUMBERS = """
    WITH digit(n) AS (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL
        SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)
    SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n AS number
    FROM digit a, digit b, digit c, digit d, digit e, digit f WHERE f.n < 2
"""
MOMENT = "'2026-01-01 00:00:00'"


def insert(author, keeper, *, kept):
    """Insert by SQL, without signals: posts with even ids, of which the user has the first as favourites."""
    with connection.cursor() as cursor:
        for into, columns, most in (
            ("posts_post (id, author_id, text, created_at, state)", f"{author.pk}, 'Hello', {MOMENT}, 0", kept + SPARE),
            ("posts_favorite (post_id, user_id, created_at)", f"{keeper.pk}, {MOMENT}", kept),
        ):
            cursor.execute(
                f"INSERT INTO {into} SELECT 2 * number, {columns} FROM ({NUMBERS}) numbers "  # noqa: S608
                f"WHERE number BETWEEN 1 AND {most}"
            )


@pytest.mark.parametrize("kept", [0, 1, 5_000, 5_001, 100_000])
def test_never_a_wrong_answer(api, alice, bob, kept):
    insert(alice, bob, kept=kept)
    assert Favorite.objects.count() == kept
    chance, ids = random.Random(kept), range(1, 2 * (kept + SPARE) + 1)
    oldest, edge = (
        [1, 2, 3, 4],
        [2 * kept + 1, 2 * kept + 2],
    )  # below the floor of the cached set, and around its newest member

    def check():
        asked = list(dict.fromkeys(oldest + edge + chance.sample(ids, ASKED)))[:ASKED]
        having = set(Favorite.objects.filter(user_id=bob.pk, post_id__in=asked).values_list("post_id", flat=True))
        for _ in range(2):  # the first check may fill the set, the second hits it
            found = api.get(f"favorites/check?ids={','.join(map(str, asked))}", by=bob).json["results"]
            assert found == {str(each): each in having for each in asked}

    check()
    for _ in range(ROUNDS):
        for post_id in chance.sample(ids[1::2], CHANGED) + list(ids[1::2][kept - 1 : kept + 1]):
            pair = {"user_id": bob.pk, "post_id": post_id}
            change = services.remove_favorite if Favorite.objects.filter(**pair).exists() else services.add_favorite
            assert change(**pair)
        check()
