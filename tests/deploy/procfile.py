"""The processes that the Procfile names."""

import shlex

from config.environment import BASE_DIR


def procfile() -> dict[str, list[str]]:
    lines = (line.split(":", 1) for line in (BASE_DIR / "Procfile").read_text().splitlines() if line)
    return {name: shlex.split(command) for name, command in lines}
