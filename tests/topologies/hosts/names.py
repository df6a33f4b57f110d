"""A host for HAProxy with a name server of its own, and servers that HAProxy reaches by their names."""

import json
import shlex
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

from devtools import servers
from tests.support.network_hosts import Network

HERE = "127.0.0.1"
LONGEST_S = 2


class Names(BaseResolver):
    """Resolves the names in `addresses`; others do not exist."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """Return the reply to a question."""
        reply = request.reply()
        address = self.addresses.get(request.q.qname.label[0].decode())
        if address is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, rdata=A(address)))
        return reply


class Answers(socketserver.StreamRequestHandler):
    """Answers a request as /readyz does, with the address at which it was asked."""

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        document = {"status": "ok", "database": "ok", "address": self.connection.getsockname()[0]}
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(document).encode())


class Server(socketserver.ThreadingTCPServer):
    """A server that is not asked for its name, as those of http.server are."""

    allow_reuse_address = daemon_threads = True


class NamedHosts:
    """A network with one host, where HAProxy, the name server and all else are, each at a loopback address."""

    def __init__(self, network: Network) -> None:
        self._network, self.names = network, Names()
        [self._host] = network.hosts
        with self._network.on(self._host):
            DNSServer(self.names, HERE, logger=DNSLogger(logf=lambda text: None)).start_thread()

    def serve(self, address: str, *ports: int) -> None:
        """Let a server answer at an address until this process ends."""
        for port in ports:
            with self._network.on(self._host):
                server = Server((address, port), Answers)
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @contextmanager
    def haproxy(self, sample: Path, port: int, folder: Path, **values: str) -> Iterator[None]:
        """Run HAProxy by a sample as it is, with the name server in its resolv.conf."""
        (folder / "resolv.conf").write_text(f"nameserver {HERE}\n")
        settings = [f"{name}={value}" for name, value in values.items()]
        program = ["env", *settings, servers.program("haproxy") or "haproxy", "-db", "-f", str(sample)]
        script = f"mount --bind {shlex.quote(str(folder))}/resolv.conf /etc/resolv.conf && exec {shlex.join(program)}"
        with self._network.on(self._host):
            process = servers.start_process(["unshare", "--mount", "sh", "-c", script], port, folder / "haproxy.log")
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def answering(self, port: int) -> str | None:
        """Return the address of the server that answers through HAProxy, or None."""
        try:
            with self._network.on(self._host), urlopen(f"http://{HERE}:{port}/", timeout=LONGEST_S) as answer:
                return json.loads(answer.read())["address"]
        except OSError:
            return None
