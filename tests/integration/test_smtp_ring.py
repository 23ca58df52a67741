"""From the kernel's ring to the log: when it runs over, and when the journal cannot be written."""

import errno
import json
import os
import signal
import socket
from pathlib import Path

import pytest
from harness.firewall import ATTACH, STATUS, V4, Ring, attempt, head
from harness.guarded import event_of, guarded_site, knock
from harness.mounts import fill, mount_tmpfs, unmount
from harness.site import SHOP_UID, Vhost
from harness.waiting import become, wait_until
from harness.wire import connect, pairs

REFUSED = errno.ECONNREFUSED
MANY_UIDS = range(62000, 62400)


@pytest.fixture(scope="module")
def guarded(installation, ground):
    """mailorigind's state is on a small disk of its own."""
    state = []

    def prepare(site):
        state.append(site.httpd.state_dir)
        mount_tmpfs(state[0], "16m")

    hosts = [Vhost("shop", SHOP_UID, "  MailOriginLog logs/{short}.json json\n")]
    try:
        with guarded_site(installation, ground, "ring", hosts, prepare=prepare) as site:
            yield site
    finally:
        unmount(state[0])


def status(site, name):
    """Of whom listens there."""
    with connect(site.httpd.runtime_dir / name) as connection:
        connection.send(head(STATUS))
        return json.loads(dict(pairs(connection.recv(65536)[4:]))["status"])


def counters(site):
    return status(site, "firewall.sock")["counters"]


def recorded_of(site, uids):
    """How many connections of these users are in the server's log."""
    return sum(event["uid"] in uids for event in site.server_json.entries())


def stopped_daemon(site):
    pid = site.httpd.daemon()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: "State:\tT" in Path(f"/proc/{pid}/status").read_text(), "mailorigind to stop")
    return pid


def see_one_recorded(site):
    script, answer = knock(site.shop, V4)
    assert answer.json == REFUSED
    assert event_of(site.shop, script)["verdict"] == "deny"


def test_many_uids_at_once(guarded):
    """More connections than mailorigind can read: all are refused, some unrecorded, and it goes on."""
    rounds = 40

    def flood(times):
        refused = 0
        for _ in range(times):
            for uid in MANY_UIDS:
                os.setresuid(uid, uid, 0)
                refused += attempt() == REFUSED
                os.setresuid(0, 0, 0)
        return refused

    before = counters(guarded)
    # More than the ring has room for, whatever the machine's speed; then mailorigind reads beside it.
    daemon = stopped_daemon(guarded)
    try:
        refused = guarded.ground.child(lambda: flood(3))[1]()
    finally:
        os.kill(daemon, signal.SIGCONT)
    refused += guarded.ground.child(lambda: flood(rounds - 3))[1]()
    assert refused == rounds * len(MANY_UIDS)
    after = counters(guarded)
    grown = {name: after[name] - before[name] for name in after}
    assert grown["denied"] == rounds * len(MANY_UIDS)
    assert grown["events_dropped"] > 0
    assert grown["events"] + grown["events_dropped"] == grown["denied"]

    # What has found room is recorded, and once.
    wait_until(lambda: recorded_of(guarded, MANY_UIDS) >= grown["events"], "the ring to be read", 60)
    see_one_recorded(guarded)
    assert recorded_of(guarded, MANY_UIDS) == grown["events"]


@pytest.mark.parametrize("killed, uid", [(False, 62500), (True, 62501)], ids=["goes on", "is killed"])
def test_what_is_not_in_the_journal_is_read_again(guarded, killed, uid):
    """mailorigind has read connections and cannot write them; then there is room, for it or for its successor."""
    connections = 60

    def connect_often():
        become(uid)
        return [attempt() for _ in range(connections)]

    ballast = guarded.httpd.state_dir / "ballast"
    fill(ballast)
    assert guarded.ground.child(connect_often)[1]() == [REFUSED] * connections
    guarded.httpd.allow_log("MO021[23]: ")
    wait_until(lambda: "MO0212" in str(status(guarded, "control.sock")), "the journal to be missed")
    if killed:
        guarded.httpd.expect_log("MO0115: mailorigind .* ended with signal 9")
        daemon = stopped_daemon(guarded)
        ballast.unlink()
        os.kill(daemon, signal.SIGKILL)
    else:
        ballast.unlink()
    wait_until(lambda: recorded_of(guarded, [uid]) >= connections, "the connections in the log")
    see_one_recorded(guarded)
    assert recorded_of(guarded, [uid]) == connections


def test_what_is_in_the_journal_is_not_read_again(guarded):
    """mailorigind is killed when it has written connections and not yet taken them out of the ring."""
    uids, connections = range(62502, 62506), 90  # together more than it reads at once

    def connect_often():
        results = []
        for uid in uids:
            os.setresuid(uid, uid, 0)
            results += [attempt() for _ in range(connections)]
            os.setresuid(0, 0, 0)
        return results

    with connect(guarded.httpd.runtime_dir / "firewall.sock") as connection:
        connection.send(head(ATTACH))
        _, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
    ring = Ring(descriptors[0])
    before = ring.position()
    assert guarded.ground.child(connect_often)[1]() == [REFUSED] * connections * len(uids)
    wait_until(lambda: recorded_of(guarded, uids) == connections * len(uids), "the connections in the log")
    guarded.httpd.expect_log("MO0115: mailorigind .* ended with signal 9")
    daemon = stopped_daemon(guarded)
    ring.go_back(before)
    os.kill(daemon, signal.SIGKILL)
    ring.close()
    see_one_recorded(guarded)
    assert recorded_of(guarded, uids) == connections * len(uids)
