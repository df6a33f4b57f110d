from django.apps import AppConfig


class PostsConfig(AppConfig):
    name = "posts"

    def ready(self) -> None:
        from jobs import deletion
        from posts import counts, removal, seeding  # noqa: F401  counts declares
        from users import farewells
        from users.seeding import register

        farewells.register(removal.end_words_of)
        deletion.register(removal.sweep)
        register(seeding.seed)
