"""`mailorigin block`, `unblock` and `blocks`: at once, for all workers, over restarts of everything."""

import os
import re
import subprocess

import pytest
from harness.command import Command
from harness.docs import documented_paths, paths_of, section
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, Site, new_mark, two_vhosts
from harness.waiting import kill, wait_until

REFUSED = re.compile(r"Warning: mail\(\): (Refused by MailOrigin: blocked \(event [0-9A-Z]{26}\).*?) in /")
UNTIL = r", the next may leave in \d+ s; since \d{4}-\d\d-\d\dT\d\d:\d\dZ"

@pytest.fixture(scope="module")
def module_site(installation):
    """Servers whose daemon, httpd and pools come and go within the tests."""
    site = Site(installation, installation.directory("block"), two_vhosts(), server=SERVER)
    try:
        yield site.start()
    finally:
        site.stop()

@pytest.fixture
def mailorigin(site):
    command = Command(site.installation, site.httpd.runtime_dir)
    yield command
    command("unblock", "--all")
    site.httpd.allow_log("MO026[89]")

def send(vhost, mark=None, before=""):
    mark = mark or new_mark()
    return mark, vhost.run(f"<?php {before} var_dump(mail('to@example.org', '{mark}', 'body'));").text

def refused(vhost, before=""):
    """The warning, and the event."""
    mark, text = send(vhost, before=before)
    assert text.endswith("bool(false)\n"), text
    event = vhost.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "blocked")
    assert not vhost.site.sendmail.with_subject(mark)
    said = REFUSED.search(text)
    assert said and event["id"] in said[1], text
    return said[1], event

def allowed(vhost):
    mark, text = send(vhost)
    assert text == "bool(true)\n"
    assert "block" not in vhost.json.wait(mark)

def test_a_site_for_two_hours(site, mailorigin):
    allowed(site.shop)
    said = mailorigin("block", f"site:{site.shop.name}", "--for", "2h", "--reason", "it sends <spam>")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"  site:{site.shop.name} refused until ")
    assert "it sends <spam>\n" in said.out and "MailOriginFirewall is Off" in said.out
    text, event = refused(site.shop)
    assert re.search(UNTIL + ": it sends .spam.$", text), text
    assert 7000 < int(re.search(r"in (\d+) s", text)[1]) <= 7200
    assert event["block"].startswith(f"site:{site.shop.name} by root since 20") and " until 20" in event["block"]
    assert event["block"].endswith(": it sends <spam>")
    allowed(site.blog)
    # cron has no request, and its user is that site's.
    mark = new_mark()
    site.php(SHOP_UID, f"<?php @mail('to@example.org', '{mark}', 'b');")
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"], event["verified"]) == ("deny", "blocked", False)
    assert mailorigin("unblock", f"site:{site.shop.name.upper()}.").status == 0
    allowed(site.shop)

def test_a_link_leads_to_no_neighbours_script(site, mailorigin):
    mine = site.shop.docroot / "mine.php"
    theirs = site.blog.write("theirs.php", "<?php var_dump(mail('to@example.org', $_GET['s'], 'body'));")
    for link, target in ((mine, theirs.path), (site.shop.docroot / "directory", site.blog.docroot)):
        link.symlink_to(target)
        os.lchown(link, SHOP_UID, SHOP_UID)
    os.chown(theirs.path, BLOG_UID, BLOG_UID)
    for path in (mine, site.shop.docroot / "directory/theirs.php"):
        said = mailorigin("--json", "block", f"script:{path}").json
        assert "real_path" not in said
        assert any(note.startswith(f"a link leads from there to {theirs.path}, which is another user's") for note in said["notes"]), said
        assert site.blog.get(f"{theirs.uri}?s={new_mark()}").text == "bool(true)\n"

