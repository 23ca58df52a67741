"""Who may connect where: rules, users, groups, lists, names, loopback, redirection."""

import errno
import os
import pwd
import socket

import pytest
from harness import wire
from harness.firewall import (
    ALLOW, DENY, HOST, MAPPED, OBSERVE, OTHER, REDIRECT, TENANT, V4, V4_OTHER, V6, Firewall, Page, as_subordinate, attempt, greeting,
    nonroot_worker, policy, smtp, vhost,
)  # fmt: skip
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED


def worker(firewall, context, action=attempt, uid=TENANT):
    """action()'s value in a worker whose request has this context."""

    def run():
        page = Page()
        nonroot_worker(page, uid)
        page.publish(context, "/srv/lib/smtp.php", 42)
        return action()

    return firewall.ground.child(run)[1]()


def one(ring):
    events = ring.take()
    assert len(events) == 1, events
    return events[0]


@pytest.fixture(scope="module")
def firewall(ground):
    """One for all tests here: each gives it a policy of its own."""
    made = Firewall(ground)
    try:
        yield made.start()
    finally:
        made.clean()


def test_without_a_policy_nothing_is_touched(ground):
    firewall = Firewall(ground)
    try:
        firewall.start()
        assert ground.run(attempt) == 0
        assert firewall.status()["engine"] == "none"
        assert ground.nft("list", "ruleset") == ""
    finally:
        firewall.clean()


def test_a_uid_without_context_is_refused_and_named(firewall, ground):
    firewall.take()
    with firewall.attached() as ring:
        assert ground.run(attempt, uid=TENANT, gid=OTHER) == REFUSED
        event = one(ring)
    assert (event.verdict, event.reason, event.verified) == (DENY, "unverified", False)
    assert (event.uid, event.gid, event.vhost) == (TENANT, OTHER, 0)
    assert (event.address, event.port, event.size) == (V4, 25, 0)
    assert event.comm.startswith("python") or event.comm == "pytest"
    assert event.exe == os.path.realpath("/usr/bin/python3")


@pytest.mark.parametrize("port", [25, 465, 587])
def test_each_port_of_the_list_is_governed(firewall, ground, port):
    firewall.take()
    assert ground.run(lambda: attempt(port=port)) == REFUSED
    assert ground.run(lambda: attempt(V6, port)) == REFUSED


def test_other_ports_pass_unseen(firewall, ground):
    firewall.take()
    before = firewall.counters()
    with firewall.attached() as ring:
        assert ground.run(lambda: attempt(port=2525)) == 0
        assert ring.take() == []
    assert firewall.counters() == before


def test_the_list_of_ports_can_be_another(firewall, ground):
    firewall.take(ports=(2525,))
    assert ground.run(lambda: attempt(port=2525)) == REFUSED
    assert ground.run(attempt) == 0


def test_root_users_and_groups_may_without_an_event(firewall, ground):
    firewall.take(uids=(OTHER,), gids=(64100,))
    with firewall.attached() as ring:
        assert ground.run(attempt, uid=0) == 0
        assert ground.run(attempt, uid=OTHER) == 0
        assert ground.run(attempt, uid=TENANT, gid=64100) == 0
        assert ring.take() == []
        # A supplementary group is none that it runs under.
        assert ground.run(attempt, uid=TENANT, groups=[64100]) == REFUSED


def test_root_that_acts_as_a_user_is_that_user(firewall, ground):
    """As servers do that go back to being root: what they are asked for is the user's doing."""
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT)])

    def action():
        os.seteuid(TENANT)
        as_user = attempt()
        os.seteuid(0)
        return as_user, attempt()

    with firewall.attached() as ring:
        assert ground.run(action, uid=0) == (REFUSED, 0)
        event = one(ring)
    assert (event.uid, event.vhost, event.verdict) == (TENANT, wire.vhost_id(HOST), DENY)


def test_a_context_brings_its_vhosts_rule(firewall):
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW)), vhost("b:80", smtp(OBSERVE)), vhost("c:80", smtp(DENY))])
    for name, verdict, expected in ((HOST, ALLOW, 0), ("b:80", OBSERVE, 0), ("c:80", DENY, REFUSED)):
        context = firewall.context(name)
        with firewall.attached() as ring:
            assert worker(firewall, context) == expected
            event = one(ring)
        assert (event.verdict, event.reason, event.verified, event.detached) == (verdict, "smtp", True, False)
        assert event.vhost == wire.vhost_id(name)
        assert (event.context, event.file, event.line) == (context, "/srv/lib/smtp.php", 42)


