"""The units, on a machine that systemd has booted: set up and asked as README says."""

import signal

import pytest
from harness.machine import RELAY, NotHere, ThisMachine
from harness.paths import PHP_FPM_UNIT
from harness.waiting import wait_until
from harness.web_host import REFUSED, ask, connect, findings, install, last_event, process, set_firewall, set_up_site, status

CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF = 12, 38, 39

# What a tenant may do before there is PHP.
EARLY = f"""[Unit]
After={{after}}
Before={PHP_FPM_UNIT}.service
[Service]
Type=oneshot
RemainAfterExit=yes
User=shop
StandardOutput=file:/run/early
ExecStart=/usr/bin/python3 -c "import socket; print(socket.socket().connect_ex(('{RELAY}', 25)))"
[Install]
WantedBy=multi-user.target
"""
# As shop, without a pause; the distinct results at the end.
TRYING = f"""import os, socket, time
os.setgid(int(os.popen('id -g shop').read()))
os.setuid(int(os.popen('id -u shop').read()))
until, seen = time.monotonic() + 4, set()
while time.monotonic() < until:
    with socket.socket() as tcp:
        seen.add(tcp.connect_ex(('{RELAY}', 25)))
print(*seen)
"""


@pytest.fixture(scope="module")
def machine():
    try:
        made = ThisMachine()
    except NotHere as reason:
        pytest.skip(f"no machine can be booted here: {reason}")
    try:
        set_up_site(made, {"early.service": EARLY.format(after="network.target")})
        install(made)
        yield made
    finally:
        made.remove()


def test_mail_and_connections_are_recorded(machine):
    assert ask(machine, "mail") == "bool(true)\n"
    assert last_event(machine, "mail")["verified"] is True
    assert connect(machine) == REFUSED
    event = last_event(machine, "smtp")
    assert (event["verdict"], event["verified"], event["vhost"]) == ("deny", True, "shop.example:80")
    line = f"MAILORIGIN_SMTP_OUT .* DST={RELAY} .* DPT=25"
    wait_until(lambda: machine("journalctl", "--grep", line, check=False).status == 0, "the line in the journal")
    assert findings(machine) == []


def test_a_new_log_is_read_by_those_who_read_logs(machine):
    """As logrotate makes the next one."""
    assert machine("stat", "--format=%U:%G %a", "/var/log/mailorigin/mail.log").out == "root:adm 640\n"


def test_the_journal_says_who_was_there(machine):
    """Where nothing else keeps what sshd says."""
    for name in ("uploads/x.php", "images/y.php"):
        machine.write(f"srv/shop/{name}", "<?php")
    machine("chown", "shop:", "/srv/shop/uploads/x.php")
    for name in ("shop", "blog"):
        machine("logger", "--tag", "sshd", "--id=7", f"Accepted password for {name} from 192.0.2.7 port 50022 ssh2")
    machine("logger", "--tag", "kernel", "shop")

    def with_logins():
        report = machine("mailorigin", "--json", "investigate", "/srv/shop/uploads/x.php").json
        return report if report["logins"] else None

    report = wait_until(with_logins, "the line in the journal")
    found = report["logins"]
    assert [each["log"] for each in found] == ["journal"] and "Accepted password for shop" in found[0]["line"]
    assert "/srv/shop/images/y.php" in report["neighbours"]  # on an overlay


def test_rights(machine):
    """What is left of root, below what the units take away."""
    daemon, firewall = process(machine, "mailorigind"), process(machine, "mailorigin-firewall")
    for one, capabilities in ((daemon, ()), (firewall, (CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF))):
        assert "0" not in one["Uid"].split()
        for name in ("CapEff", "CapPrm"):
            assert int(one[name], 16) == sum(1 << each for each in capabilities), (one["Name"], name)
        assert int(one["CapAmb"], 16) == int(one["CapInh"], 16) == 0
        assert (one["NoNewPrivs"], one["Seccomp"]) == ("1", "2")
    assert int(firewall["CapBnd"], 16) == 0


def test_each_has_a_proc_of_its_own(machine):
    """Which shows processes alone; what a tenant sees is another one."""
    programs = ("mailorigind", "mailorigin-firewall")
    pids = {"systemd": "1", **{name: process(machine, name)["Pid"] for name in programs}}
    mounted = {name: machine("cat", f"/proc/{pid}/mountinfo").out.splitlines() for name, pid in pids.items()}
    instances = {name: [line.split()[2] for line in lines if line.split()[4] == "/proc"][-1] for name, lines in mounted.items()}
    assert len(set(instances.values())) == 3
    assert all("subset=pid" in line for name in programs for line in mounted[name] if line.split()[2] == instances[name])


