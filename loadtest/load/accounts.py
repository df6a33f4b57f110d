"""Register accounts and log in over HTTP, as a mobile client does. Standard library only."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

API = "/api/v1/"
# The header of a proxy that terminates TLS. A server in production settings redirects requests without it to HTTPS.
BEHIND_TLS = {"X-Forwarded-Proto": "https"}
REQUEST_TIMEOUT_S = 30
THROTTLED_TIMEOUT_S = 180  # how long to retry while the server throttles registrations or log-ins


class Refused(Exception):
    """The server refused a request or cannot be reached; the message contains its answer."""


class Account:
    """A user with a valid access token; registered first if the account does not exist."""

    RENEW_AFTER_S = 45 * 60  # an access token is valid for an hour

    def __init__(self, site: str, username: str, password: str) -> None:
        """Log in at `site`, the address of the server without a path; raise Refused if the server refuses."""
        self._site, self._username, self._password = site, username, password
        self._token = ""
        self._renew_at = 0.0
        self.id: int = _call(self._site, "users/me", token=self._registered_token())["id"]

    def token(self) -> str:
        """Return a valid access token; log in again if the last one is too old."""
        if time.monotonic() >= self._renew_at:
            self._token = log_in(self._site, self._username, self._password)
            self._renew_at = time.monotonic() + self.RENEW_AFTER_S
        return self._token

    def _registered_token(self) -> str:
        try:
            return self.token()
        except Refused:
            _call(self._site, "users", {"username": self._username, "password": self._password})
            return self.token()


def log_in(site: str, username: str, password: str) -> str:
    """Return an access token; raise Refused if the server refuses."""
    access: str = _call(site, "auth/token", {"username": username, "password": password})["access"]
    return access


def _call(site: str, path: str, body: dict[str, str] | None = None, token: str = "") -> Any:
    """Send a POST of `body`, or a GET if there is none, and retry after `Retry-After` while the server throttles."""
    login = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  the address comes from the tester
        site.rstrip("/") + API + path, data, {"Content-Type": "application/json", **BEHIND_TLS, **login}
    )
    deadline = time.monotonic() + THROTTLED_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            wait_s = float(error.headers.get("Retry-After") or 0)
            if error.code != 429 or time.monotonic() + wait_s > deadline:
                raise Refused(f"{path} answered {error.code}: {error.read(300)!r}") from None
            time.sleep(wait_s)
        except OSError as error:
            raise Refused(f"{site} cannot be reached: {error}") from None
