"""What a virtual host inherits of each directive, what it replaces, and what `none` empties."""

import re
from dataclasses import dataclass
from typing import Callable

import pytest
from harness.command import Command
from harness.directives import OF_SERVER, OF_VHOSTS, of_module
from harness.docs import documented_directives
from harness.httpd import Httpd

LOG_OF = {"server": "logs/server.log", "own": "logs/own.log"}


@dataclass(frozen=True)
class Merged:
    """Arguments, and what `mailorigin policy --json` makes of them; a list is one line each."""

    read: Callable
    default: object
    server: tuple
    own: tuple
    none: tuple = None  # where there is a word that empties what was inherited


def written(target, text):
    return [{"target": target, "format": text}]


def logs(facts):
    return [{**log, "target": log["target"].rpartition("/")[2]} for log in facts["logs"]]


MERGED = {
    "MailOrigin": Merged(lambda facts: facts["enabled"], True, (["Off"], False), (["On"], True)),
    "MailOriginStrict": Merged(lambda facts: facts["strict"], True, (["Off"], False), (["On"], True)),
    "MailOriginRunAs": Merged(lambda facts: facts.get("uid"), None, (["#61001"], 61001), (["#61002"], 61002)),
    "MailOriginLog": Merged(
        logs, [],
        (["logs/server.log json"], written("server.log", "json")),
        (["logs/own.log"], written("own.log", "logfmt")),
        (["none"], []),
    ),
    "MailOriginHeader": Merged(
        lambda facts: facts["headers"], [],
        (['X-Server "%{id}"'], [{"name": "X-Server", "format": "%{id}"}]),
        (["On", 'X-Own "%{uid}"'], [{"name": "X-Mail-Origin", "format": "%{id}"}, {"name": "X-Own", "format": "%{uid}"}]),
        (["none"], []),
    ),
    "MailOriginSend": Merged(lambda facts: facts["send"], "allow", (["deny"], "deny"), (["observe"], "observe")),
    "MailOriginDenyScript": Merged(
        lambda facts: facts["denied_scripts"], [],
        (["/server/"], ["/server/"]), (["/own/ ^eval$", "action=observe /more/ /still/"], ["/own/", "^eval$", "action=observe /more/", "action=observe /still/"]), (["none"], []),
    ),
    "MailOriginLimit": Merged(
        lambda facts: facts["limits"], [],
        (["5/hour"], ["5/hour"]), (["6/hour", "7/day per=uid"], ["6/hour", "7/day per=uid"]), (["none"], []),
    ),
    "MailOriginMaxRecipients": Merged(
        lambda facts: (facts.get("max_recipients"), facts.get("max_recipients_action")), (None, None),
        (["5 action=observe"], (5, "observe")), (["6"], (6, "deny")), (["none"], (None, None)),
    ),
    "MailOriginSender": Merged(
        lambda facts: (facts["senders"], facts.get("senders_action")), ([], None),
        (["server.example"], (["server.example"], "deny")),
        (["action=observe own.example", "*.own.example"], (["own.example", "*.own.example"], "observe")),
        (["any"], ([], None)),
    ),
    "MailOriginSmtp": Merged(
        lambda facts: facts["smtp"]["rule"], "deny",
        (["redirect 192.0.2.1:25"], "redirect 192.0.2.1:25"), (["observe"], "observe"),
    ),
    "MailOriginSmtpAllow": Merged(
        lambda facts: facts["smtp"]["allow"], [],
        (["192.0.2.1"], ["192.0.2.1"]), (["192.0.2.2:25", "192.0.2.3"], ["192.0.2.2:25", "192.0.2.3"]), (["none"], []),
    ),
    "MailOriginSmtpLocal": Merged(lambda facts: facts["smtp"]["local"], "observe", (["deny"], "deny"), (["allow"], "allow")),
    # A nickname is looked up where the log stands; of the server's come those that are not defined here.
    "MailOriginLogFormat": Merged(
        logs, [],
        (['"%{id}" own'], written("nick.log", "%{id}")),
        (['"%{uid}" own'], written("nick.log", "%{uid}")),
    ),
}
HOSTS = ("inherits", "own", "none")
# A directive that shows in another's value alone needs that one beside it.
BESIDE = {"MailOriginLogFormat": ("MailOriginLog", "logs/nick.log own")}


def lines(directive, values):
    return "".join(f"{directive} {value}\n" for value in values)


