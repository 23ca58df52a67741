"""`mailorigin block` in the kernel: whose connections a block stops, and how long it is known."""

import errno
import socket
import time
from contextlib import contextmanager, suppress

import pytest
from harness import wire
from harness.firewall import (
    ALLOW, DENY, HOST, NEIGHBOUR, OBSERVE, OTHER, TENANT, V4, Firewall, Page, as_subordinate, attempt, block, blocks, closed, hold, hold_opened,
    nonroot_worker, smtp, vhost,
)  # fmt: skip
from harness.waiting import PATIENCE, become, wait_until

REFUSED = errno.ECONNREFUSED
SHOP, BLOG = "shop.example", "blog.example"
SHARED = 64060
SLOW = 2600  # the port of a server that takes its time


def hosts(shop=smtp(ALLOW), blog=smtp(ALLOW), shop_uid=TENANT, blog_uid=OTHER, **options):
    return [
        vhost(HOST, shop, run_as=shop_uid, site=SHOP, **options),
        vhost(NEIGHBOUR, blog, run_as=blog_uid, site=BLOG),
    ]


@pytest.fixture(scope="module")
def module_firewall(ground):
    made = Firewall(ground)
    try:
        yield made.start()
    finally:
        made.clean()


@pytest.fixture
def firewall(module_firewall):
    yield module_firewall
    module_firewall.block()


def worker(firewall, name, uid=TENANT, sealed_for=wire.ANY_UID):
    def run():
        page = Page()
        nonroot_worker(page, uid)
        page.publish(firewall.context(name, uid=sealed_for))
        return attempt()

    return firewall.ground.child(run)[1]()


def one(ring):
    events = ring.take()
    assert len(events) == 1, events
    return events[0]


def test_a_site_with_and_without_its_context(firewall, ground):
    firewall.take(vhosts=hosts())
    assert worker(firewall, HOST) == 0
    firewall.block(block(f"site:{SHOP}"))
    with firewall.attached() as ring:
        assert worker(firewall, HOST) == REFUSED
        event = one(ring)
        assert (event.verdict, event.reason, event.vhost, event.verified) == (DENY, "blocked", wire.vhost_id(HOST), True)
        assert ground.run(attempt) == REFUSED
        assert (event := one(ring)).reason == "blocked" and event.vhost == wire.vhost_id(HOST)
        assert ground.run(lambda: attempt("127.0.0.1")) == REFUSED, "loopback, where MailOriginSmtpLocal allows it"
    assert worker(firewall, NEIGHBOUR, OTHER) == ground.run(attempt, uid=OTHER) == 0
    firewall.block()
    assert worker(firewall, HOST) == ground.run(attempt) == 0


def test_before_all_that_is_configured(firewall, ground):
    """MailOriginSmtpUsers, its groups, MailOriginSmtpAllow, MailOrigin Off, MailOriginFirewall observe."""
    configured = {
        "users": {"uids": (TENANT,)}, "groups": {"gids": (TENANT,)}, "list": {"shop": smtp(DENY, allow=[V4])},
        "off": {"enabled": False}, "observe": {"mode": OBSERVE},
    }  # fmt: skip
    for name, options in configured.items():
        where = {key: options[key] for key in options if key in ("shop", "enabled")}
        firewall.block()
        firewall.take(vhosts=hosts(**where), **{key: options[key] for key in options if key not in where})
        assert ground.run(attempt) == worker(firewall, HOST) == 0, name
        firewall.block(block(f"site:{SHOP}"))
        assert ground.run(attempt) == worker(firewall, HOST) == REFUSED, name
        assert ground.run(attempt, uid=0) == 0


def test_a_user_whatever_it_shows_and_whoever_it_becomes(firewall, ground):
    firewall.take(server=smtp(OBSERVE), vhosts=hosts(shop_uid=None))
    firewall.block(block(f"user:#{TENANT}"))
    assert worker(firewall, HOST) == worker(firewall, NEIGHBOUR) == ground.run(attempt) == REFUSED
    assert worker(firewall, HOST, OTHER) == ground.run(attempt, uid=OTHER) == 0
    assert as_subordinate(ground, 165_541, attempt) == REFUSED
    assert ground.run(attempt, uid=165_541) == 0


def test_whoever_may_be_the_site(firewall, ground):
    """Without a context: one user of two sites, httpd's own, and where nothing says as whom the site runs, everybody
    who is no site's."""
    both = hosts(shop_uid=SHARED, blog_uid=SHARED)
    everybody = {"server": smtp(OBSERVE), "httpd_uid": 64033}
    firewall.take(vhosts=both, **everybody)
    firewall.block(block(f"site:{SHOP}"))
    assert ground.run(attempt, uid=SHARED) == ground.run(attempt, uid=64033) == REFUSED
    assert worker(firewall, NEIGHBOUR, SHARED) == 0, "its context says that it is the other"
    assert worker(firewall, HOST, SHARED) == REFUSED
    assert ground.run(attempt, uid=OTHER) == 0
    firewall.take(vhosts=hosts(shop_uid=None), uids=(64100,), **everybody)
    assert ground.run(attempt, uid=TENANT) == REFUSED
    assert ground.run(attempt, uid=OTHER) == ground.run(attempt, uid=64100) == 0


