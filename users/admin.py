"""Accounts and states in the admin. Every edit goes through the cached models, so the API shows it at once."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from redis import RedisError

from api.admin import ChunkedDeletionAdmin, NewestFirstAdmin
from api.audited_admin import ActionRefused, Change
from api.links import validate_link
from api.model_fields import MultilineField
from users import admin_superuser, erasure, services  # noqa: F401  admin_superuser registers its admin classes
from users.admin_login import ThrottledLoginForm
from users.birthdays import validate_birthday
from users.models import Erasure, User, UserState
from users.ranks import MANAGED_BY_STAFF, may_manage
from users.search import for_admin

admin.site.site_header = admin.site.site_title = "Hotpath"
admin.site.site_url = "/api/docs"
admin.site.login_form = ThrottledLoginForm
RANK_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


class CachedUserAdmin(NewestFirstAdmin):
    """Rows by user: found by the API's search terms, with actions on the cache entries of the selected rows."""

    MOST_SHOWN = 20
    actions: tuple[str, ...] = ("show_cache_entry", "drop_cache_entry")
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

    @admin.action(description="Show cache entry", permissions=["view"])
    def show_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> None:
        for _ in self._for_each(request, queryset, self.model.objects.cache_entry):
            pass

    @admin.action(description="Drop cache entry", permissions=["change"])
    def drop_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> Change:
        dropped = list(self._for_each(request, queryset, self._drop))
        return Change(dropped, "Cache entry dropped.", f"{len(dropped)} cache entries dropped.")

    def _drop(self, pk: Any) -> str:
        self.model.objects.drop_entry(pk)
        return self.model.objects.cache_entry(pk)

    def _for_each(self, request: HttpRequest, queryset: QuerySet, act: Callable[[Any], str]) -> Iterator[Any]:
        """Call `act` for each of at most MOST_SHOWN selected rows, show its result as a message, and yield the row."""
        try:
            for row in self.selected(queryset, self.MOST_SHOWN):
                self.message_user(request, f"Cache entry {act(row.pk)}")
                yield row
        except RedisError as error:
            self.message_user(request, f"Redis cannot be asked: {error}", messages.ERROR)


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
class UserAdmin(CachedUserAdmin, ChunkedDeletionAdmin, DjangoUserAdmin):
    """Admin of accounts: activates, deactivates and deletes them, with actions on their cache entries."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    actions = ("activate", "deactivate", *CachedUserAdmin.actions)
    list_display = ("id", "username", "nickname", "country", "level", "is_vip", "is_active", "is_staff", "created_at")
    list_display_links = sortable_by = ("id", "username")  # other columns have no index to sort by
    formfield_overrides = {
        models.URLField: {"assume_scheme": "https"},
        MultilineField: {"widget": AdminTextareaWidget},
    }
    readonly_fields = ("created_at", "last_login")
    deletion_summary = "users"
    fieldsets = (
        (None, {"fields": ("username", "password", "nickname", "avatar", "bio")}),
        ("Profile", {"fields": ("gender", "country", "city", "language", "level", "is_vip")}),
        ("Private", {"fields": ("email", "phone", "birthday")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "nickname", "usable_password", "password1", "password2")}),)

    def delete_rows(self, pks: list[int]) -> None:
        erasure.delete_some(pks)

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
class UserStateAdmin(CachedUserAdmin):
    """Admin of user states, found by id or name of the user; those of users whom one may manage can be changed."""

    user_column = "user_id"
    list_display = ("user", "status", "message", "last_seen_at")
    list_select_related = ("user",)
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
