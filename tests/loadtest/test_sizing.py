"""Behaviour 88: what `make sizing` says follows from its constants, and its queues are those of queueing theory."""

from argparse import ArgumentTypeError
from math import isclose

import pytest

from loadtest.sizing import check, constants, workload
from loadtest.sizing.__main__ import main, parse
from loadtest.sizing.arithmetic import human, plan
from loadtest.sizing.constants import Cost, Measured
from loadtest.sizing.measure import Run
from loadtest.sizing.scenarios import faults, simulate
from loadtest.sizing.simulation import Simulation, Station
from loadtest.sizing.workload import MIX, ROWS_OF_A_USER, diurnal, mean_cost

pytestmark = pytest.mark.embedded

READ, WRITE, MISS = Cost(50, 5, 0, 0, 600, 500), Cost(1_000, 80, 200, 4, 400, 600), Cost(1_500, 150, 250, 1, 600, 900)
ROUND = Measured(
    source={"on": "2026-11-28", "command": "a test", "machine": "none"},
    requests={**dict.fromkeys(MIX, READ), "write": WRITE, "miss": MISS},
    entries={
        "user": 300,
        "newest_posts": 200,
        "counters": 150,
        "post": 200,
        "popup_state": 500,
        "id_set": 200,
        "id": 4,
    },
    rows={**dict.fromkeys(ROWS_OF_A_USER, 200), "popups_event": 300},
)


def assumed(*options):
    return parse(list(options))


def figures(*options):
    return {step.name: step.value for step in plan(assumed(*options), ROUND).steps}


def test_the_arithmetic_by_hand():
    given = ("--users", "1e6", "--daily", "864e3", "--requests", "100", "--peak", "3", "--mix", "user=0.9,write=0.1")
    found = figures(*given, "--hit-rate", "0.9", "--utilization", "0.5", "--host-cores", "4")
    assert found["in the busiest hour"] == 3_000
    # 0.9 × (0.9 × 50 + 0.1 × 1500) + 0.1 × 1000
    assert isclose(found["web CPU of a request"], 275.5)
    assert isclose(found["cores"], 3_000 * 275.5e-6 / 0.5)
    assert found["web hosts"] == 1 + 1
    assert found["database connections"] == 2 * 4 * 8
    assert isclose(found["memory of a daily user"], 850)
    assert isclose(found["memory of a weekly user"], 4 * 200 + 4 * (100 + 100 + 200 + 30) + 500)
    assert isclose(found["table posts_like"], 1e6 * 200 * 200)
    assert found["table popups_event"] == 0
    assert isclose(found["price"], sum(found[f"price of {part}"] for part in ("cores", "memory", "disks", "traffic")))


@pytest.mark.parametrize(
    ("option", "larger", "figure"),
    [
        ("daily", "2e7", "web hosts"),
        ("daily", "2e7", "Redis masters"),
        ("users", "1e8", "tables"),
        ("users", "1e9", "writers"),
        ("peak", "30", "cores"),
        ("threads", "16", "database connections"),
        ("event-days", "800", "table popups_event"),
        ("price-core", "40", "price"),
    ],
)
def test_more_of_one_needs_more_of_the_other(option, larger, figure):
    assert figures(f"--{option}", larger)[figure] > figures()[figure]


def test_fewer_hits_cost_the_database_more():
    warm, cold = (mean_cost(ROUND.requests, assumed("--hit-rate", rate)) for rate in ("1", "0.5"))
    assert warm.database_us == pytest.approx(MIX["write"] * WRITE.database_us)
    assert cold.database_us > 10 * warm.database_us


