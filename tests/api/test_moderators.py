"""For those who moderate: filters, links, what belongs to a user, what a deletion takes along, the cache, counters."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.api import redis_client
from caching.extend import key_prefix
from counters import reconcile
from counters.models import Counter
from popups.models import Event, Popup
from posts import services
from posts.models import Comment, Post
from ratings import services as ratings
from ratings.models import Item
from social.models import Block, Follow
from tests.support.admin_actions import run_action
from tests.support.admin_rows import report_on
from users import logins
from users.models import Login, User, UserState

pytestmark = pytest.mark.django_db(transaction=True)
USERS, POSTS, COMMENTS, ITEMS, SESSIONS, COUNTERS = (
    f"/admin/{name}/"
    for name in ("users/user", "posts/post", "posts/comment", "ratings/item", "users/login", "counters/counter")
)


@pytest.fixture
def post(alice):
    return services.publish(author_id=alice.pk, text="Hello")


def listed(browser, address, **query) -> list:
    return [row.pk for row in browser.get(address, query).context["cl"].result_list]


def test_users_by_state(root, alice, dora, sam):
    assert listed(root, USERS, is_active__exact=0) == [dora.pk]
    assert set(listed(root, USERS, is_staff__exact=1)) == {sam.pk, User.objects.get(username="root").pk}
    assert "?is_active__exact=0" in root.get(USERS).content.decode()


def test_posts_by_state_and_author(root, alice, bob, post):
    hidden, removed = (services.publish(author_id=bob.pk, text=text) for text in ("Hidden", "Removed"))
    for row, state in ((hidden, Post.State.HIDDEN), (removed, Post.State.REMOVED)):
        Post.objects.filter(pk=row.pk).update(state=state)
    assert listed(root, POSTS) == [hidden.pk, post.pk]
    assert listed(root, POSTS, state=0) == [post.pk]
    assert listed(root, POSTS, state=1) == listed(root, POSTS, author=bob.pk) == [hidden.pk]
    assert listed(root, POSTS, state=2) == [removed.pk]
    assert listed(root, POSTS, state="nonsense") == [hidden.pk, post.pk]
    assert listed(root, POSTS, author=alice.pk, q="hello") == [post.pk]
    assert "0 posts shown again." in run_action(root, f"{POSTS}?state=2", "show", removed)
    assert root.get(f"{POSTS}{removed.pk}/change/").status_code == 200
    assert root.post(f"{POSTS}{removed.pk}/change/", {"text": "Back", "state": 0}).status_code == 403
    assert Post.objects.get(pk=removed.pk).state == Post.State.REMOVED


@pytest.mark.parametrize("value", ["0", "-1", "abc", "9" * 30, "1,2", "%00"])
def test_a_filter_by_what_is_no_id_shows_the_whole_list_and_says_so(root, post, value):
    answer = root.get(f"{POSTS}?author={value}")
    assert (answer.status_code, answer["location"]) == (302, f"{POSTS}?e=1")
    assert "A filter is not understood: this is the whole list." in root.get(answer["location"]).content.decode()


def test_authors_and_ends_are_links(root, alice, bob, post):
    services.comment(post_id=post.pk, author_id=bob.pk, text="Hi")
    Follow.objects.create(follower=alice, followee=bob)
    Block.objects.create(blocker=bob, blocked=alice)
    UserState.objects.create_one(user_id=alice.pk)
    Login.objects.create(user=alice)
    page = {user: f'<a href="{USERS}{user.pk}/change/">{user}</a>' for user in (alice, bob)}
    for address, users in (
        (POSTS, [alice]), (COMMENTS, [bob]), ("/admin/social/follow/", [alice, bob]),
        ("/admin/social/block/", [alice, bob]), ("/admin/users/userstate/", [alice]), (SESSIONS, [alice]),
    ):  # fmt: skip
        html = root.get(address).content.decode()
        assert all(page[user] in html for user in users), address
    assert f'<a href="{POSTS}{post.pk}/change/">{post.pk}</a>' in root.get(COMMENTS).content.decode()


def test_the_page_of_a_user_counts_and_links_what_belongs_to_it(root, alice, bob, post):
    services.comment(post_id=post.pk, author_id=alice.pk, text="Hi")
    services.like(user_id=alice.pk, post_id=post.pk)
    Follow.objects.create(follower=alice, followee=bob)
    logins.begin(alice.pk, generation=0, user_agent="Phone")
    popup = Popup.objects.create(title="A popup")
    Event.objects.create(user=alice, popup=popup, type="shown", claim="c", stream_id="1-1", at=popup.starts_at)
    report_on(alice)
    html = root.get(f"{USERS}{alice.pk}/change/").content.decode()
    rows = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", html))
    links = {re.sub("<.*?>", "", name): (re.findall('href="(.*?)"', name), count) for name, count in rows.items()}
    for name, count in (
        ("posts", "2"), ("comments", "1"), ("follows", "1"), ("followers", "0"), ("sessions", "1"), ("blocks", "0"),
        ("events of popups", "1"), ("reports about the user", "1"), ("reports by the user", "0"),
    ):  # fmt: skip
        (address,), found = links[name]
        assert found == count, name
        assert len(root.get(address).context["cl"].result_list) == int(count), name
    assert links["likes"] == ([], "1")


def test_its_queries_do_not_grow(root, alice, post):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get(f"{USERS}{alice.pk}/change/").status_code == 200
        counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
        assert all("LIMIT 10001" in sql for sql in counts)
        return len(captured)

    queries()
    few = queries()
    for _ in range(10):
        services.comment(post_id=post.pk, author_id=alice.pk, text="Hi")
    assert queries() == few


@pytest.fixture
def counts_up_to_two(monkeypatch):
    monkeypatch.setattr("api.admin.bounded_count.__defaults__", (2,))


def test_more_than_what_is_counted_is_said_so(root, alice, bob, post, counts_up_to_two):
    for text in ("One", "Two"):
        services.publish(author_id=alice.pk, text=text)
        services.comment(post_id=post.pk, author_id=bob.pk, text=text)
    assert "more than 2 posts" in root.get(POSTS).content.decode()
    assert "2 comments" in root.get(COMMENTS).content.decode()
    assert "more than 2 results" in root.get(POSTS, {"q": "alice"}).content.decode()
    assert "more than 2" in root.get(f"{USERS}{alice.pk}/change/").content.decode()
    services.comment(post_id=post.pk, author_id=bob.pk, text="Three")
    page = root.get(f"{POSTS}{post.pk}/delete/").content.decode()
    for line in ("Posts: 1", "Comments: more than 2", "Likes: 0", "Reposts, of which those with a text stay: 0"):
        assert f"<li>{line}</li>" in page, line


def test_the_deletion_of_users_says_what_goes_along(root, alice, bob, post):
    services.like(user_id=bob.pk, post_id=post.pk)
    chosen = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk]}
    page = root.post(USERS, chosen).content.decode()
    for line in ("Users: 2", "Posts: 1", "Likes: 1", "Comments: 0", "Sessions: 0"):
        assert f"<li>{line}</li>" in page, line


# The cache.


def shown(browser, address, row) -> str:
    return run_action(browser, address, "show_cache_entry", row).replace("&#x27;", "'")


def test_the_entries_of_a_user_in_words(api, root, alice, bob, post):
    assert shown(root, USERS, alice).count("is absent") >= 5
    services.like(user_id=alice.pk, post_id=post.pk)
    api.get(f"posts/{post.pk}", by=alice), api.get(f"users/{alice.pk}/posts", by=alice)
    api.get(f"relationships?ids={bob.pk}", by=alice), api.get(f"users/profiles?ids={alice.pk}", by=alice)
    page = shown(root, USERS, alice)
    for words in (
        f"users.user:{alice.pk} has a value: ",
        f"id={alice.pk}, username='alice'",
        f"social.follow.follower.followee:{{{alice.pk}}} has a value: 0 ids, all that there are",
        f"posts.like.user.post:{{{alice.pk}}} has a value: 1 ids, all that there are",
        f"has a value: {post.pk}; it expires",
        f"has, of user:{alice.pk}, followers=0, following=0, posts=1",
    ):
        assert words in page, words
    assert "argon2" not in page
    dropped = run_action(root, USERS, "drop_cache_entry", alice)
    assert "The cache entries of 1 rows were dropped." in dropped
    assert "has a value" not in dropped
    assert api.get(f"posts/{post.pk}", by=alice).json["liked"] is True


def test_the_entries_of_a_post_an_item_and_a_counter(api, root, alice, post):
    item = ratings.publish(title="Tea house")
    counter = Counter.objects.create(kind="post", target_id=post.pk, name="likes", value=0)
    for address, row, words in (
        (POSTS, post, (f"posts.post:{post.pk} has a value", "'Hello'", f"has, of post:{post.pk}, likes=0")),
        (ITEMS, item, (f"ratings.item:{item.pk} has a value", "Tea house", f"has, of rating:{item.pk}, count=0")),
        (COUNTERS, counter, (f"has, of post:{post.pk}, likes=0, comments=0",)),
    ):
        api.get(f"posts/{post.pk}", by=alice), api.get(f"ratings/{item.pk}", by=alice)
        page = shown(root, address, row)
        assert all(text in page for text in words), address
        assert "is absent" in run_action(root, address, "drop_cache_entry", row)


def test_a_held_a_leased_and_a_strange_entry(root, alice, post):
    key = f"{key_prefix('default')}posts.post:{post.pk}"
    for entry, words in (
        (b"L" + b"t" * 16, "is being loaded by a reader"),
        (b"H" + b"t" * 16 + b"9" * 13, "is held by 1 writer(s)"),
        (b"Vnonsense", "has an entry of another version"),
        (b"N", "says that there is no such row"),
    ):
        redis_client().set(key, entry, px=60_000)
        assert f"posts.post:{post.pk} {words}" in shown(root, POSTS, post), words


def test_who_may_not_change_a_row_drops_no_entries(new_user, alice, post):
    viewer = new_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=("view_post", "view_counter")))
    browser = Client()
    browser.force_login(viewer)
    page = browser.get(POSTS).content.decode()
    assert 'value="show_cache_entry"' in page
    assert 'value="drop_cache_entry"' not in page
    assert 'value="reconcile"' not in page


# Counters.


@pytest.mark.parametrize(
    ("model", "kind", "name"), [(User, "user", "posts"), (Post, "post", "likes"), (Item, "rating", "count")]
)
def test_the_counters_of_the_chosen_are_reconciled(root, alice, post, model, kind, name):
    row = {User: alice, Post: post, Item: ratings.publish(title="Tea house")}[model]
    address = {User: USERS, Post: POSTS, Item: ITEMS}[model]
    Counter.objects.create(kind=kind, target_id=row.pk, name=name, value=7)
    page = run_action(root, address, "reconcile", row)
    truth = 1 if model is User else 0
    assert f"Mended: {kind}:{row.pk} {name}: showed {7 + truth}, is {truth} (-7)" in page
    assert "1 compared, 1 counters mended." in page
    assert reconcile.run_one(kind, row.pk, mend=False).drifts == []
    assert "1 compared, 0 counters mended." in run_action(root, address, "reconcile", row)


def test_a_counter_that_is_declared_no_longer(root):
    counter = Counter.objects.create(kind="unicorn", target_id=1, name="horns", value=1)
    page = run_action(root, COUNTERS, "reconcile", counter)
    assert "Counters of the kind unicorn are declared no longer; nothing was changed." in page
    assert "The cache entries of 1 rows were dropped." in run_action(root, COUNTERS, "drop_cache_entry", counter)


# Sessions.


def test_sessions_are_ended(api, root, alice, bob):
    phone, tablet = (logins.begin(alice.pk, generation=0, user_agent=name) for name in ("Phone", "Tablet"))
    assert api.get("users/me", by=phone["access"]).status == 200
    session = Login.objects.get(user_agent="Phone")
    assert "1 sessions ended." in run_action(root, f"{SESSIONS}?user={alice.pk}", "end", session)
    assert api.get("users/me", by=phone["access"]).json["code"] == "token_not_valid"
    assert api.post("auth/token/refresh", {"refresh": phone["refresh"]}).status == 401
    assert api.get("users/me", by=tablet["access"]).status == 200
    html = root.get(SESSIONS, {"user": alice.pk}).content.decode()
    assert (html.count('alt="True"'), html.count('alt="False"')) == (1, 1)
    assert listed(root, SESSIONS, q="bob") == []


def test_sessions_of_who_stands_above_are_not_ended(new_user, sam):
    staff = new_user("mona", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_login", "delete_login")))
    browser = Client()
    browser.force_login(staff)
    session = Login.objects.create(user=sam)
    assert "You may not end sessions of sam; nothing was changed." in run_action(browser, SESSIONS, "end", session)
    assert Comment.objects.count() == 0


def test_a_session_is_neither_added_nor_changed(root, alice):
    session = Login.objects.create(user=alice)
    assert root.get(f"{SESSIONS}add/").status_code == root.get(f"{SESSIONS}{session.pk}/delete/").status_code == 403
    assert root.get(f"{SESSIONS}{session.pk}/change/").status_code == 200
