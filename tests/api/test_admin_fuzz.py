"""No address, lookup or form of the admin is a 500, whatever is sent to it."""

import itertools
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from popups.models import Event, Pacing, Popup, UserPopup
from tests.support.admin_rows import MAKE
from tests.support.short_form import SHORT
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]
MODELS = [model for model in admin.site._registry if not model.__module__.startswith("tests.")]
BAD = ("(", "", "abc", "9" * 400, "-1", "1e400", "\0", "小", "\ud7ff", "2026-13-45", "%", "0")
LOOKUPS = (
    "", "exact", "iexact", "contains", "startswith", "endswith", "regex", "iregex", "in", "range", "gt", "isnull",
    "year", "date", "id__exact", "password__startswith", "nonsense", "in__in", "__",
)  # fmt: skip
OF_THE_LIST = (
    "o", "p", "q", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets", "kind", "name",
    "is_active__exact", "is_active__isnull", "placement", "placement__isnull", "created_at__year", "is_staff__exact",
    "author", "post", "follower", "blocked", "user", "case", "reporter", "state", "gravest",
)  # fmt: skip
SOME = ("(", "9" * 30, "\0")
HUGE = "99999999999999999999"
NO_IDS = (HUGE, "9223372036854775808", "9" * 400, "0", "-1", "1.0", "+1", "01", "١", "1,2", "[1, 2]", "None", "%")


def address_of(model) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")


@pytest.fixture
def browser(root) -> Client:
    root.raise_request_exception = False
    return root


@pytest.fixture
def rows(browser, alice) -> dict:
    """A row of each model."""
    made = {model: make(alice) for model, make in MAKE.items()}
    user, popup = {"user": alice}, {"popup": made[Popup]}
    made[Pacing] = Pacing.objects.create()
    made[UserPopup] = UserPopup.objects.create(**user, **popup)
    made[Event] = Event.objects.create(
        **user, **popup, type="shown", claim="c", stream_id="1-1", at=made[Popup].starts_at
    )
    LogEntry.objects.log_actions(alice.pk, [alice], CHANGE, "x", single_object=True)
    made[LogEntry] = LogEntry.objects.get()
    assert set(made) >= set(MODELS) - {Group}
    return made


def failures(browser, requests) -> list:
    """Return the requests (method, address, data) that are answered by a 500, each with the error."""
    found = []
    for method, address, data in requests:
        answer = getattr(browser, method)(address, data)
        if answer.status_code >= 500:
            found.append((method, address, data, repr(answer.exc_info[1])[:200] if answer.exc_info else None))
    return found


def fields_of(model) -> list[str]:
    return [field.name for field in model._meta.get_fields()]


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_lookups(browser, rows, model):
    # Lookups that the list does not offer are refused whatever the value.
    pairs = [*itertools.product(fields_of(model), LOOKUPS, SOME[:1])]
    pairs += itertools.product(fields_of(model), ("", "exact", "isnull"), SOME[1:])
    names = [("__".join(filter(None, (field, lookup))), value) for field, lookup, value in pairs]
    assert failures(browser, [("get", address_of(model), {name: value}) for name, value in names]) == []


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_parameters_of_the_list(browser, rows, model):
    # The short form meets every parameter and every value, but not all pairs: 5 and the 12 values share no factor.
    pairs = [*itertools.product(OF_THE_LIST, BAD)][:: 5 if SHORT else 1]
    wanted = [("get", address_of(model), {name: value}) for name, value in pairs]
    wanted += [("get", address_of(model), {"o": order}) for order in ("1.2.3", "-99", "1.-1.x", "." * 50, "1" * 500)]
    assert failures(browser, wanted) == []


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_pages_of_rows_that_cannot_be(browser, rows, model):
    pks = [*SOME, "小", "%", "1e400", "_3A", rows[model].pk if model in rows else 1]
    wanted = []
    for pk, page in itertools.product(pks, ("change", "delete", "history", "password", "statistics")):
        address = f"{address_of(model)}{browser_quoted(pk)}/{page}/"
        wanted += [("get", address, {}), ("post", address, {"post": "yes", "_to_field": "x"})]
        wanted += [("get", address, {"_to_field": "id", "_popup": "1", "_changelist_filters": "a=%00&&="})]
    assert failures(browser, wanted) == []


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_what_is_no_id_is_404(browser, rows, model):
    """It was a 500 on SQLite for 99999999999999999999, which is a number but none that fits."""
    for page, method in itertools.product(("change", "delete", "history"), ("get", "post")):
        ask = getattr(browser, method)
        status = 403 if ask(f"{address_of(model)}{rows[model].pk}/{page}/").status_code == 403 else 404
        wanted = NO_IDS if (page, method) == ("change", "get") else (HUGE, "0")
        found = {pk: ask(f"{address_of(model)}{browser_quoted(pk)}/{page}/").status_code for pk in wanted}
        assert {pk: each for pk, each in found.items() if each not in (404, status)} == {}, (method, page)


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_a_row_that_is_gone_is_said_to_be(browser, rows, model):
    for page in ("change", "history"):
        answer = browser.get(f"{address_of(model)}{2**62}/{page}/", follow=True)
        assert (answer.status_code, b"Perhaps it was deleted?" in answer.content) == (200, True)


