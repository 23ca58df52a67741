"""mailorigin-milter between a real Postfix and the daemon: what enters the queue, and whose it is."""

import os
import signal
import subprocess
import sys
import time

import pytest
from harness.command import Command, Said
from harness.mail_servers import ORIGIN
from harness.milter import site_before
from harness.mounts import bind, unmount
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import children_of, name_of, wait_until

TICKET = "X-Mail-Origin-Ticket"
RULES = WITH_HEADER + "  MailOriginSender vhost\n  MailOriginLimit 1000/minute\n"
QUEUE = """
MailOriginMilter {socket}
MailOriginMilterUser #{user} #{mail_server}
MailOriginMailLog {log}
"""


@pytest.fixture(scope="module")
def module_site(installation, postfix):
    vhosts = [Vhost("shop", SHOP_UID, RULES), Vhost("blog", BLOG_UID, WITH_HEADER + "  MailOriginSend deny\n")]
    with site_before(postfix, installation, "milter", vhosts, SERVER + QUEUE) as site:
        yield site


def text(mark, *fields):
    return "\n".join([*fields, "From: me@shop.example", "To: to@example.org", f"Subject: {mark}", "", "body", ""])


def the_queue_event(log, event):
    found = wait_until(
        lambda: [entry for entry in log.entries() if entry["kind"] == "queue" and entry["mail_id"] == event["id"]],
        "an event of the queue",
    )
    assert len(found) == 1, found
    return found[0]


def send(site, code="mail('to@example.org', 'MARK', 'body');"):
    """A mail of the shop's: its event, and what sendmail is given."""
    mark = new_mark()
    site.shop.run("<?php " + code.replace("MARK", mark))
    return site.shop.json.wait(mark), site.sendmail.wait(mark), mark


def test_a_mail_of_phps_gets_its_queue_id(site, postfix):
    event, message, mark = send(site)
    assert message.header(TICKET) == [event["id"]]
    postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
    queued = postfix.wait(mark)
    assert queued.header(TICKET) == [] and queued.header("X-Mail-Origin") == [event["id"]]
    passed = the_queue_event(site.shop.json, event)
    assert passed["queue_id"] == queued.id and passed["verified"] and passed["vhost"] == event["vhost"]
    assert [entry["kind"] for entry in site.shop.json.entries() if entry.get("subject") == mark] == ["mail"]
    command = Command(site.installation, site.httpd.runtime_dir)
    traced = wait_until(lambda: (said := command("trace", "--json", queued.id)).status == 0 and said.json, "it in the store")
    assert traced["event"]["id"] == event["id"] and traced["event"]["queue_id"] == queued.id
    assert traced["event"]["message_id"], "Postfix's own"


# ---- Tickets


def test_a_ticket_is_not_another_mails(site, postfix):
    """Stolen: for other recipients; shown twice."""
    event, message, _ = send(site)
    other, again = new_mark(), new_mark()
    postfix.hand_in(text(other, f"{TICKET}: {event['id']}").replace("to@example.org", "all@example.org"), "-t", "-i", uid=OTHER_UID)
    assert site.server_json.wait(other)["reason"] == "unrecorded"
    postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
    the_queue_event(site.shop.json, event)
    postfix.hand_in(text(again, f"{TICKET}: {event['id']}"), "-t", "-i", uid=OTHER_UID)
    assert site.server_json.wait(again)["reason"] == "unrecorded"
    assert not postfix.wait(again).header(TICKET)


