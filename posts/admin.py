"""Moderation: posts and comments are searched, hidden and deleted, with immediate effect on the API."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from api.admin import SEARCHED, MarkedRowsAdmin, NewestFirstAdmin
from api.audited_admin import Change
from posts import removal
from posts.models import Comment, Post
from users.models import User

_WORDS = f"an author's whole username, or words among the newest {SEARCHED:,}."


class _TextAdmin(NewestFirstAdmin):
    list_select_related = ("author",)
    text_column = "text"
    search_help_text = f"An id, {_WORDS}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def search_words(self, queryset: QuerySet, text: str) -> QuerySet:
        author = User.objects.named(text)
        return super().search_words(queryset, text) if author is None else queryset.filter(author_id=author.pk)

    @admin.display(description="text")
    def excerpt(self, row: Any) -> str:
        return row.text if len(row.text) <= 80 else f"{row.text[:79]}…"


@admin.register(Post)
class PostAdmin(_TextAdmin, MarkedRowsAdmin):
    """Admin of posts, which may be edited, hidden, shown again and removed, but not added."""

    list_display = ("id", "author", "excerpt", "state", "created_at")
    fields = ("author", "text", "state", "repost_of", "created_at")
    readonly_fields = ("author", "repost_of", "created_at")
    actions = ("hide", "show")
    formfield_overrides = {models.CharField: {"widget": AdminTextareaWidget}}
    deletion_summary = "posts, with their likes, comments and favourites"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Post]:
        return super().get_queryset(request).exclude(state=Post.State.REMOVED)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer all states but REMOVED, which only a deletion sets."""
        choices = [choice for choice in Post.State.choices if choice[0] != Post.State.REMOVED]
        return super().formfield_for_choice_field(db_field, request, choices=choices, **options)

    def delete_rows(self, pks: list[int]) -> None:
        removal.remove(pks)

    @admin.action(description="Hide the selected posts", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Post]) -> Change:
        return self._set_state(queryset, Post.State.HIDDEN, "hidden")

    @admin.action(description="Show the selected posts again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Post]) -> Change:
        return self._set_state(queryset, Post.State.SHOWN, "shown again")

    def _set_state(self, queryset: QuerySet[Post], state: Post.State, participle: str) -> Change:
        posts = self.selected(queryset.exclude(state=state))
        changed = queryset.filter(pk__in=[post.pk for post in posts]).order_by().update(state=state)
        message = f"{changed} {'post' if changed == 1 else 'posts'} {participle}."
        return Change(posts, f"{participle.capitalize()}.", message)


@admin.register(Comment)
class CommentAdmin(_TextAdmin):
    """Admin of comments, which may be deleted, but neither added nor changed."""

    list_display = ("id", "post_id", "author", "excerpt", "created_at")
    fields = readonly_fields = ("post", "author", "text", "created_at")
    id_columns = ("pk", "post_id")
    search_help_text = f"The id of a comment or a post, {_WORDS}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
