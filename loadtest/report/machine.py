"""What the figures of a report were measured on: the machine, and the versions of what ran."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from loadtest.bench.environment import Environment
from loadtest.bench.web_server import PROJECT_ROOT

LIBRARIES = ("Django", "djangorestframework", "gunicorn", "redis", "mysqlclient", "locust")
CPU_INFO, MEMORY_INFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def described(env: Environment) -> dict[str, str]:
    """Return the names and values to print: project, processor, memory, system, servers and libraries."""
    return {
        "Project": _project(),
        "Processor": f"{_first(CPU_INFO, 'model name') or platform.machine()}, {os.cpu_count()} cores",
        "Memory": f"{int((_first(MEMORY_INFO, 'MemTotal') or '0 kB').split()[0]) / 2**20:.1f} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "MariaDB": env.sql("SELECT VERSION()")[0][0],
        "Redis": env.redis.info("server")["redis_version"],
        **{library: version(library) for library in LIBRARIES},
    }


def _project() -> str:
    command = ["git", "describe", "--always", "--dirty", "--tags"]
    try:
        return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout of git"


def _first(path: Path, name: str) -> str | None:
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)