def section(host, directive):
    merged = MERGED[directive]
    given = {"inherits": None, "own": merged.own, "none": merged.none}[host]
    text = lines(directive, given[0]) if given else ""
    if directive in BESIDE:
        text += lines(BESIDE[directive][0], [BESIDE[directive][1]])
    # A name that no other directive's host has.
    return f"<VirtualHost 127.0.0.1:{{port}}>\nServerName {host}.{directive.lower()}.example\n{text}</VirtualHost>\n"


def facts_of(installation, directory, text):
    httpd = Httpd(installation, directory, text)
    httpd.start()
    try:
        told = Command(installation, httpd.runtime_dir)("policy", "--json").json
    finally:
        httpd.stop()
    return {vhost["name"].rpartition(":")[0]: vhost for vhost in told["vhosts"]}


@pytest.fixture(scope="module")
def inherited(installation):
    """With each directive in the server's own part, which other directives' hosts inherit as well."""
    server = "".join(lines(directive, merged.server[0]) for directive, merged in MERGED.items())
    hosts = "".join(section(host, directive) for directive in MERGED for host in HOSTS)
    return facts_of(installation, installation.directory("inheritance"), server + hosts)


@pytest.fixture(scope="module")
def alone(installation):
    """With nothing in the server's own part."""
    hosts = "".join(section(host, directive) for directive in MERGED for host in HOSTS if directive not in BESIDE)
    return facts_of(installation, installation.directory("inheritance-alone"), hosts)


@pytest.mark.parametrize("directive", MERGED)
def test_inherited(inherited, directive):
    """The server's value without one of its own, else its own in the server's place; `none` is its own."""
    merged = MERGED[directive]
    found = {host: merged.read(inherited[f"{host}.{directive.lower()}.example"]) for host in HOSTS}
    expected = {"inherits": merged.server[1], "own": merged.own[1], "none": (merged.none or merged.server)[1]}
    assert found == expected


@pytest.mark.parametrize("directive", [directive for directive in MERGED if directive not in BESIDE])
def test_alone(alone, directive):
    """The default without one of its own, and the same own values."""
    merged = MERGED[directive]
    found = {host: merged.read(alone[f"{host}.{directive.lower()}.example"]) for host in HOSTS}
    expected = {"inherits": merged.default, "own": merged.own[1], "none": merged.none[1] if merged.none else merged.default}
    assert found == expected
    assert merged.read(alone["httpd.example"]) == merged.default, "no host's value is the server's"


def test_server(inherited):
    for directive, merged in MERGED.items():
        if directive not in BESIDE:
            assert merged.read(inherited["httpd.example"]) == merged.server[1], directive


# What httpd passes on otherwise than in the policy; docs_test.py has their defaults.
NOT_IN_POLICY = {
    "MailOriginDaemon", "MailOriginEximSocket", "MailOriginFirewallUser", "MailOriginLogFormat", "MailOriginMailLog", "MailOriginMilter",
    "MailOriginMilterOnFailure", "MailOriginMilterUser", "MailOriginRunAs", "MailOriginRuntimeDir", "MailOriginSite", "MailOriginSocket", "MailOriginStateDir", "MailOriginUser",
}  # fmt: skip


def test_defaults(installation):
    """A server without a directive does what the docs say that it does."""
    httpd = Httpd(installation, installation.directory("inheritance-defaults"), "")
    httpd.start()
    try:
        told = Command(installation, httpd.runtime_dir)("policy", "--json").json
    finally:
        httpd.stop()
    real = dict(line.split(" ", 1) for line in [*told["server_directives"], *told["vhosts"][0]["directives"]])
    documented = {}
    for name, rows in documented_directives().items():
        value = re.fullmatch(rf"`{name} (.*)`|(none|any)", rows["Default"])
        if name not in NOT_IN_POLICY:
            documented[name] = value and (value[1] or value[2])
    # `none` and `Off` are the same there.
    assert real.pop("MailOriginHeader") == "none" and documented.pop("MailOriginHeader") == "Off"
    assert documented == real


def test_none_is_forgotten(installation):
    """Every directive that httpd knows is in a table here: in this file's, or in that of the server alone."""
    httpd = Httpd(installation, installation.directory("inheritance-names"), "")
    known = of_module(httpd)
    assert len(known) > 20
    assert known == set(MERGED) | set(OF_SERVER)
    assert set(OF_VHOSTS) == set(MERGED)
