"""Cores that do not fall asleep while seconds are measured.

A client that waits for replies lets its core fall asleep, and each time it has to wake before it
goes on. How long that takes hangs on the machine and on what its host does meanwhile, not on the
client. So every core is kept busy with what gives way to everything else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_BUSY = """
import os, sys
core, parent = map(int, sys.argv[1:])
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
print("busy", flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """Within the block every core that this process may use has something to do.

    Raises OSError where the system does not let it be done, as any but Linux.
    """
    if not hasattr(os, "SCHED_IDLE"):
        raise OSError("Only Linux lets cores be kept busy with what gives way to everything else.")
    with ExitStack() as stack:
        for core in os.sched_getaffinity(0):
            command = [sys.executable, "-S", "-c", _BUSY, str(core), str(os.getpid())]
            busy = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(busy.kill)
            if busy.stdout is None or busy.stdout.readline() != b"busy\n":
                raise OSError(f"Core {core} cannot be kept busy.")
        yield