def test_killed_services_come_back_without_a_gap(machine):
    trying = machine.start("python3", "-c", TRYING)
    units = ("mailorigind", "mailorigin-firewall")
    before = {unit: process(machine, unit)["Pid"] for unit in units}
    machine("kill", f"-{signal.SIGKILL.value}", *before.values())
    for unit in units:
        wait_until(lambda: machine("systemctl", "show", "--property=NRestarts", "--value", unit).out == "1\n", f"{unit} again")
    out, err = trying.communicate(timeout=30)
    assert (out.strip(), err) == (REFUSED, "")
    wait_until(lambda: findings(machine) == [], "all to be well", 30)
    assert connect(machine) == REFUSED


def test_exims_socket_comes_to_a_daemon_that_runs(machine):
    """As docs/exim.md says."""
    machine("useradd", "--system", "--no-create-home", "Debian-exim")
    assert ask(machine, "mail") == "bool(true)\n"
    machine("systemctl", "enable", "mailorigind-exim.socket")
    machine("systemctl", "restart", "mailorigind")
    asking = "import socket; socket.socket(socket.AF_UNIX).connect('/run/mailorigin/exim.sock')"
    machine("setpriv", "--reuid=Debian-exim", "--clear-groups", "python3", "-c", asking)
    assert ask(machine, "mail") == "bool(true)\n"
    machine("systemctl", "disable", "--now", "mailorigind-exim.socket")
    machine("systemctl", "restart", "mailorigind")
    machine("userdel", "Debian-exim")
    assert ask(machine, "mail") == "bool(true)\n"


def test_a_path_beside_the_units_is_refused_before_httpd_ends_of_it(machine):
    machine.write("etc/apache2/conf-enabled/path.conf", "MailOriginDaemon /usr/local/sbin/mailorigind\n")
    try:
        tested = machine("apachectl", "configtest", check=False)
        assert tested.status != 0 and "MO0126" in tested.err
        assert machine("systemctl", "reload", "apache2", check=False).status != 0
        assert machine("systemctl", "is-active", "apache2").out == "active\n"
    finally:
        (machine.root / "etc/apache2/conf-enabled/path.conf").unlink()


def test_a_firewall_that_comes_late_hears_off(machine):
    said = machine.read("var/log/apache2/error.log").count("MO0111: mailorigin-firewall")
    machine("systemctl", "stop", "mailorigin-firewall")
    set_firewall(machine, "Off")
    assert connect(machine) == REFUSED
    wait_until(lambda: machine.read("var/log/apache2/error.log").count("MO0111: mailorigin-firewall") > said, "MO0111")
    assert ["has not heard" in each for each in findings(machine)] == [True]
    machine("systemctl", "start", "mailorigin-firewall")
    wait_until(lambda: connect(machine) == "0", "the firewall to be taken out", 30)
    assert findings(machine) == []
    set_firewall(machine, "On")
    wait_until(lambda: connect(machine) == REFUSED, "the firewall to be back", 30)


def test_without_a_bpf_file_system_nftables_enforces(machine):
    """What the unit may write is enough for that."""
    machine("systemctl", "stop", "mailorigin-firewall")
    machine("mailorigin", "firewall", "--remove")
    assert connect(machine) == "0"
    machine("umount", "/sys/fs/bpf")
    try:
        machine("systemctl", "start", "mailorigin-firewall")
        machine("systemctl", "reload", "apache2")
        wait_until(lambda: status(machine)["firewall"].get("engine") == "nftables", "nftables", 30)
        assert connect(machine) == REFUSED
    finally:
        machine("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    machine("systemctl", "restart", "mailorigin-firewall")
    wait_until(lambda: status(machine)["firewall"].get("engine") == "bpf", "the programs", 30)


@pytest.mark.parametrize(
    ("unit", "after"),
    [("mailorigin-firewall", "network.target"), ("mailorigin-firewall-boot", "basic.target")],
    ids=["the network is waited for", "like cron"],
)
def test_a_boot_enforces_what_was_kept(machine, unit, after):
    """Without httpd, and before PHP or what else a tenant can have started."""
    machine.write("etc/systemd/system/early.service", EARLY.format(after=after))
    machine("systemctl", "disable", "apache2", "mailorigin-firewall", "mailorigin-firewall-boot")
    machine("systemctl", "enable", unit)
    machine.reboot()
    assert machine("cat", "/run/early").out.strip() == REFUSED
    assert machine("systemctl", "is-active", unit, PHP_FPM_UNIT).out == "active\nactive\n"
