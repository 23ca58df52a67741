"""Mail by four ways at once while milter, daemon and mail server are killed: what was accepted is in the queue once,
recorded once, and recorded with its queue id.

MAILORIGIN_LOSS_MESSAGES has another number than the few of each test run.
"""

import http.client
import os
import re
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from harness.mail_servers import ENVIRONMENT
from harness.site import new_mark
from harness.waiting import kill, name_of, processes_named_by, wait_until

MESSAGES = int(os.environ.get("MAILORIGIN_LOSS_MESSAGES", "240"))
CLIENTS_EACH = 2
QUEUE = Path("/var/spool/postfix")

# Each says whether the mail server, or its sendmail, has taken the message.
WAYS = {
    "mail": "echo mail('to@example.org', $mark, 'body') ? 'accepted' : 'refused';",
    "sendmail": """
        $pipe = popen('/usr/sbin/sendmail -t -i 2>&1', 'w');
        fwrite($pipe, "To: to@example.org\\nSubject: $mark\\n\\nbody\\n");
        echo pclose($pipe) === 0 ? 'accepted' : 'refused';
    """,
    "dialogue": """
        $program = proc_open('/usr/sbin/sendmail -bs', [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
        echo dialogue($pipes[1], $pipes[0], $mark);
    """,
    "smtp": """
        $server = fsockopen('127.0.0.1', 25);
        echo $server ? dialogue($server, $server, $mark) : 'refused';
    """,
}
CODE = """<?php
function dialogue($from, $to, $mark) {
    $lines = ['EHLO me', 'MAIL FROM:<me@shop.example>', 'RCPT TO:<to@example.org>', 'DATA', "Subject: $mark\\r\\n\\r\\nbody\\r\\n."];
    foreach ([...$lines, ''] as $line) {
        do $answer = fgets($from); while ($answer && $answer[3] === '-');
        if (!$answer || $answer[0] > '3') return 'refused';
        if ($line) fwrite($to, "$line\\r\\n");
    }
    return 'accepted';
}
$mark = $_GET['mark'];
"""


def client(shop, page, count, outcomes):
    for _ in range(count):
        mark = new_mark()
        try:
            outcomes[mark] = shop.get(f"{page.uri}?mark={mark}", timeout=60).text.rpartition("\n")[2]
        except (OSError, http.client.HTTPException):
            outcomes[mark] = "unknown"


def victims(host):
    """In turn: a process of each kind, by pid."""
    return {
        "milter": processes_named_by(str(host.site.httpd.runtime_dir), "mailorigin-milter"),
        "daemon": [host.site.httpd.daemon()],
        "mail server": [int(each.name) for each in Path("/proc").glob("[0-9]*") if name_of(each.name) in ("smtpd", "cleanup", "pickup")],
    }


def queued():
    """The queue ids of each mark's messages."""
    found = {}
    for name in ("incoming", "active", "deferred", "hold"):
        for file in (QUEUE / name).rglob("*"):
            try:
                if file.is_file() and file.stat().st_mode & 0o100 and (subject := re.search(rb"Subject: (mark\d+x\d+)", file.read_bytes())):
                    found.setdefault(subject[1].decode(), set()).add(file.name)
            except FileNotFoundError:
                pass  # it was none
    return found


def test_nothing_is_lost_and_nothing_doubled(host):
    shop = host.site.shop
    host.site.httpd.allow_log(r"\bMO\d{4}\b")
    before = queued()
    outcomes = [{} for _ in range(len(WAYS) * CLIENTS_EACH)]
    threads = []
    for at, (way, code) in enumerate(WAYS.items()):
        page = shop.write(f"loss-{way}.php", CODE + code)
        for number in range(CLIENTS_EACH):
            own = outcomes[at * CLIENTS_EACH + number]
            threads.append(threading.Thread(target=client, args=(shop, page, MESSAGES // len(outcomes), own)))
    for thread in threads:
        thread.start()
    kinds = ["milter", "daemon", "mail server"]
    killed = Counter()
    # By what has been sent, not by time: two of each kind in a short run, too, and one in each 50 messages of a long one.
    each = min(MESSAGES // (2 * len(kinds) + 1), 50)
    while any(thread.is_alive() for thread in threads):
        if sum(map(len, outcomes)) < each * (killed.total() + 1):
            time.sleep(0.01)
            continue
        kind = kinds[killed.total() % len(kinds)]
        kill(victims(host)[kind])
        killed[kind] += 1
    for thread in threads:
        thread.join()
    assert all(killed[kind] for kind in kinds), killed

    # A cleanup(8) that was killed leaves unfinished files in the queue; what they were made of is in maildrop still.
    def drained():
        subprocess.run(["postkick", "public", "pickup", "W"], env=ENVIRONMENT, capture_output=True, check=False)
        return not any((QUEUE / "maildrop").iterdir())

    try:
        wait_until(drained, "Postfix to queue everything", 60)
    finally:
        host.server.forget_unfinished()

    sent = {mark: what for own in outcomes for mark, what in own.items()}
    accepted = [mark for mark, what in sent.items() if what == "accepted"]
    ids = queued()
    assert [mark for mark in accepted if mark not in ids] == [], "lost"
    assert [mark for mark in ids if mark not in sent and mark not in before] == [], "from nowhere"
    # Postfix takes a message from maildrop again if pickup(8) or cleanup(8) is killed after it was queued.
    doubled = [mark for mark in accepted if len(ids[mark]) > 1]
    assert len(doubled) <= 2 * killed["mail server"]

    def known():
        """The queue ids of each mark's events, and how many of them say what is in the message."""
        entries = [*shop.json.entries(), *host.site.server_json.entries()]
        events = {entry["id"]: entry["subject"] for entry in entries if entry.get("subject") in sent}
        found = {mark: set() for mark in sent}
        for entry in entries:
            mark = events.get(entry.get("mail_id")) or events.get(entry["id"])
            if mark and "queue_id" in entry:
                found[mark].add(entry["queue_id"])
        return found, Counter(events.values())

    def has_all_queue_ids():
        found, _ = known()
        return all(ids[mark] <= found[mark] for mark in accepted)

    wait_until(has_all_queue_ids, "all queue ids", 60)
    found, recorded = known()
    print(f"{len(accepted)} accepted of {len(sent)}, {len(doubled)} queued twice by Postfix; killed: {dict(killed)}")
    assert [mark for mark in accepted if not 1 <= recorded[mark] <= len(ids[mark])] == [], "recorded once"
    assert [mark for mark in accepted if not ids[mark] <= found[mark]] == [], "with its queue id"
    # What cleanup(8) had asked about as it or the milter was killed has the id of a file that never was whole, too:
    # no more than were under way, and nobody else's.
    never_whole = [each for mark in accepted for each in found[mark] - ids[mark]]
    assert len(never_whole) <= len(outcomes) * killed.total()
    assert not set(never_whole) & set().union(*ids.values())
