"""The project's settings with a middleware that fails as requests ask it to."""

from config.settings import *  # noqa: F403

MIDDLEWARE = [*MIDDLEWARE, "tests.serving.faults.Faults"]  # noqa: F405
