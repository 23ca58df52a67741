"""Processes that never were root, which mailorigind speaks for; and how many there is room for."""

import errno
import mmap
import os
import socket
import struct
import threading
from pathlib import Path

import pytest
from harness.firewall import (
    ALLOW, DENY, HOST, NEIGHBOUR, ORIGIN_BYTES, OTHER, TENANT, Page, attempt, forked, in_worker, nonroot_worker, smtp,
    start_ticks, vhost, waiting_process,
)  # fmt: skip
from harness.libc import LIBC
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED
SOME_PAGE = 1 << 40
EXIT = {"x86_64": 60, "aarch64": 93}[os.uname().machine]  # of a thread


def test_a_process_that_never_was_root_is_registered_by_the_daemon(enforcing):
    pid, attempt_there, finish = waiting_process(enforcing)
    assert attempt_there() == REFUSED
    context = enforcing.context(HOST)
    enforcing.register(pid, context)
    with enforcing.attached() as ring:
        assert (attempt_there(), attempt_there(b"f")) == (0, 0)
        assert [(event.context, event.detached) for event in ring.take()] == [(context, False)] * 2
    finish()
    wait_until(lambda: enforcing.status()["processes"] == 0, "the process to be forgotten")


def test_a_process_whose_first_thread_has_ended_goes_on(enforcing):
    """/proc calls it a zombie."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        become(TENANT)

        def serve():
            while theirs.recv(1):
                theirs.send(bytes([attempt()]))
            os._exit(0)

        threading.Thread(target=serve).start()
        LIBC.syscall(EXIT, 0)

    pid, _ = enforcing.ground.child(run)
    theirs.close()
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z", "its first thread to end")
    enforcing.register(pid, enforcing.context(HOST))
    ours.send(b"c")
    assert ours.recv(1)[0] == 0
    ours.close()
    os.waitpid(pid, 0)
    assert enforcing.status()["processes"] == 0


def test_what_the_daemon_registers_is_verified_in_the_kernel(enforcing):
    pid, attempt_there, finish = waiting_process(enforcing)
    enforcing.register(pid, enforcing.context(HOST, uid=OTHER))
    assert attempt_there() == REFUSED
    enforcing.register(pid, b"\1" + bytes(99))
    assert attempt_there() == REFUSED
    finish()


def test_a_pid_that_was_used_before_is_another_process(enforcing):
    pid, attempt_there, finish = waiting_process(enforcing)
    enforcing.register(pid, enforcing.context(HOST), start=start_ticks(pid) - 1)
    assert (attempt_there(), attempt_there(b"f")) == (REFUSED, REFUSED)
    finish()


@pytest.mark.parametrize("page", [0, SOME_PAGE], ids=["context", "page"])
def test_a_pid_that_has_come_to_a_neighbour_spoils_nothing(enforcing, page):
    """mailorigind spoke for a process of the tenant's that has ended since then."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        own = Page()
        nonroot_worker(own, OTHER)
        own.publish(enforcing.context(HOST))

        def child():
            theirs.send(struct.pack("<I", os.getpid()))
            theirs.recv(1)
            return attempt()

        own_child = forked(child)
        theirs.send(struct.pack("<I", os.getpid()))
        theirs.recv(1)
        return own_child, attempt()

    _, result = enforcing.ground.child(run)
    theirs.close()
    for _ in ("child", "worker"):
        (pid,) = struct.unpack("<I", ours.recv(4))
        enforcing.register(pid, enforcing.context(NEIGHBOUR), page, start=start_ticks(pid) - 1)
        ours.send(b"c")
    ours.close()
    assert result() == (0, 0)


def test_a_process_that_has_gone_leaves_no_entry(enforcing):
    pid, _, finish = waiting_process(enforcing)
    start = start_ticks(pid)
    finish()
    enforcing.register(pid, enforcing.context(HOST), start=start)
    assert enforcing.status()["processes"] == 0


