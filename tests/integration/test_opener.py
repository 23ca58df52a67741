"""Whose an SMTP message is, for Postfix's milter and Exim's desk: who connected, whoever made the socket, and whether
or not an event of the connection had room."""

import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import guarded as ground_rules
from harness import opener
from harness.accounts import Accounts
from harness.firewall import STATUS, head
from harness.guarded import guarded_site
from harness.mail_servers import Exim
from harness.milter import MILTER_UID
from harness.milter_protocol import tell
from harness.opener import disconnect, flood, heard, say_now
from harness.site import BLOG_UID, SHOP_UID, WITH_HEADER, Vhost, handled_by, new_mark
from harness.waiting import answers, become, processes_named_by, wait_until
from harness.wire import connect, pairs

PORT, UNLISTED = 2526, 2527
SERVER = ground_rules.SERVER + f"""
MailOriginSmtpPorts 25 {PORT}
MailOriginMilter {{dir}}/milter.sock
MailOriginMilterUser #{MILTER_UID} #{MILTER_UID + 1}
MailOriginMailLog none
MailOriginEximSocket {{dir}}/exim.sock
MailOriginSmtpUsers {Exim.user}
MailOriginUnrecorded hold
"""
OF_SHOP = ("deny", "policy", SHOP_UID)  # MailOriginSend deny
OF_ROOT = ("allow", None, 0)
OF_NOBODY = ("hold", "unrecorded", None)


@pytest.fixture(scope="module")
def guarded(installation, ground):
    installation.built("milter/mailorigin-milter")
    pool = handled_by("proxy:fcgi://{address}")
    hosts = [Vhost("shop", SHOP_UID, WITH_HEADER + "  MailOriginSend deny\n", run=pool), Vhost("blog", BLOG_UID, WITH_HEADER)]
    with (
        Accounts(installation.root, installation.directory("opener-accounts"), {Exim.user: Exim.uid}),
        guarded_site(installation, ground, "opener", hosts, server=SERVER) as site,
    ):
        wait_until(lambda: answers(site.directory / "milter.sock"), "the milter")
        wait_until(lambda: attached(site), "mailorigind to hear of the kernel's programs")
        site.httpd.allow_log("MO0428")  # there were more connections than events
        yield site


@pytest.fixture
def mail_server(guarded):
    with socket.create_server(("127.0.0.1", PORT), backlog=1024) as listener:
        listener.settimeout(20)
        yield listener


def attached(site):
    with connect(site.httpd.runtime_dir / "control.sock") as connection:
        connection.send(head(STATUS))
        return json.loads(dict(pairs(connection.recv(65536)[4:]))["status"])["firewall"]["ring"]


def judged(site, client, port=PORT):
    """What is recorded of a message over that connection, by Postfix's way and by Exim's."""
    marks = {"postfix": new_mark(), "exim": new_mark()}
    fields = [("Subject", marks["postfix"]), ("From", "me@shop.example")]
    tell(site.directory / "milter.sock", "4ABCDEF", fields, client, port)
    texts = {"subject": marks["exim"], "sender": "me@shop.example"}
    words = "id=x by=smtp " + " ".join(f"{name}={b64encode(text.encode()).decode()}" for name, text in texts.items())
    ends = f"address={client[0]} port={client[1]} local_address=127.0.0.1 local_port={port}"
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(site.directory / "exim.sock"))
        asking.sendall(f"{words} {ends}\n".encode())
        assert not asking.recv(1000).startswith(b"verdict=defer")
    logs = (site.shop.json, site.blog.json, site.server_json)
    found = [
        wait_until(lambda: [event for log in logs for event in log.entries() if event.get("subject") == mark], f"the event of {way}")[0]
        for way, mark in marks.items()
    ]
    by_postfix, by_exim = [(event["verdict"], event.get("reason"), event.get("uid")) for event in found]
    return by_postfix if by_postfix == by_exim else (by_postfix, by_exim)


@contextmanager
def connection(ground, mail_server, opened):
    """Its client's address, as long as it is open."""
    _, result = ground.child(lambda: say_now(opened()))
    accepted, client = heard(mail_server)
    try:
        yield client
    finally:
        accepted.close()
        result()


