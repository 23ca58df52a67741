"""msmtp, nullmailer and dma in the mail server's place, behind our sendmail: what they are told, what is recorded, and who connects.

docs/mailers.md has a table; MAILORIGIN_WRITE_DOCS=1 writes it anew.
"""

import os
import subprocess
from datetime import datetime, timezone

import pytest
from driving import ALL_MAILERS, MAILERS, SENT, check_table, entries, events, only_event
from harness.guarded import staying
from harness.site import SHOP_UID, new_mark
from harness.waiting import wait_until
from machine import REAL_SENDMAIL, SENDMAIL
from relays import ELSEWHERE, Dma, Msmtp, Nullmailer

SERVERS = [Msmtp, Nullmailer, Dma]
HEAD = "\n| mailer | way | msmtp | nullmailer | dma |\n|---|---|---|---|---|\n"
# Those that hand their mail to sendmail.
BY_SENDMAIL = [mailer for mailer in MAILERS if mailer.kind != "smtp"]


@pytest.fixture(scope="session")
def cells():
    """What a server's column says of a mailer."""
    return {}


def now():
    return datetime.now(timezone.utc)


def connections(host, since=None):
    """Those of that time or later: a mail may have arrived before its connection's event has."""
    made = [entry for entry in entries(host) if entry["kind"] == "smtp" and entry.get("dst") == ELSEWHERE]
    return [entry for entry in made if since is None or datetime.fromisoformat(entry["time"]) >= since]


@pytest.mark.parametrize("mailer", BY_SENDMAIL, ids=lambda mailer: mailer.script.stem)
def test_mailer(host, cells, mailer):
    began = now()
    page, mark, answer = mailer.drive(host)
    # nullmailer's own program ends without an answer to some messages that it has taken.
    assert answer.endswith(SENT) or "-bs" in mailer.way, answer
    if "-bs" in mailer.way and not host.server.speaks_smtp:
        assert events(host, mark) == [] and host.server.arrived(mark) == []
        cells[type(host.server), mailer] = "not sent"
        return
    head, = wait_until(lambda: host.server.arrived(mark), "the mail to arrive elsewhere")
    event = only_event(host, mark)
    assert (event["kind"], event["verdict"]) == (mailer.kind, "allow")
    assert event["verified"] and event["caller"] == f"{page.path}:{page.line_of('# here')}"
    assert head.count("X-Mail-Origin:") == 1 and event["id"] in head and "Ticket" not in head
    if host.server.connects_as_sender:
        made = wait_until(lambda: connections(host, began), "its connection's event")
        said = [(each["verdict"], each["reason"], each["verified"], each["entry"]) for each in made]
        assert said == [("allow", "smtp-allow", True, str(page.path))]
    else:
        assert connections(host) == []
    cells[type(host.server), mailer] = f"`{event['kind']}`"


def test_the_table_says_so(cells):
    """Of each mailer that every one of them was tried with."""
    rows = [
        f"| {mailer.name} | {mailer.way} | {' | '.join(cells[server, mailer] for server in SERVERS)} |\n"
        for mailer in BY_SENDMAIL if all((server, mailer) in cells for server in SERVERS)
    ]  # fmt: skip
    check_table(HEAD, rows, len([mailer for mailer in ALL_MAILERS if mailer.kind != "smtp"]))


def as_shop(host, program, *arguments, text=""):
    command = ["setpriv", f"--reuid={SHOP_UID}", f"--regid={SHOP_UID}", "--clear-groups", program, *arguments]
    with staying(host.ground):
        done = subprocess.run(command, input=text, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, timeout=30)
    # Programs name themselves in what they say.
    return done.returncode, *(said.replace(str(program), "sendmail").replace(f"{program.name}:", "sendmail:") for said in (done.stdout, done.stderr))


