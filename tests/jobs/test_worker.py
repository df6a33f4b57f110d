"""Behaviour 109: one worker runs every job, each for itself; what fails is tried again; a stop waits for steps."""

import re
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from counters import reconcile
from counters.models import Delta
from jobs import runner
from jobs.models import HeartbeatRow
from jobs.runner import BackOff, FailureLog
from social import services
from tests.jobs.workers import NAMES, states, wait_until_state
from tests.support.polling import wait_until
from tests.support.threads import in_parallel
from users.models import PasswordReset

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sampled]


def test_each_job_fails_and_comes_back_while_the_others_go_on(worker):
    process = worker()
    wait_until_state("ok")
    for number, name in enumerate(NAMES, 2):
        kind = ("outage", "bug", "exit")[number % 3]
        process.break_job(name, kind)
        wait_until_state("failing", name)
        failed = states()
        wait_until(lambda failed=failed: all_advanced(failed))
        assert {state.name for state in states().values() if state.state != "ok"} == {name}
        process.mend_job(name)
        wait_until_state("ok")
        assert states()[name].last_error_at is not None
    assert process.log.count("Traceback") >= 1  # of the bugs
    line = r"Job invalidations failed, and is tried again in [\d.]+ s. OperationalError: \(2006, 'Server has"
    assert re.search(line, process.log), process.log
    assert process.end() == 0


def all_advanced(before):
    """Return whether each job that did not fail has done a step since."""
    after = states()
    return all(
        after[name].last_success_at > state.last_success_at for name, state in before.items() if state.state == "ok"
    )


def test_an_outage_is_one_line_without_a_traceback(worker):
    process = worker("rollup")
    wait_until_state("ok", "rollup")
    process.break_job("rollup", "outage")
    wait_until_state("failing", "rollup")
    process.mend_job("rollup")
    wait_until_state("ok", "rollup")
    wait_until(lambda: "works again" in process.log)
    assert process.end(signal.SIGINT) == 0
    assert "Traceback" not in process.log
    failed, returned = process.log.splitlines()
    assert "Job rollup failed, and is tried again" in failed
    assert re.search(r"Job rollup works again, after [\d.]+ s\.", returned)


def test_a_job_that_goes_on_failing_is_logged_once_a_minute_and_for_each_change(monkeypatch, caplog):
    now = 1_000.0
    monkeypatch.setattr(runner.time, "monotonic", lambda: now)
    log = FailureLog("rollup")
    outage, bug = OperationalError(2006, "gone"), TypeError("a bug")
    log.succeeded()
    for error in [outage] * 5 + [bug] * 2 + [outage] * 20:
        log.failed(error, str(error), 15)
        now += 15
    log.succeeded()
    log.succeeded()
    log.failed(outage, str(outage), 1)
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "a bug" in line] == ["Job rollup failed, and is tried again in 15.0 s. a bug"]
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert lines[1].endswith("(3 more failures were left out)")
    assert "Job rollup works again, after 405.0 s." in lines
    assert len(lines) == 2 + 1 + 5 + 1 + 1


def test_pauses_grow_to_a_limit_and_begin_anew_after_a_good_while(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(runner.time, "monotonic", lambda: now)
    monkeypatch.setattr(runner.random, "uniform", lambda low, high: high)
    back_off, pauses = BackOff(), []
    for _ in range(7):
        pauses.append(back_off.next_s())
        now += pauses[-1] + 1
    assert pauses == [1, 2, 4, 8, 15, 15, 15]
    now += runner.GOOD_WHILE_S + 1
    assert back_off.next_s() == 1


def test_a_stop_waits_for_the_step_and_leaves_no_heartbeat(worker, alice, bob):
    process = worker("rollup")
    wait_until_state("ok", "rollup")
    process.break_job("rollup", "hang")
    process.wait_until_hanging("rollup")
    services.follow(follower_id=alice.pk, followee_id=bob.pk)
    process.process.send_signal(signal.SIGTERM)
    assert Delta.objects.exists()
    assert process.process.poll() is None
    process.mend_job("rollup")
    assert process.process.wait(40) == 0, process.log
    assert not Delta.objects.exists()
    assert not HeartbeatRow.objects.exists()
    assert {state.state for state in states().values()} == {"missing"}


def test_a_step_that_does_not_end_is_named_and_given_up(worker):
    process = worker(STOP_S="0.5")
    wait_until_state("ok")
    process.break_job("mails", "hang")
    process.wait_until_hanging("mails")
    assert process.end() == 1
    assert "given up in a step: mails." in process.log
    assert "Traceback" not in process.log


def test_one_job_alone(worker):
    process = worker("rollup")
    wait_until_state("ok", "rollup")
    assert {state.name for state in states().values() if state.state == "ok"} == {"rollup"}
    assert states()["mails"].state == "missing"
    assert process.end() == 0


def test_an_unknown_job_is_answered_with_all_names():
    with pytest.raises(CommandError, match=f"There is no job roll_up. There are: {', '.join(NAMES)}."):
        call_command("run_jobs", "rollup", "roll_up")


def test_two_workers_at_once_leave_exact_counts_and_mail_once(worker, smtp, new_user):
    people = [new_user(f"p{number}", email=f"p{number}@example.com") for number in range(12)]
    processes = [worker(EMAIL_URL=smtp.url) for _ in range(2)]
    wait_until(lambda: {state.workers for state in states().values()} == {2})

    def follow_all(user):
        for other in people:
            if other != user:
                services.follow(follower_id=user.pk, followee_id=other.pk)
                PasswordReset.objects.create(email=f"{other.username}@example.com")

    in_parallel(*[lambda user=user: follow_all(user) for user in people[:4]])
    wait_until(lambda: not Delta.objects.exists() and not PasswordReset.objects.exists())
    assert [drift for chunk in reconcile.run("user", mend=False) for drift in chunk.drifts] == []
    assert len(smtp.mails) == 4 * 11
    assert [process.end() for process in processes] == [0, 0]
