"""One user starts processes without end: it has its share of the kernel's room, and others have theirs."""

import errno
import os
import socket
import struct
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest
from harness.firewall import ALLOW, HOST, OTHER, TENANT, Page, attempt, nonroot_worker, smtp, vhost
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED
SNAPSHOTS, PROCESSES = 1024, 2048
SOME_PAGE = 1 << 40

# As many children as it is told, which wait for the end of its input.
FAMILY = """
use POSIX;
$| = 1;
for (1 .. $ARGV[0]) {
  defined(my $child = fork) or last;
  if (!$child) { sysread STDIN, my $nothing, 1; POSIX::_exit(0) }
  print "$child\\n";
}
print "all\\n";
1 while wait > 0;
"""


@pytest.fixture
def enforcing(firewall):
    return firewall.take(vhosts=[vhost(HOST, smtp(ALLOW))])


@contextmanager
def family(firewall, count, prepare):
    """The children's process ids; prepare() makes their grandparent what it is to be."""
    input_end, end_of_all = os.pipe()
    output, output_end = os.pipe()

    def run():
        os.close(end_of_all)
        page = prepare()
        status = subprocess.call(["perl", "-e", FAMILY, str(count)], stdin=input_end, stdout=output_end)
        del page  # it was mapped until here
        return status

    _, result = firewall.ground.child(run)
    os.close(input_end)
    os.close(output_end)
    try:
        with os.fdopen(output) as lines:
            pids = [int(line) for line in iter(lines.readline, "all\n")]
        assert len(pids) == count
        yield pids
    finally:
        os.close(end_of_all)
        assert result() == 0


def serving(firewall, uid):
    page = Page()
    nonroot_worker(page, uid)
    page.publish(firewall.context(HOST))
    return page


def of_a_child(firewall, uid):
    """What becomes of the connection of a program that a worker of that uid has started."""

    def run():
        page = serving(firewall, uid)
        child = os.fork()
        if child == 0:
            os._exit(attempt())
        result = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        page.publish()
        return result

    return firewall.ground.child(run)[1]()


def of_a_registered(firewall, uid, has_page):
    """Whether there is room for a process that never was root, and what becomes of its connection."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        page = Page()
        become(uid)
        page.publish(firewall.context(HOST))
        theirs.send(struct.pack("<Q", page.address))
        theirs.recv(1)
        return attempt()

    pid, result = firewall.ground.child(run)
    theirs.close()
    (page,) = struct.unpack("<Q", ours.recv(8))
    (had_room,) = firewall.register_all([pid], uid, firewall.context(HOST), page if has_page else 0)
    ours.send(b"1")
    ours.close()
    return had_room, result()


def share_of(firewall, uid):
    with firewall.map("shares") as shares:
        return struct.unpack("<i", shares.get(struct.pack("<I", uid), 4))[0]


def wait_until_forgotten(firewall):
    wait_until(lambda: firewall.status()["processes"] == 0, "the processes that have ended to be forgotten")


def test_what_workers_start(enforcing):
    more = 50
    with family(enforcing, SNAPSHOTS - 1 + more, lambda: serving(enforcing, TENANT)):  # and their parent
        counters = enforcing.counters()
        assert (counters["inherited"], counters["unregistered_full"]) == (SNAPSHOTS, more)
        assert of_a_child(enforcing, TENANT) == REFUSED
        assert of_a_child(enforcing, OTHER) == 0
        assert of_a_child(enforcing, TENANT + 8192) == 0, "whatever its number has in common with the tenant's"
        enforcing.notice("MO0417")
    wait_until_forgotten(enforcing)
    assert of_a_child(enforcing, TENANT) == 0
    wait_until_forgotten(enforcing)
    assert (share_of(enforcing, TENANT), share_of(enforcing, OTHER)) == (0, 0)


@pytest.mark.parametrize("has_page, share", [(True, PROCESSES), (False, SNAPSHOTS)], ids=["page", "context"])
def test_what_mailorigind_registers(enforcing, has_page, share):
    more = 10
    page = SOME_PAGE if has_page else 0
    with family(enforcing, share + more, lambda: become(TENANT)) as pids:
        assert enforcing.register_all(pids, TENANT, enforcing.context(HOST), page) == [True] * share + [False] * more
        assert enforcing.counters()["unregistered_full"] == more
        assert of_a_registered(enforcing, TENANT, has_page) == (False, REFUSED)
        assert of_a_registered(enforcing, OTHER, has_page) == (True, 0)
        assert of_a_child(enforcing, OTHER) == 0
        enforcing.notice("MO0417")
    wait_until_forgotten(enforcing)
    # Counted anew once a second at most.
    wait_until(lambda: of_a_registered(enforcing, TENANT, has_page) == (True, 0), "room for that user")


@pytest.mark.parametrize("has_page, share", [(True, PROCESSES), (False, SNAPSHOTS)], ids=["page", "context"])
def test_who_registers_again_and_again_counts_once(enforcing, has_page, share):
    page = SOME_PAGE if has_page else 0
    with family(enforcing, 1, lambda: become(TENANT)) as (pid,):
        assert all(enforcing.register_all([pid] * (share + 10), TENANT, enforcing.context(HOST), page))
        assert of_a_registered(enforcing, TENANT, has_page) == (True, 0)


def test_a_descendant_that_is_registered_as_well(enforcing):
    """It counts once, and not for ever."""
    with family(enforcing, 3, lambda: serving(enforcing, TENANT)) as pids:
        assert enforcing.register_all(pids, TENANT, enforcing.context(HOST)) == [True] * 3
    wait_until_forgotten(enforcing)
    assert share_of(enforcing, TENANT) == 0


def test_several_users_leave_room_for_the_next(enforcing):
    """Of what is free, nobody takes more than a third."""
    with ExitStack() as families:
        for uid in range(64100, 64105):
            families.enter_context(family(enforcing, SNAPSHOTS - 1, lambda uid=uid: serving(enforcing, uid)))
        assert enforcing.counters()["unregistered_full"] > 0
        assert of_a_child(enforcing, OTHER) == 0


# Processes that end at once, one after another, for so many seconds.
STORM = """
use POSIX;
for (my $until = time + $ARGV[0]; time < $until;) {
  my $child = fork;
  POSIX::_exit(0) if !$child;
  waitpid $child, 0;
}
"""


def test_a_restart_takes_nobodys_share(enforcing):
    """While one program replaces the other in the kernel, both see what is forked."""

    def run():
        page = serving(enforcing, TENANT)
        status = subprocess.call(["perl", "-e", STORM, "5"])
        page.publish()
        return status

    storms = [enforcing.ground.child(run)[1] for _ in range(3)]
    until = time.monotonic() + 4
    while time.monotonic() < until:
        enforcing.stop()
        enforcing.start()
    assert [result() for result in storms] == [0, 0, 0]
    wait_until_forgotten(enforcing)
    assert share_of(enforcing, TENANT) == 0


def test_users_that_come_and_go_are_not_refused(enforcing):
    """Several at once, whose share is nothing now and then."""

    def run():
        page = serving(enforcing, TENANT)
        for _ in range(3000):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        page.publish()

    for result in [enforcing.ground.child(run)[1] for _ in range(3)]:
        result()
    counters = enforcing.counters()
    assert (counters["inherited"], counters["unregistered_full"]) == (9000, 0)
    assert share_of(enforcing, TENANT) == 0
