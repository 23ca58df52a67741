"""<MailOriginSite>: directives for a site in another file than its virtual hosts."""

import re

import pytest
from harness.command import Command
from harness.httpd import Httpd
from harness.logs import json_log
from harness.site import SHOP_UID, WITH_HEADER, Vhost, two_vhosts

HOST = "<VirtualHost 127.0.0.1:%s>\nServerName %s\n%s</VirtualHost>\n"


def section(name, *lines):
    return f"<MailOriginSite {name}>\n" + "".join(f"{line}\n" for line in lines) + "</MailOriginSite>\n"


@pytest.fixture(scope="module")
def directory(installation):
    return installation.directory("sections")


@pytest.fixture
def policy(installation, directory):
    """What a configuration comes to, by the virtual hosts' names; {port} is its first one."""

    def read(text, warnings=()):
        httpd = Httpd(installation, directory, text)
        for pattern in warnings:
            httpd.expect_log(pattern)
        httpd.start()
        try:
            told = Command(installation, httpd.runtime_dir)("policy", "--json").json
        finally:
            httpd.stop()
        return {vhost["name"].replace(str(httpd.port), "port"): vhost for vhost in told["vhosts"] if not vhost["server"]}

    return read


def test_it_holds_for_all_ports_wherever_it_stands(policy):
    hosts = HOST % ("{port}", "Shop.example", "MailOriginSend deny\nMailOriginLimit 1/day\n") + HOST % (
        1443, "shop.example", "ServerAlias www.shop.example\nMailOriginMaxRecipients 5\n") + HOST % ("{port}", "blog.example", "")  # fmt: skip
    rules = section("SHOP.example", "MailOriginSend observe", "MailOriginLimit 9/hour")
    for text in (rules + hosts, hosts + rules, hosts + rules.replace("SHOP", "www.shop")):
        found = policy(text)
        for name in ("Shop.example:port", "shop.example:1443"):
            assert (found[name]["send"], found[name]["limits"]) == ("observe", ["9/hour"]), name
            assert re.fullmatch(r"<MailOriginSite (www\.)?shop\.example> \(.*httpd\.conf:\d+\)", found[name]["sections"][0])
        assert found["shop.example:1443"]["max_recipients"] == 5, "what it does not say is the host's"
        assert found["blog.example:port"]["send"] == "allow" and "sections" not in found["blog.example:port"]


def test_later_sections_come_over_earlier_ones(policy):
    found = policy(
        section("a.example", "MailOriginSend deny", "MailOriginLimit 1/day")
        + HOST % ("{port}", "a.example", "MailOriginHeader On\n")
        + section("a.example", "MailOriginLimit 2/day", "MailOriginLimit 3/hour", "MailOriginHeader none")
    )["a.example:port"]
    assert (found["send"], found["limits"], found["headers"], len(found["sections"])) == ("deny", ["2/day", "3/hour"], [], 2)


def test_a_wildcard_is_named_as_it_is_written(policy):
    hosts = HOST % ("{port}", "mass.example", "ServerAlias *.mass.example\n") + HOST % ("{port}", "one.mass.example", "")
    found = policy(hosts + section("*.mass.example", "MailOriginSend deny"))
    assert (found["mass.example:port"]["send"], found["one.mass.example:port"]["send"]) == ("deny", "allow")
    found = policy(
        hosts + section("two.mass.example", "MailOriginSend deny") + section("gone.example", "MailOriginSend deny"),
        (r"MO0149: <MailOriginSite two\.mass\.example> \(.*:\d+\): no virtual host .*; <MailOriginSite \*\.mass\.example> is",
         r"MO0149: <MailOriginSite gone\.example> \(.*:\d+\): no virtual host has that .*: it has no effect"),
    )  # fmt: skip
    assert {vhost["send"] for vhost in found.values()} == {"allow"}


def test_formats_of_its_own_and_of_the_host(policy, directory):
    found = policy(
        HOST % ("{port}", "a.example", 'MailOriginLogFormat "%{id}" theirs\nMailOriginLogFormat "%{uid}" both\n')
        + section("a.example", 'MailOriginLogFormat "%{to}" ours', 'MailOriginLogFormat "%{pid}" both',
                  "MailOriginLog logs/a ours", "MailOriginLog logs/b theirs", "MailOriginLog logs/c both")  # fmt: skip
    )
    assert [log["format"] for log in found["a.example:port"]["logs"]] == ["%{to}", "%{id}", "%{pid}"]


