"""The web process of the Procfile: `python -m serving` supervises gunicorn, or Granian where SERVER=granian."""

import logging.config
import os
import sys
from importlib import import_module
from typing import Any

from serving.supervisor import listening
from serving.supervisor.pid_file import PidFile, pid_file_path
from serving.supervisor.supervisor import Supervisor


def main() -> int:
    """Serve until a signal ends the service; arguments of the command line are the server's own."""
    module = os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    environment = dict(os.environ)  # without what settings add from a file, which each generation reads anew
    # The settings module checks the libraries and the environment, and ends the program with one sentence.
    settings: Any = import_module(module)
    addresses, arguments = listening.split_arguments(sys.argv[1:], settings.HOST, settings.PORT)
    if settings.SERVER == "granian" and (len(addresses) > 1 or addresses[0].startswith("unix:")):
        raise SystemExit("Granian is given one TCP address: write --bind HOST:PORT once.")
    logging.config.dictConfig(settings.LOGGING)
    queues = listening.granian_workers(arguments, settings.WEB_WORKERS) if settings.SERVER == "granian" else 1
    sockets = [sock for address in addresses for sock in listening.listen(address, queues)]
    file = PidFile(pid_file_path(settings.DATA_DIR, settings.PORT))
    return Supervisor(sockets, arguments, environment, file.add).run()


if __name__ == "__main__":
    sys.exit(main())
