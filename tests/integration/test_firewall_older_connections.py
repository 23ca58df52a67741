"""Connections that are older than the policy in force."""

import os
import re
import resource
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from harness.firewall import (
    ALLOW, DENY, HOST, NEIGHBOUR, OTHER, REDIRECT, TENANT, V4, V6, Firewall, Page, PinnedMap, block, closed, fate, hold, hold_opened, nonroot_worker, smtp, vhost,
)  # fmt: skip
from harness.waiting import PATIENCE, become, wait_until
from harness.withheld import Withheld
from harness.wire import vhost_id

SO_COOKIE = 57


def test_older_connections_to_allowed_names_stay_open(ground):
    firewall = Firewall(ground)
    try:
        firewall.start_with_hosts(f"{V4} mx.example\n")
        holders = {address: hold(ground, TENANT, address, 25) for address in (V4, "192.0.2.2")}
        firewall.take(server=smtp(DENY, allow=["mx.example"]))
        assert "1 connection " in firewall.notice("MO0409")
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
    notice = firewall.notice("MO0409")
    assert "2 connections" in notice and f"uid {TENANT} to {V4} port 25; uid {TENANT} to {V6} port 587" in notice
    assert "cookie" not in notice  # nobody has an event of them
    closed = {name: finish() for name, finish in holders.items()}
    assert {name for name, how in closed.items() if how != "open"} == {"tenant", "IPv6"}, closed


def test_what_no_host_of_its_user_may_have_any_more_is_closed(firewall, ground):
    def take(rule, **more):
        return firewall.take(vhosts=[vhost(HOST, smtp(rule, **more), run_as=TENANT)])

    take(ALLOW)
    held = hold(ground, TENANT, V4, 25)
    take(ALLOW)
    take(DENY, allow=[V4])
    assert not any("MO0425" in notice for notice in firewall.notices)
    take(DENY)
    notice = firewall.notice("MO0425")
    assert "1 connection " in notice and f": uid {TENANT} ({HOST}) to {V4} port 25 (its event: `mailorigin trace cookie=" in notice
    assert closed(held)


def held_by(ground, prepare, make=socket.socket):
    """A connection to port 25 over make()'s socket, by whoever prepare() makes of its process; tells what has become of it."""

    @contextmanager
    def opened():
        with make() as tcp:
            kept = prepare()  # noqa: F841 (a worker's page)
            tcp.settimeout(5)
            tcp.connect((V4, 25))
            yield tcp

    return hold_opened(ground, opened)


def test_of_two_hosts_of_a_user_each_has_its_own(firewall, ground):
    both = [vhost(HOST, smtp(ALLOW), run_as=TENANT), vhost(NEIGHBOUR, smtp(ALLOW), run_as=TENANT)]
    firewall.take(vhosts=both, server=smtp(DENY, allow=[V4]))

    def serving(name):
        def prepare():
            page = Page()
            nonroot_worker(page)
            page.publish(firewall.context(name))
            return page

        return prepare

    held = {name: held_by(ground, serving(name)) for name in (HOST, NEIGHBOUR)}
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT), both[1]])
    assert "1 connection " in firewall.notice("MO0425")
    assert {name: finish() == "open" for name, finish in held.items()} == {HOST: False, NEIGHBOUR: True}


def made_by(uid):
    """A socket that another user has made, and passed on."""

    def make():
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            if uid:
                become(uid)
            with socket.socket() as tcp:
                socket.send_fds(theirs, [b"x"], [tcp.fileno()])
            os._exit(0)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(child, 0)
        return socket.socket(fileno=descriptors[0])

    return make


@pytest.mark.parametrize("maker", [0, 165_541], ids=["root", "a subordinate uid"])
def test_whoever_made_the_socket(firewall, ground, maker):
    """php-fpm's listening socket is root's, and of a user namespace's uids a tenant has many."""
    site = "shop.example"
    changes = {
        "policy": lambda: firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT, site=site)]),
        "block": lambda: firewall.block(block(f"site:{site}")),
        "block user": lambda: firewall.block(block(f"user:#{TENANT}")),
    }
    for name, change in changes.items():
        firewall.block()
        firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT, site=site)])
        finish = held_by(ground, lambda: become(TENANT), made_by(maker))
        change()
        firewall.status()
        assert closed(finish), name


def note_opener(path, tcp, generation, uid, name, verified=0):
    """As the hook keeps with a socket who has connected it (struct mo_opener); for the rule's sake, MailOriginSmtp."""
    openers = PinnedMap(path)
    who = struct.pack("<QQ7I4B", 0, 0, generation, uid, uid, uid, vhost_id(name), 0, 0, verified, 0, 1, 0)
    openers.put(struct.pack("<i", tcp.fileno()), who)
    openers.close()


def test_what_one_firewall_had_still_to_close_the_next_one_does(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT), vhost(NEIGHBOUR, smtp(ALLOW), run_as=OTHER)])
    firewall.kill()
    path = next(firewall.pins.glob("v*")) / "openers"

    def opened_by(uid, name):
        @contextmanager
        def opened():
            with socket.create_connection((V4, 25), timeout=5) as tcp:
                note_opener(path, tcp, 1, uid, name, verified=1)
                yield tcp

        return hold_opened(ground, opened)

    tenants, others = opened_by(TENANT, HOST), opened_by(OTHER, NEIGHBOUR)
    firewall.start()
    wait_until(lambda: "MO0440: 1 connection " in firewall.log.read_text(), "the tenant's to be closed", 20)
    assert closed(tenants)
    assert others() == "open"


