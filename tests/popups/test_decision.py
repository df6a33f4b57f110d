"""Behaviour 36: the decision is deterministic, ties are broken stably, and times hold to the millisecond."""

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from popups.config.compile import ClientContext, InvalidConfig, compile_config, rollout_bucket, to_ms
from popups.config.config_cache import ranked
from popups.delivery.decision import Decision, decide, quiet_until
from popups.delivery.states import PopupHistory
from popups.models import Popup
from popups.versions import parse_version

pytestmark = pytest.mark.django_db(transaction=True)  # for the fixtures; no test here uses a database
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_MS = to_ms(NOW)
HOUR_MS = 3_600_000
HOME = ClientContext("home", "ios", parse_version("3.2"))


def config(pk=1, **columns):
    return compile_config(Popup(id=pk, **{"title": "Hello", "starts_at": NOW - timedelta(days=1), **columns}))


def person(**columns):
    return SimpleNamespace(**{"id": 7, "country": "CN", "language": "zh-CN", "level": 5, "is_vip": False, **columns})


def decided(*configs, user=None, seen=(), asked=HOME, quiet_ms=0, capped_out=(), now_ms=NOW_MS) -> Decision:
    seen = {row.popup: row for row in seen}
    given = {"quiet_until_ms": quiet_until(seen.values(), quiet_ms), "capped_out": capped_out, "now_ms": now_ms}
    return decide(ranked(configs), user or person(), seen, asked, **given)


def due(*configs, **given):
    found = decided(*configs, **given).due
    return found and found.id


def test_the_same_input_gives_the_same_popup_in_whatever_order_configs_come():
    configs = [config(pk, priority=pk % 3) for pk in range(1, 12)]
    for seed in range(20):
        random.Random(seed).shuffle(configs)
        assert due(*configs) == 2  # the greatest priority, then the smallest id
    assert due(*configs, capped_out={2}) == 5


