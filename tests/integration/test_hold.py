"""What Postfix's queue keeps: mail that nobody asked about, of hosts that may not send, and while nobody answers."""

import json
import os
import re
import signal
import socket
import subprocess
from contextlib import contextmanager

import pytest
from harness.command import Command
from harness.docs import section
from harness.milter import site_before
from harness.mounts import bind, unmount
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import wait_until
from test_milter import QUEUE, TICKET, process_of, send, text, the_queue_event

STRICT = SERVER + QUEUE + "MailOriginUnrecorded hold\n"
SHOP = WITH_HEADER + "  MailOriginSender vhost\n"
METERED = SHOP + "  MailOriginLimit 2/hour burst=2\n"
METERED_UID, FLOODING_UID = 61004, 61005
BLOG = WITH_HEADER + "  MailOriginSend hold\n"
FLOODING = BLOG + "  MailOriginLimit 2/hour burst=2\n"
SMTP = """<?php
$socket = fsockopen('ADDRESS', PORT);
echo fgets($socket);
foreach (["HELO me", "MAIL FROM:<me@SENDER>", "RCPT TO:<to@example.org>", "DATA", "From: me@SENDER\\r\\nSubject: MARK\\r\\n\\r\\nbody\\r\\n.", "QUIT"] as $line) {
  fwrite($socket, "$line\\r\\n");
  echo fgets($socket);
}
"""


@pytest.fixture(scope="module")
def module_site(installation, postfix):
    vhosts = [Vhost("shop", SHOP_UID, SHOP), Vhost("blog", BLOG_UID, BLOG), Vhost("metered", METERED_UID, METERED), Vhost("flooding", FLOODING_UID, FLOODING)]
    with site_before(postfix, installation, "hold", vhosts, STRICT) as site:
        until_it_holds(site)
        yield site


def until_it_holds(site):
    status = Command(site.installation, site.httpd.runtime_dir)
    wait_until(lambda: (status("status", "--json").json["queue"]["milter"] or {}).get("holds"), "the daemon to know of the milter")


@pytest.fixture(autouse=True)
def late_notices(site):
    """Of blocks, which may come in the next test's time."""
    site.httpd.allow_log("MO026[89]")


@pytest.fixture
def mailorigin(site):
    command = Command(site.installation, site.httpd.runtime_dir)
    yield command
    command("unblock", "--all")


def by_smtp(site, postfix, uid, mark, sender="shop.example", address="127.0.0.1"):
    """What a script of that user's is told by the mail server; the last line is the answer to QUIT."""
    code = SMTP.replace("MARK", mark).replace("ADDRESS", address).replace("PORT", str(postfix.port)).replace("SENDER", sender)
    return site.php(uid, code)[0].stdout.decode()


# ---- MailOriginUnrecorded hold


@pytest.mark.parametrize("way", ["sendmail", "smtp"])
def test_what_nobody_has_asked_about_is_held(site, postfix, way):
    mark = new_mark()
    if way == "smtp":
        assert "250 2.0.0 Ok" in by_smtp(site, postfix, OTHER_UID, mark)
    else:
        postfix.hand_in(text(mark), "-t", "-i", uid=OTHER_UID)
    event, queued = site.server_json.wait(mark), postfix.wait(mark)
    assert (event["verdict"], event["reason"], event["uid"], event["queue_id"]) == ("hold", "unrecorded", OTHER_UID, queued.id)
    assert queued.on_hold


def test_what_was_asked_about_and_who_is_trusted_pass(site, postfix):
    event, message, mark = send(site)
    postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
    assert not postfix.wait(mark).on_hold and the_queue_event(site.shop.json, event)
    mark = new_mark()
    postfix.hand_in(text(mark), "-t", "-i", uid=0)
    assert not postfix.wait(mark).on_hold


# ---- SMTP


def test_smtp_is_limited_by_whichever_address_it_comes(site, postfix):
    host = site.vhosts[2]
    marks = [new_mark() for _ in range(4)]
    said = [by_smtp(site, postfix, METERED_UID, mark, host.name, address) for mark, address in zip(marks, ["[::1]", "127.0.0.1"] * 2)]
    for mark, answer in zip(marks[:2], said):
        event, queued = host.json.wait(mark), postfix.wait(mark)
        assert "250 2.0.0 Ok" in answer and (event["verdict"], event["uid"], event["queue_id"]) == ("allow", METERED_UID, queued.id)
        assert queued.header("X-Mail-Origin") == [event["id"]] and not queued.on_hold
    for mark, answer in zip(marks[2:], said[2:]):
        event = host.json.wait(mark)
        assert (event["kind"], event["verdict"], event["reason"]) == ("submit", "deny", "limit")
        refused = re.search(rf"^550 5\.7\.1 not sent: limit \(event {event['id']}\); again in (\d+) seconds", answer, re.M)
        assert refused and 0 < int(refused[1]) <= 1800, answer
        assert not [mail for mail in postfix.mails() if mark in mail.text]


