"""Each file of conf/examples, as the program that it is for takes it: on a host with our packages."""

import json
import re
import tomllib

import pytest
from harness.paths import PROJECT
from harness.waiting import wait_until

EXAMPLES = PROJECT / "conf/examples"
JSON_LOG = "var/log/mailorigin/mail.json"
COLLECTOR = """
import socket
server = socket.create_server(("127.0.0.1", 5170))
with open("/var/log/collected", "w", buffering=1) as target:
    for line in server.accept()[0].makefile():
        target.write(line)
"""
TARGET = 'target="logs.example"'


@pytest.fixture(scope="module")
def host(examples_host):
    host, machine = examples_host, examples_host.machine
    machine.write("etc/apache2/conf-enabled/mailorigin-policy.conf", (EXAMPLES / "mailorigin.conf").read_text())
    machine("apachectl", "configtest")
    machine("systemctl", "reload", "apache2")
    wait_until(lambda: (machine.root / JSON_LOG).exists(), "the log in JSON")
    return host


def read_json(host):
    return [json.loads(line) for line in host.machine.read(JSON_LOG).splitlines()]


def test_the_policy(host):
    """MailOriginLog of the server, twice."""
    assert host.ask("blog", "policy") == "sent"
    event = host.event("policy")
    [same] = wait_until(lambda: [each for each in read_json(host) if each["subject"] == "policy"], "the event")
    assert same["id"] == event["id"]
    told = host.machine("mailorigin", "policy", "blog.example").out
    assert "MailOriginLimit 200/hour burst=50" in told and "MailOriginFirewall observe" in host.machine("mailorigin", "policy").out


def test_a_pool(host):
    machine = host.machine
    machine("useradd", "--system", "--no-create-home", "shop")
    machine.write(f"etc/php/{host.php}/fpm/pool.d/shop.conf", (EXAMPLES / "pool.conf").read_text())
    machine("systemctl", "restart", f"php{host.php}-fpm")
    assert machine("stat", "--format=%U %a", "/run/php/shop.sock").out == "www-data 660\n"


def test_postfix_logs_our_id_beside_its_own(host):
    machine = host.machine
    machine.write("etc/postfix/mailorigin_header_checks", (EXAMPLES / "postfix-header_checks").read_text())
    machine("postconf", "header_checks=regexp:/etc/postfix/mailorigin_header_checks", "inet_interfaces=loopback-only", "mydestination=web, localhost")
    machine("systemctl", "restart", "postfix")
    assert host.ask("blog", "postfix") == "sent"
    event = host.event("postfix")
    line = wait_until(lambda: re.search(rf"postfix/cleanup\[\d+\]: (\w+): info: .*: mailorigin={event['id']}$", machine.read("var/log/mail.log"), re.M), "Postfix's line")
    wait_until(lambda: f" {line[1]}: from=" in machine.read("var/log/mail.log"), "the queue id")


def test_rsyslog_ships_events(host):
    machine, shipped = host.machine, host.machine.root / "var/log/collected"
    machine.start("python3", "-c", COLLECTOR)
    wait_until(shipped.exists, "the collector: rsyslog asks for one that is not there every 30 seconds")
    machine.write("etc/rsyslog.d/mailorigin.conf", (EXAMPLES / "rsyslog.conf").read_text().replace(TARGET, 'target="127.0.0.1"'))
    machine("rsyslogd", "-N1")
    machine("systemctl", "restart", "rsyslog")
    assert host.ask("blog", "shipped") == "sent"
    line = wait_until(lambda: [line for line in shipped.read_text().splitlines() if '"shipped"' in line], "the event", 30)[0]
    assert json.loads(line) == next(event for event in read_json(host) if event["subject"] == "shipped")


def test_fail2ban_bans_the_client_and_no_address_of_a_subject(host):
    """What a filter that looks for `client=` anywhere would take from a subject."""
    machine = host.machine
    machine.write("etc/fail2ban/filter.d/mailorigin.conf", (EXAMPLES / "fail2ban/filter.conf").read_text())
    machine.write("etc/fail2ban/jail.d/defaults-debian.conf", "[sshd]\nenabled = false\n")
    machine.write("etc/fail2ban/jail.d/mailorigin.conf", (EXAMPLES / "fail2ban/jail.conf").read_text())
    machine("mkdir", "-p", "/srv/blog/images")
    machine.write("srv/blog/images/dropped.php", machine.read("srv/blog/mail.php"))
    machine("curl", "--silent", "--header", "Host: blog.example", "http://127.0.0.1/images/dropped.php?mark=a%22+client%3D203.0.113.9+x")
    wait_until(lambda: "203.0.113.9" in machine.read("var/log/mailorigin/mail.log"), "the refused mail")
    said = machine("fail2ban-regex", "--print-all-matched", "/var/log/mailorigin/mail.log", "mailorigin").out
    assert re.search(r"Lines: \d+ lines, 0 ignored, 1 matched", said), said
    matched = machine("fail2ban-regex", "--out", "ip", "/var/log/mailorigin/mail.log", "mailorigin").out
    assert matched.split() == ["127.0.0.1"]
    machine("fail2ban-client", "-t")


def test_vector():
    """Debian has no Vector: what its own format can tell."""
    configuration = tomllib.loads((EXAMPLES / "vector.toml").read_text())
    assert configuration["sources"]["mailorigin"]["include"] == ["/" + JSON_LOG]
    assert configuration["transforms"]["mailorigin_event"]["inputs"] == ["mailorigin"]
    assert configuration["sinks"]["central"]["inputs"] == ["mailorigin_event"]


def test_no_example_is_missed():
    """Whoever adds one adds its test."""
    tested = {"mailorigin.conf", "pool.conf", "postfix-header_checks", "rsyslog.conf", "fail2ban/filter.conf", "fail2ban/jail.conf", "vector.toml"}
    assert {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*") if path.is_file()} == tested