def browser_quoted(text) -> str:
    return quote(str(text), safe="", errors="replace")


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_actions_on_rows_that_cannot_be(browser, rows, model):
    names = [name for _, name, _ in admin.site._registry[model]._get_base_actions()]
    wanted = [
        ("post", address_of(model), {"action": name, "_selected_action": ["1", value], **more})
        for name in [*names, "nonsense", ""]
        for value in SOME
        for more in ({}, {"post": "yes"}, {"index": value}, {"select_across": value})
    ]
    assert failures(browser, wanted) == []


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_forms(browser, rows, model):
    pages = [f"{address_of(model)}add/"] + [f"{address_of(model)}{rows[model].pk}/change/"] * (model in rows)
    wanted = []
    for page in pages:
        form = getattr(browser.get(page).context or {}, "get", {}.get)("adminform")
        given = {name: form.form[name].value() for name in form.form.fields} if form else {}
        given = {name: value for name, value in given.items() if value is not None and value is not False}
        names = [
            *given,
            *(form.form.fields if form else ()),
            "starts_at_0",
            "starts_at_1",
            "last_seen_at_0",
            "_saveasnew",
        ]
        for name, value in itertools.product(dict.fromkeys(names), SOME):
            wanted.append(("post", page, {**given, "starts_at_0": "2026-01-01", "starts_at_1": "00:00", name: value}))
    assert failures(browser, wanted) == []


def test_other_pages(browser, rows):
    pages = ["/admin/", "/admin/password_change/", "/admin/jsi18n/", "/admin/popups/popup/dry-run/",
             "/admin/popups/popup/statistics/", "/admin/login/"]  # fmt: skip
    names = ("user", "placement", "platform", "app_version", "days", "next", "username", "app_label", "term", "page")
    wanted = [("get", page, {name: value}) for page in pages for name in names for value in BAD]
    wanted += [("post", page, {"username": value, "password": value}) for page in pages[:2] for value in BAD]
    for value in map(browser_quoted, BAD):
        paths = (f"r/{value}/1/", f"r/1/{value}/", f"{value}/", f"users/{value}")
        wanted += [("get", f"/admin/{path}", {}) for path in paths]
    of_the_user = {"app_label": "users", "model_name": "userstate", "field_name": "user", "term": "a"}
    wanted += [
        ("get", "/admin/autocomplete/", {**of_the_user, name: v}) for name in (*of_the_user, "page", "q") for v in BAD
    ]
    anonymous = Client(raise_request_exception=False)
    wanted_of_strangers = [("post", "/admin/login/", {"username": value, "password": value}) for value in BAD]
    assert failures(browser, wanted) + failures(anonymous, wanted_of_strangers) == []


def test_a_lookup_that_the_list_does_not_offer_is_refused(browser, rows):
    for lookup in ("username__regex", "email__startswith", "password__startswith", "id__in", "is_superuser__exact"):
        assert browser.get(address_of(User), {lookup: "("}).status_code == 400
    assert browser.get(address_of(Popup), {"is_active__exact": "1", "placement": "home"}).status_code == 200
    assert browser.get(address_of(User)).status_code == 200
