"""The ways of docs/every-way-out.md that no request goes: what a mail server starts for a user, cron and at, a daemon of his own."""

import os
import shlex
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from delivering import HOME, Exim, Postfix
from driving import entries, events, only_event
from harness.guarded import staying
from harness.mail_servers import ORIGIN
from harness.site import SHOP_UID, new_mark
from harness.waiting import die_with_parent, wait_until
from relays import ELSEWHERE
from test_every_way_out import NOTHING, PAGE, PREPARED, REFUSED, REQUEST, UNRECORDED, USER, elsewhere, whose  # noqa: F401

SERVERS = [Postfix, Exim]
# From somebody else, whom an answer goes to.
TO_ONESELF = f"<?php var_dump(mail('shop@{ORIGIN}', $_GET['mark'], 'body', 'From: to@example.org', '-fto@example.org'));"
PASSED_ON = "of the mail that came"
PIPE = f'"|/bin/sh {HOME}/program"\n'
MESSAGE = r"printf 'From: me@shop.example\nTo: to@example.org\nSubject: MARK\n\nbody\n'"
# The files in a home, MARK for the word in the subject of what they send, and what becomes of that. A pair is of Postfix and of Exim.
FILES = {
    "address": ({".forward": "to@example.org\n"}, PASSED_ON),
    "pipe": ({".forward": PIPE, "program": MESSAGE + " | /usr/sbin/sendmail -t\n"}, USER),
    "pipe-real": ({".forward": PIPE, "program": MESSAGE + " | /usr/sbin/sendmail.distrib -t\n"}, UNRECORDED),
    "pipe-smtp": ({".forward": PIPE, "program": "/usr/sbin/smtp-source -S MARK -f me@shop.example -t to@example.org 127.0.0.1:25\n"}, USER),
    "procmail": (
        {".forward": '"|/usr/bin/procmail"\n', ".procmailrc": ':0 fhw\n| formail -I "Subject: MARK"\n\n:0\n! to@example.org\n'}, USER,
    ),
    "filter-deliver": ({".forward": "# Exim filter\ndeliver to@example.org\n"}, PASSED_ON),
    "filter-mail": ({".forward": "# Exim filter\nmail to to@example.org subject MARK text body\n"}, (NOTHING, UNRECORDED)),
    "filter-vacation": ({".forward": "# Exim filter\nvacation to to@example.org subject MARK\n", ".vacation.msg": "away\n"}, (NOTHING, UNRECORDED)),
    "filter-pipe": ({".forward": f"# Exim filter\npipe \"/bin/sh {HOME}/program\"\n", "program": MESSAGE + " | /usr/sbin/sendmail -t\n"}, (NOTHING, USER)),
    "sieve-redirect": ({".forward": '# Sieve filter\nredirect "to@example.org";\n'}, PASSED_ON),
    "sieve-vacation": ({".forward": '# Sieve filter\nrequire "vacation";\nvacation :subject "MARK" :addresses "shop@' + ORIGIN + '" "away";\n'}, (NOTHING, UNRECORDED)),
}  # fmt: skip

@pytest.fixture(autouse=True)
def forgotten(host):
    yield
    for file in HOME.iterdir():
        file.unlink()
    host.server.forget()


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    os.chown(path, SHOP_UID, SHOP_UID)


def ask(host, mark, way):
    shop = host.site.shop
    page = shop.write("way.php", PAGE)
    return shop.get(f"{page.uri}?{urlencode({'mark': mark, 'own': HOME, 'way': PREPARED + way})}").text


@contextmanager
def running(host, *command):
    """A service that was there before: of the machine's, with a /run of its own, or of the tenant's."""
    own_run = (
        f"mount -t tmpfs own /run; mkdir /run/mailorigin; mount --bind {host.site.httpd.runtime_dir} /run/mailorigin; exec {shlex.join(command)}"
    )
    with staying(host.ground):
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", own_run], env={"PATH": "/usr/sbin:/usr/bin:/bin"}, preexec_fn=die_with_parent,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("way", FILES)
def test_what_the_mail_server_does_for_a_user(host, way):
    came, sent = new_mark(), new_mark()
    files, becomes = FILES[way]
    expected = becomes if isinstance(becomes, str) else becomes[SERVERS.index(type(host.server))]
    for name, text in files.items():
        write(HOME / name, text.replace("MARK", sent))
    page = host.site.shop.write("to-oneself.php", TO_ONESELF)
    assert host.site.shop.get(f"{page.uri}?mark={came}").text == "bool(true)\n"
    event = only_event(host, came)
    wait_until(lambda: [each for each in entries(host) if each.get("mail_id") == event["id"]], "its queue id")
    deliver(host)
    if expected == PASSED_ON:
        (head,) = wait_until(lambda: elsewhere_bound(host, came), host.server.said()).values()
        assert event["id"] in head and only_event(host, came) == event
    elif expected == NOTHING:
        host.server.settled()
        assert not host.server.queued(sent) and not events(host, sent)
    else:
        assert whose(host, sent, host.server.said()) == expected


