"""`make bench`: each benchmark in a process of its own, a table on the terminal, rows in build/bench.json."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

BENCHES = (
    "decide",
    "swap",
    "change",
    "journal",
    "osdp",
    "osdp_return",
    "push",
    "looking",
    "qr",
    "recorder",
    "footage",
    "seeing",
    "wires",
)
COLUMNS = ("name", "value", "unit", "peer", "ratio", "spread")
BUILD = Path("build")
LIMIT_S = 3600 if os.environ.get("MENJIN_LONG") == "1" else 480

# What a benchmark's parts say goes to stderr: stdout is the rows'.
_ONE = """
import json, sys
from contextlib import redirect_stdout
with redirect_stdout(sys.stderr):
    from tests.bench import {0}
    rows = {0}.run()
json.dump(rows, sys.stdout)
"""


def main(chosen: list[str]) -> int:
    """Run the chosen benchmarks, or all. Answers 1 if one of them fell."""
    console = Console(width=None if sys.stdout.isatty() else 170)  # a file has no width of its own
    rows: list[dict[str, object]] = []
    fallen = []
    for name in chosen or BENCHES:
        with console.status(f"bench {name}"):
            done = subprocess.run(
                [sys.executable, "-c", _ONE.format(name)], stdout=subprocess.PIPE, timeout=LIMIT_S, check=False
            )
        if done.returncode:
            fallen.append(name)
            continue
        rows += [{"bench": name} | row for row in json.loads(done.stdout)]
    _print(console, rows)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    for name in fallen:
        console.print(f"bench {name} fell; see its message above")
    return 1 if fallen else 0


def _print(console: Console, rows: list[dict[str, object]]) -> None:
    table = Table(*("bench", *COLUMNS))
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in ("bench", *COLUMNS)))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
