"""Follows and blocks in the admin, created and deleted under the same rules as by the API."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from api.admin import NewestFirstAdmin, any_of
from api.admin_links import by_id, linked
from social import services
from social.locks import lock_pair
from social.models import Block, Follow
from users.models import User
from users.visibility import is_gone


class _EdgeForm(forms.ModelForm):
    # The admin validates and saves in one transaction, so the lock on the pair lasts until the save.

    pair: tuple[str, str]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        users: list[Any] = [cleaned.get(name) for name in self.pair]
        if None in users:
            return cleaned
        if users[0] == users[1]:
            raise forms.ValidationError("Nobody follows or blocks themselves.")
        if any(map(is_gone, users)):
            raise forms.ValidationError("One of the two is not active.")
        ids = [user.pk for user in users]
        lock_pair(*ids)
        if isinstance(self.instance, Follow) and services.blocks_between(*ids).exists():
            raise forms.ValidationError("One of the two blocks the other.")
        return cleaned


class FollowForm(_EdgeForm):
    """Form of a follow; refuses a follow of oneself, and a follow between users of whom one blocks the other."""

    pair = ("follower", "followee")


class BlockForm(_EdgeForm):
    """Form of a block; refuses a block of oneself."""

    pair = ("blocker", "blocked")


class _EdgeAdmin(NewestFirstAdmin):
    # An edge is created or deleted, but never changed.

    form: type[_EdgeForm]
    search_help_text = "The id or the whole username of one of the two."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("created_at",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        """Return the edges at whose ends the user is; two ranges of two indexes."""
        return queryset.filter(any_of((f"{end}__in" for end in self.form.pair), User.objects.ids_named(text)))

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **options)
        except (IntegrityError, User.DoesNotExist):  # a user was deleted after the form's validation
            self.message_user(request, "One of the two was deleted meanwhile; nothing is changed.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Redirect to the list; Django does so only for staff with the permission to change its rows."""
        super().response_delete(request, obj_display, obj_id)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


@admin.register(Follow)
class FollowAdmin(_EdgeAdmin):
    """Admin of follows, which may be added and deleted, but not changed."""

    form = FollowForm
    list_display = ("id", *map(linked, FollowForm.pair), "created_at")
    list_filter = tuple(map(by_id, FollowForm.pair))
    related = raw_id_fields = FollowForm.pair


@admin.register(Block)
class BlockAdmin(_EdgeAdmin):
    """Admin of blocks, which may be added and deleted, but not changed; a new block deletes follows."""

    form = BlockForm
    list_display = ("id", *map(linked, BlockForm.pair), "created_at")
    list_filter = tuple(map(by_id, BlockForm.pair))
    related = raw_id_fields = BlockForm.pair

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        """Save through the service, which deletes the follows between the two users."""
        services.block(blocker_id=obj.blocker_id, blocked_id=obj.blocked_id)
        obj.pk = Block.objects.get(blocker_id=obj.blocker_id, blocked_id=obj.blocked_id).pk
