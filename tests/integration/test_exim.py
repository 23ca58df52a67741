"""A real Exim that asks MailOriginEximSocket by the ACLs of conf/exim: what it refuses, holds and marks."""

import json
import os
import re
import socket
import subprocess

import pytest
from harness.accounts import Accounts
from harness.command import Command
from harness.httpd import free_port
from harness.mail_servers import ORIGIN, Exim, asking_exim
from harness.milter import TENANTS
from harness.mounts import unmount
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import wait_until
from test_submit import Submitting

SHOP = WITH_HEADER + "  MailOriginMaxRecipients 2 action=hold\n  MailOriginSender shop.example\n"
BLOG = WITH_HEADER + "  MailOriginSend hold\n"
# The real program, started by a tenant.
BY_SHOP = ["/usr/sbin/exim4", "-odq", "-t", "-f", "me@shop.example"]
TWO_MORE = "Cc: two@example.org, three@example.org\n"


class AskingExim(Exim):
    """With the two files of conf/exim, as an administrator includes them."""

    def __init__(self, socket):
        self.configuration = asking_exim(socket)
        super().__init__()

    def set_up(self):
        super().set_up()
        for name, uid in TENANTS.items():
            self.account("passwd", name, f"{uid}:{uid}:{name}:/:/bin/sh")
        self.write("bin/shows", "#!/bin/sh\ncat\n")
        (self.root / "bin/shows").chmod(0o755)

    def run(self, *command, uid=0, text=""):
        user = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        process = self.popen([*user, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(text.encode(), timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out.decode(), err.decode())

    def queued(self, mark):
        """The spool file of the message with that subject; empty if there is none."""
        files = [file.read_text(errors="replace") for file in (self.root / "var/spool/exim4/input").glob("*-H")]
        return next((text for text in files if f"Subject: {mark}\n" in text), "")

    def wait(self, mark):
        return wait_until(lambda: self.queued(mark), f"a message {mark} in Exim's queue")


def header(spooled, name):
    """The values of a field; one that an ACL has taken out has a star."""
    return re.findall(rf"^\d+[^*\n] {name}: (.*)$", spooled, re.M)


def is_frozen(spooled):
    return "\n-frozen " in spooled


def message(mark, more="", sender="me@shop.example"):
    return f"From: {sender}\nTo: to@example.org\nSubject: {mark}\n{more}\nbody\n"


@pytest.fixture(scope="module")
def accounts(installation):
    with Accounts(installation.root, installation.directory("exim-accounts"), {Exim.user: Exim.uid, **TENANTS}):
        yield


@pytest.fixture(scope="module")
def module_site(installation, accounts):
    hosts = [Vhost("shop", SHOP_UID, SHOP), Vhost("blog", BLOG_UID, BLOG)]
    server = SERVER + "MailOriginEximSocket {dir}/run/mo/exim.sock\n"
    site = Submitting(installation, installation.directory("exim"), hosts, server=server)
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture(scope="module")
def exim(module_site):
    runtime = module_site.httpd.runtime_dir
    made = AskingExim(runtime / "exim.sock")
    # A socket is another one in an overlay.
    inside = made.root / runtime.relative_to("/")
    state = made.root / module_site.httpd.state_dir.relative_to("/")
    subprocess.run(["mount", "--bind", runtime, inside], check=True)
    subprocess.run(["mount", "--bind", module_site.httpd.state_dir, state], check=True)
    try:
        yield made
    finally:
        unmount(inside)
        unmount(state)
        made.remove()


@pytest.fixture
def submit(module_site, exim):
    """mailorigin-sendmail before Exim, as a tenant starts it."""
    command = [word for word in module_site.command if not word.startswith("--mailorigin-real=")]

    def run(text, *arguments, uid=SHOP_UID, real="/usr/sbin/exim4", environment=None):
        variables = ["env", *(f"{name}={value}" for name, value in (environment or {}).items())]
        return exim.run(*variables, *command, f"--mailorigin-real={real}", "-odq", "-oee", *arguments, uid=uid, text=text)

    return run


@pytest.fixture
def command(module_site, exim):
    """`mailorigin`, on the mail server's side."""
    program = Command(module_site.installation, module_site.httpd.runtime_dir)

    def run(*arguments):
        return exim.run(str(program.program), "--runtime-dir", str(program.runtime_dir), *arguments)

    return run


def test_nothing_is_held_before_exim_has_asked(site, exim, submit):
    mark = new_mark()
    refused = submit(message(mark, TWO_MORE), "-t")
    assert refused.returncode == 77 and "not sent: no-hold" in refused.stderr
    assert site.shop.json.wait(mark)["reason"] == "no-hold" and not exim.queued(mark)
    said = Command(site.installation, site.httpd.runtime_dir)("status")
    assert "MailOriginEximSocket is set, and the mail server has not asked yet" in said.out


def test_a_recorded_mail_is_known_by_its_ticket(site, exim, submit):
    mark = new_mark()
    assert submit(message(mark, "X-Mail-Origin: forged\nX-Mail-Origin-Ticket: 01M801QSC6JQQBAKA335ZGE4Y2\n"), "-t").returncode == 0
    spooled = exim.wait(mark)
    event = site.shop.json.wait(mark)
    assert (event["kind"], event["verdict"]) == ("submit", "allow")
    assert header(spooled, "X-Mail-Origin") == [event["id"]] and not header(spooled, "X-Mail-Origin-Ticket")
    assert not is_frozen(spooled)
    passage = site.shop.json.wait(f'"mail_id":"{event["id"]}"')
    assert (passage["kind"], passage["queue_id"]) == ("queue", spooled.splitlines()[0].removesuffix("-H"))


def test_hold_freezes_and_the_sender_hears_of_success(site, exim, submit, command):
    marks = {uid: new_mark() for uid in (SHOP_UID, BLOG_UID)}
    assert submit(message(marks[SHOP_UID], TWO_MORE), "-t").returncode == 0
    assert submit(message(marks[BLOG_UID]), "-t", uid=BLOG_UID).returncode == 0
    for host, uid in ((site.shop, SHOP_UID), (site.blog, BLOG_UID)):
        assert is_frozen(exim.wait(marks[uid]))
        assert host.json.wait(marks[uid])["verdict"] == "hold"
    shop, blog = (host.json.wait(marks[uid]) for host, uid in ((site.shop, SHOP_UID), (site.blog, BLOG_UID)))

    def listed(*options):
        return {each["id"]: each for each in json.loads(command("--json", "held", *options).stdout)["held"]}

    wait_until(lambda: {shop["id"], blog["id"]} <= set(listed()), "the store to know both")
    held = listed("--site", shop["site"])[shop["id"]]
    assert (held["reason"], held["subject"], held["vhost"]) == ("max-recipients", marks[SHOP_UID], shop["vhost"])
    assert sorted(held["recipients"]) == ["three@example.org", "to@example.org", "two@example.org"]
    assert set(listed("--site", blog["vhost"])) == {blog["id"]}

    assert command("release").returncode == 2
    said = command("release", shop["id"])
    assert said.returncode == 0 and said.stdout.startswith(f"released {shop['id']}"), said
    wait_until(lambda: not is_frozen(exim.queued(marks[SHOP_UID])), "the message to be let go")
    again = command("release", shop["id"])
    assert again.returncode == 1 and "No mail on hold is meant by that" in again.stdout
    said = command("discard", "--site", blog["site"])
    assert said.returncode == 0 and f"discarded {blog['id']}" in said.stdout, said
    assert not exim.queued(marks[BLOG_UID])
    empty = command("held", "--site", blog["site"])
    assert empty.returncode == 1 and "Nothing is on hold" in empty.stdout


def test_what_goes_around_the_wrapper_is_judged_by_its_user(site, exim):
    mark = new_mark()
    assert exim.run(*BY_SHOP, uid=SHOP_UID, text=message(mark, "X-Mail-Origin: forged\n")).returncode == 0
    event = site.shop.json.wait(mark)
    assert (event["kind"], event["verdict"], event["reason"], event["uid"]) == ("submit", "observe", "unrecorded", SHOP_UID)
    spooled = exim.wait(mark)
    assert header(spooled, "X-Mail-Origin") == [event["id"]]
    assert event["queue_id"] == spooled.splitlines()[0].removesuffix("-H")


def test_no_sender_is_as_none(site, exim):
    mark = new_mark()
    assert exim.run("/usr/sbin/exim4", "-odq", "-t", uid=SHOP_UID, text=f"To: to@example.org\nSubject: {mark}\n\nbody\n").returncode == 0
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"], event["envelope_from"]) == ("observe", "unrecorded", ACCOUNT)


def test_a_stolen_ticket_opens_nothing(site, exim, submit):
    mark, again = new_mark(), new_mark()
    assert submit(message(mark), "-t").returncode == 0
    ticket = site.shop.json.wait(mark)["id"]
    assert exim.run(*BY_SHOP, uid=SHOP_UID, text=message(again, f"X-Mail-Origin-Ticket: {ticket}\n")).returncode == 0
    event = site.shop.json.wait(again)
    assert event["id"] != ticket and event["reason"] == "unrecorded"
    assert not header(exim.wait(again), "X-Mail-Origin-Ticket")


ACCOUNT = f"shop@{ORIGIN}"
CLAIMS = {  # what is asked about, and From and the envelope sender of that in the queue
    "no sender": ("", [], f"shop <{ACCOUNT}>", ACCOUNT),
    "an envelope": ("", ["-f", "me@shop.example"], "shop <me@shop.example>", "me@shop.example"),
    "a From": ("From: Me <me@shop.example>\n", [], "Me <me@shop.example>", ACCOUNT),
    "both": ("From: me@shop.example\n", ["-f", "you@shop.example"], "me@shop.example", "you@shop.example"),
}
FORGERIES = [
    ("From: bank@bank.example", []),
    ("From:\n bank@bank.example", []),
    ("From: me@shop.example\nFrom: bank@bank.example", []),
    ("From: Us: me@shop.example, bank@bank.example;", []),
    ("From: " + "me@shop.example, " * 100 + "bank@bank.example", []),
    ("From: bank@bank.example <me@shop.example>", []),
    ("From:" + " " * 2000 + "bank@bank.example", []),
    ("From: me@shop.example" + "\n " * 1000 + ", bank@bank.example", []),
    ("From: me@shop.example\n" + "From:\n" * 1000 + "From: bank@bank.example", []),
    (f"From: blog@{ORIGIN}", ["-f", "me@shop.example"]),
    ("From: me@shop.example", ["-f", "bank@bank.example"]),
    ("X-Other: no From", ["-f", "bank@bank.example"]),
]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_ticket_is_of_the_senders_that_were_judged(site, exim, submit, claim):
    """Who asks names its own real program, which reads the ticket: each forgery is judged by what it is."""
    fields, options, sender, envelope = CLAIMS[claim]
    mark = new_mark()
    rest = f"To: to@example.org\nSubject: {mark}\n\nbody\n"
    marked = submit(fields + rest, "-t", *options, real="/bin/shows").stdout
    event = site.shop.json.wait(mark)
    ticket = f"X-Mail-Origin-Ticket: {event['id']}\n"
    assert ticket in marked
    for forged, forged_options in FORGERIES:
        other = new_mark()
        program = ["/usr/sbin/exim4", "-odq", "-oep", "-t", *forged_options]
        assert exim.run(*program, uid=SHOP_UID, text=f"{ticket}{forged}\n{rest}".replace(mark, other)).returncode != 0, forged
        assert site.shop.json.wait(other)["reason"] == "sender" and not exim.queued(other)
    assert exim.run("/usr/sbin/exim4", "-odq", "-oep", "-t", *options, uid=SHOP_UID, text=marked).returncode == 0
    passed = site.shop.json.wait(f'"mail_id":"{event["id"]}"')
    assert (passed["from"], passed["envelope_from"]) == (sender, envelope)
    assert [entry["kind"] for entry in site.shop.json.entries() if entry.get("subject") == mark] == ["submit"]


@pytest.mark.parametrize(
    ("fields", "arguments", "envelope"),
    [
        ("From: root (Cron Daemon)\nTo: to@example.org", ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "to@example.org"], f"other@{ORIGIN}"),
        ("To: to@example.org", ["-t"], f"other@{ORIGIN}"),
        ("To: to@example.org", ["-t", "-f", "<>"], "<>"),
    ],
    ids=["cron", "-t alone", "null sender"],
)
def test_what_is_handed_to_our_sendmail_passes(site, exim, submit, fields, arguments, envelope):
    mark = new_mark()
    assert submit(f"{fields}\nSubject: {mark}\n\nbody\n", *arguments, uid=OTHER_UID).returncode == 0
    event = site.server_json.wait(mark)
    assert (event["kind"], event["verdict"]) == ("submit", "allow") and "reason" not in event
    assert site.server_json.wait(f'"mail_id":"{event["id"]}"')["envelope_from"] == envelope
    assert not is_frozen(exim.wait(mark))
    assert [entry["kind"] for entry in site.server_json.entries() if entry.get("subject") == mark] == ["submit"]


@pytest.mark.parametrize("way", ["program", "dialogue"])
def test_it_refuses(site, exim, way):
    mark = new_mark()
    text = message(mark, sender="ceo@bank.example")
    if way == "program":
        done = exim.run(*BY_SHOP, "-oep", uid=SHOP_UID, text=text)
        assert done.returncode != 0
    else:
        lines = ["EHLO me", "MAIL FROM:<me@shop.example>", "RCPT TO:<to@example.org>", "DATA", *text.split("\n")[:-1], ".", "QUIT", ""]
        done = exim.run("/usr/sbin/exim4", "-odq", "-bs", uid=SHOP_UID, text="\r\n".join(lines))
        assert re.search(r"^550.*not sent: sender \(event [0-9A-Z]{26}\)", done.stdout, re.M), done
    assert site.shop.json.wait(mark)["reason"] == "sender" and not exim.queued(mark)


@pytest.fixture
def port(exim):
    """Where Exim listens for SMTP."""
    number = free_port()
    daemon = exim.popen(["/usr/sbin/exim4", "-odq", "-bdf", "-oX", f"<; [127.0.0.1]:{number} ; [::1]:{number}"])
    try:
        wait_until(lambda: is_listening(number), "Exim to listen")
        yield number
    finally:
        daemon.kill()
        daemon.wait()


def is_listening(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def by_smtp(vhost, port, mark, more="", recipients=("to@example.org",), address="127.0.0.1"):
    vhost.write("smtp.php", SMTP)
    return vhost.run(f"<?php require 'smtp.php'; echo smtp('{address}', {port}, {json.dumps(message(mark, more).replace('$', ''))}, {json.dumps(recipients)});").text


SMTP = """<?php
function smtp($address, $port, $message, $recipients) {
  $socket = fsockopen($address, $port);
  $said = fgets($socket);
  $rcpt = array_map(fn($each) => "RCPT TO:<$each>", $recipients);
  foreach (["HELO me", "MAIL FROM:<me@shop.example>", ...$rcpt, "DATA", str_replace("\n", "\r\n", $message) . "."] as $command) {
    fwrite($socket, "$command\r\n");
    $said .= fgets($socket);
  }
  fwrite($socket, "QUIT\r\n");
  return $said;
}
"""


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_smtp_of_a_script_is_under_its_hosts_rules(site, exim, port, address):
    mark, forger, many = new_mark(), new_mark(), new_mark()
    assert "250 OK id=" in by_smtp(site.shop, port, mark, "X-Mail-Origin: forged\n", address=address)
    event, spooled = site.shop.json.wait(mark), exim.wait(mark)
    assert (event["kind"], event["verdict"], event["uid"], event["site"]) == ("submit", "allow", SHOP_UID, "shop.example")
    assert "reason" not in event and "uid_from" not in event and event["cookie"]
    assert event["queue_id"] == spooled.splitlines()[0].removesuffix("-H")
    assert header(spooled, "X-Mail-Origin") == [event["id"]]
    said = by_smtp(site.shop, port, forger, "From: bank@bank.example\n", address=address)
    event = site.shop.json.wait(forger)
    assert f"550 not sent: sender (event {event['id']})" in said and not exim.queued(forger)
    by_smtp(site.shop, port, many, recipients=["to@example.org", "two@example.org", "three@example.org"], address=address)
    assert is_frozen(exim.wait(many)) and site.shop.json.wait(many)["reason"] == "max-recipients"


@pytest.mark.parametrize(
    "fields",
    [
        "From : ceo@bank.example\n",
        "From\n : ceo@bank.example\n",
        "From: me@shop.example\nFrom\t: ceo@bank.example\n",
        "From: me@shop.example" + " " * 1200 + ", ceo@bank.example\n",
        "From: me@shop.example\n" + " \n" * 600 + " , ceo@bank.example\n",
        "From: me@shop.example\0, ceo@bank.example\n",
        "".join(f"X-{number}: {'x' * 900}\n" for number in range(80)) + "From : ceo@bank.example\n",
    ],
    ids=["blank", "folded", "beside-a-good-one", "cut", "cut-in-folds", "nul", "behind-64k"],
)
def test_no_sender_is_hidden_from_its_rule(site, exim, fields):
    mark = new_mark()
    exim.run(*BY_SHOP, "-oep", uid=SHOP_UID, text=f"Subject: {mark}\nTo: to@example.org\n{fields}\nbody\n")
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "sender") and not exim.queued(mark)


def test_fifty_kilobytes_of_fields_hide_no_sender(site, exim):
    mark = new_mark()
    fields = "".join(f"X-{number}: {'x' * 900}\n" for number in range(60))
    assert exim.run(*BY_SHOP, uid=SHOP_UID, text=message(mark, fields)).returncode == 0
    assert site.shop.json.wait(mark)["envelope_from"] == "me@shop.example" and exim.wait(mark)


def test_roots_own_mail_passes(site, exim):
    mark = new_mark()
    assert exim.run("/usr/sbin/exim4", "-odq", "-t", text=message(mark)).returncode == 0
    event = site.server_json.wait(mark)
    assert (event["verdict"], event["uid"]) == ("allow", 0) and not is_frozen(exim.wait(mark))


@pytest.fixture
def stricter(site):
    """A host may send two mails, and who has no host none that was not asked about."""
    before = site.server_text, site.shop.directives
    site.shop.directives += "  MailOriginLimit 2/hour burst=2\n"
    site.configure(site.server_text + "MailOriginUnrecorded hold\n")
    site.httpd.graceful()
    yield
    site.shop.directives = before[1]
    site.configure(before[0])
    site.httpd.graceful()


def test_what_nobody_has_asked_about_is_held(site, exim, stricter):
    mark, roots = new_mark(), new_mark()
    assert exim.run("/usr/sbin/exim4", "-odq", "-t", uid=OTHER_UID, text=message(mark)).returncode == 0
    event = site.server_json.wait(mark)
    assert (event["verdict"], event["reason"], event["uid"]) == ("hold", "unrecorded", OTHER_UID) and is_frozen(exim.wait(mark))
    assert exim.run("/usr/sbin/exim4", "-odq", "-t", text=message(roots)).returncode == 0
    assert not is_frozen(exim.wait(roots))


def test_smtp_is_limited(site, exim, port, stricter):
    marks = [new_mark() for _ in range(3)]
    said = [by_smtp(site.shop, port, mark) for mark in marks]
    assert ["250 OK id=" in each for each in said] == [True, True, False]
    event = site.shop.json.wait(marks[2])
    assert (event["kind"], event["verdict"], event["reason"]) == ("submit", "deny", "limit")
    assert f"550 not sent: limit (event {event['id']})" in said[2] and not exim.queued(marks[2])


@pytest.fixture
def block(site, command):
    yield lambda *arguments: command("block", *arguments)
    command("unblock", "--all")
    site.httpd.allow_log("MO0268")
    site.httpd.wait_log("MO0269")


def test_a_block_is_above_hold(site, exim, port, block):
    held, refused, direct, other = (new_mark() for _ in range(4))
    by_smtp(site.blog, port, held)
    assert site.blog.json.wait(held)["reason"] == "policy" and is_frozen(exim.wait(held))
    assert block(f"site:{site.blog.name}").returncode == 0
    said = by_smtp(site.blog, port, refused)
    assert f"550 not sent: blocked (event {site.blog.json.wait(refused)['id']})" in said
    assert exim.run(*BY_SHOP, "-oep", uid=BLOG_UID, text=message(direct)).returncode != 0
    for mark in (refused, direct):
        event = site.blog.json.wait(mark)
        assert (event["verdict"], event["reason"]) == ("deny", "blocked") and not exim.queued(mark)
    block(f"site:{site.shop.name}", "--hold")
    assert "250 OK id=" in by_smtp(site.shop, port, other)
    event = site.shop.json.wait(other)
    assert (event["verdict"], event["reason"]) == ("hold", "blocked") and is_frozen(exim.wait(other))


def test_a_line_that_is_none_lets_nothing_in(site, exim):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(site.httpd.runtime_dir / "exim.sock"))
        asking.sendall(b"verdict=allow please\n")
        assert asking.recv(100) == b"verdict=defer\n"
    site.httpd.wait_log("MO0261")
    exim.run("/usr/sbin/exim4", "-odq", "-t", text=message(new_mark()))
    site.httpd.wait_log("MO0262")
    assert oct(os.stat(site.httpd.runtime_dir / "exim.sock").st_mode)[-3:] == "600"


def test_without_a_daemon_it_waits(site, exim):
    mark = new_mark()
    door = site.httpd.runtime_dir / "exim.sock"
    away = door.rename(f"{door}.away")
    try:
        assert exim.run(*BY_SHOP, uid=SHOP_UID, text=message(mark)).returncode == 0
    finally:
        away.rename(door)
    assert is_frozen(exim.wait(mark)) and not site.shop.json.lines_with(mark)
