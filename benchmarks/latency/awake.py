"""Cores that do not fall asleep while seconds are measured.

A client that waits for replies lets its core fall asleep, and on a virtual machine also lets
another one have it: waking then takes longer than the work that was waited with. So benchmarks
switch sleep off, and where that cannot be done, keep the cores busy with what gives way to
everything else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_BUSY = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """Within the block every core that this process may use has something to do. Only Linux can do this."""
    with ExitStack() as stack:
        for core in os.sched_getaffinity(0) if hasattr(os, "SCHED_IDLE") else ():
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-S", "-c", _BUSY, str(core)]))
            stack.callback(busy.kill)
        yield