def deliver(host):
    with staying(host.ground):
        host.server.deliver()


def elsewhere_bound(host, mark):
    """What is in the queue once the mail to oneself has been delivered: Exim's keeps its id, Postfix's gets another."""
    queued = host.server.queued(mark)
    return queued if isinstance(host.server, Exim) or not any(e.get("queue_id") in queued for e in entries(host)) else {}


def test_a_bounce_is_its_mails(host):
    """To a sender who is somebody else: the event names him."""
    mark = new_mark()
    ask(host, mark, f"sed -i s/^To:.*/To:no-such-user@{ORIGIN}/ $message; sendmail -f victim@example.org -t <$message")
    event = only_event(host, mark)
    assert (event["verified"], event["envelope_from"], event["to"]) == (True, "victim@example.org", f"no-such-user@{ORIGIN}")
    deliver(host)
    (bounce,) = wait_until(lambda: host.server.queued("To: victim@example.org"), host.server.said())
    assert not [each for each in entries(host) if each.get("queue_id") == bounce]


def test_cron(host):
    marks = [new_mark() for _ in range(3)]
    programs = [f"{MESSAGE} | {program} -t".replace("%", r"\%") for program in ("/usr/sbin/sendmail", "/usr/sbin/sendmail.distrib")]
    jobs = [command.replace("MARK", mark) for mark, command in zip(marks, ["echo MARK", *programs])]
    table = Path("/var/spool/cron/crontabs/shop")
    write(table, "MAILTO=to@example.org\n" + "".join(f"@reboot {job}\n" for job in jobs))
    with running(host, "cron", "-f"):
        assert [whose(host, mark) for mark in marks] == [USER, USER, UNRECORDED]
    table.unlink()


def test_at(host):
    """A job has the environment of whoever has asked for it, and so the request's."""
    jobs = {
        "echo 'sendmail -t <'$message | at now": REQUEST,
        "echo 'sendmail -t <'$message | env -i /usr/bin/at now": USER,
        "echo $real' -t <'$message | at now": UNRECORDED,
    }
    marks = [new_mark() for _ in jobs]
    said = [ask(host, mark, job) for mark, job in zip(marks, jobs)]
    output = ask(host, "output", "echo 'echo said' | env -i /usr/bin/at -m now")
    before = len(entries(host))
    with running(host, "atd", "-f"):
        assert [whose(host, mark, said) for mark in marks] == list(jobs.values())
        own, = wait_until(lambda: [each for each in entries(host)[before:] if "Output from" in each.get("subject", "")], f"at's mail: {output}")
    assert (own["uid"], own["verified"], own["vhost"]) == (SHOP_UID, False, host.site.shop.full_name)


DAEMON = {
    "sendmail": ("sendmail -t <$message", USER),
    "requests-context": ("SSL_MAILORIGIN_CONTEXT=$context sendmail -t <$message", REQUEST),
    "real": ("$real -t <$message", UNRECORDED),
    "local": ("smtp-source -S $mark -f me@shop.example -t to@example.org 127.0.0.1:25", USER),
    "elsewhere": (f"smtp-source -S $mark -f me@shop.example -t to@example.org {ELSEWHERE}:25", REFUSED),
}  # fmt: skip


def test_a_daemon_of_the_tenants(host):
    """It was there before, and does what a request asks it: so does a service manager of the user's."""
    asked = HOME / "asked"
    os.mkfifo(asked)
    os.chown(asked, SHOP_UID, SHOP_UID)
    serve = f'while true; do while read -r line; do eval "$line"; done <{asked}; done'
    with running(host, "setpriv", f"--reuid={SHOP_UID}", f"--regid={SHOP_UID}", "--clear-groups", "bash", "-c", serve):
        for way, expected in DAEMON.values():
            mark, before = new_mark(), len(entries(host))
            ask(host, mark, f"way={shlex.quote(way)}; echo \"message=$message mark=$mark context=$SSL_MAILORIGIN_CONTEXT real=$real; $way\" >{asked}")
            if expected != REFUSED:
                assert whose(host, mark, way) == expected
                continue
            refused = wait_until(lambda: [each for each in entries(host)[before:] if each.get("dst") == ELSEWHERE], "its event")
            assert {(each["verdict"], each["verified"], each["uid"]) for each in refused} == {("deny", False, SHOP_UID)}