def test_a_script_by_any_of_its_names_and_frames(site, mailorigin):
    library = site.shop.docroot / "library.php"
    library.write_text("<?php function send($m) { return mail('to@example.org', $m, 'body'); }")
    link = site.shop.docroot / "link.php"
    link.symlink_to(library)
    said = mailorigin("block", f"script:{link}", "--json").json
    assert (said["block"], said["real_path"]) == (f"script:{link}", str(library))
    assert f"mailorigin block site:{site.shop.name}" in " ".join(said["notes"])
    allowed(site.shop)
    for code in (
        "require 'library.php'; send('{mark}');",
        "require 'library.php'; eval('send(\"{mark}\");');",
        "register_shutdown_function(function () { mail('to@example.org', '{mark}', 'b'); }); require 'library.php';",
    ):
        mark = new_mark()
        site.shop.run("<?php " + code.replace("{mark}", mark))
        assert site.shop.json.wait(mark)["reason"] == "blocked", code
    assert mailorigin("unblock", f"script:{library}").status == 0  # it has two names
    assert mailorigin("blocks").status == 1

def test_a_user_and_a_client(site, mailorigin):
    said = mailorigin("block", f"user:#{SHOP_UID}", "--hold")
    assert f"user:#{SHOP_UID} held until further notice" in said.out and "what is to be held is refused (no-hold)" in said.out
    mark, text = send(site.shop)
    assert text.endswith("bool(false)\n") and site.shop.json.wait(mark)["reason"] == "no-hold"
    mailorigin("block", f"user:#{SHOP_UID}")
    assert refused(site.shop)[1]["block"].startswith(f"user:#{SHOP_UID} ")
    allowed(site.blog)
    mailorigin("unblock", f"user:#{SHOP_UID}")
    mailorigin("block", "client:127.0.0.0/8")
    for vhost in (site.shop, site.blog):
        assert refused(vhost)[1]["client"] == "127.0.0.1"
    mailorigin("block", "client:127.0.0.1", "--for", "1s")
    mailorigin("unblock", "client:127.0.0.0/8")
    wait_until(lambda: mailorigin("blocks").status == 1, "the second to pass")
    allowed(site.shop)

def test_with_mailorigin_off_too(site, mailorigin, make_site):
    off = make_site(two_vhosts(), server=SERVER)
    command = Command(off.installation, off.httpd.runtime_dir)
    off.shop.directives += "  MailOrigin Off\n"
    off.configure()
    off.httpd.graceful()
    mark, text = send(off.shop)
    assert text == "bool(true)\n"
    command("block", f"site:{off.shop.name}")
    refused(off.shop)
    off.httpd.allow_log("MO0268")

