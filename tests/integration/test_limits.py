"""`mailorigin limits`: who uses what of them, who was refused, and a reset that outlives everything."""

import re

import pytest
from harness.command import Command
from harness.docs import documented_paths, paths_of, section
from harness.site import ALL_FORMATS, OTHER_UID, SERVER, SHOP_UID, Site, Vhost, new_mark
from harness.waiting import kill, wait_until

LIMITS = ALL_FORMATS + """
  MailOriginLimit 2/day per=script
  MailOriginLimit 50/day burst=5
"""


@pytest.fixture(scope="module")
def module_site(installation):
    """Servers whose daemon and httpd come and go within the tests; each test's site has its own counts."""
    hosts = [Vhost(name, SHOP_UID, LIMITS) for name in ("shop", "mall", "club")] + [Vhost("blog", OTHER_UID)]
    hosts.append(Vhost("cafe", SHOP_UID, LIMITS + "  ServerAlias www.cafe.example *.Cafe.example\n  MailOriginLimit 7/day action=hold\n"))
    site = Site(installation, installation.directory("limits"), hosts, server=SERVER)
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture
def mailorigin(site):
    yield Command(site.installation, site.httpd.runtime_dir)
    site.httpd.allow_log("MO0280|MO0131|MO026[89]")


def vhost(site, short):
    return next(each for each in site.vhosts if each.short == short)


def send(host, script):
    """Whether mail() let it go; its event is in the log."""
    mark = new_mark()
    sent = host.get(f"{script.uri}?m={mark}").text
    host.json.wait(mark)
    return sent.endswith("sent")


def mailer(host, name):
    return host.write(name, "<?php echo @mail('to@example.org', $_GET['m'], 'b') ? 'sent' : 'refused';")


def used_up(host, script):
    assert [send(host, script) for _ in range(3)] == [True, True, False]


def limit_of(facts, words):
    return next(each for each in facts["limits"] if words in each["directive"])


def test_until_refused_shown_set_back_and_sent_again(site, mailorigin):
    host = vhost(site, "shop")
    script = mailer(host, "form.php")
    used_up(host, script)
    said = mailorigin("limits", host.name.upper(), "--json")
    assert said.status == 0, said
    facts = said.json
    documented = documented_paths(section("docs/mailorigin.md", "## limits"))
    assert paths_of(facts) - {"limits[].exceeded[]"} <= documented  # of the other limit it is empty
    of_script = limit_of(facts, "per=script")
    assert of_script["vhosts"] == [host.full_name]
    lines = site.httpd.configuration.read_text().splitlines()
    file, _, line = of_script["place"].rpartition(":")
    assert file == str(site.httpd.configuration) and lines[int(line) - 1].strip() == "MailOriginLimit 2/day per=script"
    assert [(each["of"], each["name"], each["used"]) for each in of_script["counted"]] == [("script", str(script.path), 2)]
    assert 43000 < of_script["counted"][0]["next_in"] <= 43200 < of_script["counted"][0]["whole_in"] <= 86400
    (refused,) = of_script["exceeded"]
    assert (refused["of"], refused["name"], refused["mails"]) == ("script", str(script.path), 1)
    assert host.json.entries()[-1]["id"] == refused["event"]
    of_site = limit_of(facts, "burst=5")
    assert [(each["of"], each["used"], each["next_in"]) for each in of_site["counted"]] == [("site", 2, 0)]
    text = mailorigin("limits", host.name).out
    assert f"2 of 2 used by script {script.path}; the next may leave in 12 h; whole in 24 h\n" in text, text
    assert mailorigin("limits", host.name, "--reset", uid=OTHER_UID).status == 1
    assert not send(host, script)
    said = mailorigin("limits", host.name, "--reset")
    assert said.status == 0 and re.match(rf"limits of {host.name} set back by root at 20\S+Z: ", said.out), said
    site.httpd.wait_log(f"MO0280: limits set back: of {host.name} by root")
    used_up(host, script)


def test_scripts_that_were_never_refused_come_from_the_store(site, mailorigin):
    host = vhost(site, "club")
    script = mailer(host, "news.php")
    assert send(host, script)

    def counted():
        return limit_of(mailorigin("limits", host.name, "--json").json, "per=script")["counted"]

    wait_until(lambda: [(each["name"], each["used"]) for each in counted()] == [(str(script.path), 1)], "the store to have it")


