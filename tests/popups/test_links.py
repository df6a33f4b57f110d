"""A link leads to the web or into the app, and nowhere else: by the form, by the model and at delivery."""

import pytest
from django.core.exceptions import ValidationError

from popups.config.locales import COUNTRIES
from popups.models import Popup
from tests.popups.admin_form import POPUPS, add

pytestmark = pytest.mark.django_db(transaction=True)
BAD_LINKS = (
    "javascript:alert(1)", "JavaScript://%0aalert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
    "\x01javascript:x", "javascript&colon;alert(1)", "\u200bjavascript:alert(1)", "data:text/html,<script>",
    "vbscript:msgbox(1)", "file:///etc", "blob:https://a.example/1", "//evil.example", "\\\\evil.example",
    "https:\\\\evil.example", "https:/evil.example",
    "https:///evil.example", "https://", "app://", "https://good.example\\@evil.example", "https://good.example@evil.example",
    "https://good.example/\u202egnp.exe", "https://good.example/a b", "intent://x#Intent;end", "myapp://x", "/relative",
    "www.example.com", "ftp://files.example/x", "https://a.example\n.evil.example", "app://x\\y", "https://-/", "app:x",
)  # fmt: skip
COMPLETED = ("//evil.example", "www.example.com")  # Django's form makes https://… of them
GOOD_LINKS = (
    "https://a.example", "http://a.example:8080/x?y=1#z", "HTTPS://A.EXAMPLE/", "https://例え.example/茶?q=茶", "app://update",
    "https://a.example/@user", "APP://profile/7?x=y", "https://[2001:db8::1]/", "https://a.example/mail?to=a@b.example",
)  # fmt: skip


@pytest.mark.parametrize("link", BAD_LINKS)
def test_a_bad_link_is_refused(root, link):
    page = add(root, link=link)
    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == ["link"]
    with pytest.raises(ValidationError) as refused:
        Popup(title="x", link=link).full_clean()
    assert list(refused.value.message_dict) == ["link"]
    assert not Popup.objects.exists()


@pytest.mark.parametrize("link", GOOD_LINKS)
def test_a_good_link_is_taken(root, link):
    assert add(root, link=link).status_code == 302
    assert Popup.objects.get().link == link


def test_a_scheme_of_another_app_is_a_setting(root, settings):
    settings.POPUP_LINK_SCHEMES = ["https", "myapp"]
    assert add(root, link="myapp://x").status_code == 302
    assert add(root, link="http://a.example").status_code == 200


def test_a_stored_link_of_another_app_is_shown_and_a_stored_script_is_not(enter, alice, bob, make):
    popup = make(link="oldapp://x")
    assert enter(alice).json["popup"]["link"] == "oldapp://x"
    for link in ("javascript:alert(1)", "\tjava\nscript:alert(1)", "data:text/html,x"):
        Popup.objects.filter(pk=popup.pk).update(link=link)
        popup.refresh_from_db()
        popup.save()  # which makes the processes read the configs again
        shown = enter(bob).json["popup"]
        assert shown is None or shown["link"] == "oldapp://x"  # the last good config


@pytest.mark.parametrize("link", [*BAD_LINKS, "app://update"])
def test_images_and_avatars_are_addresses_of_the_web(api, root, alice, link):
    completed = link in COMPLETED
    assert (add(root, image=link).status_code == 302) == completed
    if link.strip() == link:
        assert api.patch("users/me", {"avatar": link}, by=alice).status == 400
    page = root.post(f"/admin/users/user/{alice.pk}/change/", {"username": "alice", "level": 1, "avatar": link})
    assert (page.status_code == 302) == completed
    alice.refresh_from_db()
    assert alice.avatar == (f"https://{link.lstrip('/')}" if completed else "")


def test_targets_are_codes(root):
    assert len(COUNTRIES) == 249
    for name, wrong in {
        "countries": ("Germany", "UK", "CN, XX", "DEU", "de-DE"),
        "languages": ("german", "Chinese", "zh-", "xx-YY", "e", "zh-CN-x", "en, 12"),
        "min_version": ("3.x", "v3", "3-1"),
    }.items():
        for value in wrong:
            page = add(root, **{name: value})
            assert page.status_code == 200, value
            assert list(page.context["adminform"].form.errors) == [name], value
    right = {
        "countries": "de, GB,us, DE",
        "languages": "zh, EN-us, zh_hant_TW, es-419, sl-rozaj, de-CH-1996, iw, zh_CN, zh-cn",
        "min_version": "3",
        "max_version": "3.2.0-beta.1",
    }
    assert add(root, **right).status_code == 302
    popup = Popup.objects.get()
    assert popup.countries == "DE, GB, US"
    assert popup.languages == "zh, en-US, zh-Hant-TW, es-419, sl-rozaj, de-CH-1996, he, zh-CN"


def test_a_stored_country_keeps_working_until_it_is_edited(enter, root, new_user, make):
    popup = make(countries="Germany", languages="german")
    ann = new_user("ann", country="Germany", language="german")
    assert enter(ann).json["popup"]
    page = root.get(f"{POPUPS}{popup.pk}/change/")
    form = {name: page.context["adminform"].form[name].value() for name in page.context["adminform"].form.fields}
    form = {name: value for name, value in form.items() if value is not None and value is not False}
    form |= {"starts_at_0": "2026-01-01", "starts_at_1": "00:00:00", "title": "Edited"}
    page = root.post(f"{POPUPS}{popup.pk}/change/", form)
    assert page.status_code == 302, page.context["adminform"].form.errors
    assert Popup.objects.get().title == "Edited"
    assert root.post(f"{POPUPS}{popup.pk}/change/", {**form, "countries": "Germany, FR"}).status_code == 200
    assert root.post(f"{POPUPS}{popup.pk}/change/", {**form, "_saveasnew": "1"}).status_code == 200
    assert Popup.objects.count() == 1
