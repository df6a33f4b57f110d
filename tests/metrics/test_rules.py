"""The files for Prometheus and Grafana: they name metrics that there are, and the runbook has each alert."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from config.environment import BASE_DIR
from metrics.families import FAMILIES

PROMETHEUS = BASE_DIR / "ops/prometheus"
NAME = re.compile(r"\bhotpath_\w+")
LABELS = re.compile(r"(hotpath_\w+)\{([^}]*)\}")


def alerts():
    (group,) = yaml.safe_load((PROMETHEUS / "hotpath.rules.yml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def panels():
    return json.loads((BASE_DIR / "ops/grafana/hotpath.json").read_text())["panels"]


def expressions():
    yield from alerts().values()
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


def known():
    """Return the labels of each sample that the families have."""
    for family in FAMILIES:
        if family.kind == "histogram":
            for end in ("bucket", "count", "sum"):
                yield f"{family.name}_{end}", {*family.labels, "le"}
        else:
            yield family.name, set(family.labels)


def test_expressions_name_metrics_and_labels_that_there_are():
    samples = dict(known())
    for expression in expressions():
        for name in NAME.findall(expression):
            assert name in samples, expression
        for name, conditions in LABELS.findall(expression):
            assert set(re.findall(r"(\w+)\s*[=!]", conditions)) <= samples[name], expression
        for grouped in re.findall(r"by \(([\w, ]+)\)", expression):
            labels = set.union(*(samples[name] for name in NAME.findall(expression)))
            assert {*grouped.split(", ")} - {"instance"} <= labels, expression


def test_the_dashboard_shows_every_metric():
    shown = {name for panel in panels() for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in shown} == {family.name for family in FAMILIES}
    assert [panel["id"] for panel in panels()] == list(range(1, len(panels()) + 1))


def test_the_runbook_has_a_line_for_each_alert():
    runbook = (BASE_DIR / "docs/operations/runbook.md").read_text()
    named = [name for row in re.findall(r"^\| (Hotpath[\w, ]+) \|", runbook, re.MULTILINE) for name in row.split(", ")]
    assert sorted(named) == sorted(alerts())


def test_each_alert_fires_in_the_rules_own_test():
    text = (PROMETHEUS / "hotpath.rules.test.yml").read_text()
    cases = [case for test in yaml.safe_load(text)["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(alerts())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is in Debian's package prometheus")
@pytest.mark.embedded
def test_promtool_accepts_the_rules_and_their_test():
    for command in ("check", "test"):
        name = "hotpath.rules.yml" if command == "check" else "hotpath.rules.test.yml"
        arguments = ["promtool", command, "rules", PROMETHEUS / name]
        ran = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
