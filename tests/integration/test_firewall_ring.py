"""The ring of events: whatever becomes of it, verdicts stand, and nobody takes all of its room."""

import errno
import os
import re
import socket
import time
from pathlib import Path

from harness import wire
from harness.firewall import ALLOW, DENY, HOST, NEIGHBOUR, OBSERVE, OTHER, TENANT, attempt, in_worker, smtp, trying, vhost
from harness.libc import CLONE_NEWUSER, LIBC
from harness.waiting import become

REFUSED = errno.ECONNREFUSED


def test_a_full_ring_changes_no_verdict(enforcing):
    """762 events fit; nobody reads them."""

    def action():
        results = []
        for uid in range(64300, 64308):
            child = os.fork()
            if child == 0:
                become(uid)
                os._exit(0 if all(attempt() == REFUSED for _ in range(105)) else 1)
            results.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return results

    with enforcing.attached() as ring:
        assert enforcing.ground.run(action, uid=0) == [0] * 8
        counters = enforcing.counters()
        assert counters["denied"] == 8 * 105
        assert counters["events_dropped"] > 0
        assert counters["events"] + counters["events_dropped"] + counters["events_capped"] == 8 * 105
        assert len(ring.take()) == counters["events"]
        # And there is room again.
        assert enforcing.ground.run(attempt, uid=64399) == REFUSED
        assert len(ring.take()) == 1
    assert any("ring was full" in finding["text"] for finding in enforcing.status()["findings"])


def test_ten_users_leave_room_for_anothers_events(enforcing):
    """All at once, faster than anybody reads."""

    def flood():
        return {attempt() for _ in range(110)}

    with enforcing.attached() as ring:
        for uid in range(64300, 64310):
            assert enforcing.ground.run(flood, uid=uid) == {REFUSED}
        assert enforcing.ground.run(attempt, uid=OTHER) == REFUSED
        assert OTHER in {event.uid for event in ring.take()}


def test_one_uid_cannot_fill_the_ring(enforcing):
    def action():
        return all(attempt() == REFUSED for _ in range(400))

    with enforcing.attached() as ring:
        assert enforcing.ground.run(action)
        assert enforcing.ground.run(attempt, uid=OTHER) == REFUSED
        events = ring.take()
    assert 100 <= len([event for event in events if event.uid == TENANT]) < 300
    assert [event.uid for event in events][-1] == OTHER
    assert enforcing.counters()["events_capped"] > 0


def test_refused_connections_hide_none_that_is_let_through(firewall):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT)])

    def action():
        refused = {attempt() for _ in range(300)}
        return refused, attempt("127.0.0.1")

    with firewall.attached() as ring:
        assert firewall.ground.run(action) == ({REFUSED}, 0)
        assert [event.address for event in ring.take() if event.verdict == OBSERVE] == ["127.0.0.1"]


def test_one_uid_cannot_fill_the_ring_by_many_hosts(firewall):
    names = [f"{number}.example:80" for number in range(5)]
    firewall.take(vhosts=[vhost(name, smtp(DENY)) for name in names])

    def action(page):
        results = set()
        for name in names:
            page.publish(firewall.context(name))
            results |= {attempt() for _ in range(105)}
        return results

    with firewall.attached() as ring:
        assert in_worker(firewall, action) == {REFUSED}
        assert 100 <= len(ring.take()) < 200


def test_a_user_with_many_uids_has_one_users_events(firewall):
    """Of a user namespace of its own, to which the administrator has granted subordinate uids."""
    firewall.take()
    told, mapped = socket.socketpair()

    def action():
        become(TENANT)
        LIBC.prctl(4, 1, 0, 0, 0)  # dumpable: its files in /proc are its own
        assert LIBC.unshare(CLONE_NEWUSER) == 0
        mapped.send(b"1")
        mapped.recv(1)
        for uid in range(1, 9):
            child = os.fork()
            if child == 0:
                os.setresuid(uid, uid, uid)
                os._exit(0 if all(attempt() == REFUSED for _ in range(100)) else 1)
            assert os.waitpid(child, 0)[1] == 0
        return True

    with firewall.attached() as ring:
        pid, result = firewall.ground.child(action)
        told.recv(1)
        Path(f"/proc/{pid}/uid_map").write_text("0 200000 100")
        told.send(b"1")
        assert result()
        events = ring.take()
    told.close()
    mapped.close()
    assert 200001 in {event.uid for event in events}
    assert 100 <= len(events) < 400


def test_long_contexts_count_as_three(firewall):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY))])

    def action(page):
        page.publish(firewall.context(HOST, details={"uri": "/" * 1500}))
        return {attempt() for _ in range(105)}

    with firewall.attached() as ring:
        assert in_worker(firewall, action) == {REFUSED}
        assert 33 <= len(ring.take()) < 60


def test_a_host_that_floods_leaves_room_for_its_users_others(firewall):
    """Of 100 events a second that its user has, it takes 50 at most."""
    firewall.take(vhosts=[vhost(name, smtp(DENY)) for name in (HOST, NEIGHBOUR)])

    def action(page):
        page.publish(firewall.context(HOST))
        for _ in range(150):
            attempt()
        until, turns = time.monotonic() + 0.5, 0
        while time.monotonic() < until or turns < 50:
            turns += 1
            for name, times in ((HOST, 30), (NEIGHBOUR, 1)):
                page.publish(firewall.context(name))
                for _ in range(times):
                    attempt()

    with firewall.attached() as ring:
        in_worker(firewall, action)
        events = ring.take()
    assert len([event for event in events if event.vhost == wire.vhost_id(NEIGHBOUR)]) > 15


def test_whose_connections_have_no_event_is_said(firewall):
    """Of those that were let through: a flood hides what one of them was, and not that there was one."""
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT), vhost(NEIGHBOUR, smtp(DENY), run_as=OTHER)])

    def many():
        for _ in range(300):
            attempt()

    firewall.ground.run(many, uid=OTHER)
    flood = trying(firewall.ground)
    text = firewall.notice("MO0428").partition("room for: ")[2]
    assert re.fullmatch(rf"[1-9][0-9]* of uid {TENANT}", text)
    flood()
