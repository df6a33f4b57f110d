"""A mail server on a free port of this machine, in a thread: it keeps the mails that it takes, or refuses them."""

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self._keep()
            elif verb == b"RCPT" and any(address.encode() in line for address in self.server.refused):
                self.wfile.write(b"%d refused\r\n" % self.server.code)
            else:
                self.wfile.write(b"250 ok\r\n")

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        self.server.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.wfile.write(b"250 taken\r\n")


class SmtpServer(socketserver.ThreadingTCPServer):
    """A server that speaks enough SMTP for smtplib."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mails: list[EmailMessage] = []
        self.refused: tuple[str, ...] = ()  # addresses, or parts of them
        self.code = 451  # temporary; from 500 on for good
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}?starttls=off"

    def end(self) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture
def smtp(settings):
    """A mail server that the settings name."""
    from config import mail

    server = SmtpServer()
    for name, value in {"EMAIL_URL": server.url, **mail.parse(server.url)}.items():
        setattr(settings, name, value)
    yield server
    server.end()
