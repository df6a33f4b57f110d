"""The output of wrk is parsed; its scripts ask for paths with tokens in turn."""

import json
import re

import pytest

from loadtest.bench.wrk import parse_output, write_script

PRINTED = """\
Running 5s test @ http://127.0.0.1:8000/api/v1/users/1
  1 threads and 1000 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   100.86ms   56.51ms   1.01s    83.45%
  Latency Distribution
     50%  856.00us
     75%   12.00ms
     90%  103.08ms
     99%    1.27s
  52345 requests in 5.06s, 31.09MB read
  Socket errors: connect 1, read 20, write 0, timeout 300
  Non-2xx or 3xx responses: 4000
Requests/sec:  10344.86
Transfer/sec:      6.14MB
"""


def test_the_figures_of_a_run():
    assert parse_output(PRINTED) == {"per_second": 10344.86, "p50_ms": 0.856, "p99_ms": 1270.0, "errors": 4321}


def test_other_text_is_refused():
    with pytest.raises(SystemExit, match="unexpected"):
        parse_output("unable to connect")


def test_a_script_has_the_paths_and_tokens_and_the_pause(tmp_path):
    file = tmp_path / "entries.lua"
    write_script(file, paths=["/a?b=1&c", "/d"], tokens=["t1", "t2", "t3"], delay_ms=7)
    lists = [json.loads(f"[{found}]") for found in re.findall(r"\{(\"[^}]*)\}", file.read_text())[:2]]
    assert lists == [["/a?b=1&c", "/d"], ["t1", "t2", "t3"]]
    assert "return 7" in file.read_text()
