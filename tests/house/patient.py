"""gunicorn's settings, with workers that wait for each other for longer than a busy machine stops one of them."""

from config import accepting
from config.gunicorn import *  # noqa: F403

accepting.PATIENCE_S = 2
