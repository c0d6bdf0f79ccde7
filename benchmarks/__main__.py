"""Runs the benchmarks, prints a table and writes benchmarks/results.json, row by row as they are measured.

Exit codes: 0 all were measured (targets may be missed: the table says so), 1 one could not be
measured, 2 there is no benchmark of that name.
"""

from __future__ import annotations

import argparse
import logging
import sys

from benchmarks.harness import RESULTS, discover, keep, merge, table

logger = logging.getLogger(__name__)


def main() -> int:
    """Run all benchmarks, or those named with --only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure and keep the results.")
    parser.add_argument("--only", metavar="NAME", action="append", help="run this benchmark (may be repeated)")
    wanted = parser.parse_args().only
    benchmarks = discover()
    if unknown := [name for name in wanted or () if name not in benchmarks]:
        print(f"no benchmark '{unknown[0]}'; there are {', '.join(sorted(benchmarks))}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted or sorted(benchmarks):
        print(f"== {name}", flush=True)
        try:
            rows = []
            for row in benchmarks[name]():
                rows.append(row)
                keep(name, row)
        except Exception:  # the other benchmarks are still worth measuring
            logger.exception("%s could not be measured", name)
            failed.append(name)
            continue
        print(table(rows), flush=True)
        merge(name, rows)
    print(f"\nWritten to {RESULTS.relative_to(RESULTS.parent.parent)}.")
    if failed:
        print(f"Not measured: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
