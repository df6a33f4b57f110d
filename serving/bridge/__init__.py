"""Django's WSGI handler behind an event loop."""