def test_what_is_held_counts_in_a_limit_that_refuses(site, postfix):
    host = site.vhosts[3]
    marks = [new_mark() for _ in range(3)]
    for mark in marks:
        by_smtp(site, postfix, FLOODING_UID, mark, host.name)
    found = [host.json.wait(mark) for mark in marks]
    assert [(event["verdict"], event["reason"]) for event in found] == [("hold", "policy")] * 2 + [("deny", "limit")]
    assert all(postfix.wait(mark).on_hold for mark in marks[:2])


def test_clients_that_stall_keep_nobody_waiting(site, postfix):
    steps = ["EHLO me", "MAIL FROM:<a@b.example>", "RCPT TO:<to@example.org>", "DATA"]
    left, late, honest = new_mark(), new_mark(), new_mark()
    clients = [postfix.smtp() for _ in range(12)]
    for number, client in enumerate(clients):
        for step in steps[: number % 4 + 1]:
            assert client.docmd(step)[0] < 400
        if number % 4 == 3:
            client.send(f"Subject: {left}\r\nX-Half: ")
    assert "250 2.0.0 Ok" in by_smtp(site, postfix, SHOP_UID, honest)
    assert site.shop.json.wait(honest)["queue_id"] == postfix.wait(honest).id
    client = clients[2]
    assert client.data(f"Subject: {late}\r\n\r\nbody")[0] == 250
    assert site.server_json.wait(late)["queue_id"] == postfix.wait(late).id
    for client in clients:
        client.close()
    assert not [mail for mail in postfix.mails() if left in mail.text] and not site.server_json.lines_with(left)


# ---- Blocks


def test_a_block_is_above_hold(site, postfix, mailorigin):
    held, ticketed, mark = new_mark(), new_mark(), new_mark()
    assert "250 2.0.0 Ok" in by_smtp(site, postfix, BLOG_UID, held, "blog.example")
    assert site.blog.json.wait(held)["reason"] == "policy" and postfix.wait(held).on_hold
    assert site.blog.run(f"<?php var_dump(mail('to@example.org', '{ticketed}', 'body'));").text == "bool(true)\n"
    assert site.blog.json.wait(ticketed)["verdict"] == "hold"
    assert mailorigin("block", f"site:{site.blog.name}").status == 0

    assert re.search(r"^550 5\.7\.1 not sent: blocked \(event [0-9A-Z]{26}\)", by_smtp(site, postfix, BLOG_UID, mark, "blog.example"), re.M)
    event = site.blog.json.wait(mark)
    assert (event["kind"], event["verdict"], event["reason"]) == ("submit", "deny", "blocked")
    direct = new_mark()
    postfix.hand_in(text(direct), "-t", "-i", uid=BLOG_UID)
    event = site.blog.json.wait(direct)
    assert (event["verdict"], event["reason"]) == ("hold", "blocked") and postfix.wait(direct).on_hold
    message = site.sendmail.wait(ticketed)
    postfix.hand_in(message.raw, *message.arguments, uid=BLOG_UID)
    assert postfix.wait(ticketed).on_hold
    beside, message, other = send(site)
    assert beside["verdict"] == "allow"
    postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
    assert not postfix.wait(other).on_hold


def test_a_block_that_holds(site, postfix, mailorigin):
    marks = [new_mark() for _ in range(3)]
    assert mailorigin("block", f"site:{site.shop.name}", "--hold").status == 0
    assert "250 2.0.0 Ok" in by_smtp(site, postfix, SHOP_UID, marks[0])
    postfix.hand_in(text(marks[1]), "-t", "-i", uid=SHOP_UID)
    for mark, reason in zip(marks[:2], ["blocked", "unrecorded"]):  # of two rules that are as strict the first is named
        event = site.shop.json.wait(mark)
        assert (event["verdict"], event["reason"], event["queue_id"]) == ("hold", reason, postfix.wait(mark).id)
        assert postfix.wait(mark).on_hold
    mailorigin("block", f"user:#{SHOP_UID}")
    assert "550 5.7.1 not sent: blocked" in by_smtp(site, postfix, SHOP_UID, marks[2])


# ---- Who sees it, and who lets it go


