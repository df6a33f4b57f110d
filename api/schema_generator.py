"""The OpenAPI document, generated once per process."""

import threading
from typing import Any

from drf_spectacular.generators import SchemaGenerator

_lock = threading.Lock()


class OnceGenerator(SchemaGenerator):
    """Generates the document once, under a lock, because all users get the same document.

    drf-spectacular's lazy loading of extensions is not safe for two concurrent first requests.
    """

    document: dict[str, Any] | None = None

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        with _lock:
            if OnceGenerator.document is None:
                OnceGenerator.document = super().get_schema(request=None, public=True)
            return OnceGenerator.document
