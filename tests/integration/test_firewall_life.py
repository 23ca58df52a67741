"""Starting, ending, taking over, being tampered with; and what is left where there is no BPF."""

import errno
import fcntl
import os
import pwd
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
    ALLOW, ATTACH, DAEMON_UID, DENY, FIREWALL_UID, OTHER, RING, TENANT, V4, V6, Firewall, Page, PinnedMap, Ring, attempt,
    head, nonroot_worker, policy, smtp, vhost,
)  # fmt: skip
from harness.installation import build_directory
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED
HOST = "shop.example:80"
CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39
FOREIGN = "table inet other { chain c { type filter hook output priority 5; policy accept; tcp dport 9 counter; }; }"


def pins(firewall):
    return sorted(str(path.relative_to(firewall.pins)) for path in firewall.pins.rglob("*"))


def has_table(ground):
    return "mailorigin" in ground.nft("list", "tables")


def trying(ground, seconds):
    """Connects all the time; returns a function that yields the set of results."""

    def run():
        become(TENANT)
        until, seen, count = time.monotonic() + seconds, set(), 0
        while time.monotonic() < until:
            seen.add(attempt())
            count += 1
        return seen, count

    return ground.child(run)[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_goes_on_enforcing_when_its_process_has_gone(firewall, ground, number):
    firewall.take()
    firewall.process.send_signal(number)
    firewall.process.wait()
    assert ground.run(attempt) == REFUSED
    assert ground.run(attempt, uid=0) == 0
    assert has_table(ground)


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
    results = trying(ground, 1.2)
    for _ in range(2):
        firewall.kill()
        firewall.start()
        assert there() == 0
    seen, count = results()
    assert seen == {REFUSED} and count > 100
    status = firewall.status()
    assert (status["engine"], status["mode"], status["vhosts"]) == ("bpf", "on", 1)
    assert firewall.counters()["registered"] == 1
    ours.close()
    result()


def attach(firewall):
    """(the answer, its descriptors)"""
    with firewall.connect() as connection:
        connection.send(head(ATTACH))
        packet, descriptors, _, _ = socket.recv_fds(connection, 100, 2)
        return packet, descriptors


def test_events_wait_for_whoever_attaches_next(firewall, ground):
    firewall.take()
    firewall.kill()
    assert ground.run(attempt) == REFUSED
    firewall.start()
    packet, descriptors = attach(firewall)
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


def test_a_flushed_ruleset_is_repaired_and_foreign_tables_are_left_alone(firewall, ground):
    ground.nft(FOREIGN)
    try:
        foreign = ground.nft("list", "table", "inet", "other")
        firewall.take()
        ours = ground.nft("list", "table", "inet", "mailorigin")
        ground.nft("flush ruleset")
        assert "MO0406" in firewall.notice("changed or removed")
        assert ground.nft("list", "table", "inet", "mailorigin") == ours
        ground.nft(FOREIGN)
        ground.nft("flush table inet mailorigin")
        wait_until(lambda: ground.nft("list", "table", "inet", "mailorigin") == ours, "the rules to come back")
        assert ground.nft("list", "table", "inet", "other") == foreign
        # Said once, however often it happens within a minute.
        assert len([notice for notice in firewall.notices if "MO0406" in notice]) == 1
        firewall.take(mode="off")
        assert ground.nft("list", "table", "inet", "other") == foreign
    finally:
        ground.nft("delete table inet other")


def test_hooks_that_somebody_detached_are_attached_again(firewall, ground):
    firewall.take()
    pin = next(firewall.pins.glob("v*")) / "mo_connect4-link"
    link = PinnedMap(pin)
    link._bpf(34, struct.pack("<I", link.fd))  # BPF_LINK_DETACH
    link.close()
    # The second layer refuses what no hook marks, root's too.
    assert ground.run(attempt, uid=0) == REFUSED
    assert "mo_connect4" in firewall.notice("MO0416")
    assert ground.run(attempt, uid=0) == 0
    assert ground.run(attempt) == REFUSED


def test_pins_that_somebody_removed_come_back(firewall, ground):
    firewall.take()
    before = pins(firewall)
    shutil.rmtree(next(firewall.pins.glob("v*")))
    firewall.notice("MO0416")
    wait_until(lambda: pins(firewall) == before, "the pins to come back")
    firewall.kill()
    assert ground.run(attempt) == REFUSED


def test_off_takes_everything_out_of_the_kernel(firewall, ground):
    firewall.take()
    firewall.take(mode="off")
    assert pins(firewall) == [] and not has_table(ground)
    assert ground.run(attempt) == 0
    assert firewall.status()["engine"] == "none"
    firewall.take()
    assert ground.run(attempt) == REFUSED


def test_remove_while_it_runs(firewall, ground):
    firewall.take()
    assert "taken out of the kernel" in firewall.call("--remove")
    assert pins(firewall) == [] and not has_table(ground)
    assert ground.run(attempt) == 0
    # For good: not even its next start brings it back, but httpd's next configuration does.
    firewall.stop()
    firewall.start()
    assert ground.run(attempt) == 0
    firewall.take()
    assert ground.run(attempt) == REFUSED


def test_remove_is_not_undone_by_an_httpd_that_only_comes_late(firewall, ground):
    """One that was started before, and retries what it could not say then."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    firewall.take()
    firewall.call("--remove")
    assert firewall.push(policy(), read_ns=before) == ""
    assert firewall.status()["engine"] == "none" and ground.run(attempt) == 0
    assert firewall.push(policy(), read_ns=time.clock_gettime_ns(time.CLOCK_BOOTTIME)) == ""
    assert ground.run(attempt) == REFUSED


def test_remove_when_nothing_runs_says_what_it_removed(firewall, ground):
    firewall.take()
    firewall.kill()
    said = firewall.call("--remove")
    assert "mo_connect4-link" in said and "table inet mailorigin" in said
    assert not firewall.pins.exists() and not has_table(ground)
    assert ground.run(attempt) == 0
    assert firewall.call("--remove") == ""


def test_remove_touches_nothing_but_its_pins(ground):
    """A mistyped --pin-dir."""
    wrong = ground.directory()
    (wrong / "v1-1").mkdir()
    (wrong / "v1-1/file").write_text("kept")
    firewall = Firewall(ground, pin_directory=wrong)
    assert firewall.call("--remove") == ""
    assert (wrong / "v1-1/file").read_text() == "kept"


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
        assert not has_table(ground) and ground.run(attempt) == 0
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


def by_uid(firewall, ground):
    """What holds without the programs."""
    firewall.take(
        server=smtp(DENY, allow=["192.0.2.2", f"[{V6}]:587"]), uids=[OTHER], gids=[64100],
        vhosts=[
            vhost(HOST, smtp(ALLOW), run_as=64050), vhost("b:80", smtp(DENY, allow=["192.0.2.2"]), run_as=64051),
            vhost("c:80", smtp(DENY, local=DENY), run_as=64052), vhost("d:80", smtp(DENY), run_as=64052),
        ], httpd_uid=64053,
    )  # fmt: skip
    results = {
        "tenant": ground.run(attempt), "IPv6": ground.run(lambda: attempt(V6)), "root": ground.run(attempt, uid=0),
        "user": ground.run(attempt, uid=OTHER), "group": ground.run(attempt, gid=64100), "vhost": ground.run(attempt, uid=64050),
        "denied vhost": ground.run(attempt, uid=64051), "list": ground.run(lambda: attempt("192.0.2.2")),
        "list, port": ground.run(lambda: attempt(V6, 587)), "other port": ground.run(lambda: attempt(port=2525)),
        "loopback": ground.run(lambda: attempt("127.0.0.1")),
        "vhost's list": ground.run(lambda: attempt("192.0.2.2"), uid=64051), "server's": ground.run(lambda: attempt(V6, 587), uid=64051),
        "shared, list": ground.run(lambda: attempt("192.0.2.2"), uid=64052),
        "shared, loopback": ground.run(lambda: attempt("127.0.0.1"), uid=64052),
        "httpd, list": ground.run(lambda: attempt("192.0.2.2"), uid=64053),
    }  # fmt: skip
    refused = {name for name, result in results.items() if result == REFUSED}
    assert refused == {"tenant", "IPv6", "denied vhost", "server's", "shared, list", "shared, loopback", "httpd, list"} and set(results.values()) == {0, REFUSED}, results
    status = firewall.status()
    assert status["engine"] == "nftables"
    assert any("by uid" in finding["text"] for finding in status["findings"])
    assert "by uid" in firewall.notice("MO0402")
    firewall.take(mode="observe")
    assert ground.run(attempt) == 0
    assert "MAILORIGIN_SMTP_OBSERVE " in ground.nft("list", "table", "inet", "mailorigin")
    firewall.take(mode="on")
    assert "MAILORIGIN_SMTP_OUT " in ground.nft("list", "table", "inet", "mailorigin")
    assert ground.run(attempt) == REFUSED
    # Once.
    assert len([notice for notice in firewall.notices if "MO0402" in notice]) == 1
    assert attach(firewall) == (head(RING), [])


def test_without_a_bpf_file_system_nftables_decides_by_uid(ground):
    firewall = Firewall(ground, pin_directory=ground.directory() / "pins")
    try:
        by_uid(firewall.start(), ground)
    finally:
        firewall.clean()


def test_without_the_capability_nftables_decides_by_uid(ground):
    firewall = Firewall(ground)
    try:
        by_uid(firewall.start(drop=(CAP_BPF,)), ground)
    finally:
        firewall.clean()


def test_beside_an_exclusive_program_nftables_decides_by_uid(ground):
    directory = ground.bpffs / "foreign"
    subprocess.run(["bpftool", "prog", "loadall", build_directory() / "firewall/firewall_bpf.o", directory], check=True)
    firewall = Firewall(ground)
    try:
        attach = ["connect4", "pinned", directory / "mo_connect4"]
        subprocess.run(["bpftool", "cgroup", "attach", ground.cgroup, *attach], check=True)
        try:
            firewall.start()
            by_uid(firewall, ground)
            assert "exclusive" in firewall.notice("MO0402")
        finally:
            subprocess.run(["bpftool", "cgroup", "detach", ground.cgroup, *attach], check=True)
        firewall.take()
        assert firewall.status()["engine"] == "bpf"
        firewall.notice("MO0403")
    finally:
        firewall.clean()
        shutil.rmtree(directory)


def hold(ground, uid, address, port, gid=None):
    """Opens a connection of that user; returns a function that tells what has become of it."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        if uid:
            become(uid, gid)
        with socket.create_connection((address, port), timeout=5) as tcp:
            tcp.recv(100)
            theirs.send(b"1")
            theirs.recv(1)
            tcp.settimeout(0.3)
            try:
                return "ended" if tcp.recv(1) == b"" else "data"
            except TimeoutError:
                return "open"
            except OSError as error:
                return errno.errorcode[error.errno]

    _, result = ground.child(run)
    theirs.close()
    assert ours.recv(1) == b"1"

    def finish():
        ours.send(b"x")  # its end alone would not do: later children have it, too
        ours.close()
        return result()

    return finish


def start_with_hosts(firewall, hosts):
    """Starts it where the system knows these names and no name server."""
    path = firewall.directory / "hosts"
    path.write_text(hosts)
    nsswitch = firewall.directory / "nsswitch.conf"
    nsswitch.write_text("passwd: files\ngroup: files\nhosts: files\n")
    mounts = f"mount --bind {path} /etc/hosts && mount --bind {nsswitch} /etc/nsswitch.conf"
    plain = firewall.arguments
    firewall.arguments = ["unshare", "-m", "/bin/sh", "-c", mounts + ' && exec "$@"', "sh", *plain]
    try:
        return firewall.start()
    finally:
        firewall.arguments = plain


def test_a_tenant_in_a_named_group_is_said(ground):
    """It can make a setgid program of that group."""
    firewall = Firewall(ground)
    groups = firewall.directory / "group"
    groups.write_text("root:x:0:\nsenders:x:64100:www-data,daemon\n")
    plain = firewall.arguments
    firewall.arguments = ["unshare", "-m", "/bin/sh", "-c", f'mount --bind {groups} /etc/group && exec "$@"', "sh", *plain]
    try:
        firewall.start()
        firewall.arguments = plain
        firewall.take(gids=[64100], vhosts=[vhost(HOST, smtp(DENY), run_as=pwd.getpwnam("www-data").pw_uid)])
        assert firewall.notice("MO0424").endswith(": www-data (senders)")
        assert any("www-data (senders)" in finding["text"] for finding in firewall.status()["findings"])
        firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=pwd.getpwnam("www-data").pw_uid)])
        assert not any("senders" in finding["text"] for finding in firewall.status()["findings"])
    finally:
        firewall.clean()


