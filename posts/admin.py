"""Moderation: posts and comments are found, hidden and deleted; what is done here shows in the API at once."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from api.ids import is_id
from api.paginators import BoundedPaginator
from posts import removal
from posts.models import Comment, Post
from users.models import User

SEARCHED = 100_000  # newest rows that are looked through for words
_WORDS = f"an author's whole username, or words among the newest {SEARCHED:,}."


class _WordsAdmin(admin.ModelAdmin):
    """Newest first; no list counts, sorts or reads a whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by = ()
    ordering = ("-pk",)
    list_select_related = ("author",)
    search_fields = ("text",)  # shows the box; get_search_results uses indexes
    search_help_text = f"An id, {_WORDS}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        if is_id(text):
            return queryset.filter(self.numbered(int(text))), False
        author = User.objects.named(text)
        if author is not None:
            return queryset.filter(author_id=author.pk), False
        newest = self.model.objects.aggregate(pk=Max("pk"))["pk"] or 0
        return queryset.filter(pk__gt=newest - SEARCHED, text__icontains=text), False

    def numbered(self, number: int) -> Q:
        return Q(pk=number)

    @admin.display(description="text")
    def excerpt(self, row: Any) -> str:
        return row.text if len(row.text) <= 80 else f"{row.text[:79]}…"


@admin.register(Post)
class PostAdmin(_WordsAdmin):
    list_display = ("id", "author", "excerpt", "state", "created_at")
    fields = ("author", "text", "state", "repost_of", "created_at")
    readonly_fields = ("author", "repost_of", "created_at")
    actions = ("hide", "show")
    formfield_overrides = {models.CharField: {"widget": AdminTextareaWidget}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Post]:
        return super().get_queryset(request).exclude(state=Post.State.REMOVED)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Removing is what deleting does."""
        choices = [choice for choice in Post.State.choices if choice[0] != Post.State.REMOVED]
        return super().formfield_for_choice_field(db_field, request, choices=choices, **options)

    def save_model(self, request: HttpRequest, obj: Post, form: Any, change: bool) -> None:
        """What was edited alone: the post may have been removed since the page was read."""
        edited = {name: form.cleaned_data[name] for name in form.changed_data}
        if edited:
            self.get_queryset(request).filter(pk=obj.pk).update(**edited)

    @admin.action(description="Hide the selected posts", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        self._put(request, queryset, Post.State.HIDDEN, "hidden")

    @admin.action(description="Show the selected posts again", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        self._put(request, queryset, Post.State.SHOWN, "shown again")

    def _put(self, request: HttpRequest, queryset: QuerySet[Post], state: Post.State, done: str) -> None:
        changed = queryset.exclude(state=state).order_by().update(state=state)
        self.message_user(request, f"{changed} {'post' if changed == 1 else 'posts'} {done}.", messages.SUCCESS)

    # Deleting takes what was made of a post with it, which may be millions of rows: they are not listed for approval.

    def get_deleted_objects(self, objs: Iterable[Post], request: HttpRequest) -> tuple[list, dict, set, list]:
        posts = [str(post) for post in objs]
        refused = set() if self.has_delete_permission(request) else {"post"}
        return posts, {"posts, with their likes, comments and favourites": len(posts)}, refused, []

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own, but not in one transaction."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Post) -> None:
        removal.remove([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        removal.remove(list(queryset.values_list("pk", flat=True)))


@admin.register(Comment)
class CommentAdmin(_WordsAdmin):
    list_display = ("id", "post_id", "author", "excerpt", "created_at")
    fields = readonly_fields = ("post", "author", "text", "created_at")
    search_help_text = f"The id of a comment or a post, {_WORDS}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def numbered(self, number: int) -> Q:
        return Q(pk=number) | Q(post_id=number)
