"""Usernames, and the other short texts that people type: one rule in the API, the admin and the commands."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.support.admin_actions import form_of
from tests.support.cast import PASSWORD
from users.models import User, UserState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]

# Equal to "bobby" or "bob" in a collation that ignores accents, widths, trailing blanks or unknown characters.
NEARLY_BOBBY = [
    "bóbby",
    "BÓBBY",
    "bobby ",
    "bobby\u3000",
    "ｂｏｂｂｙ",
    "bobby\u200b",
    "bo\u0308bby",
    "bobby\U000e0041",
    "ʙobby",
]
USERS = "/admin/users/user/"
SHORT_TEXTS = ("nickname", "city", "country", "phone")
FORMS = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def bobby(new_user):
    return new_user("Bobby")


def log_in_to_admin(client, username: str) -> bool:
    page = client.post("/admin/login/?next=/admin/", {"username": username, "password": PASSWORD})
    return page.status_code == 302


def create_superuser(username: str) -> None:
    call_command("createsuperuser", "--noinput", username=username, stdout=StringIO(), stderr=StringIO())


# Look-ups


@pytest.mark.parametrize("typed", NEARLY_BOBBY)
def test_a_name_that_only_a_collation_equates_matches_nobody(api, bobby, alice, client, typed):
    User.objects.update_one(bobby.pk, is_staff=True)
    if typed.strip() != "bobby":  # blanks around a login name are removed, here and in the admin
        assert api.post("auth/token", {"username": typed, "password": PASSWORD}).status == 401
        assert not log_in_to_admin(client, typed)
    assert api.get("users", by=alice, query={"username": typed[:30]}).json == {"results": []}
    assert not User.objects.filter(username=typed).exists()
    assert not User.objects.filter(username__iexact=typed).exists()
    assert User.objects.exclude(username=typed).count() == 2
    assert api.post("users", {"username": typed, "password": PASSWORD}).status == 400
    with pytest.raises(CommandError, match="does not exist"):
        call_command("changepassword", typed)


def test_the_own_name_logs_in_in_any_case_and_with_blanks_around(api, bobby, client):
    User.objects.update_one(bobby.pk, is_staff=True)
    for typed in ("Bobby", "bobby", "BOBBY", " bobby "):
        assert api.post("auth/token", {"username": typed, "password": PASSWORD}).status == 200
        assert log_in_to_admin(client, typed)


@pytest.mark.parametrize("typed", ["İrem", "ırem", "irem\u0307"])
def test_turkish_letters_are_other_letters(api, new_user, typed):
    new_user("irem")
    assert api.post("auth/token", {"username": typed, "password": PASSWORD}).status == 401


def test_the_sharp_s_is_not_ss(api, new_user, alice):
    new_user("ss_strasse")
    assert api.post("auth/token", {"username": "ss_straße", "password": PASSWORD}).status == 401
    assert not User.objects.filter(username="ß_strasse").exists()


@pytest.mark.parametrize(("typed", "is_found"), [("bób", True), ("ｂｏ", True), ("b\U0001f98a", False), ("ʙob", False)])
def test_the_search_of_the_admin_folds_as_the_search_of_users(api, root, bobby, alice, typed, is_found):
    assert [user.pk for user in root.get(USERS, {"q": typed}).context["cl"].result_list] == [bobby.pk] * is_found
    found = api.get("users/search", by=alice, query={"q": typed}).json["results"]
    assert [user["id"] for user in found] == [bobby.pk] * is_found


# Registration


@pytest.mark.parametrize(
    "username", ["...", "___", "._.", ".abc", "abc_", "_abc", "abc.", "a..b", "a__b", "a._b", "bóbby", "ab\u200bc"]
)
def test_names_of_punctuation_are_refused_everywhere(api, root, username):
    assert list(api.post("users", {"username": username, "password": PASSWORD}).json["errors"]) == ["username"]
    page = root.post(f"{USERS}add/", {"username": username, **FORMS})
    assert page.context["adminform"].form.errors["username"]
    with pytest.raises(CommandError):
        create_superuser(username)
    assert not User.objects.exclude(username="root").exists()


@pytest.mark.parametrize("username", ["abc", "a.b", "a_b.c", "Li_Xiaoming12", "007", "x" * 30])
def test_names_by_the_rule_are_registered(api, username):
    assert api.post("users", {"username": username, "password": PASSWORD}).status == 201


RESERVED_EXAMPLES = [
    "admin",
    "Administrator",
    "support",
    "root",
    "postmaster",
    "abuse",
    "noreply",
    "no_reply",
    "security",
    "webmaster",
    "moderator",
    "official",
    "hotpath",
    "HotPath",
    "system",
    "ad.min",
    "s_u_p_p_o_r_t",
    "adm1n",
    "r00t",
    "he1p",
    "supp0rt",
    "5upport",
    "api",
    "search",
    "profiles",
    "everyone",
]


@pytest.mark.parametrize("username", RESERVED_EXAMPLES)
def test_reserved_names_are_refused_to_the_public(api, username):
    answer = api.post("users", {"username": username, "password": PASSWORD})
    assert (answer.status, answer.json["errors"]) == (400, {"username": ["This username is reserved."]})
    assert not User.objects.exists()


@pytest.mark.parametrize("username", ["adminah", "rooty", "supporter", "official1984", "mehmet", "sysadmina", "1007"])
def test_names_that_contain_a_reserved_one_are_free(api, username):
    assert api.post("users", {"username": username, "password": PASSWORD}).status == 201


def test_the_staff_may_create_reserved_names(root, monkeypatch):
    assert root.post(f"{USERS}add/", {"username": "support", **FORMS}).status_code == 302
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    create_superuser("admin")
    assert User.objects.get(username="admin").check_password(PASSWORD)


@pytest.mark.parametrize("username", ["...", "support", "a__b", "_x_"])
def test_an_older_account_keeps_its_name(api, root, new_user, username):
    owner = new_user(username)
    assert api.post("auth/token", {"username": username, "password": PASSWORD}).status == 200
    assert api.patch("users/me", {"city": "Lyon"}, by=owner).json["username"] == username
    found = api.get("users", by=owner, query={"username": username}).json["results"]
    assert [user["id"] for user in found] == [owner.pk]
    address = f"{USERS}{owner.pk}/change/"
    form = form_of(root.get(address))
    assert root.post(address, {**form, "level": 7}).status_code == 302
    assert root.post(address, {**form, "username": "other__name"}).status_code == 200
    assert User.objects.values_list("username", "level").get(pk=owner.pk) == (username, 7)


# Nicknames and other short texts

REFUSED = {
    "zero width space": "Ann\u200bBell",
    "override": "Ann\u202ellA",
    "embedding": "\u202aAnn\u202c",
    "isolate": "\u2067Ann\u2069",
    "mark": "Ann\u200f",
    "newline": "Ann\nBell",
    "line separator": "Ann\u2028Bell",
    "tab": "Ann\tBell",
    "escape": "Ann\x1b[31m",
    "delete": "Ann\x7f",
    "c1": "Ann\x9bBell",
    "nul": "Ann\0",
    "private use": "Ann\ue000",
    "noncharacter": "Ann\ufdd0",
    "last noncharacter": "Ann\U0010ffff",
    "unassigned": "Ann\u0378",
    "soft hyphen": "An\u00adn",
    "byte order mark": "Ann\ufeff!",
    "joiner between letters": "An\u200dn",
    "non-joiner between letters": "An\u200cn",
    "joiner at the end": "👩\u200d",
    "joiner alone": "\u200d",
    "invisible letters": "\u3164",
    "blank of Braille": "a\u2800b",
    "jamo": "\u115f\u1160",
    "variation selector alone": "\ufe0f",
    "variation of a letter": "Ann\ufe0f",
    "Mongolian separator": "Ann\u180e",
    "two variation selectors": "❤\ufe0f\ufe0f",
    "tags": "a\U000e0041\U000e0042",
    "tags without end": "🏴\U000e0067\U000e0062",
    "annotation": "a\ufff9b",
    "object": "a\ufffcb",
    "only marks": "\u0301",
    "flood of marks": "Z" + "\u0301\u0327\u0323" * 4,
}
ACCEPTED = {
    "Persian": "می\u200cخواهم",
    "Persian with a vowel": "کَ\u200cها",
    "Hindi": "क्\u200dष",
    "Hindi apart": "क्\u200cष",
    "Sinhala": "ශ්\u200dරී ලංකා",
    "Bengali": "র\u200d্যাব",
    "Hebrew": "שָׁלוֹם",
    "Arabic": "مُحَمَّد",
    "Chinese": "王小明",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "heart": "❤\ufe0f",
    "burning heart": "❤\ufe0f\u200d🔥",
    "sign": "©\ufe0f ™\ufe0f ℹ\ufe0f 1\ufe0f",
    "keycap": "1\ufe0f⃣",
    "profession": "👩🏽\u200d💻",
    "flag": "🇫🇷",
    "flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "new emoji": "\U0001fa77",
    "new ideograph": "\U00031350",
    "head": "🙂\u200d↔\ufe0f",
    "ideograph and variant": "葛\U000e0100",
    "Mongolian": "ᠰᠠᠷᠠᠨ\u180eᠠ",
    "Thai": "ก็้",
    "tallest stack": "ཧྐྵྨླྺྼྻྂ",
    "Vietnamese": "Nguyễn",
    "Korean": "ㅇㅇ",
    "quote": "O’Brien-Müller, Jr. (ñ) #1!",
    "Arabic number sign": "\u0600١",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_nobody_can_see_is_refused(api, root, alice, text):
    for field in SHORT_TEXTS:
        value = text[:24]
        assert list(api.patch("users/me", {field: value}, by=alice).json["errors"]) == [field]
    assert api.patch("users/me/state", {"message": text}, by=alice).status == 400
    assert api.post("users", {"username": "newbie", "password": PASSWORD, "nickname": text}).status == 400
    address = f"{USERS}{alice.pk}/change/"
    page = root.post(address, {**form_of(root.get(address)), "nickname": text})
    if "\0" not in text:  # Django's client cannot show the page again with it
        assert page.context["adminform"].form.errors["nickname"]
    assert User.objects.get(pk=alice.pk).nickname == alice.nickname
    assert not UserState.objects.exists()


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_scripts_and_emoji_need_is_kept(api, root, alice, text):
    assert api.patch("users/me", {"nickname": text}, by=alice).json["nickname"] == text
    assert api.patch("users/me/state", {"message": text}, by=alice).json["message"] == text
    address = f"{USERS}{alice.pk}/change/"
    assert root.post(address, {**form_of(root.get(address)), "city": text}).status_code == 302
    assert User.objects.values_list("nickname", "city").get(pk=alice.pk) == (text, text)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ann   Bell ", "Ann Bell"),
        ("山田\u3000太郎", "山田 太郎"),
        ("Ann\u00a0Bell", "Ann Bell"),
        ("Rene\u0301", "René"),
        ("   ", ""),
        ("\u3000", ""),
    ],
)
def test_blanks_and_letters_have_one_form(api, root, alice, typed, kept):
    assert api.patch("users/me", {"nickname": typed}, by=alice).json["nickname"] == kept
    address = f"{USERS}{alice.pk}/change/"
    assert root.post(address, {**form_of(root.get(address)), "city": typed}).status_code == 302
    assert User.objects.get(pk=alice.pk).city == kept


def test_the_length_is_counted_in_the_kept_form(api, root, alice):
    address = f"{USERS}{alice.pk}/change/"
    form = form_of(root.get(address))
    decomposed = "e\u0301" * 64
    assert api.patch("users/me", {"nickname": decomposed}, by=alice).json["nickname"] == "é" * 64
    assert root.post(address, {**form, "city": decomposed}).status_code == 302
    assert User.objects.get(pk=alice.pk).city == "é" * 64
    assert api.patch("users/me", {"nickname": decomposed + "e"}, by=alice).status == 400
    assert root.post(address, {**form, "city": decomposed + "e"}).status_code == 200
    assert api.patch("users/me", {"nickname": "👩" * 64}, by=alice).status == 200


def test_e_mail_addresses_and_links_have_no_hidden_characters(api, root, alice):
    for changes in (
        {"email": "a@ex\u202eample.com"}, {"email": "a@ex\u200bample.com"}, {"avatar": "https://a.example/\u202e.png"},
        {"avatar": "https://a.example/\u200b"},
    ):  # fmt: skip
        assert api.patch("users/me", changes, by=alice).status == 400, changes
        address = f"{USERS}{alice.pk}/change/"
        assert root.post(address, {**form_of(root.get(address)), **changes}).status_code == 200, changes


def test_an_older_text_does_not_block_other_edits_in_the_admin(api, root, alice):
    User.objects.update_one(alice.pk, nickname="A\u202eb\u200b", bio="old\x1b")
    address = f"{USERS}{alice.pk}/change/"
    form = form_of(root.get(address))
    assert root.post(address, {**form, "level": 7}).status_code == 302
    assert root.post(address, {**form, "nickname": "A\u202ec"}).status_code == 200
    assert User.objects.values_list("nickname", "level").get(pk=alice.pk) == ("A\u202eb\u200b", 7)
    assert api.patch("users/me", {"city": "Lyon"}, by=alice).status == 200


def test_the_admin_shows_several_lines_of_a_profile_text_and_keeps_them(root, alice):
    User.objects.update_one(alice.pk, bio="two\nlines")
    address = f"{USERS}{alice.pk}/change/"
    page = root.get(address)
    assert b'<textarea name="bio"' in page.content  # an input of one line would drop the line feed
    assert root.post(address, {**form_of(page), "bio": "two\r\nlines", "level": 7}).status_code == 302
    assert User.objects.values_list("bio", "level").get(pk=alice.pk) == ("two\nlines", 7)
