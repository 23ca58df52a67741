"""`mailorigin status`, `policy` and `firewall` against the real httpd and daemon."""

import os
import re
import signal
import subprocess

import pytest
from harness.command import Command
from harness.docs import documented_paths, paths_of, section
from harness.external import ExternalDaemon
from harness.site import BLOG_UID, SHOP_UID, WITH_HEADER, Vhost
from harness.waiting import wait_until

# Every directive that `policy` can show, with arguments that need quotes.
MANY = WITH_HEADER + r"""
  MailOriginLog "|$/bin/cat >/dev/null" "%{id} \"%{vhost}\" back\\slash"
  MailOriginHeader X-Mail-Host "%{vhost} x"
  MailOriginSend observe
  MailOriginDenyScript "/(up loads|cache)/" ^eval$ \.inc$
  MailOriginLimit 200/hour burst=50
  MailOriginLimit 20/minute per=script count=recipients action=observe
  MailOriginMaxRecipients 30
  MailOriginSender vhost *.news.example
  MailOriginSmtp redirect 127.0.0.1:2525
  MailOriginSmtpAllow 192.0.2.0/24 [2001:db8::25]:465
  MailOriginSmtpLocal deny
"""


def vhosts():
    return [Vhost("shop", SHOP_UID, MANY), Vhost("blog", BLOG_UID, WITH_HEADER)]


@pytest.fixture
def mailorigin(site):
    return Command(site.installation, site.httpd.runtime_dir)


def well(command):
    """`status` once all is well: a log that httpd has just handed over is behind for a moment."""
    return wait_until(lambda: (lambda said: said.status == 0 and said)(command("status", "--json")), "all to be well")


def findings(said, part=None):
    return [each for each in said.json["findings"] if part in (None, each["part"])]


def test_all_is_well(site, mailorigin):
    site.shop.json.wait(site.shop.mail())
    facts = well(mailorigin).json
    pid = site.httpd.daemon()
    assert facts["well"] is True and facts["findings"] == [] and facts["weak_vhosts"] == []
    assert facts["httpd"] == {"connected": True, "instance": str(site.directory / "run/httpd.pid")}
    assert facts["daemon"]["pid"] == pid
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", facts["daemon"]["started"])
    assert facts["policy"]["vhosts"] == 2 and facts["policy"]["firewall"] == "off"
    assert facts["logs"]["targets"] == facts["policy"]["targets"] == 9
    assert facts["logs"]["behind"] == 0 and facts["logs"]["list"] == []
    assert facts["firewall"] == {"wanted": "off"}

    said = mailorigin("status")
    assert (said.status, said.err) == (0, "")
    lines, ways, pools = said.out.split("\n\n")
    lines = lines.splitlines()
    assert "smtp" in {each["way"] for each in facts["open_ways"]}
    assert ways.startswith("Ways out that are open\n") and "-> MailOriginFirewall On" in ways
    assert pools.startswith("PHP-FPM\n") and re.search(rf"loaded +{site.fpm.directory}/conf/php-fpm.conf +shop, blog\n", pools)
    assert [line.split()[:2] for line in lines] == [[part, "well"] for part in ("httpd", "daemon", "logs", "store", "php", "queue", "firewall", "host")]
    assert str(site.directory / "run/httpd.pid") in lines[0]
    assert f"pid {pid}," in lines[1] and facts["daemon"]["started"] in lines[1] and "2 virtual hosts" in lines[1]
    assert "9 targets, 0 behind" in lines[2]
    assert "\033" not in said.out


def test_policy_lists_every_host(site, mailorigin):
    facts = mailorigin("policy", "--json").json
    names = [each["name"] for each in facts["vhosts"]]
    assert names == [site.shop.full_name, site.blog.full_name, f"httpd.example:{site.httpd.port}"]
    assert [each["server"] for each in facts["vhosts"]] == [False, False, True]
    shop = facts["vhosts"][0]
    assert shop["uid"] == SHOP_UID and shop["docroot"] == str(site.shop.docroot) and shop["send"] == "observe"
    assert shop["limits"] == ["200/hour burst=50", "20/minute per=script count=recipients action=observe"]
    assert shop["max_recipients"] == 30
    assert shop["smtp"] == {
        "rule": "redirect 127.0.0.1:2525", "allow": ["192.0.2.0/24", "[2001:db8::25]:465"], "local": "deny",
    }
    assert len(shop["logs"]) == 4 and shop["logs"][1] == {"target": str(site.directory / "logs/shop.json"), "format": "json"}

    said = mailorigin("policy")
    assert said.status == 0
    rows = {line.split()[0]: line for line in said.out.splitlines() if line}
    assert f"#{SHOP_UID}" in rows[names[0]] and "200/hour burst=50; 20/minute" in rows[names[0]]
    assert "redirect 127.0.0.1:2525" in rows[names[0]] and f"{site.directory}/logs/shop.json" in rows[names[0]]
    assert f"#{BLOG_UID}" in rows[names[1]] and "deny" in rows[names[1]]
    assert names[2] in rows


