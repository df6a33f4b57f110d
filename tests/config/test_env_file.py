"""Behaviour 111: the file .env gives every command its settings, and .env.example has all of them."""

import os
import re

import pytest

from config.environment import BASE_DIR
from tests.support.programs import GUNICORN, MANAGE, SERVE, WEB, environment, run

pytestmark = pytest.mark.embedded
READ = re.compile(
    r'(?:environment\.\w+|\b(?:flag|number|choice|comma_separated|schemes)|environ(?:\.get)?)\W+"([A-Z_]+)"'
)
EXAMPLE = re.compile(r"^# ([A-Z_]+)=([^ \n]*)", re.MULTILINE)
DUMP = (
    "from config import settings; "
    "print({name: getattr(settings, name) for name in dir(settings) if name.isupper() and name != 'SECRET_KEY'})"
)


@pytest.mark.parametrize("program", [MANAGE, SERVE, (*GUNICORN, "--check-config"), WEB], ids=" ".join)
def test_every_program_reads_the_file(program, tmp_path):
    file = tmp_path / "settings.env"
    file.write_text("# a comment\nPOPUP_EVENT_DAYS='6'\n")
    ended = run(program, environment(tmp_path / "data", ENV_FILE=str(file)))
    assert (ended.returncode, ended.stderr.count("POPUP_EVENT_DAYS=6 is not a whole number from 7")) == (1, 1)


def test_the_environment_wins(tmp_path):
    file = tmp_path / "settings.env"
    file.write_text("POPUP_EVENT_DAYS=6\nWEB_THREADS=3\nDEFAULT_FROM_EMAIL=a$HOME@example.com\n")
    code = "from config import settings as s; print(s.POPUP_EVENT_DAYS, s.WEB_THREADS, s.DEFAULT_FROM_EMAIL)"
    ended = run(("-c", code), environment(tmp_path / "data", ENV_FILE=str(file), POPUP_EVENT_DAYS="8"))
    assert ended.stdout == "8 3 a$HOME@example.com\n"


def test_a_file_that_is_no_text_is_refused_in_a_sentence(tmp_path):
    file = tmp_path / "settings.env"
    file.write_bytes(b"WEB_THREADS=\xff\xfe")
    ended = run(MANAGE, environment(tmp_path / "data", ENV_FILE=str(file)))
    assert ended.returncode == 1
    assert f"The file {file} cannot be read" in ended.stderr
    assert "Traceback" not in ended.stderr


def documented() -> list[str]:
    part = (BASE_DIR / "docs/operations/settings.md").read_text().split("## Which to begin with")[0]
    return re.findall(r"^\| `([A-Z_]+)` \|", part, re.MULTILINE)


def example() -> dict[str, str]:
    found = EXAMPLE.findall((BASE_DIR / ".env.example").read_text())
    assert len(found) == len(dict(found))
    return dict(found)


def test_the_example_and_the_documents_have_every_setting():
    read = {name for path in (BASE_DIR / "config").rglob("*.py") for name in READ.findall(path.read_text())}
    others = {"ENV_FILE", "DJANGO_SETTINGS_MODULE"}
    assert sorted(example()) == sorted({*documented()} - {"ENV_FILE"}) == sorted(read - others)
    assert len(documented()) == len({*documented()})


@pytest.mark.parametrize("debug", ["0", "1"])
def test_the_values_of_the_example_are_the_defaults(debug, tmp_path):
    lines = [f"{name}={value}" for name, value in example().items() if value]
    dependent = ("DEBUG", "HTTPS", "WEB_DRAIN_S", "DATA_DIR") if debug == "1" else ("DATA_DIR",)
    (tmp_path / "all.env").write_text("\n".join(line for line in lines if not line.startswith(dependent)))
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LD_LIBRARY_PATH"}}
    bare |= {
        "DEBUG": debug,
        "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN",
        "DATA_DIR": str(tmp_path),
    }
    without, given = (run(("-c", DUMP), bare | {"ENV_FILE": file}) for file in ("", str(tmp_path / "all.env")))
    assert without.returncode == 0, without.stderr
    strip = re.compile(r"0x[0-9a-f]+")
    assert strip.sub("", given.stdout) == strip.sub("", without.stdout)
