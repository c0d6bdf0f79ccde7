"""Every strategy under a model that is always right: the full grid, of which the tests hold a small one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from benchmarks.harness import Row, benchmark
from tests.guarantees import broken_promise, cases, variants

SIZES = range(41)
LISTS = 200


@benchmark("oracle")
def oracle() -> Iterator[Row]:
    """Broken promises per strategy, for every n from 0 to 40, k in 1, 5, 10 and n, and 200 lists each."""
    with ProcessPoolExecutor() as pool:
        names = list(variants())
        for name, (broken, tried) in zip(names, pool.map(count_broken, names), strict=True):
            print(f"   {name}: {broken} of {tried}", flush=True)
            yield Row(f"perfect oracle: broken promises in {tried:,} rankings by {name}", broken, "", "== 0")


def count_broken(variant: str) -> tuple[int, int]:
    """Broken promises, and rankings tried."""
    found = [bool(broken_promise(*case)) for n in SIZES for case in cases(variant, n, LISTS)]
    return sum(found), len(found)
