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
    """Whether the process runs; one that waits for its parent to reap it does not, unless it is its first thread alone."""
    try:
        ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
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


def name_of(pid):
    """As /proc/PID/comm has it; empty for one that has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def processes_named_by(text, program=None):
    """Processes with an argument that contains `text`, this one left out; those of that program alone, if one is named."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            words = command_line(entry)
            if any(text in word for word in words) and program in (None, Path(words[0]).name) and alive(int(entry)):
                found.append(int(entry))
    return found


def open_files(pid):
    """What a process's descriptors lead to; without those that are closed while one looks."""
    found = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
        except FileNotFoundError:
            pass
    return found


def processor_seconds(pid):
    """Of all threads of a process that it has had."""
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3)


def kill(pids):
    """Sees them gone, with what they had open; some may have ended before."""
    pids = list(pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not any(map(alive, pids)), "processes that were killed to end")


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
