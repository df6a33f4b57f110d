"""Environment variables, checked once: a wrong value ends the program with one sentence instead of a traceback.

Variables that the environment lacks are taken from the file `.env` in the project's folder, or from ENV_FILE.
This module needs the standard library only, so that it works even if no library is installed: then nothing else does.
"""

import os
import re
import secrets
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from caching import locations

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE_SCHEMES = ("sqlite", "mysql", "mariadb")
REDIS_SCHEMES = ("redis", "rediss", "unix")
TOPOLOGY_SCHEMES = tuple(f"{scheme}://" for scheme in locations.SCHEMES)
UNSAFE_SCHEMES = ("javascript", "vbscript", "data", "file", "blob")
EMAIL_SCHEMES = ("smtp", "smtps", "console")
LIBRARIES = (
    "argon2", "dj_database_url", "django", "django_redis", "dotenv", "drf_spectacular", "drf_spectacular_sidecar",
    "granian", "gunicorn", "hiredis", "httptools", "msgspec", "prometheus_client", "pythonjsonlogger", "redis",
    "rest_framework", "rest_framework_simplejwt", "tqdm", "uvicorn", "uvloop", "whitenoise",
)  # fmt: skip
KEY_LENGTH, KEY_CHARACTERS = 50, 5  # the least length of a secret key, and number of different characters in it
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class Misconfigured(SystemExit):
    """Ends the program: Python prints the sentence given, and exits with status 1."""


