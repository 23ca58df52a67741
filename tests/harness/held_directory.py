"""A directory whose lock in the kernel is held, as whoever may list it can hold it."""

import ctypes
import mmap
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from harness.libc import LIBC
from harness.waiting import die_with_parent
from harness.withheld import Withheld

_LISTING = {"x86_64": 217, "aarch64": 61}[os.uname().machine]  # getdents64
_PATIENCE = 15


@contextmanager
def held(directory):
    """Nobody looks up a name there that the kernel has not kept, until this ends."""
    with subprocess.Popen(
        [sys.executable, "-B", "-m", "harness.held_directory", str(directory), str(os.getpid())],
        cwd=Path(__file__).resolve().parents[1], stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(holder.stdout, selectors.EVENT_READ)
                assert ready.select(2 * _PATIENCE), f"{directory} could not be held"
            assert holder.stdout.readline() == b"held\n"
            yield
        finally:
            holder.kill()  # lets all go that wait for it


def _hold(directory, parent):
    """A page that never comes, and a list of the directory into it: who reads it waits with the lock in hand."""
    die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        return
    withheld = Withheld()
    listed = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    # The second waits for it alone, and from then on whoever comes behind it, as the third.
    _start(lambda: LIBC.syscall(_LISTING, listed, ctypes.c_void_p(withheld.address), mmap.PAGESIZE))
    withheld.wait()
    for attempt in (lambda: os.mkdir(f"{directory}/new"), lambda: os.stat(f"{directory}/other")):
        _wait_until_it_waits(_start(attempt))
    print("held", flush=True)
    signal.pause()


def _start(action):
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread.native_id


def _wait_until_it_waits(thread):
    deadline = time.monotonic() + _PATIENCE
    while Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(") ")[2][0] != "D":
        assert time.monotonic() < deadline, "it does not wait"
        time.sleep(0.005)


if __name__ == "__main__":
    _hold(sys.argv[1], int(sys.argv[2]))
