"""A refused host, and whatever else Django refuses for its security, is a short log line, limited in rate."""

import http.client
import logging

import pytest

from api.logs.limits import RefusedRequests
from tests.support.programs import GUNICORN, WEB

pytestmark = pytest.mark.embedded
PRODUCTION = {"DEBUG": "0", "SECRET_KEY": "tests-only-" + "x" * 50, "ALLOWED_HOSTS": "127.0.0.1", "HTTPS": "off"}
SERVERS = {
    "gunicorn": (WEB, {}),
    "granian": (WEB, {"SERVER": "granian"}),
    "gthread": ((*GUNICORN, "-k", "serving.workers.thread_worker.ThreadWorker", "config.wsgi"), {}),
}


def ask(port: int, host: bytes, path: str = "/api/v1/users/1", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.sampled
@pytest.mark.parametrize("server", SERVERS)
def test_a_refused_host_is_logged_once_in_a_while(program, server):
    command, values = SERVERS[server]
    web = program(command, **PRODUCTION, **values).wait_until_up()
    token = {"Authorization": "Bearer x.y.z"}  # as the hot lane takes them
    assert ask(web.port, b"evil.example", **token) == 400
    assert {ask(web.port, b"%d.example" % n, **token) for n in range(50)} == {400}
    assert ask(web.port, b"e" * 20_000, **token) in (400, 431)
    web.end(15)
    lines = [line for line in web.log.read_text().splitlines() if "DisallowedHost" in line]
    assert len(lines) == 1
    assert ": A request for the host 'evil.example' was refused: ALLOWED_HOSTS is 127.0.0.1. | " in lines[0]
    assert "Traceback" not in web.log.read_text()


def test_a_long_host_is_cut_and_other_refusals_have_no_traceback(client, settings):
    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    seen: list[str] = []
    handler = logging.Handler()
    handler.addFilter(RefusedRequests(lines=2, per_s=60))
    handler.emit = lambda record: seen.append((record.getMessage(), record.exc_info))
    log = logging.getLogger("django.security")
    log.addHandler(handler)
    try:
        for n in range(5):
            host = f"\x1b[31mé\n{n}" + "h" * 5_000
            assert client.get("/admin/login/", headers={"host": host}).status_code == 400
        broken = client.post("/admin/login/", {f"field {n}": n for n in range(1_100)}, headers={"host": "a.example"})
    finally:
        log.removeHandler(handler)
    assert broken.status_code == 400
    hosts, others = seen[:2], seen[2:]
    assert [trace for _, trace in hosts] == [None, None]
    cut = f"'\\x1b[31m\\xe9\\n0{'h' * 92}'…"
    assert hosts[0][0] == f"A request for the host {cut} was refused: ALLOWED_HOSTS is a.example,b.example."
    assert [(len(text) < 310, trace) for text, trace in others] == [(True, None)]
