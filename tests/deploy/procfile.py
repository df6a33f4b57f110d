"""The processes of Procfile, which every other way to deploy has to run, too."""

import shlex

from config.environment import BASE_DIR


def procfile() -> dict[str, list[str]]:
    """Return the words of each command by the name of its process."""
    lines = (line.split(":", 1) for line in (BASE_DIR / "Procfile").read_text().splitlines() if line)
    return {name: shlex.split(command) for name, command in lines}
