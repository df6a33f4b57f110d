"""WSGI entry point (gunicorn's gthread)."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config.environment import Misconfigured

GUNICORN_HALTS = 4  # with this status of a worker gunicorn ends, with any other it starts the worker again and again

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
except Misconfigured as sentence:
    print(sentence, file=sys.stderr)
    sys.exit(GUNICORN_HALTS)
