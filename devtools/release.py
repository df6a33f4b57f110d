"""`make release VERSION=1.2.3`: one commit that gives every file its new version, and a tag; nothing is pushed.

The changelog follows https://keepachangelog.com, versions https://semver.org.
"""

import argparse
import datetime
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BRANCH = "main"
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
CHANGELOG, UNRELEASED = "CHANGELOG.md", "## [Unreleased]"
NAMED_IN = ("pyproject.toml", "deploy/kubernetes/kustomization.yaml", "deploy/kubernetes/migrate.yaml")
"""The files, besides the changelog, that name the version; each exactly once."""


class Refused(Exception):
    """There is no release; the text says why, and what to do."""


def release(root: Path, version: str, today: datetime.date, check: Callable[[], None]) -> str:
    """Commit and tag a version if `check` raises nothing; return the tag. Raises Refused, and changes nothing then."""
    _require_newer(version, _current(root))
    _require_clean(root, tag := f"v{version}")
    files, notes = _with_version(root, version, today)
    check()
    _require_clean(root, tag)  # checks take minutes
    for name, text in files.items():
        (root / name).write_text(text)
    _git(root, "commit", "--quiet", "--message", f"Release {version}", "--", *files)
    # Lines that begin with # are headings here, not comments.
    _git(root, "tag", "--annotate", "--cleanup=whitespace", "--message", f"Hotpath {version}\n\n{notes}", tag)
    return tag


def _current(root: Path) -> str:
    return re.findall(r'^version = "(.+)"$', (root / NAMED_IN[0]).read_text(), re.MULTILINE)[0]


def _require_newer(version: str, current: str) -> None:
    if not (wanted := VERSION.fullmatch(version)):
        raise Refused(f"{version!r} is no version: name it as MAJOR.MINOR.PATCH, such as 1.2.3.")
    have = VERSION.fullmatch(current)
    if have and tuple(map(int, wanted.groups())) <= tuple(map(int, have.groups())):
        raise Refused(f"{version} does not follow {current}, which pyproject.toml has.")


def _require_clean(root: Path, tag: str) -> None:
    if (branch := _git(root, "branch", "--show-current").strip()) != BRANCH:
        raise Refused(f"Releases are made of the branch {BRANCH}; this is {branch or 'no branch'}.")
    if changed := _git(root, "status", "--porcelain"):
        raise Refused(f"Commit these changes, or take them back:\n{changed}")
    if _git(root, "tag", "--list", tag):
        raise Refused(f"There is a tag {tag} already.")


def _with_version(root: Path, version: str, today: datetime.date) -> tuple[dict[str, str], str]:
    """Return the new texts of files by name, and what the changelog says of the version."""
    texts = {name: (root / name).read_text() for name in (CHANGELOG, *NAMED_IN)}
    before, _, after = texts[CHANGELOG].partition(f"{UNRELEASED}\n")
    notes = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip()
    if not notes:
        raise Refused(f"{CHANGELOG} says nothing under {UNRELEASED}: what changed for users?")
    current = _current(root)
    for name in NAMED_IN:
        if texts[name].count(current) != 1:
            raise Refused(f"{name} has to name the version, {current}, once.")
        texts[name] = texts[name].replace(current, version)
    texts[CHANGELOG] = f"{before}{UNRELEASED}\n\n## [{version}] - {today}\n{after}"
    return texts, notes


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _run_checks() -> None:
    for target in ("lint", "test", "test-services"):
        print(f"make {target} …", flush=True)
        if subprocess.run(("make", target), cwd=ROOT, check=False).returncode:
            raise Refused(f"make {target} failed: nothing was changed.")


def main() -> None:
    """Release the version named on the command line."""
    parser = argparse.ArgumentParser(prog="make release", description="Check, commit and tag a version.")
    parser.add_argument("version", metavar="VERSION")
    try:
        tag = release(ROOT, parser.parse_args().version, datetime.datetime.now(datetime.UTC).date(), _run_checks)
    except Refused as refused:
        sys.exit(str(refused))
    print(f"Look at it: git show {tag}. Publish it: git push --atomic origin {BRANCH} {tag}")


if __name__ == "__main__":
    main()