def mailq(postfix, uid):
    process = postfix.popen(["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "/usr/sbin/postqueue", "-p"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said.decode()


def test_held_mail_is_shown_to_all_unless_main_cf_says_otherwise(site, postfix):
    mark = new_mark()
    postfix.hand_in(text(mark).replace("to@", f"{mark}@"), "-t", "-i", "-f", "me@shop.example", uid=BLOG_UID)
    assert postfix.wait(mark).on_hold
    status, said = mailq(postfix, OTHER_UID)
    assert status == 0 and f"{mark}@example.org" in said and "me@shop.example" in said
    closes, = re.findall(r"`(authorized_mailq_users = \w+)`", section("docs/directives/rules.md", "## hold"))
    main = postfix.root / "etc/postfix/main.cf"
    before = main.read_text()
    main.write_text(f"{before}{closes}\n")
    try:
        status, said = mailq(postfix, OTHER_UID)
        assert status != 0 and mark not in said and "not allowed to view the mail queue" in said
        assert f"{mark}@example.org" in mailq(postfix, 0)[1]
    finally:
        main.write_text(before)


def test_two_who_let_it_go_at_once_when_its_host_is_gone(site, postfix):
    marks = [new_mark() for _ in range(4)]
    for mark in marks:
        assert "250 2.0.0 Ok" in by_smtp(site, postfix, BLOG_UID, mark, "blog.example")
    ids = {site.blog.json.wait(mark)["id"] for mark in marks}
    site.vhosts.remove(site.blog)
    site.configure()
    site.httpd.graceful()
    state = postfix.root / site.httpd.state_dir.relative_to("/")
    state.mkdir(parents=True, exist_ok=True)
    bind(site.httpd.state_dir, state)

    # Once: it copies the program, which no one may be running then.
    command = Command(site.installation, site.httpd.runtime_dir)

    def start(*arguments):
        program = [str(command.program), "--runtime-dir", str(command.runtime_dir), "--json", *arguments]
        return postfix.popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def said(process):
        out, err = process.communicate(timeout=60)
        assert out, (process.returncode, err)
        return json.loads(out)

    try:
        wait_until(lambda: ids <= {each["id"] for each in said(start("held"))["held"]}, "the store to know them")
        both = [start("release", *ids) for _ in range(2)]
        outcomes = [{each["id"]: each["outcome"] for each in said(process)["mails"]} for process in both]
        for each in ids:
            assert "released" in [one.get(each) for one in outcomes], outcomes
        assert {outcome for one in outcomes for outcome in one.values()} <= {"released", "gone"}, outcomes
        # Postfix's are in the deferred queue now.
        assert [each for each in postfix.mails() if each.on_hold and any(mark in each.text for mark in marks)] == []
    finally:
        unmount(state)
        site.vhosts.insert(1, site.blog)
        site.configure()
        site.httpd.graceful()


# ---- MailOriginMilterOnFailure


@contextmanager
def without_daemon(site):
    """The milter's connections have ended, and it finds no socket."""
    sockets = [path for path in site.httpd.runtime_dir.iterdir() if path.is_socket() and path.name != "milter.sock"]
    away = {path: path.rename(f"{path}.away") for path in sockets}
    os.kill(process_of(site, "mailorigind"), signal.SIGKILL)
    try:
        yield
    finally:
        for path, moved in away.items():
            moved.rename(path)
        site.httpd.expect_log("MO0115")
        until_it_holds(site)


def configure(site, server):
    """The milter's settings are its arguments: another takes over."""
    former = process_of(site, "mailorigin-milt")
    site.configure(server)
    site.httpd.graceful()
    site.httpd.expect_log("MO0114")

    def another_listens():
        with socket.socket(socket.AF_UNIX) as door:
            listens = door.connect_ex(str(site.httpd.runtime_dir / "milter.sock")) == 0
        return listens and process_of(site, "mailorigin-milt") not in (None, former)

    wait_until(another_listens, "the next milter to listen")


@pytest.fixture
def on_failure_hold(site):
    before = site.server_text
    configure(site, before + "MailOriginMilterOnFailure hold\n")
    yield
    configure(site, before)


def test_without_a_daemon_mail_passes_and_is_said(site, postfix, syslog):
    marks = [new_mark() for _ in range(2)]
    with without_daemon(site):
        postfix.hand_in(text(marks[0]), "-t", "-i", uid=OTHER_UID)
        queued = postfix.wait(marks[0])
        assert "250 2.0.0 Ok" in by_smtp(site, postfix, SHOP_UID, marks[1])
    line = syslog.wait(f"queue_id={queued.id} ")
    assert f"MO0550: message in the queue unrecorded: queue_id={queued.id} uid={OTHER_UID} cause=" in line
    assert f"uid={SHOP_UID} " in syslog.wait(f"queue_id={postfix.wait(marks[1]).id} ")
    assert not any(postfix.wait(mark).on_hold for mark in marks)


def test_a_ticket_that_nobody_could_judge_is_said(site, postfix, syslog):
    event, message, mark = send(site)
    with without_daemon(site):
        postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
        queued = postfix.wait(mark)
    assert f" ticket={event['id']} " in syslog.wait(f"MO0550: message in the queue unrecorded: queue_id={queued.id} ")
    assert not queued.on_hold and not queued.header(TICKET)


def test_without_a_daemon_mail_waits(site, postfix, on_failure_hold, syslog):
    marks = [new_mark() for _ in range(2)]
    with without_daemon(site):
        postfix.hand_in(text(marks[0]), "-t", "-i", uid=OTHER_UID)
        queued = postfix.wait(marks[0])
        assert re.search(r"^451 4\.3\.0 not sent: unreachable", by_smtp(site, postfix, SHOP_UID, marks[1]), re.M)
    assert queued.on_hold
    assert f"MO0551: message kept: queue_id={queued.id} uid={OTHER_UID} " in syslog.wait(f"queue_id={queued.id} ")
    assert not [mail for mail in postfix.mails() if marks[1] in mail.text]
