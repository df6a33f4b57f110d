"""Edges for the staff: made and ended here under the same rules as by the API."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from api.ids import is_id
from api.paginators import BoundedPaginator
from social import services
from social.locks import lock_pair
from social.models import Block, Follow
from users.models import User


class _EdgeForm(forms.ModelForm):
    # The admin validates and saves in one transaction, so the pair that is locked here stays locked until the save.

    pair: tuple[str, str]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        one, other = (cleaned.get(name) for name in self.pair)
        if one is None or other is None:
            return cleaned
        if one == other:
            raise forms.ValidationError("Nobody follows or blocks themselves.")
        lock_pair(one.pk, other.pk)
        self.check_pair(one.pk, other.pk)
        return cleaned

    def check_pair(self, one_id: int, other_id: int) -> None:
        pass


class FollowForm(_EdgeForm):
    pair = ("follower", "followee")

    def check_pair(self, one_id: int, other_id: int) -> None:
        if services.blocks_between(one_id, other_id).exists():
            raise forms.ValidationError("One of the two blocks the other.")


class BlockForm(_EdgeForm):
    pair = ("blocker", "blocked")


class _EdgeAdmin(admin.ModelAdmin):
    """An edge is made or ended, never edited into another. Lists are newest first, and count no whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter = ()
    sortable_by = ()
    ordering = ("-pk",)
    search_help_text = "The id or the whole username of one of the two."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("created_at",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Edges of one user, in either place; two ranges of two indexes, of which the newest are shown."""
        text = search_term.strip()
        if not text:
            return queryset, False
        named = User.objects.named(text)
        people = ([int(text)] if is_id(text) else []) + ([named.pk] if named else [])
        one, other = self.search_fields
        return queryset.filter(Q(**{f"{one}__in": people}) | Q(**{f"{other}__in": people})), False

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **options)
        except (IntegrityError, User.DoesNotExist):  # after the form was found to be right, and maybe at the commit
            self.message_user(request, "One of the two was deleted meanwhile; nothing is changed.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Back to the list; Django leads there only who may change what is in it."""
        super().response_delete(request, obj_display, obj_id)
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


@admin.register(Follow)
class FollowAdmin(_EdgeAdmin):
    form = FollowForm
    list_display = ("id", "follower", "followee", "created_at")
    list_select_related = raw_id_fields = search_fields = ("follower", "followee")


@admin.register(Block)
class BlockAdmin(_EdgeAdmin):
    form = BlockForm
    list_display = ("id", "blocker", "blocked", "created_at")
    list_select_related = raw_id_fields = search_fields = ("blocker", "blocked")

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        """Through the service, which ends the follows."""
        services.block(blocker_id=obj.blocker_id, blocked_id=obj.blocked_id)
        obj.pk = Block.objects.get(blocker_id=obj.blocker_id, blocked_id=obj.blocked_id).pk
