"""The report: one page with all tables, bars and targets, which loads nothing; and how load is started."""

import re
from pathlib import Path

import pytest

from devtools.servers import free_port
from loadtest.bench.report import print_heading, table, taken_tables
from loadtest.bench.runs import SECTIONS
from loadtest.load.__main__ import NAMES
from loadtest.load.__main__ import main as load
from loadtest.report import page
from loadtest.report.__main__ import LONG
from loadtest.report.scenarios import PREFIX, SCENARIOS, summed_up

HEADER = ["variant", "database", "CPU µs", "errors"]


def document(cpu: str, measured: str = "0.10") -> page.Document:
    table = {
        "heading": "Reads <b>",
        "header": HEADER,
        "rows": [["hot lane", "near", cpu, "0"], ["ORM", "near", "2,000", "0"]],
    }
    target = {"figure": "CPU hot lane / ORM", "measured": measured, "limit": "≤ 0.05", "reached": False}
    section = {
        "name": "reads",
        "seconds": 3.2,
        "tables": [table],
        "figures": {},
        "targets": [target],
        "command": "make x",
    }
    return {"when": "today", "quick": True, "machine": {"Redis": f"for {cpu}"}, "sections": [section]}


def test_a_page_alone():
    html = page.render(document("200"))
    assert "Reads &lt;b&gt;" in html
    assert "not reached" in html
    assert re.findall(r'<i style="width: ([\d.]+)%"></i>([\d,]+)', html) == [("7.0", "200"), ("70.0", "2,000")]
    assert "hot lane, near" in html
    assert not re.search(r"https?:|src=|@import|url\(|<script", html)


def test_a_page_beside_an_earlier_one():
    html = page.render(document("200"), document("400", "0.20"))
    assert '<td class="faint">0.20</td>' in html
    assert "400 before" in html
    assert "(before: for 400)" in html


def test_a_table_that_has_other_columns_now_is_not_compared():
    earlier = document("400")
    earlier["sections"][0]["tables"][0]["header"] = HEADER[::-1]
    assert "400 before" not in page.render(document("200"), earlier)


def test_tables_are_taken_with_their_headings(capsys):
    taken_tables()
    print_heading("One")
    table(("a", "b"), [(1, 2.5)])
    assert taken_tables() == [("One", ["a", "b"], [["1", "2.5"]])]
    assert taken_tables() == []


def test_every_scenario_and_known_sections():
    files = {
        path.stem
        for path in (Path(__file__).parents[2] / "loadtest" / "load").glob("*.py")
        if "@task" in path.read_text()
    }
    assert set(SCENARIOS) == set(NAMES) == files
    assert set(SECTIONS) > LONG
    assert not set(SECTIONS) & {PREFIX + name for name in SCENARIOS}  # a page has each name once


def test_what_several_processes_of_locust_print():
    assert summed_up('[]\n[]\n[\n {"name": "users"}\n]\n') == [{"name": "users"}]
    assert summed_up("[]\n") == []


def test_load_needs_a_server(monkeypatch):
    monkeypatch.setenv("SITE", f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(SystemExit, match=r"No server answers at .*: start one with `make run`"):
        load([])