def test_members_stand_where_the_docs_have_them(site, mailorigin):
    """tests/docs_cli_test.py holds their names alone."""
    for command in ("status", "policy", "firewall"):
        documented = documented_paths(section("docs/mailorigin.md", f"## {command}"))
        lists = {path[: at.end()] for path in documented for at in re.finditer(r"\[\]", path)}
        printed = paths_of(mailorigin(command, "--json").json)
        assert printed <= documented | lists, printed - documented - lists


def test_policy_of_one_host_can_be_pasted(site, mailorigin, make_site):
    """What is printed, put into a virtual host of another httpd, is the same policy there."""
    said = mailorigin("policy", site.shop.full_name)
    assert said.status == 0
    by_name = mailorigin("policy", "SHOP.example")
    assert by_name.out == said.out
    lines = said.out.splitlines()
    assert lines[0] == f"# {site.shop.full_name}"
    assert r'MailOriginDenyScript "/(up loads|cache)/" ^eval$ "\\.inc$"' in lines
    assert "MailOriginSender shop.example *.news.example" in lines
    assert lines[1:] == mailorigin("policy", "--json", "shop.example").json["vhosts"][0]["directives"]

    pasted = make_site([Vhost("shop", SHOP_UID, said.out, run_as=False)])
    again = Command(pasted.installation, pasted.httpd.runtime_dir)("policy", "shop.example")
    assert again.status == 0
    assert again.out.splitlines()[1:] == lines[1:]


def test_the_server_by_its_name(site, mailorigin):
    said = mailorigin("policy", "httpd.example")
    assert said.status == 0
    lines = said.out.splitlines()
    assert lines[0].endswith("outside of virtual hosts")
    assert "MailOriginUnverified allow" in lines and "MailOriginFirewall Off" in lines
    assert "MailOriginSmtpPorts 25 465 587" in lines and "MailOriginSmtpUsers none" in lines


def test_a_host_that_is_not_there(site, mailorigin):
    for arguments in (["policy", "other.example"], ["policy", "other.example", "--json"], ["policy", "shop"]):
        said = mailorigin(*arguments)
        assert (said.status, said.out) == (1, ""), said
        assert "no virtual host is named" in said.err


def test_a_name_cannot_write_to_the_terminal(site, mailorigin):
    said = mailorigin("policy", "\033[31mred\n")
    assert said.status == 1 and "\033" not in said.err and said.err.count("\n") == 1


def test_firewall_that_is_off(site, mailorigin):
    said = mailorigin("firewall")
    assert said.status == 0 and "MailOriginFirewall is Off" in said.out
    facts = mailorigin("firewall", "--json").json
    assert facts["wanted"] == "off" and facts["running"] is False and facts["findings"] == []


@pytest.mark.parametrize("arguments", [
    [], ["stat"], ["status", "more"], ["policy", "a", "b"], ["--colour", "status"], ["status", "--remove"],
    ["--runtime-dir"], ["--runtime-dir", "relative", "status"], ["firewall", "--remove", "--json"], ["policy", ""],
], ids=str)
def test_usage(mailorigin, arguments):
    said = mailorigin(*arguments)
    assert (said.status, said.out) == (2, "") and "usage: mailorigin" in said.err


def test_help_and_version_need_nobody(mailorigin):
    for uid in (None, SHOP_UID):
        said = mailorigin("--help", uid=uid)
        assert said.status == 0 and said.out.startswith("usage: mailorigin")
        said = mailorigin("--version", uid=uid)
        assert said.status == 0 and re.fullmatch(r"mailorigin \d+\.\d+\.\d+\n", said.out)


