"""The project's settings on servers of the suite's own; SERVICES=1 puts the suite on MariaDB instead of SQLite."""

import os
import shutil

from tests import servers

folder = servers.temporary_folder()
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ["DATA_DIR"] = str(folder)
redis_port, _ = servers.start_redis(shutil.which("redis-server"), folder)
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
if os.environ.get("SERVICES") == "1":
    mariadb_port, _ = servers.start_mariadb(folder)
    os.environ["DATABASE_URL"] = f"mysql://root@127.0.0.1:{mariadb_port}/hotpath"
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/hotpath.sqlite3"

from config.settings import *  # noqa: E402, F403

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}  # noqa: F405  child processes use the same one
ALLOWED_HOSTS = ["*"]
