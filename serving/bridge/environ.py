"""Translation of an ASGI scope to a WSGI environ, equal to the one that gunicorn would make (with its RAW_URI)."""

import sys
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

Scope = dict[str, Any]
Environ = dict[str, Any]

_CONSTANT: Environ = {
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
    "SCRIPT_NAME": "",
}
_VERSIONS = {"1.1": "1.1", "1.0": "1.0", "1": "1.0"}  # Granian writes 1


def build_environ(scope: Scope) -> Environ:
    """Return the WSGI environ of an ASGI scope, without `wsgi.input`."""
    client, server = scope.get("client"), scope.get("server") or ("localhost", None)
    environ = {
        **_CONSTANT,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": _path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "RAW_URI": _target(scope),
        "SERVER_PROTOCOL": f"HTTP/{_VERSIONS.get(scope['http_version'], '?')}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": client[0] if client else "",
        "wsgi.url_scheme": scope["scheme"],
    }
    for name, value in scope["headers"]:
        key = _key(name)
        if key is not None:
            text = value.decode("latin-1").strip(" \t")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _path(scope: Scope) -> str:
    """Return the bytes of the path as Latin-1, as WSGI has it; in `scope["path"]` invalid UTF-8 has been replaced."""
    path: str = scope["path"]
    return path if path.isascii() else unquote_to_bytes(scope["raw_path"]).decode("latin-1")


def _target(scope: Scope) -> str:
    """Return the target of the request as it was sent, except that servers leave out a host and a fragment."""
    path, query = scope["raw_path"], scope["query_string"]
    return (b"%b?%b" % (path, query) if query else path).decode("latin-1")


@lru_cache(maxsize=1_000)
def _key(name: bytes) -> str | None:
    """Return a header's key in the environ; None for ambiguous names such as X_Forwarded_For beside X-Forwarded-For."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
