"""DATABASE_REPLICA_URLS: what is refused, what becomes of it, and where the router sends reads."""

import contextlib
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import Error, OperationalError, connections, router, transaction

from config import databases, environment
from devtools.servers import start_mariadb
from replicas import positions, reads, servers
from replicas.reads import may_read_replica
from users.models import User

WRITER = "mysql://hotpath:secret@db1/hotpath"
REPLICA = "mysql://hotpath:secret@db2:3307/hotpath"


def urls(monkeypatch, replicas, writer=WRITER):
    monkeypatch.setenv("DATABASE_URL", writer)
    monkeypatch.setenv("DATABASE_REPLICA_URLS", replicas)
    return environment.database_replica_urls()


def test_several_replicas(monkeypatch):
    assert urls(monkeypatch, f" {REPLICA}, mariadb://db3/hotpath ,") == [REPLICA, "mariadb://db3/hotpath"]
    assert urls(monkeypatch, "") == []


@pytest.mark.parametrize(
    ("replicas", "sentence"),
    [
        ("nonsense", "DATABASE_REPLICA_URLS nonsense is of no supported kind (mysql://, mariadb://)"),
        ("sqlite:///replica.sqlite3", "is of no supported kind (mysql://, mariadb://)"),
        ("mysql://me:secret@db2:port/hotpath", "DATABASE_REPLICA_URLS is not an address"),
        ("mysql://me:secret@db2", "DATABASE_REPLICA_URLS mysql://me:***@db2 does not name one database"),
        ("mysql://me:secret@db2/other", "names another database than DATABASE_URL: a replica has it under the same"),
        (f"{REPLICA},{REPLICA}", "names a server twice, or the one that DATABASE_URL names"),
        ("mysql://other:secret@db1:3306/hotpath", "names a server twice, or the one that DATABASE_URL names"),
    ],
)
def test_wrong_replicas_are_refused_in_a_sentence(monkeypatch, replicas, sentence):
    with pytest.raises(environment.Misconfigured) as refused:
        urls(monkeypatch, replicas)
    assert sentence in str(refused.value)
    assert "secret" not in str(refused.value)


def test_sqlite_has_no_replicas(monkeypatch):
    with pytest.raises(environment.Misconfigured, match="an SQLite file, which has no replicas"):
        urls(monkeypatch, REPLICA, writer="sqlite:////srv/hotpath.sqlite3")


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_replica_is_read_only_and_given_little_time():
    replica = databases.replicas([REPLICA, "mariadb://db3/hotpath?connect_timeout=7"])["replica1"]
    assert (replica["ENGINE"], replica["HOST"], replica["PORT"]) == ("config.mysql", "db2", 3307)
    assert replica["TEST"] == {"MIRROR": "default"}
    options = replica["OPTIONS"]
    assert (options["connect_timeout"], options["read_timeout"]) == (1, 3)
    assert "tx_read_only=1" in options["init_command"]
    with connections["default"].cursor() as cursor:
        cursor.execute(options["init_command"])
        cursor.execute("SELECT @@session.tx_read_only, @@session.max_statement_time")
        assert cursor.fetchone() == (1, 2)
    connections["default"].close()  # the next test's is another


@pytest.mark.services
@pytest.mark.django_db
def test_a_server_without_a_binary_log_tells_no_position(tmp_path):
    port, _ = start_mariadb(tmp_path)
    without = connections["default"].copy()
    without.settings_dict |= {"HOST": "127.0.0.1", "PORT": port, "NAME": "mysql"}
    assert positions.committed(without) == ""
    without.close()


# The router. The replica is another name of the same database, and is up to date when a test says so.


