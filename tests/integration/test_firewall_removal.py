"""What is taken out of the kernel: by somebody, which is mended, and for good."""

import errno
import shutil
import struct
import time

from harness.firewall import DENY, Firewall, PinnedMap, attempt, policy, smtp
from harness.waiting import wait_until

REFUSED = errno.ECONNREFUSED
FOREIGN = "table inet other { chain c { type filter hook output priority 5; policy accept; tcp dport 9 counter; }; }"


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
    before = firewall.pinned()
    shutil.rmtree(next(firewall.pins.glob("v*")))
    firewall.notice("MO0416")
    wait_until(lambda: firewall.pinned() == before, "the pins to come back")
    firewall.kill()
    assert ground.run(attempt) == REFUSED


def test_off_takes_everything_out_of_the_kernel(firewall, ground):
    firewall.take()
    firewall.take(mode="off")
    assert firewall.pinned() == [] and not ground.has_table()
    assert ground.run(attempt) == 0
    assert firewall.status()["engine"] == "none"
    firewall.take()
    assert ground.run(attempt) == REFUSED


def test_remove_while_it_runs(firewall, ground):
    firewall.take()
    assert "taken out of the kernel" in firewall.call("--remove")
    assert firewall.pinned() == [] and not ground.has_table()
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
    for _ in range(2):
        assert firewall.push(policy(), read_ns=before) == ""
        assert firewall.status()["engine"] == "none" and ground.run(attempt) == 0
        # Nor after its next start, nor where none ran when it was taken out.
        firewall.stop()
        firewall.call("--remove")
        firewall.start()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert firewall.push(policy(), read_ns=after) == ""
    firewall.stop()
    firewall.start()
    assert ground.run(attempt) == REFUSED
    assert firewall.push(policy(), read_ns=after) == ""
    assert ground.run(attempt) == REFUSED


def test_remove_when_nothing_runs_says_what_it_removed(firewall, ground):
    firewall.take()
    firewall.kill()
    said = firewall.call("--remove")
    assert "mo_connect4-link" in said and "table inet mailorigin" in said
    assert not firewall.pins.exists() and not ground.has_table()
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


def test_off_keeps_nothing(firewall):
    state = firewall.directory / "state"
    firewall.take(server=smtp(DENY, allow=["localhost"]))
    wait_until((state / "names").exists, "the names to be kept")
    assert (state / "policy").exists()
    firewall.take(mode="off")
    assert [path.name for path in state.iterdir()] == ["lock"]
