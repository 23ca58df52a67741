"""php-cgi by mod_cgi, mod_cgid and mod_fcgid, as httpd's user and as each host's: the same origin by other ways."""

import json
import pwd

import pytest
from harness.accounts import give
from harness.paths import PHP_CGI
from harness.site import BLOG_UID, SERVER, SHOP_UID, WITH_HEADER, Site, Vhost, handled_by, new_mark
from harness.wire import VARIABLE

BY_ACTION = "  ScriptAlias /bin/ {dir}/bin/{short}/\n  Action run-php /bin/php-cgi\n" + handled_by("run-php")
BY_FCGID = '  Options +ExecCGI\n  FcgidWrapper "{dir}/bin/{short}/php-cgi" .php\n' + handled_by("fcgid-script")
PROGRAMS = "<Directory {dir}/bin>\nRequire all granted\nOptions +ExecCGI\n</Directory>\n"
FCGID = PROGRAMS + "FcgidIPCDir {dir}/run/fcgid\nFcgidProcessTableFile {dir}/run/fcgid_shm\n"
CGID = PROGRAMS + "ScriptSock {dir}/run/cgid\n"

# The MPM, its modules, a virtual host's lines, the server's.
WAYS = {
    "mod_cgi": ("prefork", ("cgi", "actions"), BY_ACTION, PROGRAMS),
    "mod_cgid": ("event", ("cgid", "actions"), BY_ACTION, CGID),
    "mod_fcgid": ("event", ("fcgid",), BY_FCGID, FCGID),
}


@pytest.fixture(scope="module", params=[f"{way}{suexec}" for suexec in ("", "+suexec") for way in WAYS])
def way(request, installation, accounts):
    name, _, suexec = request.param.partition("+")
    mpm, modules, run, server = WAYS[name]
    hosts = []
    for short, uid in (("shop", SHOP_UID), ("blog", BLOG_UID)):
        user = f"  SuexecUserGroup {short} {short}\n" if suexec else ""
        hosts.append(
            Vhost(
                short,
                uid if suexec else pwd.getpwnam("www-data").pw_uid,
                WITH_HEADER + user,
                run_as=False,
                run=run.replace("{short}", short),
            )
        )
    site = Site(
        installation,
        installation.directory(request.param),
        hosts,
        server=SERVER + server,
        mpm=mpm,
        modules=(*modules, *(["suexec"] if suexec else [])),
    )
    (site.directory / "run/fcgid").mkdir()
    (site.directory / "run/fcgid").chmod(0o777)
    for vhost in hosts:
        program = site.directory / "bin" / vhost.short / "php-cgi"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nPHP_INI_SCAN_DIR= exec {PHP_CGI} -c {site.fpm.ini}\n")
        program.chmod(0o755)
        give(program.parent, vhost.uid)
    site.suexec = bool(suexec)
    try:
        yield site.start()
        site.verify()
    finally:
        site.stop()


def test_origin(way):
    for vhost in way.vhosts:
        mark = new_mark()
        page = vhost.script(
            f"<?php\n$sent = mail('to@example.org', '{mark}', 'body', 'X-Mail-Origin: forged');\n"
            "echo json_encode([$sent, getmypid(), posix_getuid(), PHP_SAPI]);"
        )
        told = json.loads(vhost.get(f"{page.uri}?x=1").text)
        event = vhost.json.wait(mark)
        assert told == [True, event["pid"], event["uid"], "cgi-fcgi"]
        assert (event["sapi"], event["uid"]) == ("cgi-fcgi", vhost.uid)
        assert event["verified"] is True, event
        assert (event["vhost"], event["docroot"]) == (vhost.full_name, str(vhost.docroot))
        assert (event["entry"], event["file"], event["line"]) == (str(page.path), str(page.path), 2)
        assert event["uri"] == f"{page.uri}?x=1"
        assert event["request_id"] == vhost.access.wait(page.uri).split()[0]
        assert way.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
        # What httpd expects, it seals: suexec's user.
        assert event.get("suexec_uid") == (vhost.uid if way.suexec else None)


@pytest.mark.parametrize("view", ["getenv('V')", "$_SERVER['V'] ?? false", "$_ENV['V'] ?? false", "getenv()['V'] ?? false"])
def test_hidden_from_the_script(way, view):
    view = view.replace("'V'", repr(VARIABLE))
    assert way.shop.run(f"<?php var_dump({view});").text == "bool(false)\n"


def test_several_requests_of_one_process(way):
    ids = []
    for _ in range(6):
        event = way.shop.json.wait(way.shop.mail())
        assert event["verified"] is True, event
        ids.append(event["request_id"])
    assert len(set(ids)) == 6


def test_graceful(way):
    for _ in range(2):
        way.httpd.graceful()
        mark = way.shop.mail()
        event = way.shop.json.wait(mark)
        assert event["verified"] is True
        assert way.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_context_of_the_neighbour(way):
    """Another user who got hold of a context cannot show it, whether httpd knew whose it was or not."""
    mark, other = way.shop.mail(), new_mark()
    context = way.sendmail.wait(mark).environment[VARIABLE]
    way.php(BLOG_UID, f"<?php mail('to@example.org', '{other}', 'body');", environment={VARIABLE: context})
    event = (way.blog.json if way.suexec else way.server_json).wait(other)
    assert (event["verified"], event["uid"]) == (False, BLOG_UID)
    assert event["reason"] == ("uid" if way.suexec else "replayed")


def test_the_sealed_script_is_the_one_that_runs(way):
    """Not a file that the path behind it names, as if there had been an internal redirect."""
    mark = new_mark()
    code = f"<?php mail('to@example.org', '{mark}', 'body');"
    other, page = way.shop.script(code), way.shop.write(f"{mark}/page.php", code)
    way.shop.write(f"{mark}/.htaccess", "SetEnv REDIRECT_URL /x\n")
    way.shop.get(f"{page.uri}{other.uri}")
    event = way.shop.json.wait(mark)
    assert (event["entry"], event["file"]) == (str(page.path), str(page.path))
