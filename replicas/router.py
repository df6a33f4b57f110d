"""The database router: the writer, but for reads that are marked as safe."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS

from replicas import reads


class WriterOrReplica:
    """All writes, migrations and reads use the database `default`; what `may_read_replica` marks may use a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return reads.database()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True  # rows that were read from a replica are the writer's

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return None if db == DEFAULT_DB_ALIAS else False
