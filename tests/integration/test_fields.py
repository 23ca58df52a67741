"""Every field of an event against what is known to be true."""

import json
import re
import socket
import time
from datetime import datetime, timezone

import pytest
from harness.logs import Log, parse_logfmt
from harness.site import BLOG_UID, SHOP_UID, Site, Vhost, new_mark, two_vhosts

PAGE = """<?php
require __DIR__ . '/lib/send.php';

function page_function($mark) {
    return library_send($mark);
}
$ok = page_function('%s');
echo json_encode(['ok' => $ok, 'pid' => getmypid(), 'uid' => posix_getuid(), 'gid' => posix_getgid()]);
"""

LIBRARY = """<?php
function library_send($mark) {
    return mail(
        'Ann <ann@example.org>, bob@example.org',
        $mark,
        'a body of 24 characters.',
        "From: Shop <shop@shop.example>\\r\\nCc: carl@example.org\\r\\nBcc: dora@example.org, eve@example.org\\r\\n" .
        "Message-ID: <$mark@shop.example>",
        '-f bounce@shop.example');
}
"""


@pytest.fixture(scope="module")
def sent(module_site):
    """One mail from each vhost, sent through a library file: what is known about each."""
    found = {}
    for vhost in (module_site.shop, module_site.blog):
        mark = new_mark()
        library = vhost.write("lib/send.php", LIBRARY)
        page = vhost.script(PAGE % mark)
        before = time.time()
        answer = vhost.get(page.uri + "?a=b&c=%20d", method="POST", body="x=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 200 and answer.json["ok"], answer
        found[vhost.short] = {
            "mark": mark, "library": library, "page": page, "answer": answer.json, "vhost": vhost,
            "before": before, "after": time.time(),
            "event": vhost.json.wait(mark), "access": vhost.access.wait(page.uri),
            "message": module_site.sendmail.wait(mark),
        }
    return found


@pytest.fixture(params=["shop", "blog"])
def known(request, sent, site):
    return sent[request.param]


def test_from_httpd(known):
    event, vhost = known["event"], known["vhost"]
    assert event["verified"] is True
    assert (event["vhost"], event["site"]) == (vhost.full_name, vhost.name)
    assert event["docroot"] == str(vhost.docroot)
    assert event["entry"] == str(known["page"].path)
    assert event["client"] == "127.0.0.1"
    assert event["method"] == "POST"
    assert event["uri"] == known["page"].uri + "?a=b&c=%20d"
    assert len(event["request_id"]) == 26
    assert event["request_id"] == known["access"].split()[0]


def test_from_the_kernel(known, module_site):
    event = known["event"]
    uid = {"shop": SHOP_UID, "blog": BLOG_UID}[known["vhost"].short]
    assert event["uid"] == known["answer"]["uid"] == known["message"].uid == uid
    assert event["gid"] == known["answer"]["gid"] == uid
    assert event["pid"] == known["answer"]["pid"]
    assert event["pid"] in module_site.fpm.workers(known["vhost"].short)


def test_from_the_script(known):
    event, library, page = known["event"], known["library"], known["page"]
    assert event["function"] == "mail"
    assert event["file"] == str(library.path)
    # PHP counts a call in the line of its name or of its last argument, by version: both stay in the call.
    assert library.line_of("return mail(") <= event["line"] <= library.line_of("-f bounce")
    line = event["line"]
    calls = [page.line_of("return library_send"), page.line_of("$ok = ")]
    assert event["stack"] == f"{library.path}:{line} < {page.path}:{calls[0]} < {page.path}:{calls[1]}"
    assert event["caller"] == f"{library.path}:{line}"
    assert "eval" not in event
    assert event["sapi"] == "fpm-fcgi"
    assert event["pool"] == known["vhost"].short


def test_from_the_mail(known):
    event, mark = known["event"], known["mark"]
    assert event["to"] == "Ann <ann@example.org>, bob@example.org"
    assert event["from"] == "Shop <shop@shop.example>"
    assert event["envelope_from"] == "bounce@shop.example"
    assert event["recipients"] == 5
    assert event["subject"] == mark
    assert "Cc: carl@example.org" in event["headers"]
    assert "Bcc: dora@example.org, eve@example.org" in event["headers"]
    assert event["message_id"] == f"<{mark}@shop.example>"
    assert event["size"] == 24
    assert "truncated" not in event


def test_from_the_daemon(known):
    event = known["event"]
    assert event["kind"] == "mail"
    assert event["verdict"] == "allow"
    assert "reason" not in event
    assert event["host"] == socket.gethostname()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    moment = datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()
    assert known["before"] - 0.01 <= moment <= known["after"] + 0.01
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", event["id"])
    assert known["message"].header("X-Mail-Origin") == [event["id"]]


def test_logfmt_says_the_same(known):
    line = known["vhost"].logfmt.wait(known["mark"])
    as_text = {
        name: json.dumps(value) if isinstance(value, (bool, int)) else value for name, value in known["event"].items()
    }
    assert line == as_text


def test_in_no_other_log(known, module_site):
    mark = known["mark"]
    for log in (known["vhost"].logfmt, known["vhost"].php):
        log.wait(mark)
    # A mail of each other vhost comes last in each other log: what is not before it never comes.
    for vhost in module_site.vhosts:
        if vhost is not known["vhost"]:
            later = vhost.mail()
            vhost.json.wait(later)
            vhost.logfmt.wait(later)
            vhost.php.wait(later)
    directory = module_site.directory / "logs"
    naming = {
        path.name for path in directory.iterdir() if path.name.partition(".")[2] in ("json", "logfmt", "php")
        and mark in path.read_text(errors="replace")
    }
    short = known["vhost"].short
    assert naming == {f"{short}.json", f"{short}.logfmt", f"{short}.php"}


def test_ids_sort_by_time(site):
    marks = [site.shop.mail() for _ in range(5)]
    ids = [site.shop.json.wait(mark)["id"] for mark in marks]
    assert ids == sorted(ids)
    assert len(set(ids)) == 5


MAIL_LOG_CASES = {
    "plain": "'to@example.org', '{mark}', 'body'",
    "headers": "'to@example.org', '{mark}', 'body', \"From: a@b.example\\r\\nCc: c@d.example\\r\\n\"",
    "array": "'to@example.org', '{mark}', 'body', ['From' => 'a@b.example', 'X-Tag' => ['one', 'two']]",
    "blanks": "\"to@example.org \\n\", \"{mark} \\r\\n x\\ty \", 'body', 'X: y'",
    "utf-8": "'to@example.org', \"{mark} gr\\xc3\\xbc\\xc3\\x9fe\", 'body', \"X: \\xe2\\x82\\xac\"",
    "quotes": "'\"A, B\" <to@example.org>', '{mark} [x]: \"y\\\\z', 'body'",
}


@pytest.fixture(scope="module")
def plain_site(installation):
    """A vhost without MailOriginHeader whose pool writes PHP's own mail.log."""
    directory = installation.directory("mail_log")
    log = directory / "php-mail.log"
    log.touch()
    log.chmod(0o666)
    shop = Vhost("shop", SHOP_UID, "  MailOriginLog logs/shop.php php\n  MailOriginLog logs/shop.json json\n",
                 pool_settings={"mail.log": log})
    made = Site(installation, directory, [shop])
    try:
        yield made.start(), log
    finally:
        made.stop()


@pytest.mark.parametrize("name", MAIL_LOG_CASES)
def test_php_format_is_phps_own_line(plain_site, name):
    site, log = plain_site
    mark = new_mark()
    answer = site.shop.run("<?php\n\nvar_dump(mail(" + MAIL_LOG_CASES[name].replace("{mark}", mark) + "));")
    assert answer.text == "bool(true)\n"
    (theirs,) = [line for line in log.read_text("utf-8", "surrogateescape").splitlines() if mark in line]
    ours = site.shop.php.wait(mark)
    stamp = r"\[\d\d-[A-Z][a-z][a-z]-\d{4} \d\d:\d\d:\d\d UTC\] "
    assert re.match(stamp, ours) and re.match(stamp, theirs)
    assert ours.partition("] ")[2] == theirs.partition("] ")[2]
    site.verify()


def test_own_format(make_site):
    vhosts = two_vhosts(
        '  MailOriginLog logs/{short}.own own\n  MailOriginLog logs/{short}.text "[%{verdict}] %{subject} %{dst} 100%%"\n'
    )
    site = make_site(vhosts, server='MailOriginLogFormat "%{vhost} %{subject} \\"%{to}\\" %{verified}" own\n')
    mark = site.shop.mail()
    logs = site.directory / "logs"
    assert Log(logs / "shop.own").wait(mark) == f'{site.shop.full_name} {mark} "to@example.org" true'
    assert Log(logs / "shop.text").wait(mark) == f"[allow] {mark} - 100%"


def test_logfmt_parser():
    assert parse_logfmt(r'a=1 b="x \"y\" \\ z" c=') == {"a": "1", "b": 'x "y" \\ z', "c": ""}
