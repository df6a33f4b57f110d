"""A browser of an operator, over HTTP, at a program of the project."""

import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import NamedTuple

from tests.support.cast import PASSWORD
from tests.support.programs import Program, environment, run

PAGE = "/admin/operations/"


class Page(NamedTuple):
    """An answer, and how long it took."""

    status: int
    text: str
    took_s: float


class Browser:
    """Keeps cookies, and sends the token against forged requests with each form."""

    def __init__(self, web: Program) -> None:
        self._web, self.cookies = web, CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies)).open

    def get(self, path: str) -> Page:
        return self._send(path, None)

    def post(self, path: str, **fields: str) -> Page:
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        return self._send(path, urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode())

    def log_in(self, username: str = "root") -> "Browser":
        self.get("/admin/login/")
        page = self.post("/admin/login/?next=/admin/", username=username, password=PASSWORD)
        assert "Log out" in page.text
        return self

    def _send(self, path: str, body: bytes | None) -> Page:
        began = time.monotonic()
        try:
            with self._open(f"http://127.0.0.1:{self._web.port}{path}", body, timeout=30) as reply:
                return Page(reply.status, reply.read().decode(), time.monotonic() - began)
        except urllib.error.HTTPError as error:
            return Page(error.code, error.read().decode(), time.monotonic() - began)


def install(data, **values: str) -> None:
    """Migrate a database, and create the superuser root in it."""
    env = environment(data, **values, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    for command in (("-m", "launcher.prepare"), ("manage.py", "createsuperuser", "--noinput", "--username", "root")):
        done = run(command, env)
        assert done.returncode == 0, done.stderr
