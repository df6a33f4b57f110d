from django.apps import AppConfig


class PostsConfig(AppConfig):
    name = "posts"

    def ready(self) -> None:
        from caching import sweeps
        from posts import counts, removal, seeding  # noqa: F401  counts declares
        from users import farewells
        from users.seeding import register

        farewells.register(removal.end_words_of)
        sweeps.register(removal.sweep)
        register(seeding.seed)