def read_env_file() -> None:
    """Add the variables of ENV_FILE to the environment, which wins; an empty ENV_FILE is no file."""
    path = Path(os.environ.get("ENV_FILE", BASE_DIR / ".env"))
    if not path.is_file() or find_spec("dotenv") is None:
        return
    from dotenv import load_dotenv

    try:
        load_dotenv(path, override=False, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The file {path} cannot be read ({error}): correct it, or remove it.") from None


def flag(name: str, *, default: bool) -> bool:
    """Return a variable that is on or off."""
    value = os.environ.get(name, "1" if default else "0").strip().lower()
    if value not in TRUE | FALSE:
        raise Misconfigured(f"{name}={value} is neither on nor off: write 1 or 0.")
    return value in TRUE


def number(name: str, *, default: int, low: int, high: int) -> int:
    """Return a variable that is a whole number from `low` to `high`."""
    value = os.environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise Misconfigured(f"{name}={value} is not a whole number from {low} to {high}.")
    return int(value)


def choice(name: str, *options: str) -> str:
    """Return a variable that is one of the options; the first one by default."""
    value = os.environ.get(name) or options[0]
    if value not in options:
        raise Misconfigured(f"{name}={value} is unknown: write {' or '.join(options)}.")
    return value


def comma_separated(name: str, *, default: str) -> list[str]:
    """Return the words of a variable that is a list separated by commas."""
    return [word.strip() for word in (os.environ.get(name) or default).split(",") if word.strip()]


def schemes(name: str, *, default: str) -> list[str]:
    """Return a variable that is a list of URL schemes, in lower case; a scheme that runs scripts is refused."""
    words = [word.lower() for word in comma_separated(name, default=default)]
    for word in words:
        if not re.fullmatch("[a-z][a-z0-9+.-]*", word) or word in UNSAFE_SCHEMES:
            raise Misconfigured(
                f"{name} has {word}, which is not a scheme for links: write https,http,myapp for example."
            )
    return words


def data_dir() -> Path:
    """Return the folder for data, DATA_DIR or `data` in the project, as an absolute path."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / "data").expanduser().absolute()


def secret_key(*, debug: bool) -> str:
    """Return SECRET_KEY, which must be strong outside debug; in debug mode a random key by default.

    The random key is stored, so that logins survive a restart.
    """
    if key := os.environ.get("SECRET_KEY"):
        if not debug and not _is_strong(key):
            raise Misconfigured(
                f"SECRET_KEY can be guessed: outside debug it needs {KEY_LENGTH} random characters or more; "
                "`openssl rand -base64 48` prints such a key."
            )
        return key
    if not debug:
        raise Misconfigured(
            "SECRET_KEY is not set: put a long random string into the environment variable SECRET_KEY, "
            "or set DEBUG=1 on a machine for development."
        )
    path = writable(data_dir()) / "secret_key"
    try:
        return _stored_key(path)
    except OSError as error:
        raise Misconfigured(f"The key kept in {path} cannot be used ({error.strerror}): set SECRET_KEY.") from None


def secret_key_fallbacks(*, debug: bool) -> list[str]:
    """Return SECRET_KEY_FALLBACKS, former or future keys separated by commas, whose signatures are accepted."""
    keys = comma_separated("SECRET_KEY_FALLBACKS", default="")
    if not debug and not all(map(_is_strong, keys)):
        raise Misconfigured(
            f"SECRET_KEY_FALLBACKS has a key that can be guessed: each needs {KEY_LENGTH} random characters or more, "
            "and a comma before the next one."
        )
    return keys


def _is_strong(key: str) -> bool:
    """Return whether Django's check security.W009 accepts the key."""
    return len(key) >= KEY_LENGTH and len(set(key)) >= KEY_CHARACTERS and not key.startswith("django-insecure-")


def _stored_key(path: Path) -> str:
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        with suppress(FileExistsError):  # another process was first; its key is used
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def writable(folder: Path) -> Path:
    """Return the folder, which is created if it does not exist; end the program if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"DATA_DIR {folder} cannot be made ({error.strerror}): choose another DATA_DIR.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misconfigured(f"DATA_DIR {folder} is not writable: choose another DATA_DIR.")
    return folder


def database_url() -> str:
    """Return DATABASE_URL; an SQLite file in DATA_DIR by default."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return f"sqlite:///{quote(str(writable(data_dir()) / 'hotpath.sqlite3'))}"
    parts = _database("DATABASE_URL", url)
    if parts.scheme == "sqlite" and parts.path in {"", "/", "/:memory:"}:
        raise Misconfigured(
            f"DATABASE_URL {masked(url)} names no file, and processes cannot share memory: name a file."
        )
    return url


def database_replica_urls() -> list[str]:
    """Return DATABASE_REPLICA_URLS: replicas of the database that DATABASE_URL names; none by default."""
    name, urls = "DATABASE_REPLICA_URLS", comma_separated("DATABASE_REPLICA_URLS", default="")
    if not urls:
        return []
    writer = urlsplit(database_url())
    if writer.scheme == "sqlite":
        raise Misconfigured(
            f"{name} is set, but the database is an SQLite file, which has no replicas: let DATABASE_URL name MySQL or "
            f"MariaDB, or unset {name}."
        )
    known = [_address(writer)]
    for url in urls:
        address = _address(_database(name, url, DATABASE_SCHEMES[1:]))
        if address in known:
            raise Misconfigured(f"{name} {masked(url)} names a server twice, or the one that DATABASE_URL names.")
        if address[2] != known[0][2]:
            raise Misconfigured(
                f"{name} {masked(url)} names another database than DATABASE_URL: a replica has it under the same name, "
                f"{known[0][2]}."
            )
        known.append(address)
    return urls


def _database(name: str, url: str, schemes: tuple[str, ...] = DATABASE_SCHEMES) -> SplitResult:
    """Return the parts of a URL that names one database."""
    parts = _split(name, url, schemes, "mysql://user:password@host:3306/hotpath")
    if parts.scheme != "sqlite" and (not parts.path.strip("/") or "/" in parts.path.strip("/")):
        raise Misconfigured(f"{name} {masked(url)} does not name one database: end it with /hotpath, for example.")
    return parts


def _address(parts: SplitResult) -> tuple[str | None, int, str]:
    return parts.hostname, parts.port or 3306, parts.path.strip("/")


def redis_url() -> str:
    """Return REDIS_URL; by default the embedded server that `make run` started in DATA_DIR, else localhost."""
    url = os.environ.get("REDIS_URL")
    if not url:
        embedded = data_dir() / "redis" / "url"
        return embedded.read_text().strip() if embedded.exists() else "redis://127.0.0.1:6379/0"
    if url.startswith(TOPOLOGY_SCHEMES):
        return _topology(url)
    for each in url.split(","):
        _split("REDIS_URL", each, REDIS_SCHEMES + locations.SCHEMES, "redis://:password@host:6379/0")
    return url


def _topology(url: str) -> str:
    """Return the address of a Redis Cluster, or of Sentinels, checked."""
    try:
        locations.parse(url)
    except ValueError as error:
        raise Misconfigured(f"REDIS_URL {masked(url)} {error}.") from None
    return url


def email_url(*, debug: bool) -> str:
    """Return EMAIL_URL; by default the console in debug mode, and else the empty text, for no mail."""
    url = os.environ.get("EMAIL_URL") or ("console:" if debug else "")
    if url in {"", "console:", "console://"}:
        return url
    parts = _split("EMAIL_URL", url, EMAIL_SCHEMES, "smtp://user:password@host:587")
    if not parts.hostname or parts.path.strip("/") or parts.query not in {"", "starttls=off"}:
        raise Misconfigured(
            f"EMAIL_URL {masked(url)} is not a mail server alone: write for example smtp://user:password@host:587, "
            "with ?starttls=off for a server without TLS."
        )
    return url


def _split(name: str, url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Misconfigured(f"{name} is not an address, its host or port is malformed: write {example}.") from None
    if parts.scheme not in schemes or "://" not in url:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        raise Misconfigured(f"{name} {masked(url)} is of no supported kind ({known}): write for example {example}.")
    return parts


def masked(url: str) -> str:
    """Return the URL with its password replaced by ***, for messages."""
    before, at, host = url.rpartition("@")
    if not at:
        return url
    scheme, separator, login = before.partition("://")
    return f"{scheme}{separator}{login.split(':')[0]}:***@{host}" if ":" in login else url


def require_libraries() -> None:
    """End the program if a library that the project needs is not installed."""
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise Misconfigured(
            f"Python libraries are missing in {sys.prefix} ({', '.join(missing)}): "
            "run `make install` and use .venv/bin/python, or install requirements.txt."
        )


read_env_file()
