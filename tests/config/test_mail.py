"""EMAIL_URL becomes Django's settings for mail."""

import subprocess
import sys

import pytest

from config import environment, mail

pytestmark = pytest.mark.embedded
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u%40x.org:p%2F%3A@host", (SMTP, "host", 587, "u@x.org", "p/:", True, False)),
        ("smtp://user:password@host:2525", (SMTP, "host", 2525, "user", "password", True, False)),
        ("smtp://localhost:1025?starttls=off", (SMTP, "localhost", 1025, "", "", False, False)),
        ("smtps://user:password@host", (SMTP, "host", 465, "user", "password", False, True)),
        ("console:", ("django.core.mail.backends.console.EmailBackend", "", 587, "", "", True, False)),
        ("", ("django.core.mail.backends.dummy.EmailBackend", "", 587, "", "", True, False)),
    ],
)
def test_urls(url, expected, monkeypatch):
    monkeypatch.setenv("EMAIL_URL", url)
    parsed = mail.parse(environment.email_url(debug=False))
    names = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(parsed[f"EMAIL_{name}"] for name in names) == expected
    assert parsed["EMAIL_TIMEOUT"] == 10


def test_debug_mode_prints_mails(monkeypatch):
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert environment.email_url(debug=True) == "console:"


@pytest.mark.parametrize(("url", "warned"), [("", True), ("smtp://mail.example.com", False)])
def test_the_check_for_production_warns_without_a_mail_server(url, warned, monkeypatch):
    monkeypatch.setenv("EMAIL_URL", url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    command = [sys.executable, "manage.py", "check", "--deploy"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ("users.W001" in checked.stdout + checked.stderr) is warned
