"""Section `shapes`: the CPU of making JSON of the entries of users, and the memory of those that are remembered."""

import json

from loadtest.bench import report
from loadtest.bench.environment import Environment

FULL = QUICK = 50  # users
MOST_OF_STRUCTS, MAX_BYTES = 0.5, 3_000


def measure(env: Environment, users: int) -> report.SectionResult:
    """Measure dictionaries, structs and remembered texts."""
    report.print_heading(f"JSON of {users} users of their entries, in one process, without a server")
    found = json.loads(env.run_command("time_shapes", f"--users={users}"))
    bytes_each = found.pop("bytes")
    print(report.table(("by", "CPU µs"), [[name, f"{cpu_us:.1f}"] for name, cpu_us in found.items()]))
    print(f"A process keeps {bytes_each:,.0f} bytes of a user that it remembers.")
    return {**found, "bytes": bytes_each}, [
        report.median_at_most(
            "remembered users / structs, CPU", [found["remembered"] / found["structs"]], MOST_OF_STRUCTS
        ),
        report.median_at_most("bytes of a remembered user", [bytes_each], MAX_BYTES),
    ]
