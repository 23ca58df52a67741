"""Starting, ending and taking over; its rights, and who may speak to it."""

import errno
import fcntl
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time
from pathlib import Path

import pytest
from harness.firewall import (
    ALLOW, DAEMON_UID, FIREWALL_UID, HOST, OTHER, RING, TENANT, V4, Firewall, Page, Ring, attempt, block, head,
    nonroot_worker, policy, smtp, trying, vhost,
)  # fmt: skip
from harness.paths import build_directory
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED
CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_goes_on_enforcing_when_its_process_has_gone(firewall, ground, number):
    firewall.take()
    firewall.process.send_signal(number)
    firewall.process.wait()
    assert ground.run(attempt) == REFUSED
    assert ground.run(attempt, uid=0) == 0
    assert ground.has_table()


def test_a_new_process_takes_over_without_a_gap(firewall, ground):
    """A worker that was registered with the old one stays known, and so do the keys."""
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW))])
    ours, theirs = socket.socketpair()

    def worker():
        ours.close()
        page = Page()
        nonroot_worker(page)
        page.publish(firewall.context(HOST))
        while theirs.recv(1):
            theirs.send(bytes([attempt()]))

    _, result = ground.child(worker)
    theirs.close()

    def there():
        ours.send(b"x")
        return ours.recv(1)[0]

    assert there() == 0
    results = trying(ground)
    for _ in range(2):
        firewall.kill()
        firewall.start()
        assert there() == 0
    assert results() == {REFUSED}
    status = firewall.status()
    assert (status["engine"], status["mode"], status["vhosts"]) == ("bpf", "on", 1)
    assert firewall.counters()["registered"] == 1
    ours.close()
    result()


def test_events_wait_for_whoever_attaches_next(firewall, ground):
    firewall.take()
    firewall.kill()
    assert ground.run(attempt) == REFUSED
    firewall.start()
    packet, descriptors = firewall.attach()
    assert packet == head(RING)
    ring = Ring(descriptors[0])
    assert [event.uid for event in ring.take()] == [TENANT]
    ring.close()


def test_the_ring_is_read_without_any_right(firewall, ground):
    firewall.take()
    ours, theirs = socket.socketpair()

    def reader():
        become(DAEMON_UID)
        with firewall.attached() as ring:
            theirs.send(b"1")
            theirs.recv(1)
            return [event.uid for event in ring.take()]

    _, result = ground.child(reader, cgroup=False)
    theirs.close()
    assert ours.recv(1) == b"1"
    assert ground.run(attempt) == REFUSED
    ours.send(b"1")
    assert result() == [TENANT]
    ours.close()


def test_a_socket_of_a_cgroup_that_is_gone_is_governed(firewall, ground):
    """Also if it went before the firewall came: a session's own cgroups are the user's to make and remove."""
    gone = ground.cgroup / "gone"
    gone.mkdir()
    ours, theirs = socket.socketpair()

    def action():
        (gone / "cgroup.procs").write_text("0")
        become(TENANT)
        with socket.socket() as made:
            theirs.send(b"1")
            theirs.recv(1)
            return made.connect_ex((V4, 25))

    pid, result = ground.child(action)
    ours.recv(1)
    (ground.cgroup / "cgroup.procs").write_text(str(pid))
    gone.rmdir()
    firewall.take()
    ours.send(b"1")
    assert result() == errno.ECONNREFUSED
    ours.close()
    theirs.close()


def test_it_keeps_three_capabilities_and_no_more(firewall):
    lines = dict(line.split(":\t") for line in Path(f"/proc/{firewall.process.pid}/status").read_text().splitlines() if ":\t" in line)
    three = 1 << CAP_NET_ADMIN | 1 << CAP_PERFMON | 1 << CAP_BPF
    assert (int(lines["CapPrm"], 16), int(lines["CapEff"], 16)) == (three, three)
    assert [int(lines[name], 16) for name in ("CapInh", "CapBnd", "CapAmb")] == [0, 0, 0]
    assert lines["NoNewPrivs"] == "1"
    assert lines["Uid"].split() == [str(FIREWALL_UID)] * 4


