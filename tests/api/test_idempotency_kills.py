"""A process that is killed in the middle of a request with an Idempotency-Key leaves one row and one answer."""

import http.client
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken

from api.models import IdempotentRequest
from counters import rollup
from posts.models import Post
from tests.support.crashes import dies_at_commit
from tests.support.forkserver import run_until_killed
from tests.support.programs import WEB, Program
from tests.support.threads import in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"text": "Hello"}
CLIENTS, ROUNDS = 50, int(os.environ.get("KILLS", "2"))
LONGEST_S = 60


def send(user_id: int, commit: int, when: str) -> None:
    """Publish a post and kill the process just "before" or "after" its n-th commit."""
    from tests.support.api_client import ApiClient

    settings.THROTTLES = {}
    dies_at_commit(commit, when)
    ApiClient().post("posts", BODY, by=User.objects.get(pk=user_id), headers={"idempotency-key": "k"})


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_its_commit(api, alice, when):
    run_until_killed(send, alice.pk, 1, when)
    rows = list(Post.objects.values_list("pk", flat=True))
    assert len(rows) == IdempotentRequest.objects.count() == (when == "after")
    first, again = (api.post("posts", BODY, by=alice, headers={"idempotency-key": "k"}) for _ in range(2))
    assert (first.status, first.bytes) == (201, again.bytes)
    assert rows in ([], [first.json["id"]])
    assert Post.objects.count() == 1
    rollup.roll_up_all()
    assert api.get(f"counters?targets=user:{alice.pk}", by=alice).json["results"][f"user:{alice.pk}"]["posts"] == 1


@pytest.fixture
def web(tmp_path):
    """Two web workers on the suite's database and Redis."""
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    own = {"DEBUG": "0", "HTTPS": "off", "THROTTLES": "off", "WEB_WORKERS": "2", "WEB_THREADS": "8"}
    (tmp_path / "data").mkdir()
    program = Program(WEB, tmp_path / "data", **{name: os.environ[name] for name in names}, **own).wait_until_up()
    yield program
    program.end(signal.SIGTERM)
    assert program.wait_until_gone() == {}


def workers(web: Program) -> list[int]:
    """Return the processes that answer: the supervisor's children are gunicorn's masters, and theirs the workers."""
    return [pid for master in children(web.process.pid) for pid in children(master)]


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # it has just ended
        return []


class Client:
    """A client that repeats its request until it has an answer, and notes the statuses on the way."""

    def __init__(self, port: int, token: str, key: str, sent: threading.Event) -> None:
        self.port, self.statuses, self.sent = port, [], sent
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}

    def run(self) -> bytes:
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            status, body = self._once()
            self.statuses.append(status)
            if status == 201:
                return body
            time.sleep(0.05)
        raise AssertionError(self.statuses)

    def _once(self) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/api/v1/posts", json.dumps(BODY), self.headers)
            self.sent.set()
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


def test_fifty_at_once_and_killed_workers(alice, web):
    token = str(AccessToken.for_user(alice))
    broken = 0
    for number in range(ROUNDS):
        sent, done = threading.Event(), threading.Event()
        clients = [Client(web.port, token, f"round-{number}", sent) for _ in range(CLIENTS)]

        def kill(sent=sent, done=done) -> int:
            killed = 0
            sent.wait(LONGEST_S)
            done.wait(random.uniform(0, 0.01))  # the requests take some milliseconds
            while killed < 4:
                for pid in workers(web)[: 4 - killed]:  # all, as some have nothing to do
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                if done.wait(0.02):
                    break
            return killed

        killer, *answers = in_parallel(kill, *(client.run for client in clients))
        done.set()
        assert killer == 4
        assert len(set(answers)) == 1
        statuses = {status for client in clients for status in client.statuses}
        assert statuses <= {0, 201, 409, 503}, statuses
        broken += 0 in statuses
        assert Post.objects.filter(pk=json.loads(answers[0])["id"]).exists()
    assert broken, "nobody's connection broke: no request was killed"
    assert Post.objects.count() == IdempotentRequest.objects.count() == ROUNDS