def test_what_was_judged_before_a_policy_and_opens_after_it_is_closed(firewall, ground):
    """A connect() may take as long as its process likes, searching for a free port among thousands that are taken,
    while others have the processor. Here root's connection is made to look like one that was judged then."""
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT)])
    path = next(firewall.pins.glob("v*")) / "openers"

    def opened(generation, uid):
        with socket.create_connection((V4, 25), timeout=5) as tcp:
            tcp.recv(100)
            note_opener(path, tcp, generation, uid, HOST)
            return [tcp.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8).hex(), fate(tcp, PATIENCE)]

    cookie, how = ground.run(lambda: opened(1, TENANT), uid=0)
    assert how == "ECONNABORTED"
    notice = firewall.notice("MO0440")
    number = int.from_bytes(bytes.fromhex(cookie), "little")
    assert "1 connection " in notice and f": uid {TENANT} ({HOST}) to {V4} port 25 (its event: `mailorigin trace cookie={number}`). " in notice
    assert notice.endswith(f"`mailorigin block user:#{TENANT}` stops that user")


def test_a_flood_of_connections_keeps_none_of_them_open(firewall, ground):
    """They are looked at 16,384 together; those whose turn does not come in the time that closing has are closed after it."""
    many, state_closed = 16_384 + 200, 7
    ours, theirs = socket.socketpair()

    def flood():
        ours.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (many + 100, many + 100))
        become(TENANT)
        opened = [socket.create_connection((V4, 25)) for _ in range(many)]
        theirs.send(b"1")
        wait_until(
            lambda: all(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == state_closed for each in opened),
            "all of them to be closed",
        )

    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
    _, result = ground.child(flood)
    theirs.close()
    assert ours.recv(1) == b"1"
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT)])
    result()
    assert re.search(r"MO0425: [\d,]+ connections? ", firewall.notice("MO0425"))


SITE = "shop.example"


def keeping_busy(ground, count):
    """So many connections of the tenant's whose locks it holds by send() from memory that does not come, and a plain one
    before and behind them: a function that tells what has become of the plain ones, and one that lets the others go."""
    ours, theirs = socket.socketpair()

    def tenant():
        withheld = Withheld()
        become(TENANT)
        made = [socket.create_connection((V4, 25), timeout=5) for _ in range(count + 2)]
        for each in made:
            each.recv(100)
        first, *kept, last = made
        senders = [threading.Thread(target=each.send, args=(withheld.page,)) for each in kept]
        for sender in senders:
            sender.start()
        theirs.send(b"1")
        theirs.recv(1)
        theirs.send("/".join(fate(each, 15) for each in (first, last)).encode())
        theirs.recv(1)
        withheld.give()
        for sender in senders:
            sender.join()
        return [fate(each, 15) for each in kept]

    _, result = ground.child(tenant)
    theirs.close()
    assert ours.recv(1) == b"1"

    def plain_ones():
        ours.send(b"x")
        return ours.recv(100).decode().split("/")

    def busy_ones():
        ours.send(b"x")
        return result()

    return plain_ones, busy_ones


def test_what_its_process_keeps_busy_keeps_nobody_else(firewall, ground):
    """Closing waits for a socket's lock."""
    held_up = "ip saddr . tcp sport . ip daddr . tcp dport"
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT, site=SITE)])
    plain_ones, busy_ones = keeping_busy(ground, 30)
    firewall.block(block(f"site:{SITE}"))
    assert "could not be closed at once" in firewall.notice("MO0447")
    assert "open" not in plain_ones()
    wait_until(lambda: held_up in ground.nft("list", "table", "inet", "mailorigin"), "their packets to be refused", 20)
    assert "open" not in busy_ones()
    wait_until(lambda: held_up not in ground.nft("list", "table", "inet", "mailorigin"), "their end", 20)


def test_what_may_stay_again_is_refused_no_more(firewall, ground):
    held_up = "ip saddr . tcp sport . ip daddr . tcp dport"
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT, site=SITE)])
    plain_ones, busy_ones = keeping_busy(ground, 2)
    firewall.block(block(f"site:{SITE}"))
    wait_until(lambda: held_up in ground.nft("list", "table", "inet", "mailorigin"), "their packets to be refused", 20)
    firewall.block()
    wait_until(lambda: held_up not in ground.nft("list", "table", "inet", "mailorigin"), "the unblocked ones to be let go", 20)
    assert "open" not in plain_ones()
    busy_ones()


def test_what_was_redirected_is_closed_whatever_the_relays_port(firewall, ground):
    site = "shop.example"
    changes = {
        "block": lambda: firewall.block(block(f"site:{site}")),
        "policy": lambda: firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT, site=site)]),
    }
    for name, change in changes.items():
        firewall.block()
        firewall.take(vhosts=[vhost(HOST, smtp(REDIRECT, relay="192.0.2.2:2525"), run_as=TENANT, site=site)])
        finish = hold(ground, TENANT, V4, 25)
        firewall.take(vhosts=[vhost(HOST, smtp(REDIRECT, relay="192.0.2.2:587"), run_as=TENANT, site=site)])
        change()
        firewall.status()
        assert closed(finish), name


def test_to_a_port_that_becomes_one_of_smtp(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT), vhost(NEIGHBOUR, smtp(ALLOW), run_as=OTHER)])
    tenants, neighbours = (hold(ground, uid, V4, 2525) for uid in (TENANT, OTHER))
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT), vhost(NEIGHBOUR, smtp(ALLOW), run_as=OTHER)], ports=(25, 2525))
    assert closed(tenants)
    assert neighbours() == "open"
