"""Which paths and queries of a GET have a route, and what its read is given."""

import pytest

from serving.hot_lane.routes import PagedRoute, Route, Routes

LARGEST = 2**63 - 1
ROUTES = Routes(
    "/api/1/",
    [
        Route("users/{id}", r"(?:fields=([a-z,]+))?", object),
        Route("users/me", "", object),
        Route("users/{id}/state", "", object),
        PagedRoute("users/{id}/posts", object),
        PagedRoute("feed", object, cursors=True),
    ],
)


def found(path, query=b""):
    """Return the path of the route and the arguments of its read, where an address is its path and query."""
    match = ROUTES.find(f"/api/1/{path}", query, "https://example.org")
    if match is None:
        return None
    route, arguments = match
    texts = (f"{each.path}?{each.query.urlencode()}" if hasattr(each, "base") else each for each in arguments)
    return (route.path, *texts)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("users/7", ("users/{id}", 7, None)),
        (f"users/{LARGEST}", ("users/{id}", LARGEST, None)),
        ("users/me", ("users/me",)),
        ("users/7/state", ("users/{id}/state", 7)),
        ("users/7/posts", ("users/{id}/posts", 7, "/api/1/users/7/posts?")),
        ("feed", ("feed", "/api/1/feed?")),
    ],
)
def test_an_id_may_stand_anywhere_and_a_constant_wins(path, expected):
    assert found(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "users/{id}", "users/{id}/posts", "users/0", "users/07", "users/7/", "users/7/posts/", "users/7\n", "users/+7",
        "users/٣", "users/me/state", "users/me/posts", "users/7/8", "7/users", f"users/{LARGEST + 1}",
        f"users/{LARGEST + 1}/posts", "users//7", "users/7/nothing", "user/7", "",
    ],
)  # fmt: skip
def test_no_other_path_has_a_route(path):
    assert found(path) is None


def test_another_prefix_has_no_route():
    assert ROUTES.find("/users/7", b"", "") is None
    assert ROUTES.find("/api/2/users/7", b"", "") is None


@pytest.mark.parametrize("query", [b"limit=5", b"limit=0", b"limit=1000"])
def test_a_list_takes_a_limit(query):
    """Whether it is a good one, api.cursors tells."""
    assert found("feed", query) == ("feed", f"/api/1/feed?{query.decode()}")
    assert found("users/7/posts", query) == ("users/{id}/posts", 7, f"/api/1/users/7/posts?{query.decode()}")


@pytest.mark.parametrize("query", [b"cursor=Ab_-9", b"limit=5&cursor=a", b"cursor=a&limit=5"])
def test_a_list_takes_a_cursor_if_it_says_so(query):
    assert found("feed", query) == ("feed", f"/api/1/feed?{query.decode()}")
    assert found("users/7/posts", query) is None


@pytest.mark.parametrize(
    "query",
    [
        b"limit=", b"limit=%35", b"limit=5&limit=6", b"limit=5&x=1", b"x=1", b"limit=-1", b"cursor=", b"cursor=a%3D",
        b"cursor=a&cursor=b", b"&", b"limit=\xb2", b"limit=5;cursor=a", b"limit=5\n",
    ],
)  # fmt: skip
def test_no_other_query_of_a_list_has_a_route(query):
    assert found("feed", query) is None