@pytest.mark.parametrize("peak", [1.0, 1.5, 3.0, 8.0])
def test_a_day_has_its_average_and_its_peak(peak):
    loads = diurnal(peak)
    assert isclose(sum(loads) / 24, 1)
    assert isclose(max(loads), peak, rel_tol=1e-6)
    assert min(loads) > 0


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_one_queue_is_that_of_theory(busy):
    """M/M/1: the time in the system is exponential, with the mean service / (1 − utilization)."""
    station = Station(1)
    result = Simulation(lambda _: [(station, 100)], 40_000).open(busy * 10_000)
    mean_ms = sum(result.latencies_ms) / len(result.latencies_ms)
    assert result.utilization(station) == pytest.approx(busy, rel=0.03)
    assert mean_ms == pytest.approx(0.1 / (1 - busy), rel=0.12)
    assert result.percentile_ms(50) == pytest.approx(mean_ms * 0.693, rel=0.12)


def test_more_servers_with_one_queue_wait_less():
    """M/M/2 at 0.8: the mean is service / (1 − 0.8²)."""
    station = Station(2)
    result = Simulation(lambda _: [(station, 100)], 40_000).open(0.8 * 20_000)
    assert sum(result.latencies_ms) / len(result.latencies_ms) == pytest.approx(0.1 / (1 - 0.64), rel=0.1)


def test_clients_of_a_closed_loop_saturate_a_server():
    """Little's law: latency = clients / throughput."""
    station, other = Station(1), Station(1)
    result = Simulation(lambda _: [(station, 50), (other, 5), (station, 50)], 20_000).closed(32)
    assert result.per_second == pytest.approx(10_000, rel=0.03)
    assert sum(result.latencies_ms) / len(result.latencies_ms) == pytest.approx(3.2, rel=0.05)


def test_what_faults_do():
    given = assumed("--daily", "2e7", "--users", "1e8", "--redis-gb", "20")
    found = plan(given, ROUND)
    outcomes = [simulate(found, given, ROUND, fault, requests=15_000) for fault in faults(found, given)]
    usual, host, master, celebrity = outcomes
    assert host.web > usual.web
    assert master.database > 2 * usual.database
    assert master.web > usual.web
    assert celebrity.redis > 1.5 * usual.redis
    assert usual.verdict(found.connections) == "below its connections"


def test_one_redis_that_is_lost_is_more_than_a_small_database_takes():
    given = assumed("--daily", "2e6", "--database-cores", "1", "--redis-gb", "1000")
    found = plan(given, ROUND)
    assert found.masters == 1
    lost = simulate(found, given, ROUND, faults(found, given)[2], requests=10_000)
    assert "saturated" in lost.verdict(found.connections)


def test_the_command_shows_each_formula(capsys):
    assert main(["--users", "100e6", "--daily", "20e6"]) == 0
    shown = capsys.readouterr().out
    assert "20 M daily users × 100" in shown
    assert "a celebrity's post" in shown
    assert "Measured " in shown


def test_the_constants_name_their_source_and_come_back(tmp_path):
    measured = constants.load()
    assert set(measured.source) == {"on", "command", "machine"}
    assert measured.requests.keys() == {*MIX, "miss"}
    assert measured.rows.keys() == {*ROWS_OF_A_USER, "popups_event"}
    (tmp_path / "again.toml").write_text(constants.dump(measured))
    assert constants.load(tmp_path / "again.toml") == measured


def test_an_unknown_kind_of_request_is_named():
    with pytest.raises(ArgumentTypeError, match="watch is no request"):
        workload.mix("user=0.5,watch=0.5")


@pytest.mark.parametrize(("value", "shown"), [(0.1234, "0.123"), (12.3, "12.3"), (4_200, "4,200"), (2.5e9, "2.5 G")])
def test_numbers_as_people_read_them(value, shown):
    assert human(value) == shown


@pytest.mark.parametrize(
    ("web_us", "per_second", "holds"), [(100, 10_000, True), (118, 8_600, True), (130, 7_700, False)]
)
def test_a_prediction_that_is_too_far_from_a_real_run_does_not_hold(web_us, per_second, holds):
    costs = dict.fromkeys(check.MIX, Cost(100, 5, 0, 0, 0, 0))
    run = Run(Cost(web_us, 5, 0, 0, 0, 0), per_second, 1_000 * check.CLIENTS / per_second, 20, core_share=1.0)
    compared = check.compare(costs, run)
    assert all(each.holds for each in compared) == holds
