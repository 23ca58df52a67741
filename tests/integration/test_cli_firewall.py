"""`mailorigin status` and `firewall` beside the real mailorigin-firewall."""

import errno

import pytest
from harness import guarded as ground_rules
from harness.command import Command
from harness.firewall import V4, V4_OTHER
from harness.guarded import guarded_site
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, Vhost, new_mark
from harness.waiting import wait_until

SERVER = ground_rules.SERVER + "MailOriginSmtpUsers #61990 @#61991\nMailOriginSmtpPorts 25 2526\n"
LOG = "  MailOriginLog logs/{short}.json json\n"


@pytest.fixture(scope="module")
def guarded(installation, ground, syslog):
    vhosts = [
        Vhost("shop", SHOP_UID, LOG),
        Vhost("blog", BLOG_UID, LOG + f"  MailOriginSmtp redirect {V4_OTHER}:2525\n  MailOriginSmtpAllow {V4_OTHER}\n"),
        Vhost("mall", OTHER_UID, LOG),
    ]
    with guarded_site(installation, ground, "cli-firewall", vhosts, server=SERVER) as site:
        yield site


@pytest.fixture
def mailorigin(guarded):
    return Command(guarded.installation, guarded.httpd.runtime_dir)


def of_this_host(findings):
    """Without what other servers of this machine cause: their workers, their mail server's account."""
    return [each for each in findings if "older than the firewall" not in each["text"] and "account" not in each["text"]]


def test_what_is_enforced_and_counted(guarded, mailorigin):
    before = mailorigin("firewall", "--json").json
    _, answer = ground_rules.knock(guarded.shop, V4)
    assert answer.json == errno.ECONNREFUSED
    said = mailorigin("firewall", "--json")
    facts = said.json
    assert (facts["running"], facts["wanted"], facts["mode"], facts["engine"]) == (True, "on", "on", "bpf")
    assert facts["ports"] == [25, 2526]
    assert facts["accounts"] == ["#61990", "@#61991"]
    assert facts["default"] == {"rule": "deny", "allow": [], "local": "observe"}
    assert facts["vhosts_that_differ"] == [
        {"name": guarded.blog.full_name, "rule": f"redirect {V4_OTHER}:2525", "allow": [V4_OTHER], "local": "observe"}
    ]
    assert facts["counters"]["denied"] == before["counters"]["denied"] + 1
    assert of_this_host(facts["findings"]) == []
    assert said.status == (1 if facts["findings"] else 0)

    text = mailorigin("firewall")
    assert text.status == said.status
    rows = [line.split() for line in text.out.splitlines()]
    assert ["in", "force", "on,", "by", "bpf"] in rows
    assert ["ports", "25", "2526"] in rows
    assert ["denied", str(facts["counters"]["denied"])] in rows
    assert [guarded.blog.full_name, "redirect", f"{V4_OTHER}:2525", V4_OTHER, "observe"] in rows


def test_status_says_so(guarded, mailorigin):
    """Once mailorigind is attached, which it tries each second."""
    said = wait_until(
        lambda: (lambda said: not of_this_host(said.json["findings"]) and said)(mailorigin("status", "--json")), "all to be well"
    )
    firewall = said.json["firewall"]
    assert (firewall["wanted"], firewall["mode"], firewall["engine"]) == ("on", "on", "bpf")
    assert said.status == (1 if said.json["findings"] else 0)
    (line,) = [line for line in mailorigin("status").out.splitlines() if line.startswith("firewall")]
    assert f"on, engine bpf; denied {firewall['counters']['denied']}" in line


def test_what_is_usual_is_suggested(guarded, mailorigin):
    """And httpd takes what is printed."""
    for _ in range(5):
        ground_rules.knock(guarded.shop, V4)
    wanted = f"    MailOriginSmtpAllow {V4}:25\n"
    said = wait_until(
        lambda: (lambda said: wanted in said.out and said)(mailorigin("firewall", "--suggest", "--since", "1h")),
        "the store to have them",
    )
    assert said.out == f"<MailOriginSite {guarded.shop.name}>\n{wanted}</MailOriginSite>\n"
    configuration = guarded.httpd.configuration
    before = configuration.read_text()
    try:
        configuration.write_text(before + said.out)
        assert guarded.httpd.check()[0] == 0, guarded.httpd.check()[1]
    finally:
        configuration.write_text(before)
    facts = mailorigin("firewall", "--suggest", "--since", "1h", "--json").json
    (site,) = facts["sites"]
    assert (site["site"], site["vhosts"]) == (guarded.shop.name, [guarded.shop.full_name])
    assert site["suggestions"][0]["program"].startswith("/")


def test_where_htaccess_leads_httpd_is_said_with_what_it_takes(guarded, mailorigin):
    """The line alone is of no use: httpd connects as its own user, whom the kernel refuses."""
    mall, mark = guarded.vhosts[2], new_mark()
    htaccess = mall.write("deputy/.htaccess", f'# of the tenant\nSetHandler "proxy:fcgi://{V4_OTHER}:25"\n')
    page = mall.write("deputy/page.txt", "a page")
    guarded.httpd.expect_log("MO0127")
    for query in ("", "", "", "", mark):
        assert mall.get(f"{page.uri}?{query}").status == 403
    event = mall.json.wait(mark)
    assert (event["file"], event["line"], "cookie" in event) == (str(htaccess.path), 2, False)

    def suggested():
        sites = mailorigin("firewall", "--suggest", "--since", "1h", "--json").json["sites"]
        return [each for site in sites if site["site"] == mall.name for each in site["suggestions"] if each["connections"] == 5]

    (found,) = wait_until(suggested, "the store to have them")
    assert (found["directive"], found["causes"]) == (f"MailOriginSmtpAllow {V4_OTHER}:25", [f"{htaccess.path}:2"])
    assert found["doubt"] == (
        f"httpd itself connects, led by {htaccess.path}:2, and its user www-data is refused all the same "
        "unless MailOriginSmtpUsers names it"
    )
    said = mailorigin("firewall", "--suggest", "--since", "1h").out
    assert f"    # {found['doubt']}: {found['directive']}\n" in said
    configuration = guarded.httpd.configuration
    before = configuration.read_text()
    try:
        configuration.write_text(before + said)
        assert guarded.httpd.check()[0] == 0, guarded.httpd.check()[1]
    finally:
        configuration.write_text(before)


def test_a_connection_is_found_by_its_cookie(guarded, mailorigin):
    script, _ = ground_rules.knock(guarded.shop, V4)
    event = ground_rules.event_of(guarded.shop, script)
    said = wait_until(
        lambda: (lambda said: said.status == 0 and said)(mailorigin("trace", f"cookie={event['cookie']}", "--json")),
        "the store to have it",
    )
    assert said.json["event"]["id"] == event["id"]


def test_a_socket_that_is_away(guarded, mailorigin):
    path = guarded.httpd.runtime_dir / "firewall.sock"
    hidden = path.with_suffix(".away")
    path.rename(hidden)
    try:
        for command in ("status", "firewall"):
            said = mailorigin(command, "--json")
            assert said.status == 1
            (found,) = [each for each in said.json["findings"] if each["part"] == "firewall"]
            assert "mailorigin-firewall does not answer" in found["text"] and str(path) in found["text"]
    finally:
        hidden.rename(path)
