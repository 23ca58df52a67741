"""Connections to SMTP ports of PHP that is not php-fpm: many virtual hosts of one uid."""

import errno
import pwd

import pytest
from harness.firewall import V4
from harness.guarded import SERVER, event_of, guarded_site, knock
from harness.paths import PHP_CGI
from harness.site import INSIDE, Vhost
from test_sapis import BY_ACTION, BY_FCGID, FCGID, PROGRAMS

WWW_DATA = pwd.getpwnam("www-data").pw_uid
LOG = "  MailOriginLog logs/{short}.json json\n"

# The MPM, its modules, a virtual host's lines, the server's. All hosts of one uid.
WAYS = {
    "mod_php": ("prefork", ("php",), INSIDE, ""),
    "mod_cgi": ("prefork", ("cgi", "actions"), BY_ACTION, PROGRAMS),
    "mod_fcgid": ("event", ("fcgid",), BY_FCGID, FCGID),
}


def give_programs(site):
    (site.directory / "run/fcgid").mkdir()
    (site.directory / "run/fcgid").chmod(0o777)
    for vhost in site.vhosts:
        program = site.directory / "bin" / vhost.short / "php-cgi"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nPHP_INI_SCAN_DIR= exec {PHP_CGI} -c {site.fpm.ini}\n")
        program.chmod(0o755)


@pytest.fixture(scope="module", params=WAYS)
def way(request, installation, ground):
    mpm, modules, run, server = WAYS[request.param]
    hosts = [
        Vhost(short, WWW_DATA, LOG + rule, run_as=False, run=run.replace("{short}", short))
        for short, rule in (("shop", ""), ("free", "  MailOriginSmtp allow\n"))
    ]
    with guarded_site(
        installation, ground, request.param, hosts, SERVER + server, give_programs, mpm=mpm, modules=modules
    ) as site:
        yield site


def test_one_uid_and_two_rules(way):
    """Every request of each process, whichever host's it is."""
    for _ in range(3):
        script, answer = knock(way.shop, V4)
        assert answer.json == errno.ECONNREFUSED
        event = event_of(way.shop, script)
        assert (event["verdict"], event["verified"], event["vhost"]) == ("deny", True, way.shop.full_name)
        assert (event["file"], event["line"]) == (str(script.path), script.line_of("// here"))
        script, answer = knock(way.free, V4)
        assert V4 in answer.json
        event = event_of(way.free, script)
        assert (event["verdict"], event["verified"], event["uid"]) == ("allow", True, WWW_DATA)


def test_a_program_of_a_script(way):
    code = (
        "<?php\necho json_encode(shell_exec(\"perl -MIO::Socket::INET -e '"
        f"print IO::Socket::INET->new(PeerAddr => q({V4}), PeerPort => 25) ? 1 : 0'\"));"
    )
    script, answer = knock(way.shop, V4, code=code)
    assert answer.json == "0"
    event = event_of(way.shop, script)
    assert (event["verdict"], event["verified"], event["comm"]) == ("deny", True, "perl")