ACCOUNT = f"shop@mx.{ORIGIN}"
CLAIMS = {  # what PHP sends, and From and the envelope sender of that in the queue
    "no sender": ("mail('to@example.org', 'MARK', 'body');", ACCOUNT, ACCOUNT),
    "an envelope": ("mail('to@example.org', 'MARK', 'body', '', '-fme@shop.example');", "me@shop.example", "me@shop.example"),
    "a From": ("mail('to@example.org', 'MARK', 'body', 'From: Me <me@shop.example>');", "Me <me@shop.example>", ACCOUNT),
    "both": ("mail('to@example.org', 'MARK', 'body', 'From: me@shop.example', '-fyou@shop.example');", "me@shop.example", "you@shop.example"),
    "another name of the recipient": ("mail('alias@example.org', 'MARK', 'body');", ACCOUNT, ACCOUNT),
}
FORGERIES = [
    ("From: bank@bank.example", ""),
    ("From:\n bank@bank.example", ""),
    ("From: me@shop.example\nFrom: bank@bank.example", ""),
    ("From: Us: me@shop.example, bank@bank.example;", ""),
    ("From: " + "me@shop.example, " * 20 + "bank@bank.example", ""),
    ("From: " + "me@shop.example, " * 100 + "bank@bank.example", ""),
    ("From: bank@bank.example <me@shop.example>", ""),
    ("From:" + " " * 2000 + "bank@bank.example", ""),
    ("From: me@shop.example" + "\n " * 1000 + ", bank@bank.example", ""),
    (f"From: blog@mx.{ORIGIN}", ""),
    ("From: me@shop.example", "-fbank@bank.example"),
    ("Subject2: no From", "-fbank@bank.example"),
    ("From: me@shop.example", f"-fblog@mx.{ORIGIN}"),
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_ticket_is_of_the_senders_that_were_judged(site, postfix, claim):
    """The real sendmail, started by its user: each forgery is judged by what it is, and the mail itself still passes."""
    code, sender, envelope = CLAIMS[claim]
    event, message, mark = send(site, code)
    head, body = message.raw.decode().replace("\r\n", "\n").split("\n\n", 1)
    others = "\n".join(line for line in head.split("\n") if not line.startswith("From:"))
    forged = {new_mark(): forgery for forgery in FORGERIES}
    for other, (fields, option) in forged.items():
        postfix.hand_in(f"{fields}\n{others}\n\n{body}".replace(mark, other), "-t", "-i", *filter(None, [option]), uid=SHOP_UID)
    for other, forgery in forged.items():
        found = site.shop.json.wait(other)
        assert (found["kind"], found["verdict"], found["reason"], found["uid"]) == ("submit", "hold", "sender", SHOP_UID), forgery
        assert postfix.wait(other).on_hold
    postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
    passed = the_queue_event(site.shop.json, event)
    assert (passed["from"], passed["envelope_from"]) == (sender, envelope)
    assert [entry["kind"] for entry in site.shop.json.entries() if entry.get("subject") == mark] == ["mail"]


def test_mail_to_an_address_that_is_rewritten_is_met_twice(site, postfix):
    event, message, mark = send(site, "mail('canonical@example.org', 'MARK', 'body', 'From: me@shop.example', '-fme@shop.example');")
    postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
    found = wait_until(lambda: [entry for entry in site.shop.json.entries() if entry.get("subject") == mark and entry["kind"] == "submit"], "an event of its own")
    assert found[0]["reason"] == "unrecorded" and not postfix.wait(mark).on_hold


@pytest.mark.parametrize("fields", ["X-Other: a\rFrom: bank@bank.example", "From: me@shop.example\0, bank@bank.example"], ids=["carriage-return", "nul"])
def test_no_sender_is_hidden_in_a_field(site, postfix, fields):
    """Postfix makes a carriage return alone a blank (3.7.10; older ones show it to the milter, which counts what is behind it), and ends a line at a NUL."""
    mark = new_mark()
    postfix.hand_in(f"{fields}\nTo: to@example.org\nSubject: {mark}\n\nbody\n", "-t", "-f", "me@shop.example", uid=SHOP_UID)
    assert site.shop.json.wait(mark)["from"] == "me@shop.example"
    assert postfix.wait(mark).header("From") == ["me@shop.example"]


@pytest.mark.parametrize("sender", ["blog", "root"])
def test_another_accounts_name_is_not_ones_own(site, postfix, sender):
    mark = new_mark()
    postfix.hand_in(f"From: me@shop.example\nTo: to@example.org\nSubject: {mark}\n\nbody\n", "-t", "-f", sender, uid=SHOP_UID)
    assert site.shop.json.wait(mark)["reason"] == "sender" and postfix.wait(mark).on_hold


@pytest.mark.parametrize(
    ("fields", "arguments", "envelope"),
    [
        ("From: root (Cron Daemon)\nTo: to@example.org", ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "to@example.org"], f"other@mx.{ORIGIN}"),
        ("To: to@example.org", ["-t"], f"other@mx.{ORIGIN}"),
        ("To: to@example.org", ["-t", "-f", "<>"], "<>"),
    ],
    ids=["cron", "-t alone", "null sender"],
)
def test_what_is_handed_to_our_sendmail_passes(site, postfix, fields, arguments, envelope):
    mark = new_mark()
    ours = ["--mailorigin-real=/usr/sbin/sendmail", f"--mailorigin-socket={site.httpd.runtime_dir}/mailorigin.sock", "--mailorigin-patience-ms=10000"]
    program = str(site.installation.built("submit/mailorigin-sendmail"))
    postfix.hand_in(f"{fields}\nSubject: {mark}\n\nbody\n", *ours, *arguments, uid=OTHER_UID, program=program)
    event = site.server_json.wait(mark)
    assert (event["kind"], event["verdict"]) == ("submit", "allow") and "reason" not in event
    assert the_queue_event(site.server_json, event)["envelope_from"] == envelope
    assert [entry["kind"] for entry in site.server_json.entries() if entry.get("subject") == mark] == ["submit"]