def test_not_root(make_site):
    site = make_site()
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    for command in ("status", "policy", "firewall"):
        said = mailorigin(command, uid=SHOP_UID)
        assert (said.status, said.out) == (1, "") and "must be run as root" in said.err, said
    # Nor does the daemon tell another user, who gets as far as its socket.
    control = site.httpd.runtime_dir / "control.sock"
    control.chmod(0o666)
    try:
        asked = subprocess.run(
            ["setpriv", f"--reuid={SHOP_UID}", f"--regid={SHOP_UID}", "--clear-groups", "/usr/bin/python3", "-c", ASK, control],
            capture_output=True, text=True, timeout=30,
        )
    finally:
        control.chmod(0o600)
    assert asked.returncode == 0 and asked.stdout == "nothing", asked
    site.httpd.wait_log("MO0214: ")
    said = mailorigin("status", "--json")
    assert said.status == 1
    (found,) = findings(said, "daemon")
    assert found["text"].startswith(f"MO0214: uid {SHOP_UID} ") and "MO0214" in found["remedy"]


ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
    control.settimeout(20)
    try:
        control.connect(sys.argv[1])
        control.send(bytes([1, 48, 0, 0]))
        print("something" if control.recv(65536) else "nothing", end="")
    except ConnectionError:
        print("nothing", end="")
