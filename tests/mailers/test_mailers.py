"""Every mailer of Debian's that can be driven, by each of its ways, on a host with each mail server: what is recorded of its mail.

docs/mailers.md has a table for each server; MAILORIGIN_WRITE_DOCS=1 writes them anew.
"""

import pytest
from driving import ALL_MAILERS, MAILERS, SENT, check_table, entries, events
from harness.waiting import wait_until
from servers import Exim, Postfix

SERVERS = [Postfix, Exim]
HEAD = "## {}\n\n| mailer | way | event | verified | script and line | header | queue id |\n|---|---|---|---|---|---|---|\n"


@pytest.fixture(scope="session")
def rows():
    """A line of its server's table for each mailer that was driven."""
    return {}


@pytest.mark.parametrize("mailer", MAILERS, ids=lambda mailer: mailer.script.stem)
def test_mailer(host, rows, mailer):
    page, mark, answer = mailer.drive(host)
    assert answer.endswith(SENT), answer + host.server.said()
    host.server.settled()
    queued = host.server.queued(mark)
    assert len(queued) == 1, host.server.said()
    (queue_id, head), = queued.items()
    event = wait_until(lambda: events(host, mark), "its event")[0]
    assert event["verified"] and event["vhost"] == host.site.shop.full_name and event["entry"] == str(page.path)
    known = "script"
    if mailer.kind == "smtp":
        # The kernel knows whose request a connection is of, not the line.
        assert event["kind"] == "submit" and event["queue_id"] == queue_id
    else:
        assert event["kind"] == mailer.kind and event["caller"] == f"{page.path}:{page.line_of('# here')}"
        known = "both"
        passed = wait_until(lambda: [entry for entry in entries(host) if entry.get("mail_id") == event["id"]], "its queue id")
        assert [(entry["kind"], entry["queue_id"]) for entry in passed] == [("queue", queue_id)]
    assert [entry["id"] for entry in events(host, mark)] == [event["id"]]
    assert head.count("X-Mail-Origin:") == 1 and event["id"] in head
    rows[type(host.server), mailer] = f"| {mailer.name} | {mailer.way} | `{event['kind']}` | yes | {known} | once | yes |\n"


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.__name__)
def test_the_table_says_so(rows, server):
    """Of each that ran; written with the whole table where all did."""
    check_table(HEAD.format(server.__name__), [rows[server, mailer] for mailer in MAILERS if (server, mailer) in rows], len(ALL_MAILERS))
