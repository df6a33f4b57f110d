"""Tell load balancers whether the MariaDB of this machine takes part in its Galera cluster.

    python3 health.py [--bind ADDRESS] [--port 9200] -- --defaults-extra-file=/etc/mysql/health.cnf

Answers every GET with 200 while the node is Synced (state 4) in a primary component, else with 503 and the state.
What follows `--` are options of the client `mariadb`; its user needs no privileges. Python's standard library is
enough, so that a database host needs nothing of Hotpath.
"""

import argparse
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

QUERY = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_status', 'wsrep_local_state', 'wsrep_ready')"
HEALTHY = {"wsrep_cluster_status": "Primary", "wsrep_local_state": "4", "wsrep_ready": "ON"}
LIMIT_S = 0.8
"""The longest that the server may take: shorter than the load balancer's own limit."""
FRESH_S = 0.2
"""How long an answer serves for other load balancers as well."""


class Node:
    """The MariaDB of this machine, asked by one thread at a time."""

    def __init__(self, options):
        self._command = ["mariadb", *options, "--skip-column-names", "--batch", "--execute", QUERY]
        self._lock = threading.Lock()
        self._asked_at, self._state = float("-inf"), {}

    def state(self):
        """Return {variable: value} as of at most FRESH_S ago; an empty dict if the server does not answer."""
        with self._lock:
            if time.monotonic() - self._asked_at > FRESH_S:
                self._state = self._ask()
                self._asked_at = time.monotonic()
            return self._state

    def _ask(self):
        try:
            done = subprocess.run(self._command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
        except (OSError, subprocess.SubprocessError):
            return {}
        return dict(line.split("\t", 1) for line in done.stdout.splitlines())


def handler_for(node):
    """Return the class that answers requests about a node."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state = node.state()
            body = " ".join(f"{name}={value}" for name, value in sorted(state.items())) or "no answer"
            self.send_response(200 if state == HEALTHY else 503)
            self.end_headers()
            self.wfile.write(body.encode() + b"\n")

        def log_message(self, *args):
            """Keep silent: there are several checks a second."""

    return Handler


class Server(ThreadingHTTPServer):
    """Answers each load balancer in a thread of its own."""

    def handle_error(self, request, client_address):
        """Report an error, except that a load balancer has hung up, as it does when its own limit is over."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bind", default="", help="the address to listen on (all)")
    parser.add_argument("--port", type=int, default=9200, help="the port to listen on (9200)")
    parser.add_argument("client", nargs="*", metavar="OPTION", help="an option of the client `mariadb`, after --")
    given = parser.parse_args()
    Server((given.bind, given.port), handler_for(Node(given.client))).serve_forever()


if __name__ == "__main__":
    main()
