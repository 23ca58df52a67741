"""The store that a host has without a word in httpd.conf, and who may read it."""

import sqlite3
import stat

from harness.command import Command
from harness.httpd import DAEMON_UID
from harness.site import SERVER, new_mark
from harness.waiting import wait_until

MAIL = "<?php mail('a@example.org, B <b@Example.NET>', '{mark}', 'the body', \"Cc: c@example.org\\r\\nMessage-ID: <{mark}@shop>\");"


def rows(site, sql, *values):
    """Of the store, read beside the daemon."""
    path = site.httpd.state_dir / "mail.db"
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            return database.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:  # being made
            assert any(said in str(error) for said in ("no such table", "locked", "unable to open")), error
            return []


def stored(site, mark):
    return wait_until(lambda: rows(site, "SELECT id FROM mailorigin_event WHERE subject = ?", mark), f"{mark} in the store")


def test_an_event_is_stored(site):
    mark = new_mark()
    site.shop.run(MAIL.format(mark=mark))
    event = site.shop.json.wait(mark)
    assert stored(site, mark) == [(event["id"],)]
    assert rows(site, 'SELECT "to" FROM mailorigin_event WHERE id = ?', event["id"]) == [("a@example.org, b@example.net, c@example.org",)]
    everything = (site.httpd.state_dir / "mail.db").read_bytes() + (site.httpd.state_dir / "mail.db-wal").read_bytes()
    assert mark.encode() in everything
    assert b"the body" not in everything and b"Cc: c@" not in everything


def test_it_is_the_daemons_alone(site):
    stored(site, _mail(site))
    for name in ("mail.db", "mail.db-wal", "mail.db-shm"):
        about = (site.httpd.state_dir / name).stat()
        assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (DAEMON_UID, 0o600), name


def test_status_names_it(site):
    stored(site, _mail(site))
    command = Command(site.installation, site.httpd.runtime_dir)
    report = wait_until(lambda: (store := command("--json", "status").json["store"])["waiting"] == 0 and store, "all to be stored")
    assert report == {
        "wanted": True, "driver": "sqlite3", "file": str(site.httpd.state_dir / "mail.db"), "retained_days": 30,
        "waiting": 0, "lost": 0,
    }
    assert f"store     well   sqlite3 {site.httpd.state_dir}/mail.db, 30 days; " in command("status").out


def test_a_database_that_cannot_be_made_stops_no_mail(make_site):
    site = make_site(server=SERVER + "MailOriginStore sqlite3 {dir}/www/mail.db\n")
    mark = _mail(site)
    site.shop.json.wait(mark)
    site.httpd.wait_log("MO0520")
    command = Command(site.installation, site.httpd.runtime_dir)
    said = command("status").out
    assert "store     to do" in said and "MailOriginUser must be able to write it" in said


def test_it_can_be_off(make_site):
    site = make_site(server=SERVER + "MailOriginStore Off\n")
    site.shop.json.wait(_mail(site))
    assert not (site.httpd.state_dir / "mail.db").exists()
    assert "store     well   off" in Command(site.installation, site.httpd.runtime_dir)("status").out


def _mail(site):
    mark = new_mark()
    site.shop.run(MAIL.format(mark=mark))
    return mark