def test_a_reset_outlives_everything_and_is_of_one_site(site, mailorigin):
    host, other = vhost(site, "mall"), vhost(site, "cafe")
    script, others = mailer(host, "form.php"), mailer(other, "form.php")
    used_up(host, script)
    used_up(other, others)
    assert mailorigin("limits", host.name, "--reset").status == 0
    kill([site.httpd.daemon()])  # right behind the answer
    site.httpd.allow_log("MO011[45]|AH")
    used_up(host, script)
    assert not send(other, others)
    kill((site.httpd.process.pid, *site.httpd.children(), site.httpd.daemon()))
    site.httpd.stop()
    site.httpd.start()
    assert not send(host, script) and not send(other, others)
    reset = mailorigin("limits", host.name, "--json").json["reset"]
    assert reset["by"] == "root"
    assert {"site": host.name, **reset} in mailorigin("status", "--json").json["limit_resets"]
    assert f"  {host.name}, by root at {reset['since']}\n" in mailorigin("status").out
    assert "reset" not in mailorigin("limits", other.name, "--json").json


def test_sites_without_limits_and_those_that_are_none(site, mailorigin):
    said = mailorigin("limits", vhost(site, "blog").name)
    assert (said.status, said.out) == (1, "blog.example\n  has no MailOriginLimit.\n")
    for words, status, text in (
        (("limits",), 2, "SITE"),
        (("limits", "shop.example:1"), 1, "no virtual host has the ServerName or ServerAlias shop.example:1;"),
        (("limits", "nowhere.example"), 1, "no virtual host has the ServerName or ServerAlias nowhere.example; `mailorigin policy`"),
        (("limits", "nowhere.example", "--reset"), 1, "no virtual host has the ServerName or ServerAlias nowhere.example"),
    ):
        said = mailorigin(*words)
        assert said.status == status and text in said.err, (words, said)


def test_a_site_is_named_by_whatever_stands_for_it(site, mailorigin):
    host = vhost(site, "cafe")
    for name, what in (
        ("WWW.cafe.example", f"WWW.cafe.example is a ServerAlias of {host.name}"),
        ("de.cafe.example", f"de.cafe.example is a ServerAlias of {host.name}"),
        (host.full_name, f"{host.full_name} is one of the virtual hosts of {host.name}: its limits count for all of them together"),
    ):
        said = mailorigin("limits", name)
        assert said.status == 0 and said.out.startswith(f"{host.name}\n") and f"-> {what}\n" in said.out, said
        assert "-> no mail server that holds is connected: " in said.out
        said = mailorigin("limits", name, "--reset", "--json").json
        assert (said["site"], said["notes"]) == (host.name, [what])
    assert "no mail server" not in mailorigin("limits", vhost(site, "club").name).out
    script = mailer(host, "named.php")
    send(host, script)
    wait_until(lambda: str(script.path) in mailorigin("tail", "--vhost", "www.cafe.example").out, "the event to be stored")
    (shown,) = mailorigin("policy", "www.cafe.example", "--json").json["vhosts"]
    assert (shown["name"], shown["aliases"]) == (host.full_name, ["www.cafe.example", "*.cafe.example"])
    assert f"www.cafe.example, which is a ServerAlias of {host.name}, and that is not blocked: mailorigin block site:{host.name}" in \
        mailorigin("block", "site:www.cafe.example").out
    assert mailorigin("unblock", "site:www.cafe.example").status == 0


def test_resets_that_cannot_be_read(site, mailorigin):
    host = vhost(site, "shop")
    assert mailorigin("limits", host.name, "--reset").status == 0
    file = site.httpd.state_dir / "limits.resets"
    site.httpd.stop()
    file.write_bytes(b"\xff" + file.read_bytes())
    site.httpd.start()
    site.httpd.expect_log(re.escape(f"MO0283: {file}: "))
    assert "reset" not in mailorigin("limits", host.name, "--json").json
    assert mailorigin("limits", host.name, "--reset").status == 0
    site.httpd.restart()
    assert mailorigin("limits", host.name, "--json").json["reset"]["by"] == "root"


def test_nothing_is_set_back_where_there_is_no_limit(site, mailorigin):
    host = vhost(site, "blog")
    said = mailorigin("limits", host.name, "--reset")
    assert said.status == 1 and f"{host.name} has no MailOriginLimit" in said.err, said
    assert not [each for each in mailorigin("status", "--json").json.get("limit_resets", []) if each["site"] == host.name]