def connected(tcp, port=PORT):
    tcp.connect(("127.0.0.1", port))
    return tcp


def shops_over_roots_socket(before=lambda port: None):
    tcp = socket.socket()
    become(SHOP_UID)
    before(PORT)
    return connected(tcp)


def shops_over_blogs_connection(before):
    os.setresuid(BLOG_UID, BLOG_UID, 0)
    tcp = connected(socket.socket())
    disconnect(tcp)
    os.seteuid(0)
    become(SHOP_UID)
    before(PORT)
    return connected(tcp)


def test_php_fpms_listening_socket(guarded, mail_server):
    page = guarded.shop.script(
        f"<?php putenv('PATH=/usr/bin:/bin'); echo shell_exec('{sys.executable} {guarded.shop.docroot}/opener.py {PORT} 2>&1');"
    )
    guarded.shop.write("opener.py", Path(opener.__file__).read_text())
    said = guarded.shop.get(page.uri).text.strip()
    if said == "kept back":  # by newer PHPs, 8.4 for one: no program of a tenant's has it
        return
    assert said == "inherited"
    for _ in range(2):
        accepted, client = heard(mail_server)
        assert client[1] == guarded.shop.pool.port
        assert judged(guarded, client) == OF_SHOP
        accepted.close()


@pytest.mark.parametrize("before", [lambda port: None, flood], ids=["recorded", "without room"])
@pytest.mark.parametrize("opened", [shops_over_roots_socket, shops_over_blogs_connection])
def test_a_socket_that_another_has_made_or_had(guarded, ground, mail_server, opened, before):
    with connection(ground, mail_server, lambda: opened(before)) as client:
        assert judged(guarded, client) == OF_SHOP


def test_roots_own_mail_is_trusted(guarded, ground, mail_server):
    for before in (lambda port: None, flood):

        def opened():
            before(PORT)
            return connected(socket.socket())

        with connection(ground, mail_server, opened) as client:
            assert judged(guarded, client) == OF_ROOT


def test_what_the_kernel_has_not_seen_is_trusted_by_nobody(guarded, ground):
    """A port that is not listed, or a connection that is older than the firewall."""
    with socket.create_server(("127.0.0.1", UNLISTED)) as other:
        with connection(ground, other, lambda: connected(socket.socket(), UNLISTED)) as client:
            assert judged(guarded, client, UNLISTED) == OF_NOBODY


@pytest.mark.parametrize("service", ["mailorigind", "mailorigin-firewall"])
def test_a_restart_forgets_nothing(guarded, ground, mail_server, service):
    def pids():
        return processes_named_by(str(guarded.httpd.runtime_dir), service)

    with (
        connection(ground, mail_server, shops_over_roots_socket) as shops,
        connection(ground, mail_server, lambda: connected(socket.socket())) as roots,
    ):
        before, = pids()
        os.kill(before, signal.SIGKILL)
        guarded.httpd.expect_log(f"{service} .* ended with signal 9")
        wait_until(lambda: pids() not in ([], [before]) and attached(guarded), "another one")
        assert judged(guarded, shops) == OF_SHOP
        assert judged(guarded, roots) == OF_ROOT


def test_once_it_is_taken_out_the_socket_counts_again(installation, guarded, ground, mail_server):
    program = installation.root / "mailorigin-firewall"  # with the options that httpd's has

    def of(opened):
        with connection(ground, mail_server, opened) as client:
            return judged(guarded, client)

    subprocess.run([program, "--runtime-dir", guarded.httpd.runtime_dir, "--remove"], check=True, stdout=subprocess.DEVNULL)
    guarded.httpd.allow_log("MO0415")
    wait_until(lambda: of(lambda: connected(socket.socket())) == OF_ROOT, "mailorigind to hear that there are no programs")
    guarded.httpd.graceful()
    wait_until(lambda: of(shops_over_roots_socket) == OF_SHOP, "mailorigind to hear of the kernel's programs")
