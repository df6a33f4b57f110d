"""A Redis server that tests and benchmarks start, kill, freeze and cut off from its master; alone or of a topology."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import redis

from devtools import servers
from devtools.programs import output_of

LONGEST_S = 120
REFUSED = "of-no-server"
# A replica that joins is sent the data at once, without a file on the disk.
SHARED_OPTIONS = (
    "--bind", "127.0.0.1", "--save", "", "--set-max-intset-entries", "6000", "--repl-diskless-sync", "yes",
    "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
)  # fmt: skip


class RedisNode:
    """A redis-server on a port and in a folder of its own, which it keeps when it is started again."""

    def __init__(
        self,
        binary: str,
        folder: Path,
        options: Iterable[str] = (),
        password: str = "",
        certificate: Path | None = None,
    ) -> None:
        """`certificate`: a file with a key and its certificate, for which the server speaks TLS alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = servers.free_port()
        self.password = password
        self._certificate = certificate
        secured = ["--requirepass", password, "--masterauth", password] if password else []
        listening = [part for name, value in self.listening().items() for part in (f"--{name}", value)]
        self._command = [binary, *listening, "--dir", str(folder), *SHARED_OPTIONS, *secured, *options]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that clients connect to."""
        return "127.0.0.1", self.port

    def listening(self) -> dict[str, str]:
        """Return the settings of the port."""
        if self._certificate is None:
            return {"port": str(self.port)}
        files = dict.fromkeys(("tls-cert-file", "tls-key-file", "tls-ca-cert-file"), str(self._certificate))
        return {"port": "0", "tls-port": str(self.port), "tls-auth-clients": "no", "tls-replication": "yes", **files}

    @property
    def is_running(self) -> bool:
        """Whether the process is alive; a frozen one is."""
        return self.process is not None and self.process.poll() is None

    def start(self, *options: str) -> None:
        """Start, with more options if any, and return when the server has loaded its data."""
        self.launch(*options)
        wait_for(self.answers, f"the Redis on port {self.port} did not answer")

    def launch(self, *options: str) -> None:
        """Start, and return when the server listens; it may have data to load."""
        self.process = servers.start_process([*self._command, *options], self.port, self.folder / "redis.log")

    def answers(self) -> bool:
        """Return whether the server answers a PING, and has loaded its data."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self) -> redis.Redis:
        """Return a client for the test itself; its commands do not go through the cache framework."""
        return self._client_of("127.0.0.1", self.port)

    def _client_of(self, host: str, port: int) -> redis.Redis:
        trusted = str(self._certificate) if self._certificate else None
        return redis.Redis(
            host, port, password=self.password or None, socket_timeout=5, ssl=trusted is not None, ssl_ca_certs=trusted
        )

    def freeze(self) -> None:
        """Stop the process as a machine that hangs does: it accepts connections and answers nothing."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on, in the belief that no time has passed."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._send(signal.SIGKILL).wait()
        self.process = None

    def end(self) -> None:
        """Kill the process if it runs."""
        if self.process:
            self.kill()

    def cut_off_from_master(self) -> None:
        """Let this replica receive no further write, while everyone else still finds it alive and fit for promotion."""
        with self.client() as client:
            client.config_set("masterauth", REFUSED)
            address = client.info("replication")
        with self._client_of(address["master_host"], address["master_port"]) as master:
            master.execute_command("CLIENT", "KILL", "TYPE", "replica")  # the other replicas connect again at once
        wait_for(lambda: not self.follows(), f"the replica on port {self.port} did not lose its master")

    def join_master(self) -> None:
        """Let a replica that was cut off receive writes again."""
        with self.client() as client:
            client.config_set("masterauth", self.password)

    def is_master(self) -> bool:
        """Return whether this server takes writes, by its own account."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.role()[0] == b"master")
        return False

    def follows(self, port: int | None = None) -> bool:
        """Return whether this server is a replica that has all that its master sends (of the one on `port`)."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            state = client.info("replication")
            is_linked = state["role"] == "slave" and state["master_link_status"] == "up"
            return is_linked and port in (None, state["master_port"])
        return False

    def _send(self, number: signal.Signals) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError(f"The Redis on port {self.port} does not run.")
        os.kill(self.process.pid, number)
        return self.process


def wait_for(condition: Callable[[], object], otherwise: str, timeout_s: float = LONGEST_S) -> None:
    """Call `condition` until it returns something true; TimeoutError with the sentence after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {timeout_s} s")
        time.sleep(0.02)


def make_certificate(file: Path) -> Path:
    """Make a key and its certificate for 127.0.0.1, together in one file (by openssl); return the file."""
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    output_of(command)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


def url_of(
    kind: str, nodes: Iterable[RedisNode], password: str, path: str = "", certificate: Path | None = None
) -> str:
    """Return the REDIS_URL that names some servers."""
    login = f":{quote(password, safe='')}@" if password else ""
    seeds = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    scheme, query = ("rediss", f"?ssl_ca_certs={certificate}") if certificate else ("redis", "")
    return f"{scheme}+{kind}://{login}{seeds}{path}{query}"
