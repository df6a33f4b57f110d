"""Posts and comments of the cast to report."""

import pytest

from posts import services


@pytest.fixture(autouse=True)
def start(empty_cache_without_throttles):
    pass


@pytest.fixture
def post(alice):
    return services.publish(author_id=alice.pk, text="Buy my pills")


@pytest.fixture
def comment(alice, carol):
    on = services.publish(author_id=carol.pk, text="Good morning")
    return services.comment(post_id=on.pk, author_id=alice.pk, text="You fool")


@pytest.fixture
def report(api):
    """report(by, target, kind="post", **more): report over HTTP; returns the answer."""

    def report(by, target, kind="post", **more):
        return api.post("reports", {"kind": kind, "id": target.pk, "reason": "spam", **more}, by=by)

    return report
