"""mailorigin trace and top: from what somebody has of a mail to the script that sent it."""

import gzip
import json
import os
import signal
import subprocess
from email import message_from_string
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText

import pytest
from harness.command import PATIENCE, Command, Said
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import wait_until

SITE = {}


def vhosts():
    return [Vhost("shop", SHOP_UID, WITH_HEADER), Vhost("blog", BLOG_UID, WITH_HEADER), Vhost("forum", OTHER_UID, WITH_HEADER + "  MailOriginMaxRecipients 2\n")]


class Tracer(Command):
    def trace(self, *arguments, text=None):
        done = subprocess.run(
            [str(self.program), "--runtime-dir", str(self.runtime_dir), "trace", "--json", *arguments],
            input=text, stdin=None if text is not None else subprocess.DEVNULL, capture_output=True, timeout=PATIENCE,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def when_stored(self, *arguments, text=None):
        return wait_until(lambda: (said := self.trace(*arguments, text=text)).status == 0 and said.json, "the event to be found")


@pytest.fixture
def tracer(site):
    return Tracer(site.installation, site.httpd.runtime_dir)


@pytest.fixture
def mail(site):
    """One of the shop's, as it was logged, and as it arrived."""
    mark = new_mark()
    script = site.shop.script(f"<?php mail('victim@example.org', '{mark}', 'body', 'Message-ID: <{mark}@shop.example>');")
    site.shop.get(script.uri)
    site.blog.mail()
    site.forum.mail()
    event = site.shop.json.wait(mark)
    return event, site.sendmail.wait(mark), script


def bounce(message):
    """As Postfix makes it."""
    report = MIMEMultipart("report", **{"report-type": "delivery-status"})
    report["From"], report["To"], report["Subject"] = "MAILER-DAEMON@web1", "shop@web1", "Undelivered Mail Returned to Sender"
    report["Message-ID"] = "<bounce@web1>"
    report.attach(MIMEText("I'm sorry to have to inform you ..."))
    status = MIMENonMultipart("message", "delivery-status")
    of_mail = "Reporting-MTA: dns; web1\n\n"
    of_recipient = "Final-Recipient: rfc822; victim@example.org\nAction: failed\nStatus: 5.1.1\n\n"
    status.set_payload([message_from_string(of_mail), message_from_string(of_recipient)])
    report.attach(status)
    report.attach(MIMEMessage(message))
    return report.as_bytes()


def test_a_bounce(site, tracer, mail, tmp_path):
    event, message, script = mail
    path = tmp_path / "complaint.eml"
    path.write_bytes(bounce(message.parsed))
    tracer.when_stored(event["id"])
    report = tracer.when_stored(str(path))
    assert report["found"] and report["event"]["id"] == event["id"]
    assert report["input"] == "a bounce (RFC 3464)"
    assert report["candidates"][0]["why"][0] == "its id (X-Mail-Origin of the message that is attached)"
    kept = {name: value for name, value in event.items() if name not in ("headers", "to")}
    assert {name: value for name, value in report["event"].items() if name != "to"} == kept
    assert report["event"]["to"] == "victim@example.org"
    assert report["request"]["events"] == 1
    assert len(report["request"]["access_log"]) == 1 and event["request_id"] in report["request"]["access_log"][0]
    assert report["script"]["path"] == str(script.path) and report["script"]["week"] == 1
    assert report["vhost"]["hour"] >= 1
    assert report["advice"][0] == f'MailOriginDenyScript "^{str(script.path).replace(".", chr(92) * 2 + ".")}$"'


def test_a_mail_log_that_is_not_there_is_said(tracer, mail, tmp_path):
    said = tracer("trace", mail[0]["id"], "--mail-log", str(tmp_path / "mail.log"))
    assert (said.status, said.out) == (1, "")
    assert said.err == f"mailorigin: --mail-log {tmp_path}/mail.log: No such file or directory\n"


def test_a_queue_id_of_an_exim_that_asks_nobody(tracer, mail):
    tracer.when_stored(mail[0]["id"])
    said = tracer("trace", "1uXyZ0-00000001abc-2dEf")
    assert said.status == 1 and "1uXyZ0-00000001abc-2dEf is a queue id of Exim's" in said.out, said
    assert "MailOriginEximSocket" in said.out
    assert "Exim" not in tracer("trace", "4F2C312345").out


def test_many_that_are_known_by_the_same(site, tracer):
    mark = new_mark()
    for _ in range(8):
        site.shop.run(f"<?php mail('{mark}@example.org', '{mark}', 'body');")
    mail = f"To: {mark}@example.org\nSubject: {mark}\n\nbody\n"
    wait_until(lambda: len(tracer.trace("-", text=mail.encode()).json.get("candidates", [])) == 8, "all to be stored")
    path = site.directory / f"{mark}.eml"
    path.write_text(mail)
    text = tracer("trace", str(path)).out
    others = text.split("It may also be\n")[1].split("\n\n")[0].splitlines()
    assert len(others) == 7 and others[0].startswith("  known by ") and others[-1] == "    and 2 more; --json has them", others


@pytest.mark.parametrize("what", ["id", "request_id", "message_id", "json", "logfmt", "php", "headers", "quoted", "base64"])
def test_what_it_takes(site, tracer, mail, what):
    event, message, _ = mail
    raw = message.raw.decode()
    if what in ("id", "request_id", "message_id"):
        given = event[what]
    elif what in ("json", "logfmt", "php"):
        (given,) = wait_until(lambda: getattr(site.shop, what).lines_with(event["subject"]), "its line")
    elif what == "headers":
        given = "\n".join(message.head)
    elif what == "quoted":
        given = "Subject: Fwd\n\nSee what I got:\n" + "".join(f"> {line}\n" for line in raw.splitlines())
    else:
        outer = EmailMessage()
        outer.set_content("see attachment")
        outer.add_attachment(message.raw, maintype="application", subtype="octet-stream", filename="mail.bin")
        given = outer.as_string()
    tracer.when_stored(event["id"])
    report = tracer.when_stored("-", text=given.encode())
    assert report["event"]["id"] == event["id"], report["candidates"]


def test_what_it_contains_does_not_speak_for_it(site, tracer, mail):
    """A neighbour's mail, with its id, attached by whoever sends, so that the neighbour is named."""
    event, message, _ = mail
    mark = new_mark()
    site.blog.run(f"<?php mail('sender@example.org', '{mark}', 'body', 'Message-ID: <{mark}@blog.example>');")
    other = site.sendmail.wait(mark)
    tracer.when_stored(site.blog.json.wait(mark)["id"])
    outer = MIMEMultipart()
    for line in message.head:
        name, _, value = line.partition(": ")
        outer[name] = value
    outer.attach(MIMEMessage(other.parsed))
    report = tracer.when_stored("-", text=outer.as_bytes())
    assert report["event"]["id"] == event["id"], report["candidates"]
    assert [each["vhost"] for each in report["candidates"]] == [event["vhost"], site.blog.json.wait(mark)["vhost"]]


def test_a_copied_id_is_doubted(site, tracer, mail):
    event, _, _ = mail
    tracer.when_stored(event["id"])
    mark = new_mark()
    forged = f"X-Mail-Origin: {event['id']}\nMessage-ID: {event['message_id']}\nTo: {mark}@example.org\nSubject: {mark}\n\nbody\n"
    report = tracer.when_stored("-", text=forged.encode())
    assert report["event"]["id"] == event["id"]
    assert any("went to none of the recipients" in note for note in report["notes"]), report["notes"]
    # Until one is known that has the recipient and the subject.
    site.blog.run(f"<?php mail('{mark}@example.org', '{mark}', 'body');")
    own = site.blog.json.wait(mark)
    tracer.when_stored(own["id"])
    report = tracer.when_stored("-", text=forged.encode())
    assert report["event"]["id"] == own["id"] and report["notes"] == [], report["candidates"]


def test_an_id_is_no_file_of_that_name(site, tracer, mail, tmp_path):
    event, _, _ = mail
    tracer.when_stored(event["id"])
    planted = tmp_path / event["id"]
    planted.write_text("X-Mail-Origin: none\n\n")
    program, runtime = str(tracer.program), str(tracer.runtime_dir)
    for what, found in ((event["id"], True), (f"./{event['id']}", False)):
        done = subprocess.run([program, "--json", "--runtime-dir", runtime, "trace", what], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        assert json.loads(done.stdout)["found"] is found, what
    os.mkfifo(tmp_path / "fifo.eml")
    said = tracer("trace", str(tmp_path / "fifo.eml"))
    assert (said.status, said.err) == (1, f"mailorigin: {tmp_path}/fifo.eml is no file\n")


def test_what_became_of_it(site, tracer, mail, tmp_path):
    event, _, _ = mail
    log = tmp_path / "mail.log"
    stamp = event["time"][:19] + "+00:00"
    lines = [
        f"{stamp} web1 postfix/pickup[10]: 4F2C312345: uid={SHOP_UID} from=<shop>",
        f"{stamp} web1 postfix/cleanup[11]: 4F2C312345: message-id={event['message_id']}",
        f"{stamp} web1 postfix/smtp[13]: 4F2C312345: to=<victim@example.org>, relay=mx, dsn=5.1.1, status=bounced (550 unknown \x1b[31muser)",
    ]
    with gzip.open(f"{log}.2.gz", "wt") as packed:
        packed.write("\n".join(lines) + "\n")
    log.write_text("nothing\n")
    for given in (event["id"], "4F2C312345"):
        report = tracer.when_stored(given, "--mail-log", str(log))
        assert report["event"]["id"] == event["id"]
        assert [(each["queue_id"], each["to"], each["status"]) for each in report["delivery"]] == [("4F2C312345", "victim@example.org", "bounced")]
    # For people: nothing that a terminal would obey.
    shown = Command(site.installation, site.httpd.runtime_dir)("trace", event["id"], "--mail-log", str(log))
    assert shown.status == 0 and "\x1b" not in shown.out and "\\x1b[31muser" in shown.out
    assert "MailOriginSend deny" in shown.out and event["entry"] in shown.out


def test_what_was_stopped_is_not_sent(site, tracer):
    script = site.forum.script("<?php mail($_GET['to'], $_GET['s'], 'body');")
    marks = [new_mark(), new_mark()]
    for mark, to in zip(marks, ("a@example.org", "a@example.org,b@example.org,c@example.org")):
        site.forum.get(f"{script.uri}?to={to}&s={mark}")
    sent, refused = (site.forum.json.wait(mark) for mark in marks)
    assert (sent["verdict"], refused["verdict"]) == ("allow", "deny")
    report = tracer.when_stored(refused["id"])["script"]
    assert (report["hour"], report["denied"]["hour"], report["held"]["hour"]) == (1, 1, 0)
    rows = [line.split() for line in tracer("trace", sent["id"]).out.splitlines()]
    at = rows.index(["this", "script", "1", "1", "1"])
    assert rows[at + 1] == ["refused", "1", "1", "1"]
    # Its command is no advice any more.
    assert "mailorigin block script:" in tracer("trace", sent["id"]).out
    assert tracer("block", f"script:{script.path}").status == 0
    try:
        site.httpd.wait_log("MO0268")
        text = tracer("trace", sent["id"]).out
        assert "it is blocked now:\n" in text and "mailorigin block " not in text
    finally:
        assert tracer("unblock", "--all").status == 0
        site.httpd.wait_log("MO0269")


def test_the_store_is_found_after_a_reload(site, tracer, mail):
    event, _, _ = mail
    tracer.when_stored(event["id"])
    site.httpd.graceful()
    again = site.blog.json.wait(site.blog.mail())["id"]  # the daemon has taken the policy anew
    assert tracer.when_stored(again)["event"]["id"] == again
    assert tracer("--json", "status").json["store"]["file"] == str(site.httpd.state_dir / "mail.db")


def test_what_is_not_known(tracer, mail):
    said = tracer.trace("01KBA1C2D3E4F5G6H7J8K9MNPQ")
    assert said.status == 1 and said.json["found"] is False and said.json["candidates"] == []
    assert tracer.trace("-", text=b"\xff\x00" * 5000).status == 1
    assert tracer("trace").status == 2


def test_top(site, tracer, mail):
    event, _, script = mail
    tracer.when_stored(event["id"])
    for _ in range(3):
        site.blog.mail()

    def rows(by):
        said = tracer("--json", "top", "--by", by, "--since", "15m", "--limit", "1000")
        return {row["name"]: row for row in json.loads(said.out)["rows"]}

    wait_until(lambda: sum(row["mails"] for row in rows("vhost").values()) >= 6, "six mails in top")
    by_vhost = rows("vhost")
    assert by_vhost[site.blog.full_name]["mails"] >= 4 and by_vhost[site.shop.full_name]["denied"] == 0
    assert rows("script")[str(script.path)]["mails"] == 1
    assert rows("uid")[str(SHOP_UID)]["mails"] >= 1
    assert rows("recipient-domain")["example.org"]["recipients"] >= 6
    text = tracer("top").out
    assert site.blog.full_name in text and "new" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert tracer("top", "--since", "soon").status == 2 and tracer("top", "--by", "moon").status == 2


def test_tail(site, tracer, mail):
    event, _, _ = mail
    tracer.when_stored(event["id"])
    # A line behind all that has been sent.
    mark = site.blog.mail()
    tracer.when_stored(site.blog.json.wait(mark)["id"])
    lines = tracer("--json", "tail", "--vhost", site.shop.name, "--lines", "1").out.splitlines()
    assert [json.loads(line)["vhost"] for line in lines] == [site.shop.full_name]
    assert tracer("tail", "--verdict", "redirect").status == 1
    following = subprocess.Popen(
        [str(tracer.program), "--runtime-dir", str(tracer.runtime_dir), "--json", "tail", "-f", "--lines", "0", "--vhost", "blog.example"],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )
    try:
        site.shop.mail()
        first = site.blog.mail()
        assert json.loads(following.stdout.readline())["subject"] == first
        before = site.httpd.daemon()
        os.kill(before, signal.SIGKILL)
        site.httpd.wait_log("MO01")
        second = site.blog.mail()
        assert json.loads(following.stdout.readline())["subject"] == second
    finally:
        following.kill()
        following.wait()
