"""A policy that finds no room in the kernel's maps."""

import errno
import struct

from harness.firewall import ALLOW, DENY, HOST, TENANT, attempt, smtp, vhost
from harness.waiting import wait_until

REFUSED = errno.ECONNREFUSED
POLICIES = 2 * 16384


def test_the_one_before_stays_in_force_until_there_is_room(firewall, ground):
    """As when the kernel has no memory: events and who was known stay, too."""

    def take(rule):
        firewall.take(vhosts=[vhost(HOST, smtp(rule), run_as=TENANT)])

    def not_in_force():
        return any("not in force" in finding["text"] for finding in firewall.status()["findings"])

    take(ALLOW)
    with firewall.map("control") as control, firewall.map("policies") as policies, firewall.attached() as ring:
        (generation,) = struct.unpack("<I", control.get(bytes(4), 24)[:4])
        others = [struct.pack("<II", generation, number) for number in range(1, POLICIES - 1)]  # and the server's and HOST's
        for other in others:
            policies.put(other, bytes(28))
        take(DENY)
        firewall.notice("MO0426")
        assert ground.run(attempt) == 0
        assert firewall.status()["engine"] == "bpf"
        assert not_in_force()
        for other in others:
            policies.remove(other)
        firewall.notice("MO0427")
        wait_until(lambda: ground.run(attempt) == REFUSED, "the new policy to be in force")
        assert [event.verdict for event in ring.take()][0] == ALLOW
    assert not not_in_force()
