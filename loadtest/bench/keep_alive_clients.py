"""Plain HTTP clients on keep-alive connections, which count what they lose; in a process of their own.

`python -m loadtest.bench.keep_alive_clients` takes Clients as JSON in its argument, and prints the counts as JSON:
`answered`, `connections`, and everything else that happened. Nothing is sent twice. Standard library only.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

TIMEOUT_S = 30
ANSWERED, CONNECTIONS = "answered", "connections"


@dataclass(frozen=True, kw_only=True)
class Clients:
    """So many clients, which together send `per_second` GETs of the paths for some seconds at most."""

    port: int
    paths: list[str]
    seconds: float
    clients: int = 50
    per_second: int = 500
    headers: dict[str, str] = field(default_factory=dict)


class Running:
    """Clients at work in a process of their own; `lost()` waits for their end, which `finish()` brings about."""

    def __init__(self, clients: Clients) -> None:
        command = [sys.executable, "-m", "loadtest.bench.keep_alive_clients", json.dumps(asdict(clients))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.counts: dict[str, int] = {}

    def finish(self) -> None:
        """Tell the clients to send nothing more, once they have their answers."""
        self._process.send_signal(signal.SIGTERM)

    def lost(self) -> dict[str, int]:
        """Return all that was no answer with status 2xx, by kind; `counts` has the rest."""
        self.counts = json.loads(self._process.communicate()[0])
        return {kind: count for kind, count in self.counts.items() if kind not in (ANSWERED, CONNECTIONS)}

    def kill(self) -> None:
        """End the clients, if they still run."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def running(clients: Clients) -> Iterator[Running]:
    """Let clients send requests during the block."""
    started = Running(clients)
    try:
        yield started
    finally:
        started.kill()


async def _main(clients: Clients) -> Counter[str]:
    counts: Counter[str] = Counter()
    head = "".join(f"{name}: {value}\r\n" for name, value in ({"Host": "localhost"} | clients.headers).items())
    requests = [f"GET {path} HTTP/1.1\r\n{head}\r\n".encode() for path in clients.paths]
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    loop.call_later(clients.seconds, end.set)
    await asyncio.gather(*(_client(number, clients, requests, end, counts) for number in range(clients.clients)))
    return counts


async def _client(
    number: int, clients: Clients, requests: list[bytes], end: asyncio.Event, counts: Counter[str]
) -> None:
    pause_s = clients.clients / clients.per_second
    await asyncio.sleep(pause_s * number / clients.clients)
    connection = None
    while not end.is_set():
        try:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", clients.port)
                counts[CONNECTIONS] += 1
            number += 1
            status, is_last = await asyncio.wait_for(_ask(*connection, requests[number % len(requests)]), TIMEOUT_S)
            counts[ANSWERED if status.startswith("2") else status] += 1
        except (OSError, EOFError, ValueError) as error:
            counts[repr(error)] += 1
            is_last = True
        if is_last and connection is not None:
            connection[1].close()
            connection = None
        await asyncio.sleep(pause_s)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[str, bool]:
    """Send a request; return the status, and whether the server closes the connection."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
    return head[9:12].decode(), b"\r\nconnection: close\r\n" in head


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(Clients(**json.loads(sys.argv[1]))))))
