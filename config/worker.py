"""gunicorn's worker for `config.asgi`: uvicorn with httptools, on asyncio's own event loop.

Not on uvloop: libuv accepts one connection per turn of the loop, so that of many clients the late ones starve.
"""

from typing import Any

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "asyncio",
        "http": "httptools",
        "ws": "none",
        "lifespan": "off",
        "proxy_headers": False,  # who the client is, is for the settings PROXIES and HTTPS to say
        "server_header": False,
    }
