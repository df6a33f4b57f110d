"""Accounts and access tokens, got over HTTP as a mobile client gets them. Standard library only."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

API = "/api/v1/"
# What the balancer that ends TLS says to the application; a server in production settings redirects plain HTTP.
BEHIND_TLS = {"X-Forwarded-Proto": "https"}
TIMEOUT_S = 30
PATIENCE_S = 180  # while the server throttles registrations or log-ins


class Refused(Exception):
    """The server did not give what was asked for; the message says what it answered."""


class Account:
    """Somebody with a valid access token; registered if need be."""

    RENEW_AFTER_S = 45 * 60  # before the hour of an access token is over

    def __init__(self, site: str, username: str, password: str) -> None:
        """`site` is the server's address without a path. Raises Refused."""
        self._site, self._username, self._password = site, username, password
        self._token = ""
        self._renew_at = 0.0
        self.id: int = self._get("users/me", self._registered())["id"]

    def token(self) -> str:
        if time.monotonic() >= self._renew_at:
            self._token = log_in(self._site, self._username, self._password)
            self._renew_at = time.monotonic() + self.RENEW_AFTER_S
        return self._token

    def _registered(self) -> str:
        try:
            return self.token()
        except Refused:
            _call(self._site, "users", {"username": self._username, "password": self._password})
            return self.token()

    def _get(self, path: str, token: str) -> Any:
        return _call(self._site, path, token=token)


def log_in(site: str, username: str, password: str) -> str:
    """An access token; raises Refused."""
    access: str = _call(site, "auth/token", {"username": username, "password": password})["access"]
    return access


def _call(site: str, path: str, body: dict[str, str] | None = None, token: str = "") -> Any:
    """POST `body`, or GET; waits as told where the server throttles."""
    login = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  the tester's own server
        site.rstrip("/") + API + path, data, {"Content-Type": "application/json", **BEHIND_TLS, **login}
    )
    gives_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            wait_s = float(error.headers.get("Retry-After") or 0)
            if error.code != 429 or time.monotonic() + wait_s > gives_up_at:
                raise Refused(f"{path} answered {error.code}: {error.read(300)!r}") from None
            time.sleep(wait_s)
        except OSError as error:
            raise Refused(f"{site} cannot be reached: {error}") from None
