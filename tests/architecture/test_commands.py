"""The commands that the documents name exist, with their options."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from django.core.management import get_commands, load_command_class

from tests.architecture.modules import DOCUMENTS, ROOT

pytestmark = pytest.mark.embedded

RULE = re.compile(r"^([a-z][\w -]*):(?!=)", re.MULTILINE)
TARGETS = {name for names in RULE.findall((ROOT / "Makefile").read_text()) for name in names.split()}
CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
MAKE = re.compile(r"^\s*(?:[A-Z_]+=\S+ )*make ([a-z][\w-]*)")
MANAGE = re.compile(r"manage\.py ([a-z_]+)(.*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def commands() -> Iterator[str]:
    """Yield each line of code of the documents."""
    for document in DOCUMENTS:
        for block, inline in CODE.findall(document.read_text()):
            yield from (block or inline).replace("\\\n", " ").splitlines()


@cache
def help_of(name: str) -> str:
    command = load_command_class(get_commands()[name], name)
    return command.create_parser("manage.py", name).format_help()


def unknown(line: str) -> Iterator[str]:
    """Yield what a line names that does not exist."""
    if (made := MAKE.match(line)) and made[1] not in TARGETS:
        yield f"make {made[1]}"
    if managed := MANAGE.search(line):
        name, rest = managed.groups()
        if name not in get_commands():
            yield f"manage.py {name}"
        else:
            options = OPTION.findall(re.split(r"[|&;#]", rest)[0])
            yield from (f"manage.py {name} {option}" for option in options if option not in help_of(name))


def test_documented_commands_exist():
    assert [found for line in commands() for found in unknown(line)] == []


@pytest.mark.parametrize(
    "line",
    ["make coffee", "DEBUG=1 .venv/bin/python manage.py coffee", "manage.py run_jobs --coffee", "PORT=1 make tea"],
)
def test_an_unknown_command_would_be_found(line):
    assert [*unknown(line)]


def test_most_commands_are_looked_at():
    assert sum(bool(MAKE.match(line)) for line in commands()) > 40
    assert sum(bool(MANAGE.search(line)) for line in commands()) > 40