def test_names_outlive_a_restart_without_a_name_server(ground):
    firewall = Firewall(ground)
    options = {"server": smtp(DENY, allow=["mx.example", "late.example"])}
    try:
        start_with_hosts(firewall, f"{V4} mx.example\n").take(**options)
        wait_until(lambda: ground.run(attempt) == 0, "the name to resolve")
        assert "late.example" in firewall.notice("MO0410")
        assert ground.run(lambda: attempt("192.0.2.2")) == REFUSED
        kept = firewall.directory / "state/names"
        assert kept.read_text() == f"mx.example {V4}\n"
        # A name that fails is asked for again soon.
        (firewall.directory / "hosts").write_text(f"{V4} mx.example\n192.0.2.2 late.example\n")
        firewall.notice("MO0418")
        assert ground.run(lambda: attempt("192.0.2.2")) == 0
        firewall.kill()

        results = trying(ground, 1.2)
        start_with_hosts(firewall, "")
        seen, count = results()
        assert seen == {0} and count > 100, "never refused"
        firewall.stop()
        firewall.call("--once")
        assert ground.run(attempt) == 0

        kept.write_text("mx.example nonsense\n")
        start_with_hosts(firewall, "")
        assert ground.run(attempt) == REFUSED
        wait_until(lambda: "names: line 1: this is no address" in firewall.log.read_text(), "MO0420")
    finally:
        firewall.clean()


