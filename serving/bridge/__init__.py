"""Django's WSGI handler under an ASGI server."""
