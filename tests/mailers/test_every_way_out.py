"""The ways of docs/every-way-out.md, as a tenant goes them who would rather not be seen: whatever arrives has an event of its own.

Each is started by a script of the shop's; test_mailers.py has what honest mailers do.
"""

import os
import subprocess
from urllib.parse import urlencode

import pytest
from driving import entries, events
from harness.site import new_mark
from harness.waiting import wait_until
from relays import ELSEWHERE
from servers import Exim, Postfix

SERVERS = [Postfix, Exim]
PAGE = """<?php
putenv("mark=$_GET[mark]"); putenv("TMPDIR=$_GET[own]");
exec('bash -c ' . escapeshellarg($_GET['way']) . ' 2>&1', $said);
echo implode("\\n", $said);
"""
PREPARED = r"""
message=$(mktemp); printf 'From: me@shop.example\nTo: to@example.org\nSubject: %s\n\nbody\n' "$mark" >$message
lines=(MAIL\ FROM:'<me@shop.example>' RCPT\ TO:'<to@example.org>' DATA "Subject: $mark" '' body .)
dialogue() { printf '%s\r\n' 'EHLO me' "${lines[@]}" QUIT; }
smtp() { exec 3<>/dev/tcp/$1/25 && for line in 'EHLO me' "${lines[@]:0:3}"; do sleep 0.05; printf '%s\r\n' "$line" >&3; done
  sleep 0.05; printf '%s\r\n' "${lines[@]:3}" QUIT >&3; cat <&3; }
# In a user namespace Postfix's postdrop has not its group, and tries for ever to make a file in maildrop.
in_namespace() { exec 4< <(exec setsid unshare -Ur "$@" <$message 2>&1); grep -m1 -o mail_queue_enter <&4; kill -KILL -- -$!; }
export -f smtp
real=/usr/sbin/sendmail.distrib
"""
# What becomes of it: whose the event is (the request's, or the user's alone), and its reason. A pair is of Postfix and of Exim.
REQUEST, USER, UNRECORDED, REFUSED = "request", "user", "user, unrecorded", "refused by the firewall"
ASKED, NOTHING = "the request's, and nothing arrives", "nothing"
WAYS = {
    "sendmail": ("sendmail -t <$message", REQUEST),
    "sendmail-bs": ("dialogue | sendmail -bs", REQUEST),
    "emptied": ("env -i /usr/sbin/sendmail -t <$message", REQUEST),
    "left-behind": ("env -i setsid nohup sh -c '(sleep 0.2; /usr/sbin/sendmail -t <'$message') &' >/dev/null", REQUEST),
    "another-context": ("SSL_MAILORIGIN_CONTEXT=forged sendmail -t <$message", REQUEST),
    "no-daemon": ("sendmail --mailorigin-socket=/nowhere -t <$message", NOTHING),  # without syslog nobody would know
    "another-name": ("ln -sf /usr/sbin/mailorigin-sendmail $TMPDIR/rsmtp; $TMPDIR/rsmtp -t <$message; rm $TMPDIR/rsmtp", REQUEST),
    "other-name": ("/usr/lib/sendmail -t <$message", REQUEST),
    "own-php": ("env -i php -n -r 'mail(\"to@example.org\", $argv[1], \"body\");' $mark", REQUEST),
    "own-php-real": ("php -n -d sendmail_path=\"$real -t\" -r 'mail(\"to@example.org\", getenv(\"mark\"), \"body\");'", UNRECORDED),
    "perl": ("perl -e '%ENV = (); open M, \"|-\", qw(/usr/sbin/sendmail -t); print M <>' $message", REQUEST),
    "real": ("$real -t <$message", UNRECORDED),
    "real-bs": ("dialogue | $real -bs", (UNRECORDED, USER)),
    "real-detached": ("env -i setsid /usr/sbin/sendmail.distrib -t <$message", UNRECORDED),
    "real-ticketed": (r"sed -i '1i X-Mail-Origin-Ticket: 01M801QSC6JQQBAKA335ZGE4Y2' $message; $real -t <$message", UNRECORDED),
    "real-forged": (r"sed -i '1i X-Mail-Origin: 01M801QSC6JQQBAKA335ZGE4Y2' $message; $real -t <$message", UNRECORDED),
    "real-configured": ("mkdir -p $TMPDIR/own; cp /etc/postfix/main.cf $TMPDIR/own 2>/dev/null; $real -C $TMPDIR/own -t <$message", NOTHING),
    "real-batch": ("dialogue | $real -bS", (NOTHING, UNRECORDED)),
    "real-named": ("dialogue | (exec -a rsmtp $real)", (NOTHING, UNRECORDED)),
    "real-trusted": ("$real -oMa 192.0.2.9 -oMr esmtp -oMt root -t <$message", UNRECORDED),
    "postdrop": (
        "python3 -c 'import os, sys, time; r = lambda t, d=\"\": sys.stdout.write(t + chr(len(d)) + d); r(\"S\", \"me@shop.example\"); "
        "r(\"R\", \"to@example.org\"); r(\"M\"); r(\"N\", \"Subject: \" + os.environ[\"mark\"]); r(\"N\"); r(\"N\", \"body\"); r(\"X\"); r(\"E\")' "
        "| postdrop", (UNRECORDED, NOTHING),
    ),
    "namespace": ("in_namespace /usr/sbin/sendmail -t", ASKED),
    "namespace-real": ("in_namespace $real -t", NOTHING),
    "local": ("smtp 127.0.0.1", REQUEST),
    "local-detached": ("env -i setsid bash -c \"mark=$mark; $(declare -p lines); $(declare -f smtp); smtp 127.0.0.1\"", REQUEST),
    "local-python": (
        "env -i setsid -f python3 -c 'import smtplib, sys; smtplib.SMTP(\"localhost\").sendmail(\"me@shop.example\", "
        "[\"to@example.org\"], f\"Subject: {sys.argv[1]}\\n\\nbody\")' $mark >/dev/null 2>&1", REQUEST,
    ),
    "local-tool": ("smtp-source -S $mark -f me@shop.example -t to@example.org 127.0.0.1:25", REQUEST),
    "elsewhere": (f"smtp {ELSEWHERE}", REFUSED),
    "elsewhere-tool": (f"smtp-source -S $mark -f me@shop.example -t to@example.org {ELSEWHERE}:25", REFUSED),
    "elsewhere-namespace": (f"unshare -Ur bash -c \"$(declare -p lines); smtp {ELSEWHERE}\"", REFUSED),
}  # fmt: skip


