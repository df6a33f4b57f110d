"""The settings of the project, with the baselines installed."""

from config.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "loadtest.baselines"]  # noqa: F405
LOG_HEALTH = False  # what servers are asked is counted, and belongs to requests alone
ROOT_URLCONF = "loadtest.baselines.urls"
