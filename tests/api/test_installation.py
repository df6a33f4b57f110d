"""A process that starts beside others has their secret key and database, or says why not; keys can be rotated."""

import logging
import time

import pytest

from api import cursors, installation
from api.problems import Problem
from devtools.servers import free_port
from popups.delivery import claims
from tests.support.programs import WEB, environment, run
from tests.support.short_form import SHORT
from users import emails

pytestmark = pytest.mark.django_db(transaction=True)
ONE, TWO, THREE = (f"{name}-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO" for name in ("one", "two", "three"))
DRAIN = ("manage.py", "drain_invalidations")


@pytest.fixture
def start(own_redis, settings):
    """start(key, *fallbacks, **settings): compare as a process with these does when it starts."""

    def start(key, *fallbacks, **values):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, [*fallbacks]
        for name, value in values.items():
            setattr(settings, name, value)
        installation.require_agreement()

    return start


def test_the_same_key(start, caplog):
    start(ONE)
    start(ONE)
    assert caplog.text == ""


def test_another_key(start, own_redis):
    start(ONE)
    with pytest.raises(installation.Different, match="SECRET_KEY is not that of the processes"):
        start(TWO)
    with pytest.raises(installation.Different):
        start(TWO, THREE)
    start(ONE)
    stored = own_redis.client().hgetall(installation.record_key())
    assert not any(key.encode() in b"".join(stored.values()) for key in (ONE, TWO))


def test_a_rotation_in_three_steps(start, caplog):
    """The new key is accepted; then it signs; then the old one is forgotten. Hosts mix at each step."""
    for step, following in (((ONE,), (ONE, TWO)), ((ONE, TWO), (TWO, ONE)), ((TWO, ONE), (TWO,))):
        for host in (step, following, step, following):
            start(*host)
    assert caplog.text == ""
    with pytest.raises(installation.Different):
        start(ONE)


def test_a_rotation_in_one_step_is_told(start, caplog):
    start(ONE)
    start(TWO, ONE)
    assert "Put a new key into SECRET_KEY_FALLBACKS of all processes first" in caplog.text


def test_a_key_that_is_replaced_at_once(start, own_redis, settings):
    start(ONE)
    assert installation.forget()
    start(TWO)
    with pytest.raises(installation.Different):
        start(ONE)


def test_another_database(start, own_redis, monkeypatch):
    start(ONE)
    monkeypatch.setattr(installation, "_database", lambda: "another")
    with pytest.raises(installation.Different, match="DATABASE_URL names another database"):
        start(ONE)
    monkeypatch.setattr(installation, "_database", lambda: "")  # it does not answer now
    start(ONE)
    monkeypatch.undo()
    start(ONE)
    own_redis.client().flushdb()
    start(ONE)


def test_smaller_differences_are_told(start, caplog):
    start(ONE, PROXIES=1)
    start(ONE, PROXIES=0)
    assert caplog.messages == [
        "PROXIES is 0 here, and 1 for the processes that were started before: it should be the same for all."
    ]


@pytest.mark.parametrize(("off_s", "told"), [(0, ""), (4, ""), (60, "s ahead of"), (-60, "s behind")])
def test_clocks(start, monkeypatch, caplog, off_s, told):
    now = time.time
    monkeypatch.setattr(installation.time, "time", lambda: now() + off_s)
    start(ONE)
    assert told in caplog.text
    assert bool(told) == bool(caplog.messages)


def test_redis_is_away(start, own_redis, caplog):
    start(ONE)
    own_redis.kill()
    start(TWO)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_what_a_former_key_has_signed_is_accepted(alice, settings):
    """Cursors, claims of popups, confirmations of addresses."""
    former, claim = settings.SECRET_KEY, claims.new_claim()
    cursor = cursors.encode(cursors.Cursor(False, (1,)), "list")
    token = claims.sign(claim, user_id=1, popup_id=2)
    state = emails._state(alice, former)

    def accepted():
        claims._keys.cache_clear()
        yield claims.verify(token, user_id=1, popup_id=2) == claim
        yield emails._is_current(state, alice)
        try:
            yield cursors.decode(cursor, "list").key == (1,)
        except Problem:
            yield False

    try:
        for fallbacks in ([former], [TWO, former]):
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = ONE, fallbacks
            assert all(accepted())
        settings.SECRET_KEY_FALLBACKS = [TWO]
        assert not any(accepted())
    finally:
        claims._keys.cache_clear()


SOMEBODY = {"username": "somebody", "password": "a-long-enough-phrase"}


@pytest.mark.embedded
@pytest.mark.usefixtures("without_demo_data")
def test_hosts_with_several_keys(program, own_redis, tmp_path):
    """The key of the second host is new, and it accepts the first one's; the third and its jobs have the wrong one."""
    values = {"DEBUG": "0", "HTTPS": "off", "REDIS_URL": own_redis.url}
    first = program(WEB, **values, SECRET_KEY=ONE).wait_until_up()
    login = first.ask("/api/v1/auth/token", SOMEBODY).body
    second = program(WEB, **values, SECRET_KEY=TWO, SECRET_KEY_FALLBACKS=ONE).wait_until_up()
    assert "SECRET_KEY is new" in second.log.read_text()
    assert second.ask("/api/v1/users/me", Authorization=f"Bearer {login['access']}").status == 200
    answer = second.ask("/api/v1/auth/token/refresh", {"refresh": login["refresh"]})
    assert answer.status == 200
    assert first.ask("/api/v1/users/me", Authorization=f"Bearer {answer.body['access']}").status == 401
    wrong = environment(tmp_path / "data", **values, SECRET_KEY=THREE, PORT=str(free_port()))
    for command, server in ((WEB, "gunicorn"), (DRAIN, ""), *([] if SHORT else [(WEB, "granian")])):
        refused = run(command, wrong | {"SERVER": server})
        said = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert said.count("SECRET_KEY is not that of the processes that were started before") == 1
        assert "Traceback" not in said
        assert THREE not in said
    forgotten = run(("manage.py", "forget_secret_key"), wrong)
    assert (forgotten.returncode, forgotten.stdout) == (
        0, "The next process that starts says which SECRET_KEY is right.\n",
    )  # fmt: skip
    program(WEB, **values, SECRET_KEY=THREE).wait_until_up()
