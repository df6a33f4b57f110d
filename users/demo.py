"""Demo users: always the same ones in the same order, half with Chinese names and half with Latin names."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

FAMILIES = {
    "王": "wang", "李": "li", "张": "zhang", "刘": "liu", "陈": "chen", "杨": "yang", "黄": "huang", "赵": "zhao",
    "吴": "wu", "周": "zhou", "徐": "xu", "孙": "sun", "马": "ma", "朱": "zhu", "胡": "hu", "林": "lin", "郭": "guo",
    "何": "he", "高": "gao", "罗": "luo",
}  # fmt: skip
GIVEN = {
    "小明": "xiaoming", "伟": "wei", "芳": "fang", "娜": "na", "秀英": "xiuying", "敏": "min", "静": "jing",
    "丽": "li", "强": "qiang", "磊": "lei", "洋": "yang", "艳": "yan", "勇": "yong", "军": "jun", "杰": "jie",
    "娟": "juan", "涛": "tao", "超": "chao", "秀兰": "xiulan", "霞": "xia", "平": "ping", "桂英": "guiying",
    "子涵": "zihan", "欣怡": "xinyi", "浩然": "haoran", "雨桐": "yutong",
}  # fmt: skip
FIRST = (
    "Alice", "Bob", "Carol", "David", "Emma", "Frank", "Grace", "Henry", "Ines", "Jack", "Kate", "Liam", "Mia", "Noah",
    "Olivia", "Paul", "Quinn", "Rosa", "Sam", "Tina", "Uma", "Victor", "Wendy", "Xavier", "Yara", "Zoe",
    "Chloé", "Jürgen",
)  # fmt: skip
LAST = (
    "Smith", "Jones", "Brown", "Miller", "Davis", "Garcia", "Wilson", "Moore", "Taylor", "Martin", "Lee", "Walker",
    "Young", "King", "Wright", "Lopez", "Hill", "Green", "Adams", "Baker", "Nelson", "Carter", "Müller", "O'Brien",
)  # fmt: skip
CITIES = {
    "CN": ("北京", "上海", "广州", "深圳", "成都", "杭州"), "US": ("New York", "Austin", "Seattle"),
    "DE": ("Berlin", "Hamburg"), "FR": ("Paris", "Lyon"), "GB": ("London", "Leeds"),
}  # fmt: skip
LANGUAGES = {"CN": "zh-CN", "US": "en-US", "DE": "de-DE", "FR": "fr-FR", "GB": "en-GB"}
STATUSES = ("online", "online", "away", "busy", "offline", "offline", "offline")
MESSAGES = ("", "", "", "在路上", "At lunch", "Busy coding", "☕", "回头见")
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def people(count: int) -> Iterator[dict[str, Any]]:
    """Yield the columns of `count` users, with the columns of the state under "state"."""
    chance = random.Random(20240101)
    for number in range(1, count + 1):
        yield _person(chance, number)


def _person(chance: random.Random, number: int) -> dict[str, Any]:
    chinese = chance.random() < 0.5
    username, nickname = (_chinese if chinese else _latin)(chance)
    country = "CN" if chinese else chance.choice(("US", "DE", "FR", "GB"))
    joined = BEGAN + timedelta(minutes=chance.randrange(2 * 365 * 24 * 60))
    return {
        "username": f"{username}{number}",
        "nickname": nickname,
        "avatar": f"https://avatars.example/{number}.png",
        "bio": chance.choice(("", "爱生活，爱旅行。", "Coffee, code, cats.", "跑步的人", "Photographer.")),
        "gender": chance.choice(("", "female", "male", "other")),
        "country": country,
        "city": chance.choice(CITIES[country]),
        "language": LANGUAGES[country],
        "level": 1 + int(chance.expovariate(0.2)),
        "is_vip": chance.random() < 0.1,
        "created_at": joined,
        "email": f"{username}{number}@mail.example",
        "phone": f"+86 1{chance.randrange(10**10):010}" if chinese else "",
        "birthday": date(1960, 1, 1) + timedelta(days=chance.randrange(45 * 365)),
        "state": {
            "status": chance.choice(STATUSES),
            "message": chance.choice(MESSAGES),
            "last_seen_at": joined + timedelta(minutes=chance.randrange(30 * 24 * 60)),
        },
    }


def _chinese(chance: random.Random) -> tuple[str, str]:
    family, given = chance.choice(list(FAMILIES)), chance.choice(list(GIVEN))
    return f"{FAMILIES[family]}_{GIVEN[given]}", family + given


def _latin(chance: random.Random) -> tuple[str, str]:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    plain = first.translate(str.maketrans("éü", "eu"))
    return f"{plain.lower()}.", f"{first} {last}"