def test_a_context_of_a_vhost_that_is_gone_gets_the_servers_rule(firewall):
    firewall.take(server=smtp(ALLOW))
    context = firewall.context("gone:80")
    with firewall.attached() as ring:
        assert worker(firewall, context) == 0
        event = one(ring)
    assert (event.verdict, event.verified, event.context) == (ALLOW, True, context)


def test_a_context_of_a_vhost_that_is_gone_is_worth_no_more_than_its_users_others(firewall, ground):
    """Tenants have hosts made and taken away again, and keep a process with a context of one."""
    firewall.take(server=smtp(ALLOW, allow=[V4, V6]), vhosts=[vhost(HOST, smtp(DENY, allow=[V6], local=DENY), run_as=TENANT)])
    context = firewall.context("gone:80", uid=TENANT)
    assert worker(firewall, context, lambda: [attempt(each) for each in (V4, V4_OTHER, "127.0.0.1", V6)]) == [REFUSED] * 3 + [0]


@pytest.mark.parametrize(
    "fault", ["seal", "key", "uid", "old", "future", "version", "flags", "short", "none"],
)  # fmt: skip
def test_a_context_that_does_not_verify_is_none(firewall, fault):
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW))])
    key, day = firewall.key, 86400 * 10**9
    context = {
        "seal": lambda: bytes([*firewall.context(HOST)[:20], 7, *firewall.context(HOST)[21:]]),
        "key": lambda: firewall.context(HOST, key=wire.Key(9, key.secret)),
        "uid": lambda: firewall.context(HOST, uid=OTHER),
        "old": lambda: firewall.context(HOST, boottime=(wire.boottime_ns() - day - 10**9) % 2**64),
        "future": lambda: firewall.context(HOST, boottime=wire.boottime_ns() + 5 * 10**9),
        "version": lambda: firewall.context(HOST, version=2),
        "flags": lambda: firewall.context(HOST, flags=4),
        "short": lambda: firewall.context(HOST)[:47],
        "none": lambda: b"",
    }[fault]()
    with firewall.attached() as ring:
        assert worker(firewall, context) == REFUSED
        event = one(ring)
    assert (event.reason, event.verified, event.size, event.vhost) == ("unverified", False, 0, 0)


def test_the_previous_key_verifies_too(firewall):
    assert firewall.push(policy(vhosts=[vhost(HOST, smtp(ALLOW))]), previous=firewall.previous) == ""
    assert worker(firewall, firewall.context(HOST, key=firewall.previous)) == 0
    assert worker(firewall, firewall.context(HOST, uid=TENANT)) == 0


def test_a_vhost_that_is_off_passes_unseen(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=OTHER, enabled=False)])
    with firewall.attached() as ring:
        assert worker(firewall, firewall.context(HOST, flags=wire.PASS)) == 0
        assert ground.run(attempt, uid=OTHER) == 0
        assert ring.take() == []


def test_a_vhost_that_is_off_no_longer_is_judged(firewall):
    """Whoever kept a context of that time is judged."""
    context = firewall.context(HOST, flags=wire.PASS)
    firewall.take(vhosts=[vhost(HOST, smtp(DENY), enabled=False)])
    with firewall.attached() as ring:
        assert worker(firewall, context) == 0
        assert ring.take() == []
        firewall.take(vhosts=[vhost(HOST, smtp(DENY))])
        assert worker(firewall, context) == REFUSED
        assert one(ring).verdict == DENY


def test_a_uid_of_one_vhost_alone_gets_its_rule(firewall, ground):
    hosts = [vhost(HOST, smtp(ALLOW), run_as=OTHER)]
    firewall.take(vhosts=hosts)
    with firewall.attached() as ring:
        assert ground.run(attempt, uid=OTHER) == 0
        event = one(ring)
    assert (event.vhost, event.verified, event.verdict) == (wire.vhost_id(HOST), False, ALLOW)
    firewall.take(vhosts=[*hosts, vhost("b:80", smtp(ALLOW), run_as=OTHER)])
    assert ground.run(attempt, uid=OTHER) == REFUSED


def test_losing_ones_context_is_never_worth_it(firewall, ground):
    """A user of two hosts that both deny more than the server: what has no context is under the strictest of the three."""
    strict = smtp(DENY, local=DENY)
    hosts = [vhost(HOST, strict, run_as=TENANT), vhost("b:80", smtp(DENY, allow=[V4]), run_as=TENANT)]
    firewall.take(server=smtp(DENY, allow=[V4, V6]), vhosts=hosts)
    with firewall.attached() as ring:
        for address in (V4, V6, "127.0.0.1", "::1"):
            assert ground.run(lambda address=address: attempt(address)) == REFUSED, address
        assert worker(firewall, firewall.context("b:80"), lambda: (attempt(), attempt("127.0.0.1"))) == (0, 0)
        ring.take()
        # A user that is no host's has what the server allows, and that is an event.
        assert ground.run(attempt, uid=OTHER) == 0
        event = one(ring)
    assert (event.uid, event.verdict, event.reason, event.verified) == (OTHER, ALLOW, "allowed", False)