def whose(host, mark, said=""):
    """What has become of a message of the shop's that arrives: it has one event, which has its queue id, and the header of that."""
    shop = host.site.shop
    wait_until(lambda: host.server.queued(mark), f"its arrival: {said} {host.server.said()}")
    host.server.settled()
    (queue_id, head), = wait_until(lambda: host.server.queued(mark), "it in a queue").items()  # which may change as one looks
    event, = wait_until(lambda: events(host, mark), "its event")
    assert event.get("queue_id") == queue_id or wait_until(
        lambda: [each for each in entries(host) if each.get("mail_id") == event["id"] and each["queue_id"] == queue_id], "its queue id"
    )
    who = REQUEST if event["verified"] else UNRECORDED if event.get("reason") == "unrecorded" else USER
    assert (event["uid"], event.get("vhost")) == (shop.uid, shop.full_name), event
    assert head.count("X-Mail-Origin:") == 1 and event["id"] in head and "Ticket" not in head
    return who


@pytest.fixture(scope="session", autouse=True)
def elsewhere():
    subprocess.run(["ip", "addr", "replace", f"{ELSEWHERE}/32", "dev", "lo"], check=True)


@pytest.mark.parametrize("way", WAYS)
def test_way(host, way):
    shop, mark = host.site.shop, new_mark()
    command, becomes = WAYS[way]
    expected = becomes if isinstance(becomes, str) else becomes[SERVERS.index(type(host.server))]
    before = len(entries(host))
    page = shop.write("way.php", PAGE)
    own = host.site.directory / "own"
    own.mkdir(exist_ok=True)
    os.chown(own, shop.uid, shop.uid)
    said = shop.get(f"{page.uri}?{urlencode({'mark': mark, 'own': own, 'way': PREPARED + command})}").text
    if expected == REFUSED:
        refused = wait_until(lambda: [each for each in entries(host)[before:] if each.get("dst") == ELSEWHERE], f"an event of {said}")
        assert {(each["verdict"], each["verified"], each["entry"]) for each in refused} == {("deny", True, str(page.path))}
        return
    if expected in (ASKED, NOTHING):
        host.server.settled()
        found = wait_until(lambda: events(host, mark), f"its event: {said}") if expected == ASKED else events(host, mark)
        assert [(each["verified"], each["uid"], each["entry"]) for each in found] == [(True, shop.uid, str(page.path))] * (expected == ASKED), said
        assert not host.server.queued(mark), said
        return
    assert whose(host, mark, said) == expected
