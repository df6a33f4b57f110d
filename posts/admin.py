"""Moderation: posts and comments are searched, hidden and deleted, with immediate effect on the API."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from api.admin import SEARCHED, MarkedRowsAdmin, NewestFirstAdmin
from api.admin_links import by_id, linked
from api.audited_admin import Change
from counters.http.counted_admin import CountedAdmin
from posts import removal
from posts.models import Comment, Favorite, Like, Post
from users.models import User

_WORDS = f"an author's whole username, or words among the newest {SEARCHED:,}."


class _TextAdmin(NewestFirstAdmin):
    related = ("author",)
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


class StateFilter(admin.SimpleListFilter):
    """Filters posts by their state; those that are being deleted are listed by this filter alone."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), label) for value, label in Post.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Post]) -> QuerySet[Post]:
        chosen = self.value()
        if not chosen or chosen not in map(str, Post.State.values):
            return queryset.exclude(state=Post.State.REMOVED)
        return queryset.filter(state=int(chosen))


@admin.register(Post)
class PostAdmin(_TextAdmin, CountedAdmin, MarkedRowsAdmin):
    """Admin of posts, which may be edited, hidden, shown again and removed, but not added."""

    counter_kind = "post"
    list_display = ("id", linked("author"), "excerpt", "state", "created_at")
    list_filter = (StateFilter, by_id("author"))
    fields = ("author", "text", "state", "repost_of", "created_at")
    readonly_fields = ("author", "repost_of", "created_at")
    actions = ("hide", "show", *CountedAdmin.actions)
    formfield_overrides = {models.CharField: {"widget": AdminTextareaWidget}}

    def has_change_permission(self, request: HttpRequest, obj: Post | None = None) -> bool:
        """Return whether a post may be changed: not while it is being deleted."""
        return super().has_change_permission(request, obj) and (obj is None or obj.state != Post.State.REMOVED)

    def save_model(self, request: HttpRequest, obj: Post, form: Any, change: bool) -> None:
        """Save the edited columns, unless the post was removed meanwhile."""
        edited = {name: form.cleaned_data[name] for name in form.changed_data}
        if edited:
            Post.objects.filter(pk=obj.pk).exclude(state=Post.State.REMOVED).update(**edited)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer all states but REMOVED, which only a deletion sets."""
        choices = [choice for choice in Post.State.choices if choice[0] != Post.State.REMOVED]
        return super().formfield_for_choice_field(db_field, request, choices=choices, **options)

    def delete_rows(self, pks: list[int]) -> None:
        removal.remove(pks)

    def going_along(self, pks: list[int]) -> Mapping[str, QuerySet]:
        marks: dict[str, Any] = {"likes": Like, "comments": Comment, "favourites": Favorite}
        rows = {title: model._default_manager.filter(post_id__in=pks) for title, model in marks.items()}
        return {**rows, "reposts, of which those with a text stay": Post.objects.filter(repost_of_id__in=pks)}

    @admin.action(description="Hide the selected posts", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Post]) -> Change:
        return self._set_state(queryset, Post.State.HIDDEN, "hidden")

    @admin.action(description="Show the selected posts again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Post]) -> Change:
        return self._set_state(queryset, Post.State.SHOWN, "shown again")

    def _set_state(self, queryset: QuerySet[Post], state: Post.State, participle: str) -> Change:
        kept = (state, Post.State.REMOVED)
        posts = self.selected(queryset.exclude(state__in=kept))
        rows = Post.objects.filter(pk__in=[post.pk for post in posts]).exclude(state__in=kept)
        changed = rows.update(state=state)
        message = f"{changed} {'post' if changed == 1 else 'posts'} {participle}."
        return Change(posts, f"{participle.capitalize()}.", message)


@admin.register(Comment)
class CommentAdmin(_TextAdmin):
    """Admin of comments, which may be deleted, but neither added nor changed."""

    list_display = ("id", linked("post", by_id=True), linked("author"), "excerpt", "created_at")
    list_filter = (by_id("author"), by_id("post"))
    fields = readonly_fields = ("post", "author", "text", "created_at")
    id_columns = ("pk", "post_id")
    search_help_text = f"The id of a comment or a post, {_WORDS}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
