"""ASGI entry point: Django's WSGI handler on WEB_THREADS threads, and the hot lane beside it."""

from django.conf import settings

from config.wsgi import application as django
from lane.bridge import Bridge

application = Bridge(django, settings.WEB_THREADS)
