"""Ways around a connect hook: each is seen by it, and refused.

Those that this kernel does not offer are not here: docs/design/0010-two-layers.md lists them.
"""

import ctypes
import errno
import os
import platform
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from harness.firewall import ALLOW, DENY, HOST, MAPPED, TENANT, V4, V6, Firewall, Page, attempt, own_root, smtp, vhost
from harness.paths import build_directory
from harness.libc import LIBC
from harness.waiting import become

IPPROTO_MPTCP = 262
AF_SMC = 43
TCP_FASTOPEN_CONNECT, TCP_REPAIR = 30, 19
MSG_FASTOPEN = 0x20000000
IPV6_ADDRFORM = 1


@pytest.fixture(scope="module")
def enforcing(ground):
    made = Firewall(ground)
    try:
        yield made.start().take(vhosts=[vhost("gone.example:80", smtp("allow"), run_as=TENANT + 7)])
    finally:
        made.clean()


def tcp(family=socket.AF_INET, protocol=0):
    made = socket.socket(family, socket.SOCK_STREAM, protocol)
    made.settimeout(5)
    return made


def ended(action):
    try:
        action()
        return 0
    except OSError as error:
        return error.errno


def nonblocking():
    with tcp() as made:
        made.setblocking(False)
        return made.connect_ex((V4, 25))


def after_af_unspec():
    """A socket that was connected elsewhere, freed, and connected again."""
    with tcp() as made:
        made.connect((V4, 2525))
        nowhere = struct.pack("<H14x", socket.AF_UNSPEC)
        if LIBC.connect(made.fileno(), nowhere, len(nowhere)) != 0:
            return -ctypes.get_errno()
        return made.connect_ex((V4, 25))


def turned_into_ipv4():
    """IPV6_ADDRFORM makes a connected IPv6 socket one of IPv4."""
    with tcp(socket.AF_INET6) as made:
        made.connect((MAPPED, 2525))
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_ADDRFORM, struct.pack("i", socket.AF_INET))
        nowhere = struct.pack("<H14x", socket.AF_UNSPEC)
        if LIBC.connect(made.fileno(), nowhere, len(nowhere)) != 0:
            return -ctypes.get_errno()
        destination = struct.pack("!HH4s8x", 0, 25, socket.inet_aton(V4))
        destination = struct.pack("<H", socket.AF_INET) + destination[2:]
        return 0 if LIBC.connect(made.fileno(), destination, len(destination)) == 0 else ctypes.get_errno()


def fast_open(protocol=0):
    with tcp(protocol=protocol) as made:
        return ended(lambda: made.sendto(b"x", MSG_FASTOPEN, (V4, 25)))


def fast_open_at_connect(protocol=0):
    """connect() only notes the address, the first write opens."""
    with tcp(protocol=protocol) as made:
        made.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        return ended(lambda: (made.connect((V4, 25)), made.send(b"x")))


def multipath(address=V4):
    with tcp(socket.AF_INET6 if ":" in address else socket.AF_INET, IPPROTO_MPTCP) as made:
        return made.connect_ex((address, 25))


def bound_to_a_device():
    with tcp() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        return made.connect_ex((V4, 25))


def bound_to_a_port():
    with tcp() as made:
        made.bind((V4, 0))
        return made.connect_ex((V4, 25))


def odd(way, address=V4):
    def run():
        done = subprocess.run([PROGRAM, way, address, "25"], capture_output=True, text=True, timeout=20)
        return int(done.stdout)

    return run


PROGRAM = "/var/lib/mo-odd-connect"  # where every uid can reach it


@pytest.fixture(scope="module", autouse=True)
def program():
    shutil.copy(build_directory() / "tests/programs/odd_connect", PROGRAM)
    os.chmod(PROGRAM, 0o755)
    yield
    os.unlink(PROGRAM)


WAYS = {
    "IPv4": attempt,
    "IPv6": lambda: attempt(V6),
    "mapped": lambda: attempt(MAPPED),
    "IPv6 to IPv4's mapped loopback of another port": lambda: attempt(MAPPED, 587),
    "not blocking": nonblocking,
    "AF_UNSPEC": after_af_unspec,
    "IPV6_ADDRFORM": turned_into_ipv4,
    "MSG_FASTOPEN": fast_open,
    "TCP_FASTOPEN_CONNECT": fast_open_at_connect,
    "sendmmsg": odd("sendmmsg"),
    "sendmmsg, IPv6": odd("sendmmsg", V6),
    "SO_BINDTODEVICE": bound_to_a_device,
    "bind": bound_to_a_port,
}


def _offered():
    """What this kernel has, asked for when tests are collected, so that none is skipped."""
    found = dict(WAYS)
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP).close()
        found |= {"MPTCP": multipath, "MPTCP, IPv6": lambda: multipath(V6), "MPTCP, mapped": lambda: multipath(MAPPED)}
        found |= {"MPTCP, MSG_FASTOPEN": lambda: fast_open(IPPROTO_MPTCP)}
        found |= {"MPTCP, TCP_FASTOPEN_CONNECT": lambda: fast_open_at_connect(IPPROTO_MPTCP)}
    except OSError:
        pass
    disabled = Path("/proc/sys/kernel/io_uring_disabled")
    if LIBC.syscall(425, 1, None) != -1 or ctypes.get_errno() != errno.ENOSYS:
        if not disabled.exists() or disabled.read_text().strip() == "0":
            found |= {way: odd(way) for way in ("ring", "ring-async", "ring-polled", "ring-fast-open")}
    if platform.machine() == "x86_64" and _has_int80():
        found["int80"] = odd("int80")
    try:
        socket.socket(AF_SMC, socket.SOCK_STREAM).close()
        found |= {"AF_SMC": odd("smc"), "AF_SMC, IPv6": odd("smc", V6), "AF_SMC, not blocking": odd("smc-not-blocking")}
    except OSError:
        pass
    return found