def test_its_socket_answers_root_and_the_daemon_alone(firewall):
    path = firewall.directory / "firewall.sock"
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (DAEMON_UID, 0o600)

    def ask(packet):
        with firewall.connect(3) as connection:
            connection.send(packet)
            return connection.recv(65536)

    def as_user(uid, packet):
        return firewall.ground.run(lambda: ask(packet), uid=uid, cgroup=False)

    assert as_user(DAEMON_UID, head(48))[1] == 49
    for packet in (b"garbage", head(16), head(18), head(35), head(34), head(34) + bytes(7)):
        assert as_user(DAEMON_UID, packet) == b"", packet
    with pytest.raises(AssertionError, match="PermissionError"):
        as_user(TENANT, head(48))
    assert firewall.status()["engine"] == "none"
    os.chmod(path, 0o666)
    with pytest.raises(AssertionError, match="(Reset|Broken)"):
        assert as_user(TENANT, head(48)) != b"", "ConnectionReset or Broken or an end"


def test_the_lifelines_end_is_its_end(firewall, ground):
    firewall.take()
    firewall.stop()
    reader, writer = os.pipe()

    # The shell's own pid is what LISTEN_PID must be.
    script = f'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=lifeline exec "$@" 3<&{reader} {reader}<&-'
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, "bash", *firewall.arguments], preexec_fn=lambda: ground.enter(cgroup=False), pass_fds=(reader,)
    )
    firewall.process = process
    wait_until(firewall._ready, "the firewall to listen")
    os.close(reader)
    os.close(writer)
    assert process.wait(10) == 0
    firewall.process = None
    assert ground.run(attempt) == REFUSED


def test_once_loads_the_kept_policy_and_ends(firewall, ground):
    firewall.take(uids=[OTHER])
    firewall.kill()
    shutil.rmtree(next(firewall.pins.glob("v*")))
    ground.nft("delete table inet mailorigin")
    assert ground.run(attempt) == 0, "as after a boot"
    firewall.call("--once")
    assert ground.run(attempt) == REFUSED
    assert ground.run(attempt, uid=OTHER) == 0


def test_once_without_a_policy_does_nothing(ground):
    firewall = Firewall(ground)
    try:
        assert "no policy was kept" in firewall.call("--once")
        assert not ground.has_table() and ground.run(attempt) == 0
    finally:
        firewall.clean()


def test_another_versions_pins_are_replaced(firewall, ground):
    firewall.take()
    current = next(firewall.pins.glob("v*"))
    firewall.kill()
    current.rename(firewall.pins / "v0-7")
    firewall.start()
    assert [path.name for path in firewall.pins.iterdir()] == [current.name]
    assert ground.run(attempt) == REFUSED
    assert ground.run(attempt, uid=0) == 0


def test_another_version_knows_whom_the_one_before_knew(firewall, ground):
    """A worker, what it started, and since when who is not known is refused."""
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW))])
    ours, theirs = socket.socketpair()
    context = firewall.context(HOST)

    def worker():
        ours.close()
        page = Page()
        nonroot_worker(page)
        page.publish(context)
        child = os.fork()
        while theirs.recv(1):
            theirs.send(bytes([attempt()]))
        if child:
            os.waitpid(child, 0)

    def beginning():
        with firewall.map("control") as control:
            return struct.unpack("<QQQ", control.get(bytes(4), 24))[1]

    _, result = ground.child(worker)
    theirs.close()
    wait_until(lambda: firewall.counters()["inherited"] == 1, "the child to begin")
    before = beginning()
    firewall.kill()
    current = next(firewall.pins.glob("v*"))
    current.rename(firewall.pins / "v0-7")
    firewall.start()
    assert beginning() == before
    assert firewall.status()["processes"] == 2
    with firewall.attached() as ring:
        for _ in range(8):  # whichever of the two reads it
            ours.send(b"x")
            assert ours.recv(1)[0] == 0
        assert {event.context for event in ring.take()} == {context}
    ours.close()
    result()
    wait_until(lambda: firewall.status()["processes"] == 0, "both to be forgotten")
    with firewall.map("shares") as shares:
        assert shares.get(struct.pack("<I", TENANT), 4) == bytes(4)


