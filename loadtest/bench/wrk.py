"""Runs of `wrk`, a load generator in C (Debian's package wrk): connecting and sending cost little of the machine."""

import json
import re
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

from devtools.programs import output_of

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}
SCRIPT = """\
local requests, paths, tokens = {}, %s, %s
local at = 0
function init()
  for n = 1, math.max(#paths, #tokens) do
    local headers = {["Authorization"] = "Bearer " .. tokens[n %% #tokens + 1], ["X-Forwarded-Proto"] = "https"}
    requests[n] = wrk.format("GET", paths[n %% #paths + 1], headers)
  end
  at = math.random(#requests)
end
function request()
  at = at %% #requests + 1
  return requests[at]
end
function delay()
  return %d
end
"""


def run_wrk(command: Sequence[str], seconds: int, *, prepare: Callable[[], None] | None = None) -> dict[str, float]:
    """Run wrk for some seconds; return what `parse_output` finds, and `wrk_s`, the CPU time that wrk itself took."""
    before_s = _children_cpu_s()
    whole = [*command[:1], "--latency", "--timeout=10s", f"-d{seconds}s", *command[1:]]
    printed = output_of(whole, timeout=seconds + 60, preexec_fn=prepare)
    return {**parse_output(printed), "wrk_s": _children_cpu_s() - before_s}


def write_script(file: Path, *, paths: Sequence[str], tokens: Sequence[str], delay_ms: int) -> None:
    """Write a script for wrk: paths and tokens in turn, from some place in them on; a connection that has its answer
    waits `delay_ms` with the next request."""
    file.write_text(SCRIPT % (*(_lua_list(values) for values in (paths, tokens)), delay_ms))


def _lua_list(values: Sequence[str]) -> str:
    return "{" + ", ".join(json.dumps(value) for value in values) + "}"


def _children_cpu_s() -> float:
    """Return the CPU time of all child processes that have ended, wrk's runs among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parse_output(text: str) -> dict[str, float]:
    """Return requests per second, p50 and p99 in ms, and errors of any kind, from wrk's output.

    Raise SystemExit if the text is no such output.
    """
    per_s = re.search(r"Requests/sec:\s+([\d.]+)", text)
    errors = re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", text)
    if per_s is None:
        raise SystemExit(f"wrk printed something unexpected: {text}")
    percentiles = {f"p{percent}_ms": _percentile_ms(text, percent) for percent in (50, 99)}
    return {"per_second": float(per_s[1]), **percentiles, "errors": sum(map(int, errors))}


def _percentile_ms(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
    return (float(found[1]) * _UNITS_MS[found[2]] if found else 0) or float("nan")