def _has_int80():
    program = build_directory() / "tests/programs/odd_connect"
    done = subprocess.run([program, "int80", "127.0.0.1", "1"], capture_output=True, text=True)
    return done.returncode == 0 and int(done.stdout) == errno.ECONNREFUSED


OFFERED = _offered()


@pytest.mark.parametrize("way", OFFERED)
def test_is_seen_and_refused(enforcing, ground, way):
    before = enforcing.counters()["denied"]
    # It does connect where it may; else the refusal would prove nothing.
    enforcing.take(uids=[TENANT])
    assert ground.run(OFFERED[way]) in (0, errno.EINPROGRESS)
    enforcing.take()
    with enforcing.attached() as ring:
        assert ground.run(OFFERED[way]) == errno.ECONNREFUSED
        assert [event.uid for event in ring.take()] == [TENANT]
    assert enforcing.counters()["denied"] == before + 1


@pytest.mark.parametrize("mapped", ["", "::ffff:"], ids=["IPv4", "mapped"])
def test_the_unspecified_address_is_where_the_socket_is_bound_to(enforcing, ground, mapped):
    """From an outside address of this host's, 0.0.0.0 leads to that address, and not to the loopback's."""

    def action(bound):
        with tcp(socket.AF_INET6 if mapped else socket.AF_INET) as made:
            made.bind((mapped + bound, 0))
            return made.connect_ex((mapped + "0.0.0.0", 25))

    enforcing.take(uids=[TENANT])
    assert [ground.run(lambda to=to: action(to)) for to in ("127.0.0.1", V4)] == [0, 0]
    enforcing.take(server=smtp(local="allow"))
    assert [ground.run(lambda to=to: action(to)) for to in ("127.0.0.1", V4)] == [0, errno.ECONNREFUSED]


def test_the_unspecified_address_may_be_the_loopbacks_where_the_socket_is_bound(enforcing, ground):
    """To the device lo, or to what is no address to send from: where it leads is not known before, and both rules count."""

    def of_device(mapped=""):
        with tcp(socket.AF_INET6 if mapped else socket.AF_INET) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            return made.connect_ex((mapped + "0.0.0.0", 25))

    def of_address(bound):
        with tcp() as made:
            made.bind((bound, 0))
            return made.connect_ex(("0.0.0.0", 25))

    ways = [of_device, lambda: of_device("::ffff:"), lambda: of_address("224.0.0.1"), lambda: of_address("255.255.255.255")]
    for policy, expected in (
        (smtp(ALLOW, local="allow"), 0),
        (smtp(ALLOW, local="deny"), errno.ECONNREFUSED),
        (smtp(DENY, local="deny", allow=["0.0.0.0/0"]), errno.ECONNREFUSED),
        (smtp(DENY, local="allow"), errno.ECONNREFUSED),
    ):
        enforcing.take(server=smtp(DENY, local="deny"), vhosts=[vhost(HOST, policy, run_as=TENANT)])
        assert [ground.run(way) for way in ways] == [expected] * 4, policy


def test_a_descriptor_of_root_is_judged_by_who_connects_it(enforcing, ground):
    enforcing.take()

    def action():
        made = tcp()
        child = os.fork()
        if child == 0:
            become(TENANT)
            os._exit(made.connect_ex((V4, 25)))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert ground.run(action, uid=0) == errno.ECONNREFUSED


def test_another_network_namespace_is_governed(enforcing, ground):
    """Its own user namespace gives a tenant a network namespace where it is root."""

    def action():
        assert own_root() == 0 and os.getuid() == 0
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", "198.51.100.1/32", "dev", "lo"], check=True)
        with socket.create_server(("198.51.100.1", 25)):
            repaired = tcp()
            repaired.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            return attempt("198.51.100.1"), repaired.connect_ex(("198.51.100.1", 25))

    enforcing.take(uids=[TENANT])
    assert ground.run(action) == (0, 0)
    enforcing.take()
    assert ground.run(action) == (errno.ECONNREFUSED, errno.ECONNREFUSED)


def test_its_root_registers_nothing(enforcing, ground):
    """The registration's addresses mean something to the host's root alone."""
    def action():
        assert own_root() == 0 and os.getuid() == 0
        return Page().register()

    before = enforcing.counters()["registered"]
    assert errno.EALREADY not in ground.run(action)
    assert errno.EALREADY not in ground.run(lambda: Page().register())
    assert enforcing.counters()["registered"] == before


def test_a_mark_left_from_before_does_not_let_out(enforcing, ground):
    """The second layer: what has no mark is refused, whatever the hooks saw."""
    assert ground.run(attempt, uid=TENANT, cgroup=False) == errno.ECONNREFUSED
    # Also root's: outside the governed cgroup no hook marks anything.
    assert ground.run(attempt, uid=0, cgroup=False) == errno.ECONNREFUSED
    assert ground.run(lambda: attempt(port=2525), cgroup=False) == 0
