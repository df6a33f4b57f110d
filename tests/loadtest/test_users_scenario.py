"""The locust scenario runs against a live server, and nothing fails."""

import json
import subprocess
import sys
from pathlib import Path

from tests.loadtest.conftest import PEOPLE

PROJECT = Path(__file__).parents[2]
ENDPOINTS = {
    ("GET", "users/{id}"), ("GET", "users?ids={feed}"), ("GET", "users/{id}/state"), ("GET", "users/me"),
    ("GET", "users?username={name}"), ("GET", "users/search?q={beginning}"), ("PATCH", "users/me"),
    ("PATCH", "users/me/state"),
}  # fmt: skip


def locust(options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "loadtest/users.py", "--headless", "--json", *options.split()]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)


def test_users(site):
    # Some of the ids have no user.
    run = locust(f"--host {site} -u 8 -r 8 -t 3s --accounts 2 --think 0.01 --largest-id {PEOPLE + 20}")
    assert run.returncode == 0, run.stderr[-2000:]
    stats = {(each["method"], each["name"]): each for each in json.loads(run.stdout)}
    assert {name: each["num_failures"] for name, each in stats.items()} == dict.fromkeys(ENDPOINTS, 0)


def test_a_server_that_is_not_there():
    run = locust("--host http://127.0.0.1:9 -u 3 -t 20s")
    assert run.returncode == 1
    assert "No account, no test" in run.stderr
