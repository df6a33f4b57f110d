"""A wrong environment: one sentence that says what to do, an exit status other than zero, no traceback."""

import socket

import pytest

from tests.support.programs import GUNICORN, MANAGE, SERVE, WEB, environment, run

WRONG = {
    "DATABASE_URL": {
        "nonsense": "DATABASE_URL nonsense is of no supported kind",
        "postgres://host/name": "is of no supported kind (sqlite://, mysql://, mariadb://)",
        "mysql://user:secret@host:port/name": "DATABASE_URL is not an address",
        "mysql://user:secret@host": "DATABASE_URL mysql://user:***@host does not name one database",
        "sqlite://:memory:": "DATABASE_URL",
        "sqlite://": "names no file",
    },
    "REDIS_URL": {
        "nonsense": "REDIS_URL nonsense is of no supported kind",
        "http://127.0.0.1:6379": "(redis://, rediss://, unix://, redis+cluster://, rediss+cluster://, redis+sentinel://",
        "redis://127.0.0.1:port/0": "REDIS_URL is not an address",
        "redis+cluster://:secret@a:1,b:port": "REDIS_URL redis+cluster://:***@a:1,b:port names a server that is no",
        "redis+cluster://a:1/3": "names a database, but a cluster has one alone",
        "redis+sentinel://:secret@a:1": "REDIS_URL redis+sentinel://:***@a:1 names no service: end it with /name",
        "redis+sentinel://a:1/main/first": "has a database that is no number: end it with /name/0",
    },
    "EMAIL_URL": {
        "mail.example.com": "EMAIL_URL mail.example.com is of no supported kind (smtp://, smtps://, console://)",
        "smtp://user:secret@host:port": "EMAIL_URL is not an address",
        "smtp://": "EMAIL_URL smtp:// is not a mail server alone",
        "smtp://user:secret@host/path": "EMAIL_URL smtp://user:***@host/path is not a mail server alone",
        "smtp://user:secret@host?tls=on": "with ?starttls=off for a server without TLS",
    },
    "DEBUG": {"0": "SECRET_KEY is not set", "perhaps": "DEBUG=perhaps is neither on nor off"},
    "PROXIES": {"1": "DEBUG=1 with PROXIES=1 would show", "-1": "PROXIES=-1 is not a whole number"},
    "POPUP_LINK_SCHEMES": {"https,javascript": "which is not a scheme for links", "a b": "has a b, which is not"},
    "POPUP_EVENT_DAYS": {"6": "POPUP_EVENT_DAYS=6 is not a whole number from 7 to 36500"},
    "DATA_DIR": {"/dev/null/data": "DATA_DIR /dev/null/data cannot be made"},
}
GUESSABLE = "SECRET_KEY can be guessed: outside debug it needs 50 random characters or more"
WEAK_KEYS = ("x", "put a long random string into SECRET_KEY", "…", "a-secret-" + "x" * 40, "abcd" * 20, "x" * 90)
WRONG_TO_SERVERS = {
    "PORT": {"http": "PORT=http is not a whole number", "0": "from 1 to 65535", "70000": "from 1 to 65535"},
    "WEB_WORKERS": {"two": "WEB_WORKERS=two is not a whole number from 1 to 256", "-1": "WEB_WORKERS"},
    "WEB_THREADS": {"0": "WEB_THREADS=0 is not a whole number from 1 to 1000"},
}
WRONG_TO_WEB = {"SERVER": {"nginx": "SERVER=nginx is unknown: write gunicorn or granian"}}
UNREACHABLE = {
    "DATABASE_URL": {"sqlite:////dev/null/none/hotpath.sqlite3": "the file cannot be opened"},
    "REDIS_URL": {
        "redis://127.0.0.1:1/0": "Redis at redis://127.0.0.1:1/0 cannot be used, start the server",
        "redis://:secret@127.0.0.1:1/0": "Redis at redis://:***@127.0.0.1:1/0",
        "unix:///dev/null/none": "Redis at unix:///dev/null/none cannot be used",
        "redis+cluster://:secret@127.0.0.1:1,127.0.0.1:2": "Redis at redis+cluster://:***@127.0.0.1:1,127.0.0.1:2",
        "redis+sentinel://127.0.0.1:1/main": "no Sentinel tells who is the master of 'main': Error 111",
    },
}


def cases(*tables):
    return [
        pytest.param(name, value, sentence, id=f"{name}={value}")
        for table in tables
        for name, values in table.items()
        for value, sentence in values.items()
    ]


