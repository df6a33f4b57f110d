"""Search reads a bounded number of index rows for any size of the table, by query plans and by rows read."""

import re
from itertools import product

import pytest
from django.db import connection

from api.cursors import Cursor
from users.models import SearchTerm
from users.search import MOST_WINDOWS, PAGE, PREFIX_WINDOW, WINDOW, Hit, find, statement
from users.terms import Part, parse

pytestmark = pytest.mark.django_db(transaction=True)
USERS = 10_000
SHARED = ("王", "小", "明", "王小", "小明", "li", "wang")


@pytest.fixture
def filled() -> None:
    """Insert the search terms of USERS users with the same nickname, without the users.

    The order of usernames is opposite to the order of ids.
    """
    rows = [SearchTerm(term=f"alice_{USERS - pk:05}", user_id=pk) for pk in range(1, USERS + 1)]
    rows += [SearchTerm(term=term, user_id=pk) for pk in range(1, USERS + 1) for term in SHARED]
    with connection.constraint_checks_disabled():
        SearchTerm.objects.bulk_create(rows, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "ANALYZE TABLE users_searchterm")
        cursor.fetchall()


def test_no_plan_has_a_full_scan(filled):
    queries = ["al", "alice_0042", "王", "小明", "王小明", "al 小明", "alice wang", "a 王"]
    starts = [None, Hit("alice_05000", 5_000)]
    for q, start, backwards in product(queries, starts, [False, True]):
        sql, args, _ = statement(parse(q).parts, start, backwards=backwards)
        with connection.cursor() as cursor:
            cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, args)
            (_check_sqlite if connection.vendor == "sqlite" else _check_mysql)(cursor.fetchall())


def _check_sqlite(plan):
    touching = [detail for *_, detail in plan if re.search(r"users_searchterm|\bone\b", detail)]
    assert touching
    assert all(re.match(r"SEARCH (users_searchterm|one) USING COVERING INDEX", step) for step in touching), plan


def _check_mysql(plan):
    touching = [row for row in plan if row[2] in ("users_searchterm", "one")]
    assert touching
    for row in touching:
        kind, extra = row[3], row[9]
        assert kind in ("range", "ref", "eq_ref", "const"), plan
        assert "Using index" in extra, plan
        # A range must be read in index order; only the rows of a window may be sorted.
        assert "filesort" not in extra, plan


def test_pages_follow_each_other_over_several_windows(filled):
    up, down = range(1, USERS), range(USERS, 0, -1)
    for q, expected, count in [("ali", down, PREFIX_WINDOW * 2), ("王", up, 100), ("alice 王", down, WINDOW + 100)]:
        seen, cursor = [], None
        while len(seen) < count:
            page = find(parse(q), cursor)
            seen += page.ids
            cursor = Cursor(False, page.after)
        assert seen == list(expected[: len(seen)]), q


@pytest.mark.services
def test_rows_read_do_not_grow_with_the_table_or_the_depth(filled):
    # For each row of a window: reads to find, copy and sort it, and the user's few terms for each other condition.
    per_row = 3 + 2 * (len(SHARED) + 2)
    for q in ["al", "alice_0042", "王", "小明", "王小明", "li wang", "a 王", "zz", "li zz", "王 zz"]:
        parts = parse(q).parts
        window = WINDOW if len(parts) > 1 else PREFIX_WINDOW if parts[0].prefix else PAGE + 1
        for cursor in (None, Cursor(False, _middle(parts[0])), Cursor(True, _middle(parts[0]))):
            before = _rows_read()
            find(parse(q), cursor)
            read = _rows_read() - before
            windows = MOST_WINDOWS if "zz" in q else 2  # a window may be filled from two ranges
            assert read <= per_row * window * windows, (q, cursor, read)
            assert window < USERS / 8


def _middle(part: Part) -> Hit:
    return Hit("alice_05000" if part.text.startswith("a") else part.text, USERS // 2)


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())
