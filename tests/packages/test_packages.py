"""The life of the packages on a web host: install, two sites, mail, upgrade, remove, purge.

The tests of a release are one story, in the order of this file.
"""

import pytest
from harness.waiting import wait_until
from host import LOG, SENDMAIL, Host, Sending

EDITED = "# edited by the administrator\n"
CONFIGURATION = "etc/apache2/mods-available/mailorigin.conf"
USERS = ("mailorigin", "mailorigin-firewall", "mailorigin-milter")


@pytest.fixture(scope="module")
def host(machine, packages):
    """What it had before is to be what is left: there is all that ours need (test_newcomer.py begins with nothing)."""
    made = Host(machine)
    made.set_up_sites()
    made.install_what_they_need(packages)
    made.fresh = made.traces()
    return made


def test_apt_install_is_all_there_is_to_do(host, packages):
    said = host.install(packages)
    assert "warning" not in (said.out + said.err).lower(), said
    wait_until(lambda: host.status()["well"], "all to be well", 30)
    for site in ("shop", "blog"):
        message = host.send(site, f"first-{site}")
        event = host.event(f"first-{site}")
        assert message.get_all("X-Mail-Origin") == [event["id"]]
        assert (event["vhost"], event["verified"]) == (f"{site}.example:80", "true")


def test_httpd_and_php_start_after_the_firewall(host):
    for unit in ("apache2", f"php{host.php}-fpm"):
        after = host.machine("systemctl", "show", "--property=After", "--value", unit).out.split()
        assert {"mailorigin-firewall.service", "mailorigind.service", "sysinit.target"} <= set(after), (unit, after)


def test_a_program_of_php_that_comes_later_has_the_extension(host):
    host.apt("install", "php-cgi")
    assert "mailorigin" in host.machine(f"php-cgi{host.php}", "-m").out


def test_the_firewalls_directory_goes_with_it(host, packages):
    """Also where it never had anything to load."""
    assert "mailorigin" in host.machine("ls", "/sys/fs/bpf").out
    host.apt("remove", *packages.names)
    assert "mailorigin" not in host.machine("ls", "/sys/fs/bpf").out
    host.install(packages)
    wait_until(lambda: host.status()["well"], "all to be well", 30)


def test_rotation_loses_nothing(host):
    host.machine("logrotate", "--force", "/etc/logrotate.d/mailorigin")
    host.send("shop", "rotated")
    host.event("rotated")
    assert not [event for event in host.events() if event.get("subject", "").startswith("first")]
    host.event("first-shop", LOG + ".1")


def test_an_upgrade_while_mails_flow(host, packages):
    """From a version before, whose configuration the administrator has edited."""
    older = packages.older(host.machine)
    host.apt("install", "--allow-downgrades", *older)
    host.machine.write(CONFIGURATION, host.machine.read(CONFIGURATION) + EDITED)
    wait_until(lambda: host.status()["well"], "all to be well", 30)
    httpd = host.main_pid("apache2")
    sending = Sending(host.machine, "upgrade")
    wait_until(lambda: "upgrade-3" in host.messages(), "the first mails")
    host.install(packages)
    last = len(host.messages())
    wait_until(lambda: len(host.messages()) > last + 3, "mails after the upgrade")
    results = sending.end()
    assert host.machine.read(CONFIGURATION).endswith(EDITED)
    assert "refused" not in results.values()
    assert host.main_pid("apache2") == httpd

    sent = {mark for mark, result in results.items() if result == "sent"}
    messages = {mark: each for mark, each in host.messages().items() if mark.startswith("upgrade-")}
    assert sent <= set(messages)
    wait_until(lambda: set(messages) <= {event.get("subject") for event in host.events()}, "the last events")
    events = [event for event in host.events() if event.get("subject", "").startswith("upgrade-")]
    assert len(events) == len({event["subject"] for event in events})
    ids = {event["subject"]: event["id"] for event in events}
    for mark, [message] in messages.items():
        assert message.get_all("X-Mail-Origin") == [ids[mark]], mark
    assert host.machine("dpkg-query", "--show", "--showformat=${Version}", "mailorigin").out == packages.version
    for unit in ("mailorigind", "mailorigin-firewall"):
        assert host.machine("readlink", f"/proc/{host.main_pid(unit)}/exe").out == f"/usr/sbin/{unit}\n"  # not "(deleted)"


def test_remove_leaves_configuration_and_nothing_in_the_kernel(host, packages):
    machine = host.machine
    machine.write("etc/apache2/conf-enabled/firewall.conf", "<IfModule mailorigin_module>\nMailOriginFirewall On\n</IfModule>\n")
    machine("systemctl", "reload", "apache2")
    wait_until(lambda: host.status()["firewall"].get("mode") == "on", "the firewall", 30)
    assert "table inet mailorigin" in machine("nft", "list", "tables").out
    machine("dpkg-divert", "--local", "--rename", "--divert", "/usr/sbin/sendmail.distrib", "--add", "/usr/sbin/sendmail")
    machine("ln", "-s", "mailorigin-sendmail", "/usr/sbin/sendmail")
    host.apt("remove", *packages.names)
    assert machine.read("usr/sbin/sendmail") == SENDMAIL
    assert "sendmail" not in machine("dpkg-divert", "--list").out
    assert machine.read(CONFIGURATION).endswith(EDITED)
    assert "mailorigin" not in machine("nft", "list", "tables").out
    assert "mailorigin" not in machine("ls", "/sys/fs/bpf").out
    assert machine("systemctl", "is-active", "apache2", f"php{host.php}-fpm").out == "active\nactive\n"
    assert "mailorigin" not in machine(f"php{host.php}", "-m").out
    assert "X-Mail-Origin" not in host.send("shop", "removed")
    assert machine("systemctl", "list-units", "--state=active,failed", "--no-legend", "*mailorigin*").out == ""


def test_purge_leaves_nothing(host, packages):
    host.apt("purge", "*mailorigin*")
    (host.machine.root / "etc/apache2/conf-enabled/firewall.conf").unlink()
    for user in USERS:
        assert host.machine("getent", "passwd", user, check=False).status == 2
        assert host.machine("getent", "group", user, check=False).status == 2
    host.apt("purge", "php-cgi", f"php{host.php}-cgi")  # that came later
    assert sorted(host.traces() - host.fresh) == []