SUBORDINATE = 165_541


def test_a_subordinate_uid_is_worth_no_more_than_its_owners(firewall, ground):
    """A user namespace gives a tenant uids that are no host's."""
    firewall.take(server=smtp(DENY, allow=[V4, V6]), vhosts=[vhost(HOST, smtp(ALLOW, allow=[V6], local=DENY), run_as=TENANT)])
    with firewall.attached() as ring:
        assert as_subordinate(ground, SUBORDINATE, attempt) == REFUSED
        event = one(ring)
        assert (event.uid, event.vhost, event.reason) == (SUBORDINATE, 0, "unverified")
        assert as_subordinate(ground, SUBORDINATE, lambda: attempt("127.0.0.1")) == REFUSED
        assert as_subordinate(ground, SUBORDINATE, lambda: attempt(V6)) == 0, "what both let through"
    assert ground.run(attempt, uid=SUBORDINATE) == 0, "whoever else has this number"


@pytest.mark.parametrize("started", [False, True], ids=["in-its-page", "at-fork"])
def test_what_shows_anothers_context_is_worth_no_more_than_that_other(firewall, started):
    """By a setuid program, outside the namespace in which it was made."""
    firewall.take(server=smtp(DENY, allow=[V4, V6]), vhosts=[vhost(HOST, smtp(ALLOW, allow=[V6], local=DENY), run_as=TENANT)])

    def run():
        page = Page()
        assert page.register() == [errno.EALREADY] * 3
        os.setresuid(TENANT, TENANT, 0)
        page.publish(firewall.context(HOST, uid=TENANT))
        child = os.fork() if started else 0
        if child == 0:
            os.setresuid(0, 0, 0)
            become(SUBORDINATE)
            results = [attempt(each) for each in (V4, V4_OTHER, "127.0.0.1", V6)]
            if not started:
                return results
            os._exit(0 if results == [REFUSED] * 3 + [0] else 1)
        return [REFUSED] * 3 + [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]

    assert firewall.ground.child(run)[1]() == [REFUSED] * 3 + [0]


def test_httpds_own_user_has_neither_the_servers_list_nor_a_host(firewall, ground):
    """It may be connecting for anybody. A context, of PHP inside httpd, says for whom."""
    hosts = [vhost(HOST, smtp(ALLOW), run_as=TENANT), vhost("b:80", smtp(DENY, local=DENY), run_as=OTHER)]
    firewall.take(server=smtp(DENY, allow=[V4]), vhosts=hosts, httpd_uid=TENANT)
    assert ground.run(attempt) == REFUSED
    assert ground.run(lambda: attempt("127.0.0.1")) == REFUSED
    assert worker(firewall, firewall.context(HOST)) == 0


def test_observe_for_the_whole_firewall_records_and_lets_through(firewall, ground):
    firewall.take(mode="observe", server=smtp("redirect", relay=f"{V4_OTHER}:2525"))
    with firewall.attached() as ring:
        assert ground.run(attempt) == 0
        event = one(ring)
        assert (event.verdict, event.reason) == (OBSERVE, "unverified")
        assert worker(firewall, firewall.context(HOST), greeting) == f"::ffff:{V4} 25"
        assert one(ring).verdict == OBSERVE
    assert "reject" not in ground.nft("list", "table", "inet", "mailorigin")


ALLOWED = [
    # list, destination, port, is allowed
    (["192.0.2.1"], V4, 25, True),
    (["192.0.2.1"], MAPPED, 25, True),
    (["192.0.2.1"], V4_OTHER, 25, False),
    (["192.0.2.0/31"], V4, 25, True),
    (["192.0.2.0/31"], V4_OTHER, 25, False),
    (["192.0.2.0/24:587"], V4, 587, True),
    (["192.0.2.0/24:587"], V4, 25, False),
    (["192.0.2.0/24:587", "192.0.2.1:25"], V4, 587, True),
    (["192.0.2.0/24", "192.0.2.1:25"], V4, 587, True),
    (["2001:db8::/32"], V6, 25, True),
    (["[2001:db8::1]:465"], V6, 465, True),
    (["[2001:db8::1]:465"], V6, 25, False),
    (["0.0.0.0/0"], V4, 25, True),
    (["0.0.0.0/0"], V6, 25, False),
    (["::/0"], V6, 25, True),
    (["::/0"], V4, 25, False),
    (["::/0"], MAPPED, 25, False),
    (["localhost"], V4, 25, False),
]


