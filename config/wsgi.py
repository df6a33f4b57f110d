"""WSGI entry point: of gunicorn's gthread, and of config.asgi."""

import gc
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

# What has been loaded by now stays for the life of the process; full collections need not walk it each time. A request
# leaves few cycles behind: looking for them less often is a twentieth of the cost of a small one.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