PF_EXITING = 4


def process_flags(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[6])


@pytest.mark.parametrize("page", [0, SOME_PAGE], ids=["context", "page"])
def test_a_process_that_nobody_reaps_leaves_no_entry(enforcing, page):
    """It ended while mailorigind spoke for it."""
    zombie = os.fork()
    if zombie == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
        enforcing.register(zombie, enforcing.context(HOST), page)
        assert enforcing.status()["processes"] == 0
    finally:
        os.waitpid(zombie, 0)


@pytest.mark.parametrize("page", [0, SOME_PAGE], ids=["context", "page"])
def test_a_process_that_is_about_to_end_leaves_no_entry(enforcing, page):
    """The kernel has seen its end, and is still at work on its memory: it is not even a zombie yet."""
    large = os.fork()
    if large == 0:
        memory = mmap.mmap(-1, 512 << 20)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, len(memory), 4096):
            memory[at] = 1
        os._exit(0)
    try:
        wait_until(lambda: process_flags(large) & PF_EXITING, "its end to begin")
        enforcing.register(large, enforcing.context(HOST), page)
    finally:
        os.waitpid(large, 0)
    assert enforcing.status()["processes"] == 0


NO_PROCESS = 5_000_000  # above every process id that there can be


def fill(firewall, name, count, size):
    with firewall.map(name) as entries:
        for i in range(count):
            entries.put(struct.pack("<I", NO_PROCESS + i), bytes(size))


def test_full_maps_leave_the_decision_to_the_uid(enforcing):
    """8192 processes with an origin, 16384 with a page; one more is not registered, and said."""
    fill(enforcing, "snapshots", 8192, 24 + 16 + ORIGIN_BYTES + 8)

    def action(page):
        page.publish(enforcing.context(HOST))
        return attempt(), forked(attempt)

    assert in_worker(enforcing, action) == (0, REFUSED)
    pid, attempt_there, finish = waiting_process(enforcing)
    enforcing.register(pid, enforcing.context(HOST))
    assert attempt_there() == REFUSED
    finish()
    assert enforcing.counters()["unregistered_full"] == 2
    enforcing.notice("MO0417")

    fill(enforcing, "processes", 16384, 24)
    assert enforcing.ground.run(lambda: Page().register()[0], uid=0) == errno.ENOSPC
    assert any("no room" in finding["text"] for finding in enforcing.status()["findings"])


def test_a_host_that_has_got_another_user_lets_its_former_users_processes_out_no_more(firewall):
    def runs_as(uid):
        firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=uid, user="somebody"), vhost(NEIGHBOUR, smtp(DENY), run_as=TENANT)])

    runs_as(TENANT)
    pid, attempt_there, finish = waiting_process(firewall)
    firewall.register(pid, firewall.context(HOST, TENANT))
    assert (attempt_there(), attempt_there(b"f")) == (0, 0)
    runs_as(OTHER)
    with firewall.attached() as ring:
        assert (attempt_there(), attempt_there(b"f")) == (REFUSED, REFUSED)
        assert [(event.verified, event.reason) for event in ring.take()] == [(False, "smtp")] * 2
    runs_as(TENANT)
    assert attempt_there() == 0
    finish()


def test_what_root_starts_is_not_the_request_that_root_was_asked_by(enforcing):
    """A service, restarted by a script through sudo, goes on for months and runs as whom it likes."""
    ours, theirs = socket.socketpair()

    def as_another():
        become(OTHER)
        return attempt()

    def run():
        theirs.recv(1)
        return forked(as_another)

    pid, result = enforcing.ground.child(run)
    enforcing.register(pid, enforcing.context(HOST), uid=0)
    with enforcing.attached() as ring:
        ours.send(b"1")
        assert result() == REFUSED
        assert [event.verified for event in ring.take()] == [False]
    ours.close()
    theirs.close()
