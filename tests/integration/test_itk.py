"""mpm-itk: httpd itself becomes the virtual host's user, with PHP inside it."""

import pytest
from harness.site import BLOG_UID, INSIDE, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.wire import VARIABLE

SITE = {"mpm": "prefork", "modules": ("mpm_itk", "php")}
USERS = {"shop": SHOP_UID, "blog": BLOG_UID}


def vhosts():
    return [
        Vhost(short, uid, f"{WITH_HEADER}  AssignUserId {short} {short}\n", run_as=short == "shop", run=INSIDE)
        for short, uid in USERS.items()
    ]


@pytest.fixture(scope="module", autouse=True)
def users(accounts):
    return accounts


@pytest.mark.parametrize("short", USERS)
def test_origin(site, short):
    vhost, mark = getattr(site, short), new_mark()
    page = vhost.script(f"<?php\necho posix_getuid();\nmail('to@example.org', '{mark}', 'body');")
    assert vhost.get(page.uri).text == str(vhost.uid)
    event = vhost.json.wait(mark)
    assert event["verified"] is True, event
    assert (event["vhost"], event["docroot"]) == (vhost.full_name, str(vhost.docroot))
    assert (event["entry"], event["file"], event["line"]) == (str(page.path), str(page.path), 3)
    assert (event["sapi"], event["user"]) == ("apache2handler", short)
    # MailOriginRunAs says so for one; for the other, the process itself.
    assert (event["uid"], event["suexec_uid"]) == (vhost.uid, vhost.uid)
    assert event["request_id"] == vhost.access.wait(page.uri).split()[0]
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_every_request_has_an_id_of_its_own(site):
    """Each connection is served by a process that was forked for it, without a word to any module."""
    marks = [new_mark() for _ in range(12)]
    for mark in marks:
        site.shop.run(f"<?php mail('to@example.org', '{mark}', 'body');")
    events = [site.shop.json.wait(mark) for mark in marks]
    assert all(event["verified"] for event in events), events
    assert len({event["pid"] for event in events}) == 12
    # The time alone, the first ten characters, must not be what tells them apart.
    assert len({event["request_id"][10:] for event in events}) == 12


def test_context_of_the_neighbour(site):
    """What leaks from one host's process is no use to another user."""
    mark = new_mark()
    site.shop.run(f"<?php mail('to@example.org', '{mark}', 'body');")
    context = site.sendmail.wait(mark).environment[VARIABLE]
    other = new_mark()
    site.php(BLOG_UID, f"<?php mail('to@example.org', '{other}', 'body');", environment={VARIABLE: context})
    event = site.server_json.wait(other)
    assert (event["verified"], event["reason"], event["uid"]) == (False, "uid", BLOG_UID)


def test_key_is_out_of_reach(site):
    """A tenant's process was httpd's own until the request came."""
    paths = [f"{site.httpd.runtime_dir}/key", "/proc/self/mem"]
    code = "<?php " + "".join(f"var_dump(@fopen('{path}', 'r'));" for path in paths)
    assert site.shop.run(code).text == "bool(false)\n" * 2