def test_a_ticket_is_its_users(site, postfix):
    """By SMTP the kernel says who shows it."""
    event, message, _ = send(site)
    mark = new_mark()
    script = f"""<?php
    require 'smtp.php';
    echo smtp({postfix.port}, "Subject: {mark}\\r\\n{TICKET}: {event['id']}\\r\\nFrom: x@blog.example\\r\\n\\r\\nbody");
    """
    site.blog.write("smtp.php", SMTP)
    assert "550" in site.blog.run(script).text
    postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
    the_queue_event(site.shop.json, event)


def test_a_ticket_is_nobodys_whose_connection_is_closed(site, postfix):
    """Its user is not known, and might be any: the ticket stays its mail's."""
    event, message, _ = send(site, "mail('to@example.org', 'MARK', 'body', 'From: me@shop.example', '-fme@shop.example');")
    stolen = new_mark()
    postfix.smtp_and_gone(OTHER_UID, "me@shop.example", text(stolen, f"{TICKET}: {event['id']}"))
    of_stolen = wait_until(lambda: (found := [entry for entry in site.server_json.entries() if entry.get("subject") == stolen])[2:] and found, "three events")
    assert all(entry["reason"] == "unrecorded" for entry in of_stolen)
    postfix.hand_in(message.raw, *message.arguments, uid=SHOP_UID)
    the_queue_event(site.shop.json, event)


# ---- SMTP to this machine's own mail server

SMTP = """<?php
function smtp($port, $message, $sender = 'me@shop.example', $to = 'to@example.org') {
  $socket = fsockopen('127.0.0.1', $port);
  $said = fgets($socket);
  foreach (["HELO me", "MAIL FROM:<$sender>", "RCPT TO:<$to>", "DATA", "$message\\r\\n.", "QUIT"] as $command) {
    fwrite($socket, "$command\\r\\n");
    $said .= fgets($socket);
  }
  return $said;
}
"""


def by_smtp(vhost, port, mark, fields="From: me@shop.example", more=""):
    vhost.write("smtp.php", SMTP)
    code = f"""<?php require 'smtp.php'; echo smtp({port}, "Subject: {mark}\\r\\n{fields}\\r\\n\\r\\nbody"{more});"""
    return vhost.run(code).text


def test_smtp_of_a_script_is_under_its_hosts_rules(site, postfix):
    mark, forger = new_mark(), new_mark()
    assert "250 2.0.0 Ok" in by_smtp(site.shop, postfix.port, mark, "From: me@shop.example\\r\\nX-Mail-Origin: forged\\r\\nx-mail-ORIGIN: forged too")
    event = site.shop.json.wait(mark)
    queued = postfix.wait(mark)
    assert (event["kind"], event["verdict"], event["queue_id"]) == ("submit", "allow", queued.id)
    assert event["uid"] == SHOP_UID and event["site"] == "shop.example" and "reason" not in event
    assert queued.header("X-Mail-Origin") == [event["id"]]
    said = by_smtp(site.shop, postfix.port, forger, "From: bank@bank.example")
    event = site.shop.json.wait(forger)
    assert f"550 5.7.1 not sent: sender (event {event['id']})" in said and "queue_id" not in event
    assert not [mail for mail in postfix.mails() if forger in mail.text]


def test_smtp_of_a_host_that_may_not_send(site, postfix):
    mark = new_mark()
    assert "550 5.7.1 not sent: policy" in by_smtp(site.blog, postfix.port, mark)
    assert site.blog.json.wait(mark)["verdict"] == "deny"


def test_smtp_of_nobodys(site, postfix):
    mark = new_mark()
    with postfix.smtp() as client:
        client.sendmail("a@b.example", ["to@example.org"], text(mark))
    event = site.server_json.wait(mark)
    assert event["uid"] == 0 and "reason" not in event, "root is trusted"