def test_older_connections_to_allowed_names_stay_open(ground):
    firewall = Firewall(ground)
    try:
        start_with_hosts(firewall, f"{V4} mx.example\n")
        holders = {address: hold(ground, TENANT, address, 25) for address in (V4, "192.0.2.2")}
        firewall.take(server=smtp(DENY, allow=["mx.example"]))
        assert "1 connections" in firewall.notice("MO0409")
        assert [finish() == "open" for finish in holders.values()] == [True, False]
    finally:
        firewall.clean()


def test_with_nftables_alone_a_restart_closes_no_older_connections(ground):
    firewall = Firewall(ground, pin_directory=ground.directory() / "pins")
    try:
        firewall.start().take(vhosts=[vhost(HOST, smtp(ALLOW))], gids=[64100])
        # Its group lets it out; whom a connection's group was, nobody knows later.
        finish = hold(ground, TENANT, V4, 25, gid=64100)
        firewall.kill()
        firewall.start().take(vhosts=[vhost(HOST, smtp(ALLOW))], gids=[64100])
        assert finish() == "open"
        assert not any("MO0409" in notice for notice in firewall.notices)
    finally:
        firewall.clean()


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
    before = pins(firewall), ground.nft("list", "table", "inet", "mailorigin")

    def refused(option):
        other = Firewall(ground, pin_directory=firewall.pins, options=option)
        return ground.child(lambda: subprocess.run(other.arguments, capture_output=True, text=True, timeout=30), cgroup=False)[1]

    # Each waits for the other to end: at the same time.
    for result in [refused(option) for option in ([], ["--once"], ["--remove"])]:
        done = result()
        assert done.returncode == 1 and "MO0401" in done.stderr, done.stderr
        assert "governs this host" in done.stderr and str(firewall.directory) in done.stderr, done.stderr
    assert (pins(firewall), ground.nft("list", "table", "inet", "mailorigin")) == before
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


