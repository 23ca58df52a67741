"""The scripts that drive the mailers, and the tables of docs/mailers.md about what is recorded of their mail.

A script's first line says what it drives, by which way, and the kind of event that comes of it.
"""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from harness.paths import PROJECT
from harness.site import new_mark
from harness.waiting import wait_until
from machine import GONE

_DOCUMENT = PROJECT / "docs/mailers.md"


@dataclass(frozen=True)
class Mailer:
    script: Path
    name: str
    way: str
    kind: str

    def drive(self, host):
        """Has the shop's script send a mail: its page, the word in the mail's subject, and what it answered."""
        mark = new_mark()
        page = host.site.shop.write(self.script.name, self.script.read_text())
        return page, mark, host.site.shop.get(f"{page.uri}?mark={mark}").text


def _mailer(script):
    return Mailer(script, *script.read_text().split("\n")[0].removeprefix("<?php // ").split(" | "))


ALL_MAILERS = [_mailer(script) for script in sorted((Path(__file__).parent / "scripts").glob("*.php"))]
MAILERS = [mailer for mailer in ALL_MAILERS if not any(mailer.script.match(pattern) for pattern in GONE)]  # in this release
SENT = "bool(true)\n"  # the end of an answer


def entries(host):
    return [*host.site.shop.json.entries(), *host.site.server_json.entries()]


def events(host, mark):
    """Those that say what is in the message with this word in its subject."""
    return [entry for entry in entries(host) if mark in entry.get("subject", "") + entry.get("headers", "")]


def only_event(host, mark):
    """Once it is logged, which may be a moment after its mail has arrived."""
    (event,) = wait_until(lambda: events(host, mark), "its event")
    return event


def check_table(head, rows, count):
    """The rows that came of this run stand below `head` in the document; written anew if all `count` of them came."""
    before, _, after = _DOCUMENT.read_text().partition(head)
    table = "".join(itertools.takewhile(lambda line: line.startswith("|"), after.splitlines(keepends=True)))
    if os.environ.get("MAILORIGIN_WRITE_DOCS") and len(rows) == count:
        _DOCUMENT.write_text(before + head + "".join(rows) + after.removeprefix(table))
        table = "".join(rows)
    assert [row for row in rows if row not in table] == []
    assert len(table.splitlines()) == count, "a row of the table that no script stands for, or none for a script"