ADMITTED = [
    ({"countries": "US, cn"}, {}, {}), ({"countries": "US"}, {"country": "us"}, {}),
    ({"languages": "zh"}, {}, {}), ({"languages": "en, ZH-cn"}, {}, {}),
    ({"languages": "zh"}, {"language": "zh_TW"}, {}),
    ({"platforms": "android, iOS"}, {}, {}), ({"min_version": "3.2.0"}, {}, {}), ({"max_version": "3.2"}, {}, {}),
    ({"min_version": "3.9"}, {}, {"app_version": parse_version("3.10")}), ({"min_level": 5, "max_level": 5}, {}, {}),
    ({"vip": "never"}, {}, {}), ({"vip": "only"}, {"is_vip": True}, {}), ({"percentage": 100}, {}, {}),
    ({}, {"country": "", "language": ""}, {"platform": "", "app_version": None}),
]  # fmt: skip
REFUSED = [
    ({"countries": "US"}, {}, {}), ({"countries": "US"}, {"country": ""}, {}), ({"languages": "zh-TW"}, {}, {}),
    ({"languages": "en"}, {"language": "eng"}, {}), ({"platforms": "android"}, {}, {}),
    ({"platforms": "ios"}, {}, {"platform": ""}), ({"min_version": "3.2.1"}, {}, {}),
    ({"min_version": "1"}, {}, {"app_version": None}), ({"max_version": "3.1.9"}, {}, {}), ({"min_level": 6}, {}, {}),
    ({"max_level": 4}, {}, {}), ({"vip": "only"}, {}, {}), ({"vip": "never"}, {"is_vip": True}, {}),
    ({"percentage": 0}, {}, {}), ({"placement": "other"}, {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "user", "asked"), ADMITTED)
def test_who_is_admitted(columns, user, asked):
    assert due(config(**columns), user=person(**user), asked=HOME._replace(**asked)) == 1


@pytest.mark.parametrize(("columns", "user", "asked"), REFUSED)
def test_who_is_not(columns, user, asked):
    mine = [each for each in [config(**columns)] if each.placement == "home"]
    found = decided(*mine, user=person(**user), asked=HOME._replace(**asked))
    assert (found.due, found.next_ms) == (None, None)


def test_a_share_is_stable_grows_and_is_another_one_for_each_popup():
    people = range(1, 10_001)
    tenth = {user for user in people if rollout_bucket(user, 1) < 10}
    fifth = {user for user in people if rollout_bucket(user, 1) < 20}
    others = {user for user in people if rollout_bucket(user, 2) < 10}
    assert 900 < len(tenth) < 1_100
    assert 1_850 < len(fifth) < 2_150
    assert tenth < fifth
    assert 60 < len(tenth & others) < 140  # two tenths are independent of each other
    assert [rollout_bucket(user, 1) for user in (1, 2, 2**63 - 1)] == [22, 78, 40]  # the same in every process, always


def test_the_window_holds_to_the_millisecond():
    popup = config(starts_at=NOW, ends_at=NOW + timedelta(hours=1))
    assert decided(popup, now_ms=NOW_MS - 1) == Decision(None, 0, NOW_MS)
    assert due(popup, now_ms=NOW_MS) == 1
    assert due(popup, now_ms=NOW_MS + HOUR_MS - 1) == 1
    assert decided(popup, now_ms=NOW_MS + HOUR_MS) == Decision(None, 0, None)


def test_shown_and_clicked_differ():
    popup = config(reshow_hours=1, click_cooldown_hours=3)
    shown = PopupHistory("1", 1, NOW_MS, "c")
    clicked = PopupHistory("1", 1, NOW_MS, "c", clicked_ms=NOW_MS + 5)
    dismissed = PopupHistory("1", 1, NOW_MS, "c", dismissed_ms=NOW_MS + 5)
    for seen, from_ms in ((shown, HOUR_MS), (dismissed, HOUR_MS), (clicked, 3 * HOUR_MS + 5)):
        assert decided(popup, seen=[seen], now_ms=NOW_MS + from_ms - 1) == Decision(None, 0, NOW_MS + from_ms)
        assert due(popup, seen=[seen], now_ms=NOW_MS + from_ms) == 1


def test_a_window_that_ends_before_the_interval_does():
    popup = config(ends_at=NOW + timedelta(hours=23))
    assert decided(popup, seen=[PopupHistory("1", 1, NOW_MS, "c")], now_ms=NOW_MS + 1) == Decision(None, 0, None)


def test_the_user_s_cap():
    popup = config(user_cap=2, reshow_hours=0)
    assert due(popup, seen=[PopupHistory("1", 1, NOW_MS - 1, "c")]) == 1
    assert decided(popup, seen=[PopupHistory("1", 2, NOW_MS - 1, "c")]) == Decision(None, 0, None)


def test_quiet_time_is_after_any_popup():
    other = PopupHistory("99", 1, NOW_MS - 10_000, "c")
    assert decided(config(), seen=[other], quiet_ms=60_000) == Decision(None, 0, NOW_MS + 50_000)
    assert due(config(), seen=[other], quiet_ms=10_000) == 1
    assert due(config(), quiet_ms=60_000) == 1


def test_asking_again_makes_sense_when_the_first_of_them_is_due():
    soon = config(1, starts_at=NOW + timedelta(hours=2))
    sooner = config(2, starts_at=NOW + timedelta(hours=1))
    never = config(3, countries="US")
    assert decided(soon, sooner, never) == Decision(None, 0, NOW_MS + HOUR_MS)


BROKEN = [
    {"title": ""}, {"title": None}, {"body": None}, {"placement": "a b"}, {"placement": ""}, {"starts_at": None},
    {"starts_at": "today"}, {"ends_at": NOW - timedelta(days=2)}, {"ends_at": "x"}, {"countries": "C N"},
    {"languages": "中文"}, {"platforms": None}, {"min_version": "x"}, {"min_version": "2", "max_version": "1.9"},
    {"max_version": None}, {"min_level": 3, "max_level": 2}, {"min_level": -1}, {"max_level": "x"}, {"vip": "maybe"},
    {"percentage": 101}, {"percentage": -1}, {"percentage": None}, {"user_cap": 0}, {"total_cap": -5},
    {"reshow_hours": -1}, {"reshow_hours": float("nan")}, {"click_cooldown_hours": None}, {"priority": "high"},
]  # fmt: skip


@pytest.mark.parametrize("columns", BROKEN, ids=str)
def test_a_broken_config_says_what_is_wrong(columns):
    with pytest.raises(InvalidConfig, match=f"{list(columns)[-1]}: "):
        config(**columns)
