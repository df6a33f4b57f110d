"""GET users/search and the search of the admin: who comes first, and pages through all phases of a result."""

import pytest

from api.cursors import Cursor
from users import search
from users.models import User, UserState
from users.terms import parse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def found(api, new_user):
    """found(q): the usernames in the order of the result, through all its pages."""
    reader = new_user("zz_reader")

    def pages(q):
        names, page = [], api.get("users/search", by=reader, query={"q": q}).json
        while True:
            names += [user["username"] for user in page["results"]]
            if page["next"] is None:
                return names
            page = api.get(page["next"], by=reader).json

    return pages


@pytest.fixture
def many_bobs(new_user):
    """Thirty users who are called Bob, thirty whose username begins so, and then bob, who registered last."""
    for number in range(30):
        new_user(f"x{number:02}", nickname="Bob")
        new_user(f"bob_{number:02}")
    return new_user("bob")


def test_the_exact_username_comes_first(found, many_bobs, root):
    nicknames, usernames = [f"x{n:02}" for n in reversed(range(30))], [f"bob_{n:02}" for n in range(30)]
    for q in ("bob", "BOB", "ｂｏｂ", "bo\u00adb", "bób"):
        assert found(q) == ["bob", *nicknames, *usernames], q
    page = root.get("/admin/users/user/", {"q": "bob"})
    assert [user.username for user in page.context["cl"].result_list][:3] == ["bob", *nicknames[:2]]
    page = root.get("/admin/users/user/", {"q": "bob", "o": "2"})  # sorted by the staff
    assert [user.username for user in page.context["cl"].result_list][:2] == ["bob", "bob_00"]


def test_names_then_beginnings_then_words_of_which_the_newest_first(found, new_user):
    for username, nickname in (
        ("w1", "Zoe Ann"), ("w2", "Ann Zoe"), ("l1", "Zoe Annabel"), ("l2", "Zoe Anna"), ("nick", "ANN!"),
        ("annika", ""), ("w3", "ann_x"), ("ann", "Somebody"), ("ann.b", "Ann"),
    ):  # fmt: skip
        new_user(username, nickname=nickname)
    assert found("ann") == ["ann", "ann.b", "nick", "annika", "w3", "w2", "w1", "l2", "l1"]


def test_a_whole_nickname_of_several_words_comes_first(found, new_user):
    for username, nickname in (
        ("a1", "Maria Lopezgarcia"), ("a2", "Lopez Maria"), ("a3", "María López"), ("a4", "Ana Maria Lopez"),
        ("a5", "王小明明"), ("a6", "王小明"), ("a7", "大王小明"),
    ):  # fmt: skip
        new_user(username, nickname=nickname)
    assert found("maria lopez") == ["a3", "a4", "a2", "a1"]
    assert found("王小明") == ["a6", "a7", "a5"]
    assert found("王小") == ["a7", "a6", "a5"]


@pytest.mark.parametrize(
    ("nickname", "q"),
    [
        ("İstanbul", "istanbul"), ("Isparta", "ısparta"), ("José", "jose"), ("Jose", "JOSÉ"), ("Việt Nam", "viet"),
        ("Straße", "strasse"), ("Strasse", "STRAẞE"), ("مُحَمَّد", "محمد"), ("محمد", "مُحَمَّد"), ("محمـــد", "محمد"),
        ("שָׁלוֹם", "שלום"), ("Αλέξης", "αλεξησ"), ("ＷＩＤＥ", "wide"), ("한글이", "글이"),
        ("한글", "\u1112\u1161\u11ab"),
        ("ｶﾞｸﾄ", "ガク"), ("Фёдор", "федор"), ("हिन्दी", "न्दी"), ("ภาษาไทย", "ไทย"), ("می\u200cخواهم", "میخواهم"),
    ],
)  # fmt: skip
def test_spellings_of_a_name_find_each_other(found, new_user, nickname, q):
    person = new_user("someone", nickname=nickname)
    for typed in (q, f"\u2066{q[0]}\u00ad{q[1:]}\u2069"):
        assert found(typed) == ["someone"]
        assert search.ids_for_admin(typed) == [person.pk]


@pytest.mark.parametrize(("nickname", "q"), [("がくと", "かくと"), ("कुमार", "कमार"), ("하나", "한나")])
def test_other_names_are_not_found(found, new_user, nickname, q):
    new_user("someone", nickname=nickname)
    assert found(q) == []


def test_the_admin_folds_wherever_it_searches_for_people(root, new_user, follow):
    jose, bob = new_user("jose_1", nickname="José"), new_user("bob")
    follow(jose, bob)
    UserState.objects.create_one(user_id=jose.pk)
    for address, typed in (
        ("users/user", "ｊosé"), ("users/userstate", "JOSE"), ("users/user", "jo\u00adse"), ("social/follow", "josé_1"),
    ):  # fmt: skip
        assert len(root.get(f"/admin/{address}/", {"q": typed}).context["cl"].result_list) == 1, (address, typed)
    page = root.get("/admin/popups/popup/dry-run/", {"user": "JOSÉ_1", "placement": "home"})
    assert page.context["form"].cleaned_data["user"] == jose


def test_an_older_name_with_a_soft_hyphen_is_found(found, new_user):
    new_user("someone", nickname="Mar\u00adtin")  # of before such characters were refused
    assert found("martin") == ["someone"]


@pytest.mark.parametrize("size", [1, 3, 20, 100])
def test_pages_forth_and_back_are_the_same_result_without_gap_or_duplicate(many_bobs, new_user, size):
    for number in range(25):
        new_user(f"li{number}", nickname="The Bob" if number % 2 else "The Bobby Bob")
    User.objects.filter(username__in=["x03", "bob_07"]).update(is_active=False)
    query, whole = parse("bob"), []
    cursor, starts = None, []
    while True:
        page = search.find(query, cursor, size)
        assert len(page.ids) <= size
        whole.append(page.ids)
        if page.after is None:
            break
        cursor = Cursor(False, tuple(page.after))
        starts.append(page.after)
    ids = [user_id for page in whole for user_id in page]
    assert len(ids) == len(set(ids)) == 1 + 29 + 29 + 25
    back = []
    while page.before is not None:
        page = search.find(query, Cursor(True, tuple(page.before)), size)
        back.append(page.ids)
    assert [user_id for page in reversed(back) for user_id in page] == [
        user_id for page in whole[:-1] for user_id in page
    ]


def test_who_is_renamed_between_pages_shifts_nobody_else(found, many_bobs):
    query = parse("bob")
    first = search.find(query, None)
    User.objects.filter(username="bob_05").update(username="someone_else")
    User.objects.create_one(username="bob_000")
    rest = search.find(query, Cursor(False, tuple(first.after)), 100)
    seen = first.ids + rest.ids
    assert len(seen) == len(set(seen))
    stayed = User.objects.filter(username__startswith="bob_").exclude(username="bob_000")
    assert set(stayed.values_list("pk", flat=True)) <= set(seen)
