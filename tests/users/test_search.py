"""GET users/search: results and pages."""

import contextlib

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(new_user):
    names = {
        "alice": "Alice Liddell", "al.bert": "王小明", "ALAN_T": "Alan Turing", "xiaoming": "小明 Wang",
        "mingxiao": "明小", "obrien": "Flann O'Brien", "wide": "ＡＬＩＣＥ ﾜﾝ", "fox": "🦊 fox", "pairs": "天地人 人天",
        "j_doe": "J.Doe-Smith",
    }  # fmt: skip
    return {username: new_user(username, nickname=nickname) for username, nickname in names.items()}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("al", {"alice", "al.bert", "ALAN_T", "wide"}),
        ("AL.B", {"al.bert"}),
        ("alan_t", {"ALAN_T"}),
        ("turing", {"ALAN_T"}),
        ("tur ala", {"ALAN_T"}),
        ("小明", {"al.bert", "xiaoming"}),
        ("明", {"al.bert", "xiaoming", "mingxiao"}),
        ("明小", {"mingxiao"}),
        ("王小明", {"al.bert"}),
        ("小明wang", {"xiaoming"}),
        ("天地人", {"pairs"}),
        ("人天地", set()),  # the name has both pairs but not the three characters in a row
        ("o'brien", {"obrien"}),
        ("brien", {"obrien"}),
        ("alice", {"alice", "wide"}),
        ("ワン", {"wide"}),
        ("🦊", {"fox"}),
        ("doe", {"j_doe"}),
        ("smith", {"j_doe"}),
        ("lice", set()),  # words match by their beginning
        ("%", set()),
        ("_", set()),
        ("  ", set()),
        ("zz", set()),
    ],
)
def test_what_is_found(api, alice_token, cast, q, found):
    answer = api.get("users/search", by=alice_token, query={"q": q})
    assert answer.status == 200
    assert {user["username"] for user in answer.json["results"]} == found
    assert (answer.json["next"], answer.json["previous"]) == (None, None)


@pytest.fixture
def alice_token(new_user):
    return new_user("zed_reader")


def test_pages_forth_and_back_show_every_user_once(api, bob):
    # Each user has three terms in the range: the username and two words of the nickname.
    users = [User(username=f"li_{n:03}", nickname=f"Li Lin{n % 7}") for n in range(65)]
    for user in users:
        user.save()
    forth, address = [], "users/search?q=li"
    while address:
        last = address
        page = api.get(address, by=bob).json
        forth.append([user["id"] for user in page["results"]])
        address = page["next"]
    assert [len(page) for page in forth] == [20, 20, 20, 5]
    assert sorted(pk for page in forth for pk in page) == sorted(user.pk for user in users)
    back, address = [], last
    while address:
        page = api.get(address, by=bob).json
        back.append([user["id"] for user in page["results"]])
        address = page["previous"]
    assert back[::-1] == forth


def test_rows_inserted_between_pages_are_not_repeated_or_skipped(api, bob, new_user):
    known = {new_user(f"wu_{n:03}").pk for n in range(0, 60, 2)}
    first = api.get("users/search?q=wu", by=bob).json
    for n in range(1, 60, 2):
        new_user(f"wu_{n:03}")
    seen, page = [user["id"] for user in first["results"]], first
    while page["next"]:
        page = api.get(page["next"], by=bob).json
        seen += [user["id"] for user in page["results"]]
    assert len(seen) == len(set(seen))
    assert known <= set(seen)


def test_bad_queries(api, bob):
    for query in (
        {},
        {"q": ""},
        {"q": "x" * 65},
        {"q": "a\0b"},
        {"q": "a", "cursor": ""},
        {"q": "a", "cursor": "AAAA"},
    ):
        answer = api.get("users/search", by=bob, query=query)
        assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json"), query