"""


def test_the_daemon_was_killed(make_site):
    site = make_site()
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    before = well(mailorigin).json
    site.httpd.allow_log(r"\bMO\d{4}\b")
    os.kill(site.httpd.daemon(), signal.SIGKILL)
    wait_until(lambda: (lambda pids: pids and pids != [before["daemon"]["pid"]])(site.httpd.daemons()), "a new daemon")
    after = well(mailorigin).json
    assert after["daemon"]["pid"] != before["daemon"]["pid"]
    assert after["policy"] == before["policy"]


ASK_THE_DAEMON = (
    "policy", "trace 01KAAAAAAAAAAAAAAAAAAAAAAA", "top", "tail", "held", "release --site a", "discard --site a",
    "block site:a", "unblock site:a", "unblock --all", "blocks", "limits a", "limits a --reset",
)


def test_nobody_is_there(make_site):
    """httpd was stopped, and its daemon with it."""
    site = make_site()
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    well(mailorigin)
    site.httpd.stop()
    said = mailorigin("status", "--json")
    assert said.status == 1 and said.json["well"] is False
    (found,) = findings(said)
    assert found["part"] == "daemon" and str(site.httpd.runtime_dir / "control.sock") in found["text"]
    assert "start httpd" in found["remedy"]
    text = mailorigin("status")
    assert text.status == 1 and found["text"] in text.out and "-> " + found["remedy"] in text.out
    said = mailorigin("firewall")
    assert said.status == 1 and found["text"] in said.out, said
    for command in ASK_THE_DAEMON:
        said = mailorigin(*command.split())
        assert (said.status, said.out) == (1, "") and found["text"] in said.err, (command, said)
        assert said.err.endswith(f"  -> {found['remedy']}\n"), (command, said)


@pytest.fixture
def external(make_site):
    site = make_site(daemon="external", start=False)
    daemon = ExternalDaemon(site.installation, site.httpd.runtime_dir, site.httpd.state_dir)
    yield site, daemon, Command(site.installation, site.httpd.runtime_dir)
    daemon.close()


def test_an_external_daemon_that_does_not_run(external):
    """systemd listens for it; nobody answers."""
    site, daemon, mailorigin = external
    said = mailorigin("status", "--json")
    assert said.status == 1
    (found,) = findings(said)
    assert "no answer within" in found["text"] and "systemctl restart mailorigind" in found["remedy"]


def test_an_external_daemon_without_httpd(external):
    site, daemon, mailorigin = external
    daemon.start()
    said = mailorigin("status", "--json")
    assert said.status == 1
    assert [each["text"] for each in findings(said)] == ["httpd has never sent its configuration"]
    said = mailorigin("policy")
    assert said.status == 1 and "httpd has not sent its configuration yet" in said.err

    site.start()
    facts = well(mailorigin).json
    assert facts["httpd"]["connected"] is True

    site.httpd.stop()
    said = mailorigin("status", "--json")
    assert said.status == 1
    (found,) = findings(said)
    assert found["part"] == "httpd" and "is not connected" in found["text"]
    assert str(site.directory / "run/httpd.pid") in found["text"]
    assert mailorigin("policy", "shop.example").status == 0, "the daemon still has it"

    # A new daemon, to which httpd has not handed its logs.
    daemon.stop()
    daemon.start()
    said = wait_until(lambda: (lambda said: findings(said, "logs") and said)(mailorigin("status", "--json")), "logs behind")
    assert said.status == 1
    assert {log["state"] for log in said.json["logs"]["list"]} == {"waiting"}
    assert all(each["remedy"].startswith("start httpd") for each in findings(said, "logs"))


def test_a_log_that_cannot_be_written(make_site):
    """status names it, with the reason and what waits for it."""
    stuck = "/dev/full"
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER + f"  MailOriginLog {stuck}\n")])
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    well(mailorigin)
    site.shop.json.wait(site.shop.mail())
    site.httpd.wait_log("MO0230: ")
    said = wait_until(lambda: (said := mailorigin("status", "--json")).json["findings"] and said, "the finding")
    assert said.status == 1
    (found,) = findings(said)
    assert found["part"] == "logs" and found["text"].startswith(f"{stuck}: cannot be written: No space left on device; ")
    (log,) = said.json["logs"]["list"]
    assert log["name"] == stuck and log["state"] == "waiting" and log["waiting"] > 0 and "No space left" in log["reason"]
    assert said.json["logs"]["behind"] == 1 and said.json["logs"]["waiting"] == log["waiting"]
    text = mailorigin("status")
    assert text.status == 1 and "1 behind" in text.out and found["text"] in text.out


def test_a_log_that_was_deleted(make_site):
    """Noticed at the next event, with what has it written again; nothing is lost."""
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER)])
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    well(mailorigin)
    site.httpd.allow_log("MO0236|MO0231")
    path = site.directory / "logs/shop.json"
    path.unlink()
    mark = site.shop.mail()
    (found,) = wait_until(lambda: findings(mailorigin("status", "--json")), "the finding")
    assert found["part"] == "logs" and found["text"].startswith(f"{path}: its file was deleted")
    assert found["remedy"].startswith("apachectl graceful")
    site.httpd.graceful()
    wait_until(lambda: path.exists() and mark in path.read_text(), "the event in the new file")
    well(mailorigin)


def test_hosts_with_a_weaker_guarantee(make_site):
    """They are listed, and do not make the exit status 1: a host may be meant so."""
    www_data = int(subprocess.run(["id", "-u", "www-data"], capture_output=True, check=True).stdout)
    unknown = Vhost("unknown", SHOP_UID, run_as=False)
    shared = [Vhost("one", BLOG_UID), Vhost("two", BLOG_UID, run="")]
    own = Vhost("own", www_data, run="")
    site = make_site([Vhost("shop", SHOP_UID), unknown, *shared, own], start=False)
    site.httpd.expect_log("MO0106: ")
    site.start()
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    facts = well(mailorigin).json
    weak = {each["reason"]: each["vhosts"] for each in facts["weak_vhosts"]}
    assert weak == {
        "no-run-as": [unknown.full_name],
        "shared-uid": [each.full_name for each in shared],
        "httpd-user": [own.full_name],
    }
    text = mailorigin("status").out
    for each in facts["weak_vhosts"]:
        assert ", ".join(each["vhosts"]) in text and each["text"] in text and each["remedy"] in text


REMOVE = """
mount -t tmpfs none /usr/local/sbin && "$1" --runtime-dir /run/somewhere firewall --remove
echo "status $?"
printf '#!/bin/sh\\necho "$@"; exit 7\\n' >/usr/local/sbin/mailorigin-firewall
chmod 755 /usr/local/sbin/mailorigin-firewall
"$1" --runtime-dir /run/somewhere firewall --remove
echo "status $?"
"""


def test_firewall_remove_is_mailorigin_firewalls(installation):
    """In a mount namespace of its own: the real one would take out the real firewall."""
    program = installation.built("cli/mailorigin")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", REMOVE, "sh", str(program)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )
    assert done.stdout.splitlines() == ["status 1", "--remove --runtime-dir /run/somewhere", "status 7"], done
    assert "cannot execute /usr/local/sbin/mailorigin-firewall: No such file" in done.stderr
