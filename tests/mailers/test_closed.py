"""The group that closes the way around mailorigin-sendmail, as docs/every-way-out.md has it for each mail server."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from driving import events, only_event
from harness.docs import section
from harness.site import new_mark
from harness.waiting import wait_until
from machine import REAL_SENDMAIL
from servers import Exim, Postfix
from test_every_way_out import PAGE, PREPARED, urlencode

SERVERS = [Postfix, Exim]


def recipe(server):
    """Its commands: those for all mail servers, of which the last is another for some."""
    text = section("docs/every-way-out.md", "## The real sendmail")
    commands = re.findall(r"^    (.*)$", text, re.M)
    own, = re.findall(rf"^\| {server.__name__} \| (.*) \|$", text, re.M)
    return commands if own == "as above" else [*commands[:-1], own.strip("`")]


@pytest.fixture
def closed(host):
    programs = [Path("/usr/sbin/mailorigin-sendmail"), REAL_SENDMAIL.resolve()]
    before = [program.stat() for program in programs]
    for command in recipe(type(host.server)):
        subprocess.run(command, shell=True, check=True, capture_output=True)
    yield
    for program, status in zip(programs, before):
        subprocess.run(["dpkg-statoverride", "--remove", program], check=True, capture_output=True)
        os.chown(program, status.st_uid, status.st_gid)
        program.chmod(stat.S_IMODE(status.st_mode))
    subprocess.run(["groupdel", "mailsubmit"], check=True)


def go(host, way):
    mark, own = new_mark(), host.site.directory / "own"
    own.mkdir(exist_ok=True)
    os.chown(own, host.site.shop.uid, host.site.shop.uid)
    page = host.site.shop.write("closed.php", PAGE)
    return page, mark, host.site.shop.get(f"{page.uri}?{urlencode({'mark': mark, 'own': own, 'way': PREPARED + way})}").text


@pytest.mark.parametrize("way", ["sendmail -t <$message", "dialogue | sendmail -bs"], ids=["t", "bs"])
def test_our_sendmail_is_the_way(host, closed, way):
    page, mark, said = go(host, way)
    event = only_event(host, mark)
    assert (event["kind"], event["verified"], event["uid"], event["entry"]) == ("submit", True, host.site.shop.uid, str(page.path)), said
    (head,) = wait_until(lambda: host.server.queued(mark), f"its arrival: {said} {host.server.said()}").values()
    assert head.count("X-Mail-Origin:") == 1 and event["id"] in head


@pytest.mark.parametrize("way", ["$real -t <$message", f"{REAL_SENDMAIL.resolve()} -t <$message", "dialogue | $real -bs"])
def test_the_real_one_is_not(host, closed, way):
    _, mark, said = go(host, way)
    assert "Permission denied" in said
    host.server.settled()
    assert not host.server.queued(mark) and not events(host, mark)


@pytest.mark.parametrize("option", ["socket=/nowhere", "real=/bin/true"])
def test_it_takes_no_options_of_its_own(host, closed, option):
    _, mark, said = go(host, f"sendmail --mailorigin-{option} -t <$message")
    assert "MO05" in said, said
    host.server.settled()
    assert not host.server.queued(mark) and not events(host, mark)
