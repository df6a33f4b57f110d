"""The Django application of posts, comments, likes and favourites."""

from django.apps import AppConfig


class PostsConfig(AppConfig):
    """Configuration of the `posts` application; declares counters, and registers deletion and demo data."""

    name = "posts"

    def ready(self) -> None:
        from jobs import deletion
        from posts import counts, export_parts, favorites_drops, removal, seeding
        from posts.models import Comment, Favorite, Like, Post
        from users import deletion_hooks, related_rows
        from users.related_rows import RelatedRows
        from users.seeding import register

        export_parts.register_parts()
        deletion_hooks.register(removal.delete_posts_of)
        deletion.register(removal.removed_posts.sweep, removal.removed_posts.waiting)
        favorites_drops.watch()
        register(seeding.seed)
        related_rows.register(
            RelatedRows("posts", Post, "author", where=counts.NOT_REMOVED),
            RelatedRows("comments", Comment, "author"),
            RelatedRows("likes", Like, "user"),
            RelatedRows("favourites", Favorite, "user"),
        )
