"""AppArmor's profiles, enforced: our services may do all that they do, and nothing else. In the order of this file."""

import re
import subprocess

import pytest
from harness import milter_protocol
from harness.machine import ThisMachine
from harness.waiting import wait_until
from harness.web_host import REFUSED, ask, connect, httpd_is_well, install, last_event, process, status, set_up_site

SERVICES = ("mailorigind", "mailorigin-firewall", "mailorigin-milter")
MILTER = "/var/spool/postfix/mailorigin/milter.sock"
QUEUE = f"""MailOriginMilter {MILTER}
MailOriginEximSocket /run/mailorigin/exim.sock
MailOriginLog syslog
"""
SENDMAIL = "#!/bin/sh\nexec cat >>/var/spool/sent\n"
AS_EXIM = """import os, pwd, socket
account = pwd.getpwnam('Debian-exim')
os.setgid(account.pw_gid)
os.setuid(account.pw_uid)
asking = socket.socket(socket.AF_UNIX)
asking.connect('/run/mailorigin/exim.sock')
asking.sendall(b'by=smtp address=127.0.0.1 port=40000 local_address=127.0.0.1 local_port=25 id=1 count=1 size=5 sender= recipients= qualify= domain= from= to= subject= message_id= ticket=\\n')
print(asking.recv(1000).decode())
"""


def denied():
    """What the kernel has refused to a profile of ours."""
    said = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if 'apparmor="DENIED"' in line and 'profile="mailorigin' in line]


@pytest.fixture(scope="module")
def machine():
    made = ThisMachine()
    try:
        profiles = sorted((made.root / "etc/apparmor.d").glob("*.mailorigin*"))
        subprocess.run(["apparmor_parser", "--replace", "--skip-cache", *profiles], check=True)
        made.write("usr/sbin/sendmail", SENDMAIL, 0o755)
        made.write("var/spool/sent", "", 0o666)
        set_up_site(made)
        for account in ("postfix", "Debian-exim"):
            made("useradd", "--system", "--no-create-home", account, check=False)
        made("mkdir", "-p", "/var/spool/postfix")
        made.write("var/log/mail.log", "")
        install(made)
        made.write("etc/apache2/conf-enabled/queue.conf", QUEUE)
        made("apachectl", "configtest")
        made("systemctl", "reload", "apache2")
        made("systemctl", "enable", "--now", "mailorigin-milter")
        made("systemctl", "enable", "mailorigind-exim.socket")
        made("systemctl", "restart", "mailorigind")
        yield made
    finally:
        made.remove()


def test_each_is_under_its_profile(machine):
    assert ask(machine, "mail") == "bool(true)\n"  # which starts the daemon
    for service in SERVICES:
        pid = process(machine, service)["Pid"]
        assert machine("cat", f"/proc/{pid}/attr/current").out.strip("\n\0") == f"{service} (enforce)"


def test_mails_and_connections(machine):
    event = last_event(machine, "mail")
    assert event["verified"] is True
    assert connect(machine) == REFUSED
    assert last_event(machine, "smtp")["verdict"] == "deny"
    traced = wait_until(lambda: (said := machine("mailorigin", "--json", "trace", event["id"], check=False)).status == 0 and said.json, "it in the store")
    assert traced["event"]["id"] == event["id"]
    machine("sh", "-c", "printf 'To: to@example.org\\nSubject: program\\n\\nbody\\n' | setpriv --reuid=shop --regid=shop --clear-groups mailorigin-sendmail -t")
    assert last_event(machine, "submit")["subject"] == "program"
    assert "X-Mail-Origin" in machine.read("var/spool/sent")


def test_the_mail_servers_ask(machine):
    path = machine.root / MILTER[1:]
    wait_until(path.exists, "the milter to listen")
    fields = [("From", " me@shop.example"), ("To", " to@example.org"), ("Subject", " queued")]
    assert milter_protocol.tell(path, "4XY", fields)[-1][:1] in b"ac"
    assert milter_protocol.tell(path, "4XZ", fields, client=("127.0.0.1", 40000))[-1][:1] in b"ac"
    assert machine("python3", "-c", AS_EXIM).out.startswith("verdict=")
    asked = status(machine)["queue"]
    assert asked["milter"]["asked"] and asked["exim"]["asked"], asked


def test_blocks_and_limits(machine):
    machine("mailorigin", "block", "site:shop.example", "--for", "1h")
    wait_until(lambda: ask(machine, "mail") != "bool(true)\n", "the block")
    assert last_event(machine, "mail")["reason"] == "blocked"
    machine("mailorigin", "unblock", "site:shop.example")
    wait_until(lambda: "bool(true)" in ask(machine, "mail"), "its end")
    machine("mailorigin", "limits", "shop.example", check=False)


def test_they_begin_again(machine):
    for service in SERVICES:
        machine("systemctl", "kill", "--signal=SIGKILL", service)
        wait_until(lambda service=service: machine("systemctl", "is-active", service, check=False).out == "active\n", f"{service} again")
    machine("systemctl", "restart", *SERVICES)
    wait_until(lambda: httpd_is_well(machine) and status(machine)["firewall"].get("mode") == "on", "all to be well", 30)
    assert ask(machine, "mail") == "bool(true)\n"
    assert connect(machine) == REFUSED


def test_nftables_enforces(machine):
    """Where there is no bpf file system."""
    machine("systemctl", "stop", "mailorigin-firewall")
    machine("mailorigin", "firewall", "--remove")
    assert connect(machine) == "0"
    machine("umount", "/sys/fs/bpf")
    machine("systemctl", "start", "mailorigin-firewall")
    machine("systemctl", "reload", "apache2")
    wait_until(lambda: status(machine)["firewall"].get("engine") == "nftables", "nftables", 30)
    assert connect(machine) == REFUSED


def test_started_without_a_unit_they_may_mount_a_proc_of_their_own(machine):
    """Which is the first that they do; nobody has handed over a socket here, and there is no such user."""
    for service, said in (("mailorigind", "MO0201"), ("mailorigin-firewall", "MO0401")):
        done = machine(service, "--user", "nosuch", "--state-dir", "/nowhere", "--runtime-dir", "/run/mailorigin", check=False)
        assert said in done.err, done


def test_nothing_was_denied():
    lines = denied()
    assert not lines, "\n".join(lines)


def test_anything_else_is_denied():
    for service in SERVICES:
        done = subprocess.run(["aa-exec", f"--profile={service}", "--", "cat", "/etc/shadow"], capture_output=True, text=True)
        assert done.returncode != 0 and done.stdout == "", done
    assert {re.search('profile="([^"]*)"', line)[1] for line in denied()} == set(SERVICES)
