"""Bounded waiting, and the processes that a test starts."""

import os
import signal
import socket
import subprocess
import time
import traceback
from pathlib import Path

from .libc import LIBC

_PR_SET_PDEATHSIG = 1

PATIENCE = 15.0  # seconds; reached only by what has failed
SLOWNESS = float(os.environ.get("MAILORIGIN_SLOWNESS", 1))  # how much longer all takes, in an emulated machine


class NeverHappened(AssertionError):
    pass


def wait_until(condition, what, timeout=PATIENCE):
    """Returns the first true value of condition(); fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout * SLOWNESS
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(f"waited {timeout * SLOWNESS:g} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def alive(pid):
    """Whether the process runs; one that waits for its parent to reap it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    """The process ids of the direct children."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            pass
    return found


def answers(path):
    """Whether somebody listens at that socket: its file is there a little earlier."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def processes_named_by(text):
    """Processes with an argument that contains `text`, this one left out."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            if any(text in argument for argument in command_line(entry)) and alive(int(entry)):
                found.append(int(entry))
    return found


def die_with_parent(number=signal.SIGTERM):
    """For Popen's preexec_fn: a test run that is killed leaves no servers."""
    LIBC.prctl(_PR_SET_PDEATHSIG, number)


def become(uid, gid=None, groups=()):
    """Root is that user from now on, the groups included."""
    os.setgroups(groups)
    os.setresgid(*[uid if gid is None else gid] * 3)
    os.setresuid(uid, uid, uid)


def as_user(uid, action):
    """Runs action() in a child under another uid; fails if it raises."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            become(uid)
            action()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child under uid {uid} failed, status {status}"


def end(process: subprocess.Popen, number=signal.SIGTERM, timeout=PATIENCE):
    """Ends a child; kills it when it does not go in time, and then fails."""
    if process.poll() is not None:
        return process.returncode
    process.send_signal(number)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise NeverHappened(f"{process.args[0]} did not end within {timeout:g} s") from None
