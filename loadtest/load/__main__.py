"""`make load`: locust's page for the server that runs on this machine, or at SITE."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

SCENARIOS = Path(__file__).parent
NAMES = ("session", "users", "social", "posts", "ratings", "popups")
PAGE = "http://127.0.0.1:8089"


def main(options: list[str]) -> None:
    """Look whether the server answers, print where the page is, and become locust, which gets the options."""
    site = (os.environ.get("SITE") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}").rstrip("/")
    try:
        with urllib.request.urlopen(f"{site}/healthz", timeout=5):  # noqa: S310  the address comes from the tester
            pass
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"No server answers at {site} ({error}): start one with `make run`, or set PORT or SITE, its address."
        ) from None
    files = ",".join(str(SCENARIOS / f"{name}.py") for name in NAMES)
    print(f"Locust's page is {PAGE}. It puts {site} under load; choose there which of the scenarios run.", flush=True)
    command = ["-m", "locust", "-f", files, "--host", site, "--class-picker", "--web-host", "127.0.0.1", *options]
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606  no shell, by intention


if __name__ == "__main__":
    main(sys.argv[1:])