def says(program, tmp_path, sentence, **values) -> None:
    ended = run(program, environment(tmp_path / "data", **values))
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0, said
    assert sentence in said
    assert "Traceback" not in said
    assert "secret" not in said
    assert len(said.strip().splitlines()) == 1, said


@pytest.mark.sampled(9)
@pytest.mark.embedded
@pytest.mark.parametrize(("name", "value", "sentence"), cases(WRONG, WRONG_TO_SERVERS, WRONG_TO_WEB, UNREACHABLE))
def test_launcher(name, value, sentence, tmp_path):
    says(SERVE, tmp_path, sentence, **{name: value})


@pytest.mark.sampled
@pytest.mark.embedded
@pytest.mark.parametrize(("name", "value", "sentence"), cases(WRONG))
def test_command(name, value, sentence, tmp_path):
    says(MANAGE, tmp_path, sentence, **{name: value})


@pytest.mark.sampled(9)
@pytest.mark.embedded
@pytest.mark.parametrize(("name", "value", "sentence"), cases(WRONG, WRONG_TO_SERVERS))
def test_gunicorn(name, value, sentence, tmp_path):
    says((*GUNICORN, "--check-config"), tmp_path, sentence, **{name: value})


@pytest.mark.sampled(9)
@pytest.mark.embedded
@pytest.mark.parametrize(("name", "value", "sentence"), cases(WRONG, WRONG_TO_SERVERS, WRONG_TO_WEB))
@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_web(server, name, value, sentence, tmp_path):
    says(WEB, tmp_path, sentence, **{"SERVER": server, name: value})


@pytest.mark.embedded
def test_command_without_its_database(tmp_path):
    for url, sentence in UNREACHABLE["DATABASE_URL"].items():
        says(("manage.py", "migrate"), tmp_path, sentence, DATABASE_URL=url)


@pytest.mark.embedded
def test_launcher_with_a_taken_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        says(SERVE, tmp_path, f"Port {port} cannot be used (Address already in use): set PORT", PORT=port)


@pytest.mark.embedded
def test_commands_without_the_libraries(tmp_path):
    """`-S -I`: Python without site-packages, as the system's own."""
    for program in (("-S", "manage.py", "check"), ("-S", "-m", "launcher"), ("-S", "-m", "serving")):
        says(program, tmp_path, "Python libraries are missing in")


@pytest.mark.services
def test_launcher_with_a_wrong_login_or_name_of_the_database(tmp_path, settings):
    server = settings.DATABASES["default"]
    site = f"{server['HOST']}:{server['PORT']}"
    wrong = {
        f"mysql://nobody:secret@{site}/hotpath": "the user or the password is wrong: correct DATABASE_URL",
        f"mysql://root@{site}/absent": "there is no such database: create it",
        "mysql://root@127.0.0.1:1/hotpath": "no server answers: start it",
    }
    for url, sentence in wrong.items():
        says(SERVE, tmp_path, sentence, DATABASE_URL=url, REDIS_URL=settings.REDIS_URL)
        says(("manage.py", "migrate"), tmp_path, sentence, DATABASE_URL=url, REDIS_URL=settings.REDIS_URL)


@pytest.mark.embedded
@pytest.mark.parametrize("key", [*WEAK_KEYS, "django-insecure-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ"])
def test_a_weak_key_in_production(key, tmp_path):
    for program in (MANAGE, WEB):
        says(program, tmp_path, GUESSABLE, DEBUG="0", SECRET_KEY=key)


@pytest.mark.embedded
def test_a_weak_key_among_the_fallbacks_in_production(tmp_path):
    strong = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN"
    values = {"DEBUG": "0", "SECRET_KEY": strong[::-1], "SECRET_KEY_FALLBACKS": f"{strong},x"}
    says(MANAGE, tmp_path, "SECRET_KEY_FALLBACKS has a key that can be guessed", **values)


@pytest.mark.embedded
def test_debug_takes_any_key_and_listens_on_this_machine_only(tmp_path):
    code = "from config import settings; print(settings.HOST, settings.SECRET_KEY)"
    debug = environment(tmp_path / "data", SECRET_KEY="x")
    production = debug | {"DEBUG": "0", "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN"}
    assert run(("-c", code), debug).stdout == "127.0.0.1 x\n"
    assert run(("-c", code), production).stdout.startswith("0.0.0.0 0123")