def test_a_tenants_directory_in_its_place_is_refused_with_a_reason(ground):
    """In a bpf file system that all may write to."""
    other = Firewall(ground)
    other.pins.mkdir()
    os.chown(other.pins, TENANT, TENANT)
    lock = os.open(other.pins, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        done = ground.child(lambda: subprocess.run(other.arguments, capture_output=True, text=True, timeout=30), cgroup=False)[1]()
        assert done.returncode == 1 and f"{other.pins}, which belongs to uid {TENANT}: remove it" in done.stderr, done.stderr
    finally:
        os.close(lock)
        other.pins.rmdir()


def test_a_second_firewall_with_the_same_pins_refuses(firewall, ground):
    firewall.take()
    before = firewall.pinned(), ground.nft("list", "table", "inet", "mailorigin")

    def refused(option):
        other = Firewall(ground, pin_directory=firewall.pins, options=option)
        return ground.child(lambda: subprocess.run(other.arguments, capture_output=True, text=True, timeout=30), cgroup=False)[1]

    # Each waits for the other to end: at the same time.
    for result in [refused(option) for option in ([], ["--once"], ["--remove"])]:
        done = result()
        assert done.returncode == 1 and "MO0401" in done.stderr, done.stderr
        assert "governs this host" in done.stderr and str(firewall.directory) in done.stderr, done.stderr
    assert (firewall.pinned(), ground.nft("list", "table", "inet", "mailorigin")) == before
    assert ground.run(attempt) == REFUSED
    # It waits for one that is ending.
    second = Firewall(ground, pin_directory=firewall.pins)
    starting = subprocess.Popen(second.arguments, preexec_fn=lambda: ground.enter(cgroup=False), stderr=subprocess.DEVNULL)
    second.process = starting
    try:
        time.sleep(0.3)
        firewall.stop()
        wait_until(second._ready, "the second to take over")
        second.take()
        assert ground.run(attempt) == REFUSED
    finally:
        second.clean()


def test_a_kept_policy_that_cannot_be_read_is_said(firewall, ground):
    firewall.take()
    firewall.kill()
    (firewall.directory / "state/policy").write_bytes(b"garbage")
    firewall.start()
    assert ground.run(attempt) == REFUSED
    firewall.take()
    assert "MO0414" in firewall.log.read_text() or firewall.notice("MO0414")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--bad"], "is not an option"),
        (["--mark", "5/6"], "--mark"),
        (["--mark", "0x100/0xff"], "--mark"),
        (["--pin-dir", "relative"], "--pin-dir must be an absolute path"),
        (["--once", "--remove"], "exclude"),
    ],
)
def test_wrong_arguments_are_explained(arguments, said):
    program = build_directory() / "firewall/mailorigin-firewall"
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr and "usage:" in done.stderr


def test_the_mark_can_be_another(ground):
    firewall = Firewall(ground, options=("--mark", "0x00070000/0x00ff0000"))
    try:
        firewall.start().take()
        assert ground.run(attempt, uid=0) == 0

        def marked_already():
            with socket.socket() as tcp:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x42000001)
                code = tcp.connect_ex((V4, 25))
                return code, tcp.getsockopt(socket.SOL_SOCKET, socket.SO_MARK)

        # The bits of others stay.
        assert ground.run(marked_already, uid=0) == (0, 0x42070001)
    finally:
        firewall.clean()


def test_blocks_outlive_it(ground):
    """kill -9, a start without mailorigind, a damaged file, and `firewall --remove`."""
    given = [vhost(HOST, smtp(ALLOW), run_as=TENANT, site="shop.example")]
    firewall = Firewall(ground)
    try:
        firewall.start()
        firewall.block(block("site:shop.example"))  # before there is a policy
        firewall.take(vhosts=given)
        assert ground.run(attempt) == REFUSED
        firewall.kill()
        assert ground.run(attempt) == REFUSED
        firewall.start()
        assert ground.run(attempt) == REFUSED and firewall.status()["blocks"] == 1
        assert firewall.push(policy(vhosts=given)) == "" and ground.run(attempt) == REFUSED
        firewall.kill()
        kept = firewall.directory / "state/blocks"
        kept.write_bytes(kept.read_bytes()[:-1])
        firewall.start()
        assert firewall.push(policy(vhosts=given)) == "" and "blocks.damaged" in firewall.notice("MO0435")
        assert ground.run(attempt) == 0
        firewall.block(block("site:shop.example"))
        assert ground.run(attempt) == REFUSED and kept.exists()
        firewall.stop()
        assert f"removed {kept}" in firewall.call("--remove")
        assert ground.run(attempt) == 0
    finally:
        firewall.clean()
