"""gunicorn's settings, with workers that wait for each other for longer than a busy machine stops one of them."""

from serving.accepting import acceptor
from serving.gunicorn_config import *  # noqa: F403

acceptor.YIELD_LIMIT_S = 2
