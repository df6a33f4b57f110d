"""What Prometheus makes of the scrapes of a test: promtool evaluates the project's rules on them."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from config.environment import BASE_DIR
from tests.metrics.scrapes import Scrape

RULES = BASE_DIR / "ops/prometheus/hotpath.rules.yml"
EVERY_S, BEFORE = 5, 12
"""The seconds between scrapes, and how many of them found nothing wrong before the fault."""
LONGEST_S = 120


def rules() -> dict[str, str]:
    """Return the expressions of the alerts by name."""
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def families_in(expression: str) -> set[str]:
    return {re.sub("_(bucket|count|sum|total)$", "", name) for name in re.findall(r"\bhotpath_\w+", expression)}


def can_evaluate() -> bool:
    return shutil.which("promtool") is not None


def fires_after_s(alert: str, healthy: Scrape, faulty: Sequence[Scrape], folder: Path) -> int | None:
    """Return how many seconds after the fault an alert fires, None if it does not within LONGEST_S.

    `faulty` are the scrapes that were made every EVERY_S from the fault on; what the last one says stays so.
    """
    wanted = families_in(rules()[alert])
    scrapes = [healthy] * BEFORE + [*faulty]
    series = [_series(labels, scrapes) for labels in sorted(set().union(*(_samples(each, wanted) for each in scrapes)))]
    assert _is_firing(alert, series, -EVERY_S, folder) is False
    moments = range(0, LONGEST_S, EVERY_S)
    return next((moment for moment in moments if _is_firing(alert, series, moment, folder)), None)


def _samples(scrape: Scrape, families: set[str]) -> dict[str, float]:
    return {
        sample.name + "{" + ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items())) + "}": (
            sample.value
        )
        for family in scrape.families
        if family.name in families
        for sample in family.samples
    }


def _series(labels: str, scrapes: Sequence[Scrape]) -> dict[str, str]:
    families = families_in(labels.partition("{")[0])
    values = [_samples(scrape, families).get(labels) for scrape in scrapes]
    told = ["_" if value is None else f"{value:f}" for value in values]
    return {"series": labels, "values": " ".join([*told, *told[-1:] * (LONGEST_S // EVERY_S)])}


def _is_firing(alert: str, series: Sequence[dict[str, str]], moment: int, folder: Path) -> bool:
    query = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) > bool 0'
    test: dict[str, Any] = {
        "interval": f"{EVERY_S}s",
        "input_series": list(series),
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": f"{BEFORE * EVERY_S + moment}s",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
        ],
    }
    file = folder / "alerts.test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": f"{EVERY_S}s", "tests": [test]}))
    ran = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 or "got: nil" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    return ran.returncode == 0
