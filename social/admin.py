"""Edges for the staff: made and ended here under the same rules as by the API."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from api.ids import is_id
from api.paginators import BoundedPaginator
from social import services
from social.locks import lock_pair
from social.models import Block, Follow


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
    search_help_text = "The id of a user."

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Edges of one user, in either place; two ranges of two indexes, of which the newest are shown."""
        text = search_term.strip()
        if not text:
            return queryset, False
        if not is_id(text):
            return queryset.none(), False
        one, other = self.search_fields
        return queryset.filter(Q(**{one: int(text)}) | Q(**{other: int(text)})), False


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
