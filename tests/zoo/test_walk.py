"""The short form of the random walk; `make test-walk` is the long one."""

import os

import pytest

from tests.zoo.walk import walk

SEED = int(os.environ.get("SEED", "1"))


def test_two_processes_read_what_the_database_says():
    report = walk(operations=int(os.environ.get("OPERATIONS", "1500")), seed=SEED)
    assert (report.differences, report.errors) == ([], []), report
    assert report.counts["undecided"] < report.counts["compared"] / 100
    assert report.counts["hits"] > report.counts["misses"]


@pytest.mark.any_database
def test_the_walk_finds_that_a_receiver_is_gone():
    report = walk(operations=300, seed=SEED, processes=1, without=["_before_save"])
    assert report.differences
