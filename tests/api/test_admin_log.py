"""Every action of every admin class leaves an entry for each row that it changed, and none if it changed nothing."""

import pytest
from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import RequestFactory
from django.urls import reverse

from api.audited_admin import AuditedAdmin
from counters.api import counters_of
from counters.models import Counter
from popups.models import Event, Pacing, Popup, UserPopup
from posts.models import Post
from ratings.models import Item
from reports.models import Case
from social.models import Follow
from tests.support.admin_actions import run_action
from tests.support.admin_rows import MAKE, UNDELETED
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = {User: "user", Post: "post", Item: "rating"}


def make_drift(row) -> None:
    if type(row) in KINDS:
        kind = KINDS[type(row)]
        Counter.objects.create(kind=kind, target_id=row.pk, name=next(iter(counters_of(kind))), value=7)


PREPARE = {
    "reconcile": make_drift,
    "activate": lambda row: User.objects.filter(pk=row.pk).update(is_active=False),
    "show": lambda row: Post.objects.filter(pk=row.pk).update(state=Post.State.HIDDEN),
    "switch_on": lambda row: Popup.objects.filter(pk=row.pk).update(is_active=False),
}
UNEDITED = {Pacing, Event, UserPopup, LogEntry}  # no list of rows that an action could change
LISTS = {
    model: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for model in admin.site._registry
}


def actions():
    for model, model_admin in admin.site._registry.items():
        if model not in UNEDITED and not model.__module__.startswith("tests."):
            for action, name, _ in model_admin._get_base_actions():
                if action is not delete_selected or model not in UNDELETED:
                    yield pytest.param(model, name, id=f"{model.__name__}-{name}")


def entries(model) -> set[tuple]:
    found = LogEntry.objects.filter(user__username="root", content_type__model=model._meta.model_name)
    return {(entry.object_id, entry.action_flag, entry.change_message) for entry in found}


def test_every_admin_class_derives_from_the_audited_one():
    assert {type(each) for each in admin.site._registry.values() if not isinstance(each, AuditedAdmin)} == set()


@pytest.mark.parametrize(("model", "name"), list(actions()))
def test_every_action_leaves_an_entry_for_each_row(root, alice, bob, model, name):
    rows = [MAKE[model](user) for user in (alice, bob)]
    for row in rows:
        PREPARE.get(name, lambda row: None)(row)
    run_action(root, LISTS[model], name, *rows)  # a deletion answers with its page of confirmation
    if name.startswith("delete"):
        assert not LogEntry.objects.exists()
        root.post(LISTS[model], {"action": name, "_selected_action": [row.pk for row in rows], "post": "yes"})
    if name == "delete_selected":
        assert not model.objects.filter(pk__in=[row.pk for row in rows if row.pk]).exclude(
            **({"state": Post.State.REMOVED} if model is Post else {})
        )
    if name == "show_cache_entry":
        assert not LogEntry.objects.exists()
        return
    flag = DELETION if name == "delete_selected" else CHANGE
    assert {(pk, found) for pk, found, _ in entries(model)} == {(str(row.pk), flag) for row in rows}
    if flag == CHANGE and model is not Case:  # whose entries are part of each decision
        assert all(text.endswith(". One of 2 in one action.") for _, _, text in entries(model))


@pytest.mark.parametrize("model", MAKE)
def test_a_deletion_by_its_page_leaves_an_entry(root, alice, model):
    row = MAKE[model](alice)
    if model in UNDELETED:
        assert root.post(f"{LISTS[model]}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        return
    assert root.post(f"{LISTS[model]}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert entries(model) == {(str(row.pk), DELETION, "")}


@pytest.mark.parametrize("model", [User, Post, Item, Popup, Follow])
def test_a_failed_deletion_leaves_none(root, alice, bob, model, monkeypatch):
    rows = [MAKE[model](user) for user in (alice, bob)]

    def fail(self, *args, **options):
        raise RuntimeError("lost the connection")

    name = "delete_rows" if hasattr(admin.site._registry[model], "delete_rows") else "delete_queryset"
    monkeypatch.setattr(type(admin.site._registry[model]), name, fail)
    with pytest.raises(RuntimeError):
        root.post(
            LISTS[model], {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
        )
    assert not LogEntry.objects.exists()


def test_a_refused_action_and_one_that_changes_nothing_leave_none(root, alice, monkeypatch):
    posts = [MAKE[Post](alice) for _ in range(3)]
    assert "0 posts shown again." in run_action(root, LISTS[Post], "show", *posts)
    monkeypatch.setattr("api.audited_admin.AuditedAdmin.selected.__defaults__", (2,))
    assert "Select at most 2 rows." in run_action(root, LISTS[Post], "hide", *posts)
    assert Post.objects.filter(state=Post.State.SHOWN).count() == 3
    assert not LogEntry.objects.exists()
    assert "1 post hidden." in run_action(root, LISTS[Post], "hide", posts[0])
    assert entries(Post) == {(str(posts[0].pk), CHANGE, "Hidden.")}


def test_an_action_that_forgets_to_say_what_it_changed_is_an_error(root):
    @admin.action(permissions=["change"])
    def careless(model_admin, request, queryset):
        """Change something."""

    class CarelessAdmin(AuditedAdmin):
        actions = (careless,)

    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    model_admin = CarelessAdmin(Popup, admin.site)
    action, _, _ = model_admin.get_actions(request)["careless"]
    with pytest.raises(TypeError, match="careless"):
        action(model_admin, request, Popup.objects.all())
