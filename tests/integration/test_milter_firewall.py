"""The milter beside the firewall: a message by SMTP is known by the request that its connection was opened in."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import guarded as ground_rules
from harness.guarded import guarded_site
from harness.milter import MILTER_UID
from harness.milter_protocol import tell
from harness.site import SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import answers, wait_until

PORT = 2526
SERVER = ground_rules.SERVER + f"""
MailOriginSmtpPorts 25 {PORT}
MailOriginMilter {{dir}}/milter.sock
MailOriginMilterUser #{MILTER_UID} #{MILTER_UID + 1}
MailOriginMailLog none
"""
CODE = f"""<?php
$socket = fsockopen('127.0.0.1', {PORT});  // here
echo fgets($socket);
"""


@pytest.fixture(scope="module")
def guarded(installation, ground):
    installation.built("milter/mailorigin-milter")
    with guarded_site(installation, ground, "milter", [Vhost("shop", SHOP_UID, WITH_HEADER)], server=SERVER) as site:
        wait_until(lambda: answers(site.directory / "milter.sock"), "the milter")
        yield site


@pytest.fixture
def mail_server(guarded):
    with socket.create_server(("127.0.0.1", PORT)) as listener:
        listener.settimeout(20)
        yield listener


def test_a_message_is_its_requests(guarded, mail_server):
    mark = new_mark()
    script = guarded.shop.script(CODE)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(guarded.shop.get, script.uri)
        connection, client = mail_server.accept()
        said = tell(guarded.directory / "milter.sock", "4ABCDEF", [("Subject", mark), ("From", "me@shop.example")], client, PORT)
        connection.sendall(b"220 done\r\n")
        connection.close()
        assert answer.result().status == 200
    event = guarded.shop.json.wait(mark)
    assert (event["kind"], event["verified"], event["entry"]) == ("submit", True, str(script.path))
    assert (event["file"], event["line"]) == (str(script.path), script.line_of("// here"))
    assert (event["uid"], event["queue_id"]) == (SHOP_UID, "4ABCDEF") and event["comm"].startswith("php-fpm")
    opened = wait_until(lambda: [entry for entry in guarded.shop.json.entries() if entry["kind"] == "smtp"], "the connection's event")[0]
    assert opened["cookie"] == event["cookie"] and opened["request_id"] == event["request_id"]
    assert said[-1] == b"c" and any(each.startswith(b"i") and event["id"].encode() in each for each in said)


def test_a_script_that_is_denied_is_told_so(guarded, mail_server):
    """MailOriginDenyScript sees the script, since the connection does."""
    mark = new_mark()
    script = guarded.shop.script(CODE)
    guarded.shop.directives += f'  MailOriginDenyScript "{script.path.name}"\n'
    guarded.configure()
    guarded.httpd.graceful()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(guarded.shop.get, script.uri)
        connection, client = mail_server.accept()
        said = tell(guarded.directory / "milter.sock", "4ABCDE0", [("Subject", mark)], client, PORT)
        connection.sendall(b"220 done\r\n")
        connection.close()
        answer.result()
    event = guarded.shop.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "script") and "queue_id" not in event
    assert said[-1].startswith(b"y550 5.7.1 not sent: script")