@pytest.fixture
def replica(settings, monkeypatch):
    alias, found = "replica1", servers.Replica("replica1")
    monkeypatch.setitem(connections.settings, alias, {**connections.settings["default"], "TEST": {"MIRROR": "default"}})
    settings.DATABASE_ROUTERS = ["replicas.router.WriterOrReplica"]
    monkeypatch.setattr(servers, "replicas", lambda: (found,))
    state = SimpleNamespace(alias=alias, position="0-1-7", applied=True)
    monkeypatch.setattr(positions, "committed", lambda writer: state.position)
    monkeypatch.setattr(positions, "has_applied", lambda *_: state.applied)
    yield state
    with contextlib.suppress(AttributeError):
        connections[alias].close()
        del connections[alias]


@may_read_replica
def database_of_reads():
    return router.db_for_read(User)


def test_a_plain_read_asks_the_writer(replica):
    assert (router.db_for_read(User), router.db_for_write(User)) == ("default", "default")


@pytest.mark.django_db(transaction=True)
def test_a_marked_read_asks_a_replica_that_is_up_to_date(replica):
    assert database_of_reads() == "replica1"
    assert reads.database() == "default"
    replica.applied = False
    assert database_of_reads() == "default"
    replica.applied = True
    assert database_of_reads() == "default"  # for a moment


@pytest.mark.django_db(transaction=True)
def test_without_a_position_no_replica_is_asked(replica, caplog):
    replica.position = ""
    assert [database_of_reads() for _ in range(3)] == ["default"] * 3
    assert len(caplog.records) == 1
    assert "the writer tells no GTID; switch its binary log on" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_is_read_in_a_transaction_or_after_a_write_is_the_writer_s(replica):
    @may_read_replica
    def read():
        found = [router.db_for_read(User)]
        with transaction.atomic():
            found.append(router.db_for_read(User))
        found.append(router.db_for_read(User))
        User.objects.create(username="ann")
        return [*found, router.db_for_read(User), router.db_for_write(User)]

    assert read() == ["replica1", "default", "replica1", "default", "default"]
    with transaction.atomic():
        assert database_of_reads() == "default"


@pytest.mark.django_db(transaction=True)
def test_a_locking_read_is_the_writer_s(replica):
    rows = User.objects.all()
    assert may_read_replica(lambda: (rows.all().db, rows.select_for_update().db))() == ("replica1", "default")


def fail_on(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT nonsense")


@pytest.mark.django_db(transaction=True)
def test_a_read_that_fails_on_a_replica_is_made_again(replica, caplog):
    asked = []
    connections["replica1"].connect()  # as asking for its position does

    @may_read_replica
    def read():
        asked.append(router.db_for_read(User))
        if asked[-1] == "replica1":
            fail_on("replica1")
        return "read"

    assert [read() for _ in range(3)] == ["read"] * 3
    assert asked == ["replica1", "default", "default", "default"]
    assert "nonsense" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_writer_is_the_caller_s(replica, caplog):
    asked = []

    @may_read_replica
    def read():
        asked.append(router.db_for_read(User))
        fail_on("default")

    for _ in range(2):  # the second one is not kept from the replica
        with pytest.raises(Error, match="nonsense"):
            read()
    assert asked == ["replica1"] * 2
    assert not caplog.records


def refuse():
    raise OperationalError(2002, "No server answers")


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_cannot_be_reached_is_no_failure_of_the_replica(replica, caplog, monkeypatch):
    @may_read_replica
    def read():
        router.db_for_read(User)
        connections["default"].close()
        with monkeypatch.context() as away:
            away.setattr(connections["default"], "connect", refuse)
            fail_on("default")

    with pytest.raises(OperationalError, match="No server answers"):
        read()
    assert database_of_reads() == "replica1"
    assert not caplog.records


def test_replicas_are_not_migrated(replica):
    assert router.allow_migrate_model("default", User)
    assert not router.allow_migrate_model("replica1", User)
    call_command("check")


def test_rows_of_both_are_related(replica):
    user, other = User(pk=1), User(pk=2)
    user._state.db, other._state.db = "default", "replica1"
    assert router.allow_relation(user, other)
    assert router.db_for_write(User, instance=other) == "default"
