"""Every mailer of Debian's that can be driven, by each of its ways, on a host with each mail server: what is recorded of its mail.

A script's first line says what it drives, by which way, and the kind of event that comes of it.
docs/mailers.md has a table for each server; MAILORIGIN_WRITE_DOCS=1 writes them anew.
"""

import itertools
import os
from pathlib import Path

import pytest
from harness.paths import PROJECT
from harness.site import new_mark
from harness.waiting import wait_until
from servers import Exim, Postfix

SERVERS = [Postfix, Exim]
SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.php"))
DOCUMENT = PROJECT / "docs/mailers.md"
HEAD = "## {}\n\n| mailer | way | event | verified | script and line | header | queue id |\n|---|---|---|---|---|---|---|\n"


def described(script):
    """What it drives, the way, and the kind of event."""
    return script.read_text().split("\n")[0].removeprefix("<?php // ").split(" | ")


@pytest.fixture(scope="session")
def rows():
    """A line of its server's table for each script that ran."""
    return {}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_mailer(host, rows, script):
    mailer, way, kind = described(script)
    shop, mark = host.site.shop, new_mark()
    page = shop.write(script.name, script.read_text())
    answer = shop.get(f"{page.uri}?mark={mark}")
    assert answer.text.endswith("bool(true)\n"), answer.text + host.server.said()
    host.server.settled()
    queued = host.server.queued(mark)
    assert len(queued) == 1, host.server.said()
    (queue_id, head), = queued.items()

    def entries():
        return [*shop.json.entries(), *host.site.server_json.entries()]

    def events():
        """Those that say what is in the message."""
        return [entry for entry in entries() if mark in entry.get("subject", "") + entry.get("headers", "")]

    event = wait_until(events, "its event")[0]
    assert event["verified"] and event["vhost"] == shop.full_name and event["entry"] == str(page.path)
    known = "script"
    if kind == "smtp":
        # The kernel knows whose request a connection is of, not the line.
        assert event["kind"] == "submit" and event["queue_id"] == queue_id
    else:
        assert event["kind"] == kind and event["caller"] == f"{page.path}:{page.line_of('# here')}"
        known = "both"
        passed = wait_until(lambda: [entry for entry in entries() if entry.get("mail_id") == event["id"]], "its queue id")
        assert [(entry["kind"], entry["queue_id"]) for entry in passed] == [("queue", queue_id)]
    assert [entry["id"] for entry in events()] == [event["id"]]
    assert head.count("X-Mail-Origin:") == 1 and event["id"] in head
    rows[type(host.server), script] = f"| {mailer} | {way} | `{event['kind']}` | yes | {known} | once | yes |\n"


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.__name__)
def test_the_table_says_so(rows, server):
    """Of each that ran; written with the whole table where all did."""
    ran = [rows[server, script] for script in SCRIPTS if (server, script) in rows]
    before, head, after = DOCUMENT.read_text().partition(HEAD.format(server.__name__))
    table = "".join(itertools.takewhile(lambda line: line.startswith("|"), after.splitlines(keepends=True)))
    if os.environ.get("MAILORIGIN_WRITE_DOCS") and len(ran) == len(SCRIPTS):
        DOCUMENT.write_text(before + head + "".join(ran) + after.removeprefix(table))
        table = "".join(ran)
    assert [row for row in ran if row not in table] == []
    assert len(table.splitlines()) == len(SCRIPTS), "a row of the table that no script stands for, or none for a script"