BAD = {
    "<MailOriginSite>\n</MailOriginSite>\n": r"one ServerName or ServerAlias is needed",
    "<MailOriginSite a b>\n</MailOriginSite>\n": r"one ServerName or ServerAlias is needed",
    "<MailOriginSite a:443>\n</MailOriginSite>\n": r"'a:443'.*without its port",
    section("a", "MailOriginSend maybe"): r"line \d+ of .*\n.*MailOriginSend: 'maybe'",
    section("a", "MailOriginFirewall On"): r"line \d+ of .*\n.*MailOriginFirewall: cannot stand within <MailOriginSite>",
    section("a", "ServerAdmin root"): r"line \d+ of .*\n.*ServerAdmin cannot stand within <MailOriginSite>",
    section("a", "<MailOriginSite b>", "</MailOriginSite>"): r"line \d+ of .*\n.*<MailOriginSite> cannot stand within",
    section("a", "<Directory /srv>", "MailOriginSend deny", "</Directory>"): r"<Directory> cannot stand within",
    "<VirtualHost 127.0.0.1:{port}>\n" + section("a") + "</VirtualHost>\n": r"cannot occur within <VirtualHost>",
    "<Directory /srv>\n" + section("a") + "</Directory>\n": r"cannot occur within <Directory|not allowed",
    "<MailOriginSite a>\nMailOriginSend deny\n": r"MailOriginSite> was not closed|without matching",
}


@pytest.mark.parametrize("text", BAD)
def test_what_it_does_not_take(installation, directory, text):
    status, said = Httpd(installation, directory, text).check()
    assert status != 0, said
    assert re.search(BAD[text], said), said


def test_httpds_own_conditions_may_stand_in_it(policy):
    inner = "<IfModule mailorigin_module>\nMailOriginSend deny\n</IfModule>\n<IfDefine Nosuch>\nMailOriginSend allow\n</IfDefine>"
    found = policy(HOST % ("{port}", "a.example", "") + section("a.example", inner))
    assert found["a.example:port"]["send"] == "deny"


def test_its_rules_are_kept(make_site):
    site = make_site(two_vhosts(), server=section("shop.example", "MailOriginSend deny"))
    answer = site.shop.run("<?php var_dump(@mail('to@example.org', 'refused-by-section', 'body'));")
    assert answer.text == "bool(false)\n"
    assert site.shop.json.wait("refused-by-section")["reason"] == "policy"
    assert site.blog.json.wait(site.blog.mail())["verdict"] == "allow"


def test_a_log_for_each_site(make_site):
    """One line of the server's; the names are safe, and a reload opens them anew."""
    vhosts = [Vhost("shop", SHOP_UID, "", run_as=True), *two_vhosts(WITH_HEADER)[1:]]
    site = make_site(vhosts, server="MailOriginLog logs/%{site}.mail json\n")
    log = site.directory / "logs/shop.example.mail"
    first = site.shop.mail()
    site.sendmail.wait(first)
    assert json_log(log).wait(first)["site"] == "shop.example"
    log.rename(log.with_suffix(".1"))
    site.httpd.graceful()
    second = site.shop.mail()
    assert json_log(log).wait(second)["site"] == "shop.example"
    assert site.blog.json.wait(site.blog.mail())["site"] == "blog.example", "its own list is in the server's place"


def test_names_of_files(installation, policy, directory):
    names = ("..", "a_b.example", "UPPER.example")
    hosts = "".join(HOST % ("{port}", name, "") for name in names)
    found = policy("MailOriginLog logs/%{site}.log\n" + hosts)
    made = {vhost["logs"][0]["target"].removeprefix(f"{directory}/logs/") for vhost in found.values()}
    assert made == {"%2e..log", "a_b.example.log", "upper.example.log"}
    for line in ('MailOriginLog "|/bin/cat %{site}"', "MailOriginLog logs/%{vhost}.log"):
        status, said = Httpd(installation, directory, line + "\n").check()
        assert status != 0 and "%{site}" in said
