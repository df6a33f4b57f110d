"""Accounts and states in the admin. Every edit goes through the cached models, so the API shows it at once."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from api.admin import ChunkedDeletionAdmin, NewestFirstAdmin, bounded_count
from api.admin_links import by_id, linked, list_address
from api.audited_admin import ActionRefused, Change
from api.cache_admin import CacheEntriesAdmin
from api.links import validate_link
from api.model_fields import MultilineField
from counters.http.counted_admin import CountedAdmin
from users import admin_superuser, erasure, logins, related_rows, services  # noqa: F401  admin_superuser registers
from users.admin_login import ThrottledLoginForm
from users.birthdays import validate_birthday
from users.models import Erasure, Login, User, UserState
from users.ranks import MANAGED_BY_STAFF, may_manage
from users.search import for_admin

admin.site.site_header = admin.site.site_title = "Hotpath"
admin.site.site_url = "/api/docs"
admin.site.login_form = ThrottledLoginForm
RANK_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


class _UserRowsAdmin(NewestFirstAdmin):
    # Rows by user, found by the API's search terms.

    search_help_text = "An id, the beginning of a username or of a word of the nickname, or Chinese characters in it."
    user_column = "pk"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Return the rows, without those of accounts that are being deleted."""
        erased = Erasure.objects.filter(gone_at=None).values("user_id")
        return super().get_queryset(request).exclude(**{f"{self.user_column}__in": erased})

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Return who is found, in the order of the search, unless the staff has chosen another."""
        found, _ = super().get_search_results(request, queryset, search_term)
        return (found.order_by(*queryset.query.order_by) if "o" in request.GET else found), False

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        return for_admin(queryset, self.user_column, text[:64])


class AccountCreationForm(AdminUserCreationForm):
    """Form to add an account, with a username, a nickname and a password that may be unusable."""

    class Meta:
        model = User
        fields = ("username", "nickname")


class AccountChangeForm(UserChangeForm):
    """Form to change an account; the password is set on a page of its own."""

    class Meta:
        model = User
        fields = ("username", "password")  # the admin adds the fields of its fieldsets

    def clean_avatar(self) -> str:
        avatar: str = self.cleaned_data["avatar"]
        if avatar and "avatar" in self.changed_data:
            validate_link(avatar)
        return avatar

    def clean_birthday(self) -> Any:
        birthday = self.cleaned_data["birthday"]
        if birthday and "birthday" in self.changed_data:
            validate_birthday(birthday)
        return birthday


@admin.register(User)
class UserAdmin(_UserRowsAdmin, CountedAdmin, ChunkedDeletionAdmin, DjangoUserAdmin):
    """Admin of accounts: activates, deactivates and deletes them, and counts what belongs to them."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    counter_kind = "user"
    actions = ("activate", "deactivate", *CountedAdmin.actions)
    list_display = ("id", "username", "nickname", "country", "level", "is_vip", "is_active", "is_staff", "created_at")
    list_display_links = sortable_by = ("id", "username")  # other columns have no index to sort by
    list_filter = ("is_active", "is_staff")
    formfield_overrides = {
        models.URLField: {"assume_scheme": "https"},
        MultilineField: {"widget": AdminTextareaWidget},
    }
    readonly_fields = ("belongings", "created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password", "nickname", "avatar", "bio")}),
        ("Profile", {"fields": ("gender", "country", "city", "language", "level", "is_vip")}),
        ("Private", {"fields": ("email", "phone", "birthday")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
        ("What belongs to the account", {"fields": ("belongings",)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "nickname", "usable_password", "password1", "password2")}),)

    def delete_rows(self, pks: list[int]) -> None:
        erasure.delete_some(pks)

    def going_along(self, pks: list[int]) -> Mapping[str, QuerySet]:
        return {f"{kind.title}{kind.kept}": kind.of(pks) for kind in related_rows.all_kinds()}

    @admin.display(description="rows")
    def belongings(self, user: User) -> Any:
        """Return what belongs to an account: how many rows of each kind, and where they are listed."""
        kinds = related_rows.all_kinds()
        lines = (
            (bounded_count(kind.of([user.pk])), kind, list_address(kind.model, kind.column, user.pk)) for kind in kinds
        )
        cells = ((_maybe_link(kind.title, address), count) for count, kind, address in lines)
        return format_html("<table>{}</table>", format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", cells))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        own = super().get_readonly_fields(request, obj)
        return tuple(own) if request.user.is_superuser else (*own, *RANK_FIELDS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields; without the password where it may not be set."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        (_, identity), *others = self.fieldsets
        return [(None, {"fields": [name for name in identity["fields"] if name != "password"]}), *others]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the account may be deleted: one's own may not, as the entry in the log needs it."""
        may_delete = super().has_delete_permission(request, obj)
        return may_delete and (obj is None or (may_manage(request.user, obj) and obj.pk != request.user.pk))

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet) -> Change:
        return self._set_active(request, queryset, active=True)

    @admin.action(description="Deactivate: refuse their tokens at once", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> Change:
        return self._set_active(request, queryset, active=False)

    def _set_active(self, request: HttpRequest, queryset: QuerySet, *, active: bool) -> Change:
        users = self.selected(queryset.exclude(is_active=active))
        if above := [user.username for user in users if not self.has_change_permission(request, user)]:
            raise ActionRefused(f"You may not change {', '.join(above[:10])}; nothing was changed.")
        changed = services.set_active([user.pk for user in users], active=active)
        participle = "activated" if active else "deactivated"
        return Change(users, f"{participle.capitalize()}.", f"{changed} accounts {participle}.")


@admin.register(UserState)
class UserStateAdmin(_UserRowsAdmin, CacheEntriesAdmin):
    """Admin of user states, found by id or name of the user; those of users whom one may manage can be changed."""

    user_column = "user_id"
    list_display = ("__str__", linked("user"), "status", "message", "last_seen_at")
    related = ("user",)
    raw_id_fields = ("user",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the users whom the staff may manage."""
        users = User.objects.all() if request.user.is_superuser else User.objects.filter(MANAGED_BY_STAFF)
        return super().formfield_for_foreignkey(db_field, request, queryset=users, **options)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_manage(request.user, obj.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_manage(request.user, obj.user))


@admin.register(Login)
class LoginAdmin(_UserRowsAdmin):
    """Admin of sessions: the logins of users, which may be ended, but neither added nor changed."""

    user_column = "user_id"
    list_display = ("id", linked("user"), "user_agent", "is_open", "created_at", "last_used_at", "expires_at")
    list_filter = (by_id("user"),)
    related = ("user",)
    fields = readonly_fields = ("user", "user_agent", "is_open", "created_at", "last_used_at", "expires_at")
    actions = ("end",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Return whether sessions may be ended: by those who may delete them."""
        return request.user.has_perm("users.delete_login")

    @admin.display(boolean=True, description="open")
    def is_open(self, session: Login) -> bool:
        return logins.is_open(session, session.user.token_generation)

    @admin.action(description="End the selected sessions at once", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Login]) -> Change:
        sessions = self.selected(queryset)
        if above := sorted({each.user.username for each in sessions if not may_manage(request.user, each.user)}):
            raise ActionRefused(f"You may not end sessions of {', '.join(above[:10])}; nothing was changed.")
        for each in sessions:
            logins.end_login(each.user_id, each.pk)
        return Change(sessions, "Ended.", f"{len(sessions)} sessions ended.")


def _maybe_link(text: str, address: str | None) -> Any:
    return format_html('<a href="{}">{}</a>', address, text) if address else text
