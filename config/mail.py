"""Django's settings for mail from EMAIL_URL: SMTP with STARTTLS (smtp://), SMTP within TLS (smtps://), or console."""

from typing import Any
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 10
STARTTLS_PORT, TLS_PORT = 587, 465
BACKENDS = {"": "dummy", "console": "console", "smtp": "smtp", "smtps": "smtp"}


def parse(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_… settings for a URL that config.environment has checked; the empty URL sends nothing."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{BACKENDS[parts.scheme]}.EmailBackend",
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (TLS_PORT if is_tls else STARTTLS_PORT),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_tls,
        "EMAIL_USE_TLS": not is_tls and parts.query != "starttls=off",
        "EMAIL_TIMEOUT": TIMEOUT_S,
    }
