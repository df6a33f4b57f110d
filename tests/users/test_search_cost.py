"""Search reads a bounded number of index rows for any size of the table, by query plans and by rows read."""

import re
from itertools import product

import pytest
from django.db import connection

from api.cursors import Cursor
from users.models import SearchTerm
from users.search import MOST_WINDOWS, PREFIX_WINDOW, WINDOW, find
from users.search_phases import Hit, phases_of, statement
from users.terms import Query, parse

pytestmark = pytest.mark.django_db(transaction=True)
USERS = 10_000
SHARED = ("王", "小", "明", "王小", "小明", "li", "wang")


@pytest.fixture
def filled() -> None:
    """Insert the search terms of USERS users with the same nickname, without the users.

    The order of usernames is opposite to the order of ids.
    """
    names = [(f"{sign}alice_{USERS - pk:05}", pk) for pk in range(1, USERS + 1) for sign in ("@", "")]
    rows = [SearchTerm(term=term, user_id=pk) for term, pk in names]
    rows += [SearchTerm(term=term, user_id=pk) for pk in range(1, USERS + 1) for term in SHARED]
    with connection.constraint_checks_disabled():
        SearchTerm.objects.bulk_create(rows, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "ANALYZE TABLE users_searchterm")
        cursor.fetchall()


def test_no_plan_has_a_full_scan(filled):
    queries = ["al", "alice_0042", "王", "小明", "王小明", "al 小明", "alice wang", "a 王"]
    for q, backwards in product(queries, [False, True]):
        query = parse(q)
        phases = list(phases_of(query))
        for start in [None, *_positions(query)]:
            limits = [(span, WINDOW) for phase in phases for span in phase.spans(start, backwards)]
            sql, args = statement(limits, backwards=backwards, vendor=connection.vendor)
            with connection.cursor() as cursor:
                cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql, args)
                (_check_sqlite if connection.vendor == "sqlite" else _check_mysql)(cursor.fetchall())


def _check_sqlite(plan):
    touching = [detail for *_, detail in plan if re.search(r"\bwalk\b|\bone\b", detail)]
    assert touching
    assert all(re.match(r"SEARCH (walk|one) USING COVERING INDEX", step) for step in touching), plan


def _check_mysql(plan):
    touching = [row for row in plan if row[2] in ("walk", "one")]
    assert touching
    for row in touching:
        kind, extra = row[3], row[9]
        assert kind in ("range", "ref", "eq_ref", "const"), plan
        assert "Using index" in extra, plan
        # A range must be read in index order.
        assert "filesort" not in extra, plan


def test_pages_follow_each_other_over_several_windows(filled):
    by_name, newest = range(USERS, 0, -1), range(USERS, 0, -1)
    for q, expected, count in [
        ("ali", by_name, PREFIX_WINDOW * 2), ("王", newest, 100), ("alice 王", newest, WINDOW + 100),
        ("li", newest, 1_000),
    ]:  # fmt: skip
        seen, cursor = [], None
        while len(seen) < count:
            page = find(parse(q), cursor)
            seen += page.ids
            cursor = Cursor(False, page.after)
        assert seen == list(expected[: len(seen)]), q


@pytest.mark.services
def test_rows_read_do_not_grow_with_the_table_or_the_depth(filled):
    # For each row of a window: reads to find, copy and sort it, and the user's few terms for each other condition.
    per_row = 3 + 2 * (len(SHARED) + 3)
    for q in ["al", "alice_0042", "王", "小明", "王小明", "li wang", "a 王", "zz", "li zz", "王 zz"]:
        query = parse(q)
        window = WINDOW if len(query.parts) > 1 else PREFIX_WINDOW
        for start in (None, *_positions(query)):
            for backwards in (False, True):
                before = _rows_read()
                find(query, start and Cursor(backwards, start))
                read = _rows_read() - before
                windows = MOST_WINDOWS if "zz" in q else 2  # a window may be filled from two ranges
                assert read <= per_row * window * windows, (q, start, read)
                assert window < USERS / 8


def _positions(query: Query) -> list[Hit]:
    """Return a place within each phase of a result."""
    longer = {"a": "lice_05000", "@": "alice_05000"}
    return [
        Hit(phase.number, phase.text[:1] + longer.get(phase.text[0], phase.text[1:]), USERS // 2)
        for phase in phases_of(query)
    ]


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())
