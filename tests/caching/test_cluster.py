"""Reads and writes on a Redis Cluster: the rows of one batch are on different nodes."""

import pytest

from tests.caching.entry_state import state
from tests.testapp.models import Author

pytestmark = pytest.mark.embedded  # what is spread over nodes does not depend on the database


def test_batches_writes_and_lookups_span_the_nodes(cluster, django_assert_num_queries):
    authors = [Author.objects.create_one(name=f"n{n}", email=f"{n}@x") for n in range(60)]
    pks = [author.pk for author in authors]
    with django_assert_num_queries(1):
        assert [author.pk for author in Author.objects.get_some([*pks, 10**9]).results] == pks
    with django_assert_num_queries(0):
        assert Author.objects.get_some([*pks, 10**9]).missing == [10**9]
    assert all(node.client().dbsize() > 10 for node in cluster.nodes), "rows are spread over the nodes"

    Author.objects.filter(pk__in=pks[:30]).update(name="new")
    assert [row["name"] for row in Author.objects.get_some_cols(pks[28:32], "name").results] == [
        "new",
        "new",
        "n30",
        "n31",
    ]
    with django_assert_num_queries(1):
        assert Author.objects.get_one(email="29@x").pk == pks[29]
    with django_assert_num_queries(0):
        assert Author.objects.get_one(email="29@x").name == "new"


def test_a_node_that_restarts_without_scripts_is_taught_them_again(cluster):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    for node in cluster.nodes:
        node.client().script_flush()
    assert Author.objects.get_one(author.pk).name == "Ann"
    assert state(author) == "value"


def test_a_dead_cluster_costs_reads_of_the_database_not_answers(cluster):
    author = Author.objects.create_one(name="Ann", email="ann@x")
    Author.objects.get_one(author.pk)
    for node in cluster.nodes:
        node.kill()
    assert Author.objects.get_one(author.pk).name == "Ann"
    Author.objects.update_one(author.pk, name="Bea")
    assert Author.objects.get_one(author.pk).name == "Bea"
