"""Names of hosts and of groups, as the system resolves them."""

import errno
import pwd

from harness.firewall import DENY, HOST, V4, Firewall, attempt, smtp, trying, vhost
from harness.waiting import wait_until

REFUSED = errno.ECONNREFUSED


def test_a_tenant_in_a_named_group_is_said(ground):
    """It can make a setgid program of that group."""
    firewall = Firewall(ground)
    groups = firewall.directory / "group"
    groups.write_text("root:x:0:\nsenders:x:64100:www-data,daemon\n")
    plain = firewall.arguments
    firewall.arguments = ["unshare", "-m", "/bin/sh", "-c", f'mount --bind {groups} /etc/group && exec "$@"', "sh", *plain]
    try:
        firewall.start()
        firewall.arguments = plain
        firewall.take(gids=[64100], vhosts=[vhost(HOST, smtp(DENY), run_as=pwd.getpwnam("www-data").pw_uid)])
        assert firewall.notice("MO0424").endswith(": www-data (senders)")
        assert any("www-data (senders)" in finding["text"] for finding in firewall.status()["findings"])
        firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=pwd.getpwnam("www-data").pw_uid)])
        assert not any("senders" in finding["text"] for finding in firewall.status()["findings"])
    finally:
        firewall.clean()


def test_names_outlive_a_restart_without_a_name_server(ground):
    firewall = Firewall(ground)
    options = {"server": smtp(DENY, allow=["mx.example", "late.example"])}
    try:
        firewall.start_with_hosts(f"{V4} mx.example\n").take(**options)
        wait_until(lambda: ground.run(attempt) == 0, "the name to resolve")
        assert "late.example" in firewall.notice("MO0410")
        assert ground.run(lambda: attempt("192.0.2.2")) == REFUSED
        kept = firewall.directory / "state/names"
        assert kept.read_text() == f"mx.example {V4}\n"
        # A name that fails is asked for again soon.
        (firewall.directory / "hosts").write_text(f"{V4} mx.example\n192.0.2.2 late.example\n")
        firewall.notice("MO0418")
        assert ground.run(lambda: attempt("192.0.2.2")) == 0
        firewall.kill()

        results = trying(ground)
        firewall.start_with_hosts("")
        assert results() == {0}, "never refused"
        firewall.stop()
        firewall.call("--once")
        assert ground.run(attempt) == 0

        kept.write_text("mx.example nonsense\n")
        firewall.start_with_hosts("")
        assert ground.run(attempt) == REFUSED
        wait_until(lambda: "names: line 1: this is no address" in firewall.log.read_text(), "MO0420")
    finally:
        firewall.clean()
