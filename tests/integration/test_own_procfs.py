"""The services look at tenants' processes where no tenant can stop them: in a /proc of their own."""

import json
import os
import subprocess
import sys

import pytest
from harness.command import Command
from harness.firewall import HOST, TENANT, start_ticks
from harness.firewall.messages import registration
from harness.held_directory import held
from harness.site import SHOP_UID, new_mark, two_vhosts
from harness.waiting import PATIENCE, SLOWNESS, die_with_parent, wait_until
from harness.wire import Context, Key, answer, question

CAP_SYS_ADMIN = 21
ASKING = """import socket, sys
asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asking.connect(sys.argv[1])
print('ready', flush=True)
asking.send(bytes.fromhex(sys.stdin.readline()))
print(asking.recv(4096).hex())
"""


def process_of(uid, code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        user=uid, group=uid, extra_groups=(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
    )  # fmt: skip


@pytest.mark.parametrize("whose", ["its own", "its parent's"])
def test_a_tenants_process_keeps_mailorigind_waiting_for_nothing(site, whose):
    context = Context(site.shop.full_name, uid=SHOP_UID).sealed(Key.read(site.httpd.runtime_dir))
    code = ASKING if whose == "its own" else f"import os\nif os.fork(): os.wait()\nelse: exec({ASKING!r})"
    mark = new_mark()
    with process_of(SHOP_UID, code, site.httpd.runtime_dir / "mailorigin.sock") as tenant:
        try:
            assert tenant.stdout.readline() == "ready\n"
            with held(f"/proc/{tenant.pid}"):
                said, _ = tenant.communicate(question(os.urandom(16), context, subject=mark, to="to@example.org").hex(), PATIENCE * SLOWNESS)
                assert answer(bytes.fromhex(said))["verdict"] == b"allow"
                neighbours = site.blog.mail()
        finally:
            tenant.kill()
    assert site.shop.json.wait(mark)["verified"] is True
    site.blog.json.wait(neighbours)


def test_a_tenants_process_keeps_the_firewall_waiting_for_nothing(enforcing):
    with process_of(TENANT, "input()") as tenant:
        try:
            start = start_ticks(tenant.pid)
            with held(f"/proc/{tenant.pid}"), enforcing.connect() as daemon:
                daemon.send(registration(tenant.pid, start, enforcing.context(HOST, TENANT), 0, TENANT))
                assert daemon.recv(1000)
                assert enforcing.status()["processes"] == 1
        finally:
            tenant.kill()


def test_nor_does_the_command_wait(site):
    status = [site.installation.built("cli/mailorigin"), "--runtime-dir", site.httpd.runtime_dir, "status", "--json"]
    # Who waits there cannot be ended before the others let go.
    with subprocess.Popen(status, stdout=subprocess.PIPE) as command:
        with held(f"/proc/{site.fpm.process.pid}"), held(f"/proc/{site.httpd.process.pid}"):
            said, _ = command.communicate(timeout=PATIENCE * SLOWNESS)
    masters = json.loads(said)["php"]["masters"]
    assert f"{site.fpm.directory}/conf/php-fpm.conf" in [master["configuration"] for master in masters]


def test_a_firewall_without_one_goes_on_and_says_so(firewall):
    firewall.stop()
    firewall.start(drop=(CAP_SYS_ADMIN,))
    firewall.take()
    assert "no /proc of its own (unshare: Operation not permitted)" in firewall.notice("MO0445")
    findings = [finding["text"] for finding in firewall.status()["findings"]]
    assert any("no /proc of its own" in each for each in findings), findings


def test_a_daemon_without_one_goes_on_and_says_so(make_site, installation):
    wrapper = installation.root / "mailorigind-in-a-container"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-sys_admin {installation.daemon} "$@"\n')
    wrapper.chmod(0o755)
    site = make_site(two_vhosts(), daemon=wrapper)
    site.blog.json.wait(site.blog.mail())
    site.httpd.expect_log("MO0290: .* no /proc of its own .unshare: Operation not permitted.")
    findings = wait_until(lambda: Command(installation, site.httpd.runtime_dir)("status", "--json").json["findings"], "a finding")
    assert any("MO0290" in str(finding) for finding in findings)