def message(mark):
    return f"From: me@shop.example\nTo: to@example.org\nSubject: {mark}\n\nbody\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["-t"], ["-t", "-i"], ["-oi", "-t"], ["to@example.org"], ["-i", "--", "to@example.org"], ["-f", "me@shop.example", "-t"],
        ["-fme@shop.example", "to@example.org"], ["-r", "me@shop.example", "-t"], ["-F", "A Name", "-t"], ["-O", "DeliveryMode=q", "-t"],
        ["-B", "8BITMIME", "-t"], ["-N", "never", "-t"], ["-R", "hdrs", "-t"], ["-odb", "-oem", "-t"], ["-X", "/dev/null", "-t"],
        ["-U", "-n", "-t"], ["--bogus", "-t"], ["-z"], ["--read-recipients"], ["-bp"], ["-V", "id", "-t"], [],
    ],
    ids=" ".join,
)  # fmt: skip
def test_it_is_told_what_its_caller_said(host, arguments):
    """It answers as without us, and sends what it would send."""
    marks = [new_mark(), new_mark()]
    said = [as_shop(host, program, *arguments, text=message(mark)) for program, mark in zip((REAL_SENDMAIL, SENDMAIL), marks)]
    assert said[0] == said[1]
    if said[0][0] == 0 and "-bp" not in arguments:
        for mark in marks:
            wait_until(lambda: host.server.arrived(mark), "the mail to arrive elsewhere")
        event = only_event(host, marks[1])
        assert event["recipients"] == 1 and event["user"] == "shop"
        assert event["id"] in host.server.arrived(marks[1])[0]
    else:
        assert host.server.arrived(marks[0]) == host.server.arrived(marks[1]) == []


AS_HOSTILE = [
    [], ["-q"], ["-q5m"], ["-qf"], ["-q", "5m"], ["-d", "1"], ["-d1"], ["-I"], ["-v"], ["-bp"], ["-bi"], ["-bd"], ["-bt"], ["-be"], ["-bv", "to@example.org"],
    ["-bv"], ["-bh", "192.0.2.1"], ["-bP"], ["-bS"], ["-ba"], ["-bq"], ["-bm"], ["-bnq"], ["-N", "never"], ["-p", "SMTP"], ["-h", "3"], ["-Ac"],
    ["-C", "/dev/null"], ["-e", "m"], ["-o", "i"], ["--"], ["-i", "--"], ["--version"], ["--read-recipients"], ["--pretend", "-t"],
    ["--host=192.0.2.25", "-t"], ["--read-envelope-from", "-t"], ["-D"], ["-a", "default", "-t"], ["-bf", "-t"], ["-L", "tag"], ["-X", "/dev/null"],
]  # fmt: skip


@pytest.mark.parametrize("name", ["sendmail", "mailq", "newaliases", "nullmailer-inject", "dma", "msmtp"])
def test_nothing_is_sent_unasked(host, name, tmp_path_factory):
    """Whatever our program is called, and told: what arrives has an event, which knows of all its recipients."""
    directory = tmp_path_factory.getbasetemp()
    directory.chmod(0o755)
    program = directory / name
    if not program.exists():
        program.symlink_to("/usr/sbin/mailorigin-sendmail")
    for arguments in AS_HOSTILE if name == "sendmail" else [[], ["-q"], ["-t"]]:
        mark = new_mark()
        as_shop(host, program, *arguments, text=f"From: me@shop.example\nTo: to@example.org, two@example.org\nSubject: {mark}\n\nbody\n")
        # It queues one mail after the other: once a later one has arrived, this one has.
        last = new_mark()
        as_shop(host, SENDMAIL, "-t", text=message(last))
        wait_until(lambda: host.server.arrived(last), "a later mail to arrive")
        for head in host.server.arrived(mark):
            event = only_event(host, mark)
            assert event["id"] in head, arguments
            assert event["recipients"] >= head.count("X-Rcpt-Args:"), arguments


def test_what_is_refused_is_not_handed_on(host):
    mark = new_mark()
    began = now()
    recipients = [f"to{number}@example.org" for number in range(3)]
    status, out, err = as_shop(host, SENDMAIL, "-i", *recipients, text=message(mark))
    assert (status, out) == (77, "") and "not sent: max-recipients" in err
    event = only_event(host, mark)
    assert event["verdict"] == "deny" and event["id"] in err
    # The connection of a later one is in the log after all that were before it.
    last = new_mark()
    as_shop(host, SENDMAIL, "-t", text=message(last))
    wait_until(lambda: host.server.arrived(last), "a later mail to arrive")
    if host.server.connects_as_sender:
        assert len(wait_until(lambda: connections(host, began), "its connection's event")) == 1
    else:
        assert connections(host) == []
    assert host.server.arrived(mark) == []


def test_nobody_is_there_to_take_it(host):
    """Who asks hears so, or it waits: it is recorded either way, once."""
    mark = new_mark()
    with host.server.nobody_elsewhere():
        assert as_shop(host, REAL_SENDMAIL, "-t", text=message(new_mark())) == (said := as_shop(host, SENDMAIL, "-t", text=message(mark)))
    assert only_event(host, mark)["verdict"] == "allow" and (said[0] == 0) == host.server.queues