def test_a_mail_that_was_asked_about_before(site, mailorigin):
    """Its ticket is worth nothing once its user is blocked: who holds many of them sends none."""
    sendmail = site.installation.built("submit/mailorigin-sendmail")
    mark = new_mark()
    code = f"""<?php mail('to@example.org', '{mark}', 'b'); """
    ticketed = site.directory / "home/keep"
    ticketed.parent.mkdir(exist_ok=True)
    ticketed.write_text("#!/bin/sh\ncat >/dev/null; env > $MAILORIGIN_KEPT\n")
    ticketed.chmod(0o755)
    kept = site.directory / "home/kept"
    kept.touch()
    os.chown(kept, SHOP_UID, SHOP_UID)
    site.php(SHOP_UID, code, environment={"MAILORIGIN_KEPT": str(kept)}, settings={"sendmail_path": str(ticketed)})
    ticket = dict(line.split("=", 1) for line in kept.read_text().splitlines() if "=" in line)["MAILORIGIN_TICKET"]
    mailorigin("block", f"user:#{SHOP_UID}")
    done = subprocess.run(
        ["setpriv", f"--reuid={SHOP_UID}", f"--regid={SHOP_UID}", "--clear-groups", sendmail,
         f"--mailorigin-socket={site.httpd.runtime_dir}/mailorigin.sock", "--mailorigin-real=/bin/true", "to@example.org"],
        input=f"Subject: {mark}\n\nb\n", env={"MAILORIGIN_TICKET": ticket}, capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 77 and "not sent: blocked (event " in done.stderr, done

def test_it_outlives_everything(site, mailorigin):
    mailorigin("block", f"site:{site.shop.name}", "--reason", "stays")
    kill([site.httpd.daemon()])  # right behind the answer
    site.httpd.allow_log("MO011[45]|AH")
    refused(site.shop)
    kill((site.httpd.process.pid, *site.httpd.children(), site.httpd.daemon()))
    site.httpd.stop()
    site.fpm.stop()
    site.fpm.start()
    site.httpd.start()
    assert "stays" in refused(site.shop)[1]["block"]
    facts = mailorigin("status", "--json").json
    assert facts["blocks_count"] == 1 and facts["blocks"][0]["block"] == f"site:{site.shop.name}"
    assert f"  site:{site.shop.name} refused until further notice, by root since " in mailorigin("status").out

def test_a_damaged_file_is_said_by_name(site, mailorigin):
    mailorigin("block", f"site:{site.shop.name}")
    file = site.httpd.state_dir / "blocks"
    site.httpd.stop()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    site.httpd.start()
    site.httpd.wait_log(re.escape(f"MO0265: {file}: blocks: it is damaged"))
    allowed(site.shop)
    said = mailorigin("blocks")
    assert said.status == 1 and "MO0265" in said.out and f"{file}.damaged" in said.out
    finding = next(each for each in mailorigin("status", "--json").json["findings"] if "MO0265" in each["text"])
    assert "mailorigin block" in finding["remedy"]
    # It lasts, whatever is blocked now, until somebody has looked.
    mailorigin("block", f"site:{site.shop.name}")
    site.httpd.restart()
    assert "MO0265" in mailorigin("status").out
    (site.httpd.state_dir / "blocks.damaged").unlink()
    wait_until(lambda: "MO0265" not in mailorigin("status").out, "the finding to go")
    refused(site.shop)
    site.httpd.expect_log("MO0265")

def test_hostile_and_wrong_words(site, mailorigin):
    for words, status, text in (
        (("block",), 2, "WHOM"),
        (("block", "shop"), 2, "expected site:NAME"),
        (("block", "site:shop.example:443"), 2, "without a port"),
        (("block", "script:x.php"), 2, "absolute path"),
        (("block", "client:192.0.2.1/40"), 2, "network"),
        (("block", "site:a", "--for", "soon"), 2, "2h"),
        (("block", "site:a", "--reason", "x" * 201), 2, "200"),
        (("block", "user:nobody-of-this-name"), 1, "there is no user"),
        (("unblock",), 2, "--all"),
        (("unblock", "site:a", "--all"), 2, "--all"),
        (("unblock", "site:a"), 1, ""),
    ):
        said = mailorigin(*words)
        assert said.status == status and text in said.err, (words, said)
    assert mailorigin("block", "site:a", uid=OTHER_UID).status == 1
    hostile = "script:/srv/\x1b[31m\n;reboot '\".php"
    said = mailorigin("block", hostile, "--reason", "\x1b]0;title\x07\nMO0201: forged")
    assert said.status == 0 and "no such file" in said.out
    listed = mailorigin("blocks").out
    assert "\x1b" not in said.out + listed and len(listed.splitlines()) == 1
    line = site.httpd.wait_log("MO0268: blocked: script:/srv/")
    assert "forged" in line and "\x1b" not in line
    assert mailorigin("unblock", hostile).status == 0
    said = mailorigin("block", "site:nowhere.example")
    assert said.status == 0 and "no virtual host has the ServerName nowhere.example;" in said.out

def test_members_stand_where_the_docs_have_them(site, mailorigin):
    documented = documented_paths(section("docs/mailorigin.md", "## block"))
    made = mailorigin("block", f"site:{site.shop.name}", "--for", "1h", "--reason", "x", "--json").json
    assert paths_of(made) <= documented
    assert {path.split(".")[0] for path in paths_of(mailorigin("blocks", "--json").json)} <= {"blocks[]", "notes[]"}
