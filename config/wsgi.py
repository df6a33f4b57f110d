"""WSGI entry point, for gunicorn's gthread and for config.asgi."""

import gc
import os
import sys
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.environment import Misconfigured
from serving import heap
from serving.requests.rules import CheckedRequests

APP_LOAD_ERROR = 4  # gunicorn ends if a worker exits with this status; after others it starts the worker again

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    django = get_wsgi_application()
    import_module(settings.ROOT_URLCONF)  # else broken views are noticed by their first request
except Misconfigured as sentence:
    print(sentence, file=sys.stderr)
    sys.exit(APP_LOAD_ERROR)

application = CheckedRequests(django)

# Objects loaded by now are never freed, so the garbage collector need not traverse them. A request leaves few reference
# cycles, and a thousand requests at once have tens of thousands of objects in use, all of which a collection traverses.
# Collecting at every 50,000 instead of 700 saves a tenth of the cost of a small request.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
heap.return_large_blocks()
