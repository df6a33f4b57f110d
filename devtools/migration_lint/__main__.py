"""`python -m devtools.migration_lint` [FILE]: refuse migrations that processes of the last release cannot live with.

During a deployment old and new processes use one database, which has been migrated before the first new one starts.
The migrations of the last release are those in released.txt, or in FILE; `--release` adds all that there are, as the
last step of a release.
"""

import os
import sys
from pathlib import Path

import django

LIST = Path(__file__).with_name("released.txt")


def main(arguments: list[str]) -> int:
    """Print each problem as a sentence; return the exit status, 1 if there is any."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from devtools.migration_lint import history

    if arguments == ["--release"]:
        LIST.write_text("".join(f"{name}\n" for name in history.own_migrations()))
        return 0
    released = Path(arguments[0] if arguments else LIST).read_text().split()
    found = [*history.problems({*released})]
    for sentence in found:
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
