"""Accounts and states for the staff. Every edit goes through the cached models, so the API shows it at once."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from redis import RedisError

from api.paginators import BoundedPaginator
from users import services
from users.models import User, UserState
from users.search import ids_for_staff

admin.site.site_header = admin.site.site_title = "Hotpath"
admin.site.site_url = "/api/docs"


class CacheEntries:
    """Actions on what Redis holds for the selected rows."""

    MOST_SHOWN = 20
    actions = ("show_cache_entry", "drop_cache_entry")

    @admin.action(description="Show cache entry", permissions=["view"])
    def show_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._for_each(request, queryset, self.model.objects.cache_entry)

    @admin.action(description="Drop cache entry", permissions=["change"])
    def drop_cache_entry(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._for_each(request, queryset, self._drop)

    def _drop(self, pk: Any) -> str:
        self.model.objects.drop_entry(pk)
        return self.model.objects.cache_entry(pk)

    def _for_each(self, request: HttpRequest, queryset: QuerySet, do: Any) -> None:
        """The selection is taken up to MOST_SHOWN rows; each is answered by a message."""
        pks = list(queryset.values_list("pk", flat=True)[: self.MOST_SHOWN + 1])
        if len(pks) > self.MOST_SHOWN:
            self.message_user(request, f"Select at most {self.MOST_SHOWN} rows.", messages.WARNING)
            return
        try:
            for pk in pks:
                self.message_user(request, f"Cache entry {do(pk)}")
        except RedisError as error:
            self.message_user(request, f"Redis cannot be asked: {error}", messages.ERROR)


class Paged:
    """Lists that cost the same however many rows there are: newest first, and no count of them all."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_filter = ()
    list_per_page = 50
    ordering = ("-pk",)
    search_fields = ("username",)  # shows the box; get_search_results asks the search terms
    search_help_text = "An id, the beginning of a username or of a word of the nickname, or Chinese characters in it."
    found_by = "pk"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip().replace("\0", "")[:64]
        if text:
            queryset = queryset.filter(**{f"{self.found_by}__in": ids_for_staff(text)})
        return queryset, False


class AccountCreationForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("username", "nickname")


class AccountChangeForm(UserChangeForm):
    class Meta:
        model = User
        fields = ("username", "password")  # the admin adds those of its fieldsets


@admin.register(User)
class UserAdmin(CacheEntries, Paged, DjangoUserAdmin):
    form = AccountChangeForm
    add_form = AccountCreationForm
    actions = ("activate", "deactivate", *CacheEntries.actions)
    list_display = ("id", "username", "nickname", "country", "level", "is_vip", "is_active", "is_staff", "created_at")
    list_display_links = sortable_by = ("id", "username")  # other columns have no index to sort by
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password", "nickname", "avatar", "bio")}),
        ("Profile", {"fields": ("gender", "country", "city", "language", "level", "is_vip")}),
        ("Private", {"fields": ("email", "phone", "birthday")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "nickname", "usable_password", "password1", "password2")}),)

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own, but not in one transaction: see users/deletion_hooks.py."""
        return self._delete_view(request, object_id, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict[str, int], set, list]:
        """Names the accounts alone: what would go with them may be millions of rows."""
        names = [str(user) for user in objs]
        return names, {str(User._meta.verbose_name_plural): len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        for _ in services.delete_user(obj.pk):
            pass

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for user in queryset:
            self.delete_model(request, user)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._set_active(request, queryset, active=True)

    @admin.action(description="Deactivate: refuse their tokens at once", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._set_active(request, queryset, active=False)

    def _set_active(self, request: HttpRequest, queryset: QuerySet, *, active: bool) -> None:
        changed = services.set_active(list(queryset.values_list("pk", flat=True)), active=active)
        self.message_user(request, f"{changed} accounts {'activated' if active else 'deactivated'}.")


@admin.register(UserState)
class UserStateAdmin(CacheEntries, Paged, admin.ModelAdmin):
    found_by = "user_id"
    list_display = ("user", "status", "message", "last_seen_at")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    sortable_by = ()
