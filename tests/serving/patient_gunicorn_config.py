"""gunicorn's settings with a longer YIELD_LIMIT_S: a busy machine must not exceed it."""

from serving.accepting import acceptor
from serving.gunicorn_config import *  # noqa: F403

acceptor.YIELD_LIMIT_S = 2
