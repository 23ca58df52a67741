"""Who opened a connection: what the kernel's program tells of it, and to whom."""

import os
import socket

import pytest
from harness.firewall import ALLOW, DAEMON_UID, HOST, MAPPED, TENANT, V4, V6, Firewall, opener_of, smtp, vhost
from harness.opener import disconnect
from harness.waiting import become

SO_COOKIE = 57


@pytest.fixture(scope="module")
def program(ground):
    """Of a firewall that lets TENANT connect."""
    firewall = Firewall(ground)
    try:
        firewall.start().take(vhosts=[vhost(HOST, smtp(ALLOW), run_as=TENANT)])
        _, (ring, program, processes) = firewall.attach()
        os.close(ring)
        os.close(processes)
        yield program
        os.close(program)
    finally:
        firewall.clean()


def ends(tcp):
    return tcp.getsockname()[:2], tcp.getpeername()[:2]


@pytest.mark.parametrize("uid", [0, TENANT])
@pytest.mark.parametrize("address", [V4, V6, MAPPED])
def test_who_connected_is_told_without_any_right(program, ground, address, uid):
    """Not who has made the socket."""

    def told():
        tcp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        os.setresuid(uid, uid, 0)
        tcp.connect((address, 25))
        os.setresuid(0, 0, 0)
        become(DAEMON_UID)
        client, server = ends(tcp)
        if address == MAPPED:
            client, server = ((each[0].removeprefix("::ffff:"), each[1]) for each in (client, server))
        found = opener_of(program, client, server)
        other = opener_of(program, (client[0], client[1] ^ 1), server)
        cookie = int.from_bytes(tcp.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), "little")
        return found[:2] == (uid, cookie), other

    assert ground.run(told, uid=0) == (True, None)


def test_a_socket_that_connects_anew_is_whoever_does_so(program, ground):
    def told():
        tcp = socket.socket()
        tcp.connect((V4, 25))
        first = opener_of(program, *ends(tcp))
        disconnect(tcp)
        become(TENANT)
        tcp.connect((V4, 25))
        return first, opener_of(program, *ends(tcp))

    first, second = ground.run(told, uid=0)
    assert (first[0], second[0]) == (0, TENANT)
    assert first[1] == second[1] and first[2] < second[2]
