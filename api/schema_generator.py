"""The OpenAPI document, made once per process."""

import threading
from typing import Any

from drf_spectacular.generators import SchemaGenerator

_making = threading.Lock()


class OnceGenerator(SchemaGenerator):
    """The document is the same for everybody; and drf-spectacular's lazy loading of its extensions is not safe when
    the first two requests for it come at once."""

    made: dict[str, Any] | None = None

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        with _making:
            if OnceGenerator.made is None:
                OnceGenerator.made = super().get_schema(request=None, public=True)
            return OnceGenerator.made
