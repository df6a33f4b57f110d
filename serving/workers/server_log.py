"""gunicorn's log in the form of all other lines."""

from importlib import import_module
from typing import Any

from django.utils.log import configure_logging
from gunicorn.glogging import Logger


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """A log that Django's setting LOGGING describes, unless the option --error-logfile names a file."""

    def setup(self, cfg: Any) -> None:
        """Configure logging; called by gunicorn in the master."""
        super().setup(cfg)
        if cfg.errorlog == "-":
            settings: Any = import_module("serving.gunicorn_config").settings
            configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
