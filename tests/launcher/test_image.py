"""The files that the container image contains suffice to start the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PRODUCTION = {
    "SECRET_KEY": "image-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "DATABASE_URL": "sqlite:////data/none.sqlite3",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://mail.example.com",
    "HTTPS": "on",
    "PATH": os.environ["PATH"],
}


@pytest.mark.embedded
def test_the_project_starts_from_what_the_build_copies(tmp_path):
    """COPY takes what .dockerignore allows; a package missing there would be noticed only at the first start."""
    allowed = [line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in allowed:
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    environment = {**PRODUCTION, "DATA_DIR": str(tmp_path)}
    for command in (
        ["manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        ["-m", "gunicorn", "-c", "python:serving.gunicorn_config", "--check-config"],
    ):
        run = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr[-2000:]