def test_who_has_closed_its_connection_is_not_root(site, postfix):
    """The kernel says uid 0 of it, and root is trusted. Postfix meets it when all has been said."""
    mark = new_mark()
    postfix.smtp_and_gone(OTHER_UID, "a@b.example", f"Subject: {mark}\n\nbody\n")
    events = wait_until(lambda: [event for event in site.server_json.entries() if event.get("subject") == mark], "an event")
    assert all(event["reason"] == "unrecorded" and event.get("uid") in (None, OTHER_UID) for event in events), events


# ---- The real sendmail


def test_the_real_sendmail_speaking_smtp(site, postfix):
    mark = new_mark()
    dialogue = f"EHLO me\r\nMAIL FROM:<me@shop.example>\r\nRCPT TO:<to@example.org>\r\nDATA\r\n{text(mark)}".replace("\n", "\r\n").replace("\r\r", "\r")
    postfix.hand_in(dialogue + ".\r\nQUIT\r\n", "-bs", uid=OTHER_UID)
    event = site.server_json.wait(mark)
    assert (event["reason"], event["uid"], event["queue_id"]) == ("unrecorded", OTHER_UID, postfix.wait(mark).id)


def test_the_real_sendmail_is_unrecorded(site, postfix):
    """And the mail log says who it was."""
    mark = new_mark()
    postfix.hand_in(text(mark, "X-Mail-Origin: forged"), "-t", "-i", uid=OTHER_UID)
    event = site.server_json.wait(mark)
    queued = postfix.wait(mark)
    assert (event["kind"], event["verdict"], event["reason"]) == ("submit", "observe", "unrecorded")
    assert (event["uid"], event["uid_from"], event["queue_id"]) == (OTHER_UID, "mail-log", queued.id)
    assert queued.header("X-Mail-Origin") == [] and not queued.on_hold
    trusted = new_mark()
    postfix.hand_in(text(trusted), "-t", "-i", uid=0)
    assert "reason" not in site.server_json.wait(trusted)


def test_the_real_sendmail_without_a_sender_is_under_its_hosts_rules(site, postfix):
    """What Postfix puts in is no sender that MailOriginSender knows: it is as if there were none."""
    for fields in ("X-Other: no From", "From: me@shop.example"):
        mark = new_mark()
        postfix.hand_in(f"{fields}\nTo: to@example.org\nSubject: {mark}\n\nbody\n", "-t", "-i", uid=SHOP_UID)
        event = site.shop.json.wait(mark)
        assert (event["verdict"], event["reason"], event["envelope_from"]) == ("observe", "unrecorded", ACCOUNT)
        assert not postfix.wait(mark).on_hold


def test_what_would_be_refused_is_held(site, postfix):
    """The blog may not send; a bounce would go to whom the sender names."""
    mark = new_mark()
    postfix.hand_in(text(mark), "-t", "-i", "-f", "victim@example.org", uid=BLOG_UID)
    event = site.blog.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("hold", "policy")
    assert postfix.wait(mark).on_hold