def test_off_keeps_nothing(firewall):
    state = firewall.directory / "state"
    firewall.take(server=smtp(DENY, allow=["localhost"]))
    wait_until((state / "names").exists, "the names to be kept")
    assert (state / "policy").exists()
    firewall.take(mode="off")
    assert [path.name for path in state.iterdir()] == ["lock"]


def test_older_connections_of_whom_may_not_are_closed(firewall, ground):
    """On closes those of uids that may not have them; observe closes none."""
    who = {
        "tenant": (TENANT, V4, 25), "IPv6": (TENANT, V6, 587), "root": (0, V4, 25), "user": (OTHER, V4, 25),
        "vhost": (64050, V4, 25), "other port": (TENANT, V4, 2525), "loopback": (TENANT, "127.0.0.1", 25),
    }  # fmt: skip
    holders = {name: hold(ground, *where) for name, where in who.items()}
    options = {"uids": [OTHER], "vhosts": [vhost(HOST, smtp(ALLOW), run_as=64050)]}
    firewall.take(mode="observe", **options)
    assert not any("MO0409" in notice for notice in firewall.notices)
    firewall.take(mode="on", **options)
    assert "2 connections" in firewall.notice("MO0409")
    closed = {name: finish() for name, finish in holders.items()}
    assert {name for name, how in closed.items() if how != "open"} == {"tenant", "IPv6"}, closed


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