def test_a_cursor_of_another_query_or_a_changed_one_is_refused(api, bob, new_user):
    for n in range(21):
        new_user(f"wu_{n:03}")
    link = api.get("users/search?q=wu", by=bob).json["next"]
    assert api.get(link, by=bob).status == 200
    for bad in (link.replace("q=wu", "q=w"), link[:-2], link + "A", link.replace("cursor=", "cursor=%00")):
        assert api.get(bad, by=bob).json["code"] == "bad_cursor"


def test_edits_by_anybody_show_at_once(api, bob, new_user):
    user = new_user("carol", nickname="旧名")

    def finds(q):
        return [found["username"] for found in api.get("users/search", by=bob, query={"q": q}).json["results"]]

    assert finds("旧名") == ["carol"]
    api.patch("users/me", {"nickname": "新名"}, by=user)
    assert (finds("旧名"), finds("新名")) == ([], ["carol"])
    row = User.objects.get(pk=user.pk)
    row.nickname, row.username = "Third", "carola"
    row.save()
    assert (finds("新名"), finds("third"), finds("carola")) == ([], ["carola"], ["carola"])
    row.is_active = False
    row.save()
    assert finds("third") == []
    row.is_active = True
    row.save()
    assert finds("third") == ["carola"]
    row.delete()
    assert finds("third") == []


def test_writes_of_many_rows_show_at_once(api, bob, new_user):
    def found(q):
        return sorted(user["username"] for user in api.get("users/search", by=bob, query={"q": q}).json["results"])

    people = [new_user(f"many_{number}", nickname="Before") for number in range(3)]
    some = User.objects.filter(pk__in=[people[0].pk, people[1].pk])
    assert some.update(nickname="之后 After") == 2
    assert (found("after"), found("后"), found("before")) == (["many_0", "many_1"], ["many_0", "many_1"], ["many_2"])
    people[2].nickname = "Bulk"
    User.objects.bulk_update([people[2]], ["nickname"])
    assert (found("bulk"), found("before")) == (["many_2"], [])
    User.objects.filter(nickname__startswith="之后").update(username=Concat(Value("new_"), F("username")), level=3)
    assert (found("new_many"), found("many")) == (["new_many_0", "new_many_1"], ["many_2"])
    User.objects.filter(level=3).update(is_active=False)
    assert found("after") == []
    User.objects.filter(level=3).update(is_active=True)
    assert found("after") == ["new_many_0", "new_many_1"]
    User.objects.bulk_create(
        [User(username="made_at_once", nickname="一起"), User(username="made_too", is_active=False)]
    )
    assert (found("made"), found("一起")) == (["made_at_once"], ["made_at_once"])


def test_a_write_of_many_rows_without_searched_columns_asks_no_terms(new_user):
    new_user("alice")
    with CaptureQueriesContext(connection) as queries:
        User.objects.filter(username="alice").update(city="X")
    assert not any("searchterm" in query["sql"] for query in queries)


def test_a_write_of_many_rows_that_is_rolled_back_keeps_the_old_terms(api, bob, new_user):
    new_user("many_1", nickname="Before")
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        User.objects.filter(username="many_1").update(nickname="After")
        raise ZeroDivisionError
    assert api.get("users/search?q=before", by=bob).json["results"]
    assert not api.get("users/search?q=after", by=bob).json["results"]


def test_people_from_a_fixture_are_found(api, bob, new_user, tmp_path):
    user = new_user("carol", nickname="旧名")
    dump = tmp_path / "people.json"
    call_command("dumpdata", "users.user", "users.searchterm", output=dump, verbosity=0)
    user.delete()
    call_command("loaddata", dump, verbosity=0)
    assert [found["id"] for found in api.get("users/search", by=bob, query={"q": "旧名"}).json["results"]]


def test_a_refused_write_keeps_the_old_terms(api, bob, new_user):
    new_user("carol", nickname="Old")
    other = new_user("other", nickname="Other")
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        User.objects.update_one(other.pk, username="CAROL", nickname="New")
    assert [user["id"] for user in api.get("users/search?q=other", by=bob).json["results"]] == [other.pk]
    assert api.get("users/search?q=new", by=bob).json["results"] == []