def test_what_is_held_is_let_go_or_dropped(site, postfix):
    marks = [new_mark() for _ in range(3)]
    for mark in marks:
        postfix.hand_in(text(mark), "-t", "-i", uid=BLOG_UID)
    events = [site.blog.json.wait(mark) for mark in marks]
    program = Command(site.installation, site.httpd.runtime_dir)
    state = postfix.root / site.httpd.state_dir.relative_to("/")
    state.mkdir(parents=True, exist_ok=True)
    bind(site.httpd.state_dir, state)

    def command(*arguments):
        process = postfix.popen([str(program.program), "--runtime-dir", str(program.runtime_dir), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        return Said(process.returncode, out.decode(), err.decode())

    try:
        ids = {event["id"] for event in events}
        wait_until(lambda: ids <= {held["id"] for held in command("held", "--json").json["held"]}, "the store to know them")
        said = command("release", events[0]["id"], postfix.wait(marks[1]).id)
        assert said.status == 0 and said.out.count("released ") == 2, said
        said = command("discard", events[0]["id"], events[2]["id"])
        assert said.status == 1 and said.out.count("discarded ") == 1, "one of them is not on hold any more"
        assert not [mail for mail in postfix.mails() if marks[2] in mail.text or (marks[0] in mail.text and mail.on_hold)]
        assert not ids & {held["id"] for held in command("held", "--json", "--site", events[0]["site"]).json["held"]}
    finally:
        unmount(state)


@pytest.mark.parametrize(
    "message",
    [
        "Subject: MARK\nnot a field\n\nbody\n",
        "Subject: MARK\n" + "".join(f"Bcc: u{number}@example.org\n" for number in range(1000)) + "\nbody\n",
        "Subject: MARK\nX-Long: " + "x" * 1_000_000 + "\n\nbody\n",
        "Subject: MARK\n" + "".join(f"X-{number}: y\n" for number in range(1500)) + "X-Mail-Origin: forged\n" * 3 + "\nbody\n",
        "Subject: MARK\nTo: to@example.org\n\nbo\0dy\n",
        f"Subject: MARK\n{TICKET}: \n{TICKET}: {'0' * 26}\n{TICKET}: x\n\n" + "y" * 1_000_000 + "\n",
    ],
    ids=["no-colon", "thousand-bcc", "long-line", "many-fields", "nul", "bad-tickets"],
)
def test_hostile_bytes(site, postfix, message):
    mark = new_mark()
    postfix.hand_in(message.replace("MARK", mark), "-i", "-t" if "Bcc" in message else "to@example.org", uid=OTHER_UID)
    event = site.server_json.wait(mark)
    assert event["reason"] == "unrecorded"
    queued = postfix.wait(mark)
    assert event["queue_id"] == queued.id and "forged" not in queued.text.partition("\n\n")[0] and not queued.header(TICKET)


# ---- Tenants at the milter's door


def test_a_tenant_is_not_let_in(site, postfix):
    path = site.httpd.runtime_dir / "milter.sock"
    path.chmod(0o666)
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r}); s.settimeout(10); print(s.recv(9))"
    try:
        done = subprocess.run(["setpriv", f"--reuid={OTHER_UID}", f"--regid={OTHER_UID}", "--clear-groups", sys.executable, "-c", code], capture_output=True, text=True)
    finally:
        path.chmod(0o660)
    assert done.stdout == "b''\n", done
    mark = new_mark()
    postfix.hand_in(text(mark), "-t", "-i", uid=OTHER_UID)
    assert site.server_json.wait(mark)


# ---- What is killed


def process_of(site, name):
    found = [pid for pid in children_of(site.httpd.process.pid) if name_of(pid) == name]
    return found[0] if found else None


def milter_of(site):
    return wait_until(lambda: process_of(site, "mailorigin-milt"), "a milter")


def test_a_daemon_that_is_killed_is_waited_for(site, postfix):
    event, message, _ = send(site)
    os.kill(process_of(site, "mailorigind"), signal.SIGKILL)
    postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
    the_queue_event(site.shop.json, event)
    site.httpd.expect_log("MO0115")


def test_a_milter_that_is_killed_loses_and_doubles_nothing(site, postfix):
    """It has asked, and not answered: Postfix brings the mail again, with the ticket that was shown."""
    event, message, mark = send(site)
    daemon, milter = process_of(site, "mailorigind"), milter_of(site)
    os.kill(daemon, signal.SIGSTOP)
    try:
        postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
        wait_until(lambda: postfix.is_unfinished(mark), "it to be under way")
        time.sleep(0.3)
        os.kill(milter, signal.SIGKILL)
    finally:
        os.kill(daemon, signal.SIGCONT)
    wait_until(lambda: (now := process_of(site, "mailorigin-milt")) and now != milter, "the next milter")
    other = new_mark()

    def queued():
        postfix.hand_in(text(other), "-t", "-i", uid=OTHER_UID)  # wakes pickup(8)
        return [mail for mail in postfix.mails() if mark in mail.text]

    mails = wait_until(queued, "it in the queue", 30)
    assert len(mails) == 1
    assert mails[0].header("X-Mail-Origin") == [event["id"]]
    wait_until(lambda: mails[0].id in [entry["queue_id"] for entry in site.shop.json.entries() if entry.get("mail_id") == event["id"]], "its queue id")
    assert not [entry for entry in site.server_json.entries() + site.shop.json.entries() if entry.get("reason") == "unrecorded" and entry.get("subject") == mark]
    site.httpd.expect_log("MO0115")


def test_status_says_that_the_milter_is_there(site, postfix):
    queue = Command(site.installation, site.httpd.runtime_dir)("status", "--json").json["queue"]["milter"]
    assert queue["wanted"] and queue["holds"] and queue["asked"]
