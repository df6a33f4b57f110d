"""What is followed after an interruption, and what is dropped where the log does not tell everything."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from binlog.models import Position
from devtools import servers
from tests.support.polling import wait_until
from users.models import User

pytestmark = pytest.mark.services


def nickname(pk):
    return User.objects.get_one(pk).nickname


@pytest.fixture
def alice_pk(new_user):
    pk = new_user("alice", nickname="Alice").pk
    assert nickname(pk) == "Alice"
    return pk


def rename(sql, pk, name):
    sql("UPDATE users_user SET nickname=%s WHERE id=%s", [name, pk])


def is_seen(pk, name):
    return lambda: nickname(pk) == name


def test_what_was_written_meanwhile_is_seen(following_log, sql, alice_pk):
    following_log().end()
    assert nickname(alice_pk) == "Alice"  # the first one has dropped everything
    rename(sql, alice_pk, "Alicia")
    assert nickname(alice_pk) == "Alice"
    following_log()
    wait_until(is_seen(alice_pk, "Alicia"))


def test_rotated_logs_lose_nothing(following_log, sql, alice_pk):
    following_log().end()
    assert nickname(alice_pk) == "Alice"
    rename(sql, alice_pk, "Alicia")
    sql("FLUSH LOGS")
    following_log()
    wait_until(is_seen(alice_pk, "Alicia"))
    sql("FLUSH LOGS")
    rename(sql, alice_pk, "Alice again")
    wait_until(is_seen(alice_pk, "Alice again"))


def test_a_purged_log_drops_entries(following_log, sql, alice_pk, caplog):
    following_log().end()
    assert nickname(alice_pk) == "Alice"
    rename(sql, alice_pk, "Alicia")
    sql("FLUSH LOGS")
    (current, *_), *_ = sql("SHOW MASTER STATUS")
    wait_until(lambda: not sql(f"PURGE BINARY LOGS TO '{current}'") and len(sql("SHOW BINARY LOGS")) == 1)
    following_log()
    wait_until(is_seen(alice_pk, "Alicia"))
    assert "The position in the binary log is lost" in caplog.text
    rename(sql, alice_pk, "Alice again")
    wait_until(is_seen(alice_pk, "Alice again"))


@pytest.mark.parametrize("lost", [{"gtids": "0-1-999999999"}, {"gtids": "7-7-7"}, {"server_id": 99}, {"gtids": ""}])
def test_a_lost_position_drops_entries(following_log, sql, alice_pk, lost):
    following_log().end()
    assert nickname(alice_pk) == "Alice"
    rename(sql, alice_pk, "Alicia")
    Position.objects.update(**lost)
    following_log()
    wait_until(is_seen(alice_pk, "Alicia"))
    rename(sql, alice_pk, "Alice again")
    wait_until(is_seen(alice_pk, "Alice again"))


def test_a_gap_drops_entries(follower, sql, alice_pk):
    assert nickname(alice_pk) == "Alice"
    sql("SET sql_log_bin=0")
    rename(sql, alice_pk, "Alicia")  # nobody is told
    sql("SET sql_log_bin=1, gtid_seq_no=%s", [int(sql("SELECT @@gtid_binlog_pos")[0][0].split("-")[-1]) + 10])
    sql("INSERT INTO testapp_publisher (name) VALUES ('')")
    wait_until(is_seen(alice_pk, "Alicia"))


@pytest.mark.parametrize(
    "setting",
    ["binlog_format=STATEMENT", "binlog_row_image=MINIMAL", "time_zone='+05:30'", "character_set_client=latin1"],
)
def test_sessions_with_settings_of_their_own(follower, sql, alice_pk, setting):
    sql(f"SET SESSION {setting}")
    assert nickname(alice_pk) == "Alice"
    rename(sql, alice_pk, "Alicia")
    wait_until(is_seen(alice_pk, "Alicia"))


@pytest.mark.parametrize("change", ["ADD COLUMN shoe_size INT", "MODIFY nickname VARCHAR(90) NOT NULL DEFAULT 'x'"])
def test_a_changed_table_drops_entries(follower, sql, alice_pk, change):
    (_, before), *_ = sql("SHOW CREATE TABLE users_user")
    sql(f"ALTER TABLE users_user {change}")
    try:
        rename(sql, alice_pk, "Alicia")
        wait_until(is_seen(alice_pk, "Alicia"))
    finally:
        if "ADD" in change:
            sql("ALTER TABLE users_user DROP COLUMN shoe_size")
        else:
            (column,) = [
                line.strip().rstrip(",") for line in before.splitlines() if line.strip().startswith("`nickname`")
            ]
            sql(f"ALTER TABLE users_user MODIFY {column}")
    assert sql("SHOW CREATE TABLE users_user")[0][1] == before


def test_a_server_that_starts_again(follower, sql, alice_pk, new_program):
    sql("SHUTDOWN")
    port = settings.DATABASES["default"]["PORT"]
    wait_until(lambda: follower.failures)
    servers.restart_mariadb(Path(os.environ["DATA_DIR"]), port, *servers.BINARY_LOG)
    connection.close()
    sql = new_program()
    rename(sql, alice_pk, "Alicia")
    wait_until(is_seen(alice_pk, "Alicia"))
    assert follower.failures


def test_a_server_that_was_killed_numbers_its_tables_anew(
    following_log, sql, alice_pk, new_user, new_program, caplog
):  # fmt: skip
    """The log of before the kill ends without a word, and its numbers are those of other tables in the next one."""
    bob_pk = new_user("bob").pk

    def restart(*opened):
        port, folder = settings.DATABASES["default"]["PORT"], Path(os.environ["DATA_DIR"])
        servers.restart_mariadb(folder, port, *servers.BINARY_LOG)
        connection.close()
        sql = new_program()
        for statement in opened:
            sql(statement)
        return sql

    users, follows = "SELECT 1 FROM users_user LIMIT 1", "SELECT 1 FROM social_follow LIMIT 1"
    sql("SHUTDOWN")
    sql = restart(users, follows)
    following_log().end()
    sql("SET GLOBAL innodb_flush_log_at_trx_commit=1")  # tests have it otherwise
    rename(sql, alice_pk, "Alicia")
    sql("INSERT INTO social_follow (follower_id, followee_id, created_at) VALUES (%s, %s, NOW(6))", [alice_pk, bob_pk])
    pid = server_pid(sql)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    sql = restart(follows, users)
    assert nickname(alice_pk) == "Alicia"
    rename(sql, alice_pk, "Alice again")
    caplog.clear()
    following_log()
    wait_until(is_seen(alice_pk, "Alice again"))
    assert "dropped" not in caplog.text


def server_pid(sql):
    (pid_file,), *_ = sql("SELECT @@pid_file")
    return int((Path(os.environ["DATA_DIR"]) / "mariadb" / pid_file).read_text())


def test_a_server_that_says_nothing_is_noticed(follower, sql, alice_pk, new_program):
    pid = server_pid(sql)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        wait_until(lambda: follower.failures)
        assert time.monotonic() - began < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    rename(sql, alice_pk, "Alicia")
    wait_until(is_seen(alice_pk, "Alicia"))