@pytest.mark.parametrize("allow, address, port, allowed", ALLOWED)
def test_destinations_that_are_allowed(firewall, ground, allow, address, port, allowed):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY, allow=allow), run_as=TENANT), vhost("x:80", smtp(DENY, allow=["::/0", "0.0.0.0/0"]))])
    with firewall.attached() as ring:
        assert ground.run(lambda: attempt(address, port)) == (0 if allowed else REFUSED)
        event = one(ring)
    assert (event.verdict, event.reason) == ((ALLOW, "allowed") if allowed else (DENY, "smtp"))


def test_names_are_resolved_and_one_that_fails_is_said(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(DENY, allow=["localhost", "no-such-name.invalid"]), run_as=TENANT)])
    assert "no-such-name.invalid" in firewall.notice("MO0410")
    assert any("no-such-name.invalid" in each["text"] for each in firewall.status()["findings"])


def test_a_relay_by_name(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(REDIRECT, relay="localhost:2525"), run_as=TENANT)])
    wait_until(lambda: ground.run(attempt) == 0, "the relay's name to be resolved")
    assert ground.run(greeting) == "::ffff:127.0.0.1 2525"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("local, expected", [("allow", 0), ("observe", 0), ("deny", REFUSED)])
def test_loopback_has_a_rule_of_its_own(firewall, ground, address, local, expected):
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW if local == "deny" else DENY, local=local), run_as=TENANT)])
    with firewall.attached() as ring:
        assert ground.run(lambda: attempt(address)) == expected
        event = one(ring)
    assert (event.verdict, event.reason) == (local, "local")


def test_redirect_leads_to_the_relay_and_keeps_both_addresses(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(REDIRECT, relay=f"{V4_OTHER}:2525"), run_as=TENANT)])
    with firewall.attached() as ring:
        assert ground.run(greeting) == f"::ffff:{V4_OTHER} 2525"
        event = one(ring)
        assert (event.verdict, event.address, event.port) == (REDIRECT, V4, 25)
        assert (event.relay, event.relay_port) == (V4_OTHER, 2525)
        # A socket of IPv6 reaches a relay of IPv4 as a mapped one.
        assert ground.run(lambda: greeting(V6)) == f"::ffff:{V4_OTHER} 2525"


def test_redirect_to_an_ipv6_relay_cannot_serve_an_ipv4_socket(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(REDIRECT, relay=f"[{V6}]:2525"), run_as=TENANT)])
    assert ground.run(attempt) == REFUSED
    assert ground.run(lambda: greeting(V6, 587)) == f"{V6} 2525"


def test_a_new_policy_replaces_the_old_and_a_bad_one_does_not(firewall, ground):
    firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
    assert ground.run(attempt) == 0
    for _ in range(3):
        firewall.take()
        assert ground.run(attempt) == REFUSED
        firewall.take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
        assert ground.run(attempt) == 0
    assert firewall.push(b"garbage") != ""
    assert ground.run(attempt) == 0


def test_ten_thousand_vhosts(firewall, ground):
    hosts = [
        vhost(f"h{i}.example:80", smtp(DENY, allow=[f"10.{i >> 8}.{i & 255}.1", "192.0.2.2:587"]), run_as=100_000 + i)
        for i in range(10_000)
    ]
    hosts.append(vhost(HOST, smtp(ALLOW), run_as=TENANT))
    firewall.take(vhosts=hosts)
    firewall.take(vhosts=hosts)  # beside the first, which makes room for it
    assert ground.run(attempt) == 0
    assert ground.run(lambda: attempt(V4_OTHER, 587), uid=100_007) == 0
    assert ground.run(attempt, uid=100_007) == REFUSED


def test_a_policy_beyond_the_maps_is_refused_with_a_reason(firewall, ground):
    firewall.take()
    allow = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(131_073)]
    assert "131072" in firewall.push(policy(server=smtp(DENY, allow=allow)))
    assert ground.run(attempt) == REFUSED


def test_a_mail_servers_account_is_missed(firewall):
    present = [name for name in ("postfix", "Debian-exim", "exim", "qmailr", "opensmtpd", "courier") if _is_user(name)]
    firewall.take()
    findings = " ".join(each["text"] for each in firewall.status()["findings"])
    assert all(name in findings for name in present)
    firewall.take(uids=[pwd.getpwnam(name).pw_uid for name in present])
    assert "mail server" not in " ".join(each["text"] for each in firewall.status()["findings"])


def _is_user(name):
    try:
        return bool(pwd.getpwnam(name).pw_uid)
    except KeyError:
        return False


def test_udp_to_a_listed_port_passes(firewall, ground):
    firewall.take()

    def udp():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one_socket:
            return one_socket.connect_ex((V4, 25))

    assert ground.run(udp) == 0