def test_a_context_that_is_anothers_or_of_a_site_that_is_gone(firewall):
    firewall.take(server=smtp(ALLOW), vhosts=hosts(shop_uid=None))
    gone = "gone.example:80"
    assert worker(firewall, gone) == 0
    firewall.block(block("site:gone.example"))
    assert worker(firewall, gone) == REFUSED
    assert worker(firewall, NEIGHBOUR, OTHER) == 0
    firewall.block(block(f"site:{SHOP}"))
    assert worker(firewall, HOST, OTHER, sealed_for=TENANT) == REFUSED


def test_a_user_whose_context_a_subordinate_uid_shows(firewall, ground):
    """Outside the namespace that gave it: by a setuid program that was made inside."""
    subordinate = 165_541
    firewall.take(server=smtp(OBSERVE), vhosts=hosts())
    assert worker(firewall, HOST, subordinate, sealed_for=TENANT) == 0
    firewall.block(block(f"user:#{TENANT}"))
    assert worker(firewall, HOST, subordinate, sealed_for=TENANT) == REFUSED


def test_what_is_open_by_who_showed_the_sites_context(firewall, ground):
    """Sealed for the site's user: another user's process connects as its own site may, and is refused like the one it shows."""
    firewall.take(vhosts=hosts())

    def opened(name, uid):
        @contextmanager
        def open_it():
            page = Page()
            nonroot_worker(page, uid)
            page.publish(firewall.context(name, uid=TENANT))
            with socket.create_connection((V4, 25), timeout=5) as tcp:
                yield tcp

        return hold_opened(ground, open_it)

    showing, plain = opened(HOST, OTHER), hold(ground, OTHER, V4, 25)
    firewall.block(block(f"site:{SHOP}"))
    assert worker(firewall, HOST, OTHER, sealed_for=TENANT) == REFUSED
    assert closed(showing)
    assert plain() == "open"


def test_what_is_open_is_closed(firewall, ground):
    firewall.take(vhosts=hosts())
    shops, blogs = (hold(ground, uid, V4, 25) for uid in (TENANT, OTHER))
    firewall.block(block(f"site:{SHOP}"))
    assert closed(shops)
    assert blogs() == "open"


@pytest.mark.parametrize("end", [lambda tcp: tcp.shutdown(socket.SHUT_WR), socket.socket.close], ids=["shutdown", "close"])
def test_what_is_written_and_closed_is_not_sent_any_more(firewall, ground, end):
    """To a server that reads slowly, a dialogue that was written ahead would go on after the block."""
    firewall.take(vhosts=hosts(), ports=(SLOW,))
    ours, theirs = socket.socketpair()

    def serve():
        with socket.create_server((V4, SLOW)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            theirs.send(b"1")
            with listener.accept()[0] as tcp:
                theirs.recv(1)
                tcp.settimeout(5)
                received = 0
                try:
                    while more := tcp.recv(65536):
                        received += len(more)
                    return received, "whole"
                except ConnectionResetError:
                    return received, "reset"

    _, served = ground.child(serve, cgroup=False)
    assert ours.recv(1) == b"1"

    def write():
        become(TENANT)
        tcp = socket.create_connection((V4, SLOW))
        tcp.setblocking(False)
        sent = 0
        with suppress(BlockingIOError):
            while sent < 16 << 20:
                sent += tcp.send(b"RCPT TO:<someone@example.org>\r\n" * 1000)
        end(tcp)
        theirs.send(b"1")
        theirs.recv(1)
        return sent

    _, written = ground.child(write)
    assert ours.recv(1) == b"1"
    firewall.block(block(f"site:{SHOP}"))
    firewall.status()
    ours.send(b"xx")
    received, how = served()
    assert how == "reset"
    assert received < written()


def test_it_ends_in_time(firewall, ground):
    firewall.take(vhosts=hosts())
    for seconds in (1, 4, 16, 64):  # longer, until it is seen while it lasts
        until = int((time.time() + seconds) * 1000)
        firewall.block(block(f"site:{SHOP}", until), block(f"user:#{OTHER}"))
        if (seen := ground.run(attempt)) == REFUSED:
            break
    assert seen == REFUSED
    wait_until(lambda: ground.run(attempt) == 0, "the block to end", PATIENCE + seconds)
    assert int(time.time() * 1000) >= until
    assert ground.run(attempt, uid=OTHER) == REFUSED
    # It has what it was given, as far as mailorigind goes by: nothing is handed over again.
    assert firewall.status()["blocks"] == 1


def test_what_cannot_be_read_changes_nothing(firewall, ground):
    firewall.take(vhosts=hosts())
    firewall.block(block(f"site:{SHOP}"))
    bad = blocks(block("site:a"))
    for encoded in (bad[:-1] + bytes([bad[-1] ^ 1]), b"x" * 40, blocks(wire.pair("kind", "planet"))):
        assert not firewall.hand_over_blocks(encoded)
        assert ground.run(attempt) == REFUSED
