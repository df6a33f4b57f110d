"""What systemd is told of this process, as sd_notify(3) describes it."""

import contextlib
import os
import re
import socket

# Taken out of the environment, so that no process that this one starts speaks for it: gunicorn would.
_address = re.sub("^@", "\0", os.environ.pop("NOTIFY_SOCKET", ""))  # @: a name that is in no folder


def tell(state: str) -> None:
    """Send a state, such as "READY=1", to the service manager that has started this process; without one do nothing."""
    if _address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(state.encode(), _address)
