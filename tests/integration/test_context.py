"""Contexts that httpd did not make for this process: none of them verifies, none of them harms."""

import base64
import os
import struct

import pytest
from harness import fastcgi
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, new_mark, two_vhosts
from harness.wire import VARIABLE, Context, Key, boottime_ns, siphash24

DAY = 86_400 * 10**9


@pytest.fixture
def key(site):
    return Key.read(site.httpd.runtime_dir)


def foreign(key):
    return Key(key.id ^ 1, key.secret)


def forged(key):
    return Key(key.id, bytes(16))


def show(site, uid, context):
    """A mail from a shell of that uid that shows this context."""
    mark = new_mark()
    done, _ = site.php(uid, f"<?php var_dump(mail('to@example.org', '{mark}', 'b'));", environment={VARIABLE: context})
    assert done.stdout == b"bool(true)\n"
    return mark


def shop_context(site, **changes):
    return Context(site.shop.full_name, uid=SHOP_UID, details={"uri": "/made", "method": "GET"}).with_(**changes)


def test_a_true_one_verifies(site, key):
    """The tests' own sealing agrees with httpd's; else the refusals below would mean nothing."""
    context = shop_context(site)
    event = site.shop.json.wait(show(site, SHOP_UID, context.sealed(key)))
    assert event["verified"] is True
    assert event["uri"] == "/made"
    assert event["request_id"] == context.request_text
    assert "reason" not in event


def text_of(site, key, name):
    true = shop_context(site).sealed(key)
    data = shop_context(site).sealed_bytes(key)

    def flip(at):
        changed = bytearray(data)
        changed[at] ^= 1
        return base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()

    return {
        "a word": "x",
        "not base64": "!" * 100,
        "padded": true + "=",
        "blank at the end": true + " ",
        "only the tag": base64.urlsafe_b64encode(data[:48]).decode(),
        "cut by one": true[:-1],
        "cut by four": true[:-4],
        "half": true[: len(true) // 2],
        "twice": true + true,
        "very long": "A" * 100_000,
        "version 2": shop_context(site, version=2).sealed(key),
        "unknown flag": shop_context(site, flags=128).sealed(key),
        "unknown detail": shop_context(site, details={"nosuch": "x"}).sealed(key),
        "pairs that break off": broken_pairs(site, key),
        "another key": shop_context(site).sealed(foreign(key)),
        "wrong secret": shop_context(site).sealed(forged(key)),
        "vhost id changed": flip(8),
        "uid changed": flip(12),
        "request id changed": flip(20),
        "time changed": flip(33),
        "tag's seal changed": flip(41),
        "detail changed": flip(60),
        "last byte changed": flip(len(data) - 1),
        # 64 bits wrap: a day before a boot of today reads as the far future, which is refused alike.
        "a day old": shop_context(site, boottime=(boottime_ns() - DAY - 60 * 10**9) % 2**64).sealed(key),
        "from the future": shop_context(site, boottime=boottime_ns() + 60 * 10**9).sealed(key),
        "uid of another": shop_context(site, uid=BLOG_UID).sealed(key),
    }[name]


def broken_pairs(site, key):
    """Sealed rightly over details that are no pairs."""
    body = shop_context(site, details={}).sealed_bytes(key)[:-8] + b"\x85abc"
    return base64.urlsafe_b64encode(body + struct.pack("<Q", siphash24(body, key.secret))).rstrip(b"=").decode()


REASONS = {
    "a word": "malformed",
    "not base64": "malformed",
    "padded": "malformed",
    "blank at the end": "malformed",
    "only the tag": "malformed",
    "cut by one": "malformed|forged",
    "cut by four": "forged",
    "half": "malformed|forged",
    "twice": "malformed|forged",
    "very long": "malformed",
    "version 2": "malformed",
    "unknown flag": "malformed",
    "unknown detail": "malformed",
    "pairs that break off": "malformed",
    "another key": "unknown-key",
    "wrong secret": "forged",
    "vhost id changed": "forged",
    "uid changed": "forged",
    "request id changed": "forged",
    "time changed": "forged",
    "tag's seal changed": "forged",
    "detail changed": "forged",
    "last byte changed": "forged",
    "a day old": "expired",
    "from the future": "expired",
    "uid of another": "uid",
}


@pytest.mark.parametrize("name", REASONS)
def test_refused(site, key, name):
    event = site.shop.json.wait(show(site, SHOP_UID, text_of(site, key, name)))
    assert event["verified"] is False
    assert event["reason"] in REASONS[name].split("|")
    assert event["verdict"] == "allow"
    assert event["uid"] == SHOP_UID
    assert not {"uri", "method", "client", "request_id"} & set(event)


def test_neighbours_context(site, key):
    """blog shows a true context of shop's: it stays blog's mail, in blog's log."""
    mark = show(site, BLOG_UID, shop_context(site).sealed(key))
    event = site.blog.json.wait(mark)
    assert (event["verified"], event["reason"], event["uid"]) == (False, "uid", BLOG_UID)
    assert "uri" not in event
    site.shop.json.wait(site.shop.mail())
    assert not site.shop.logged(mark)


def test_strangers_context(site, key):
    mark = show(site, OTHER_UID, shop_context(site).sealed(key))
    event = site.server_json.wait(mark)
    assert (event["verified"], event["reason"]) == (False, "uid")


def test_replayed_by_another_process(site, key):
    """The first process that shows a request's context has it; a second one does not."""
    context = shop_context(site).sealed(key)
    assert site.shop.json.wait(show(site, SHOP_UID, context))["verified"] is True
    event = site.shop.json.wait(show(site, SHOP_UID, context))
    assert (event["verified"], event["reason"]) == (False, "replayed")


def test_replayed_of_a_real_request(site):
    """Published by .htaccess, taken from the page, shown by a shell of the same uid."""
    site.shop.write("leak/.htaccess", f'Header set X-Leak "%{{{VARIABLE}}}e"\n')
    mark = new_mark()
    script = site.shop.write("leak/page.php", f"<?php mail('to@example.org', '{mark}', 'b');")
    leaked = site.shop.get(script.uri).headers.get("X-Leak", "")
    assert site.shop.json.wait(mark)["verified"] is True
    assert len(leaked) > 80, "httpd's own variable; nothing depends on its being secret"
    event = site.shop.json.wait(show(site, SHOP_UID, leaked))
    assert (event["verified"], event["reason"]) == (False, "replayed")
    event = site.blog.json.wait(show(site, BLOG_UID, leaked))
    assert (event["verified"], event["reason"]) == (False, "uid")


def test_children_of_the_first_process(site, key):
    """A process may show what its parent was given."""
    first, second = new_mark(), new_mark()
    code = f"""<?php
mail('to@example.org', '{first}', 'b');
if (pcntl_fork() == 0) {{ mail('to@example.org', '{second}', 'b'); exit; }}
pcntl_wait($status);
"""
    site.php(SHOP_UID, code, environment={VARIABLE: shop_context(site).sealed(key)})
    assert site.shop.json.wait(first)["verified"] is True
    assert site.shop.json.wait(second)["verified"] is True


@pytest.mark.parametrize("what", ["none", "garbled", "true of a neighbour"])
def test_fastcgi_without_httpd(site, key, what):
    """A tenant who talks to a pool's socket himself."""
    parameters = {
        "none": {},
        "garbled": {VARIABLE: "garbled"},
        "true of a neighbour": {VARIABLE: Context(site.blog.full_name, uid=BLOG_UID).sealed(key)},
    }[what]
    mark = new_mark()
    script = site.shop.script(f"<?php\nvar_dump(mail('to@example.org', '{mark}', 'b'));")
    assert fastcgi.request(site.fpm.socket("shop"), str(script.path), parameters) == "bool(true)\n"
    event = site.shop.json.wait(mark)
    assert event["verified"] is False
    assert event["entry"] == str(script.path)
    assert event.get("reason") == {"none": None, "garbled": "malformed", "true of a neighbour": "uid"}[what]
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    assert not site.blog.logged(mark)


def test_context_of_another_pools_script(site):
    """.htaccess sends a tenant's own script to a neighbour's pool: the uid gives it away."""
    mark = new_mark()
    site.shop.write(
        "other/.htaccess",
        f'<FilesMatch "\\.php$">\nSetHandler "proxy:unix:{site.fpm.socket("blog")}|fcgi://localhost/"\n</FilesMatch>\n',
    )
    script = site.shop.write("other/page.php", f"<?php mail('to@example.org', '{mark}', 'b'); echo 'ran';")
    assert site.shop.get(script.uri).text == "ran"
    event = site.blog.json.wait(mark)
    assert (event["verified"], event["reason"], event["uid"]) == (False, "uid", BLOG_UID)
    site.shop.json.wait(site.shop.mail())
    assert not site.shop.logged(mark)


def test_one_request_after_another_in_one_worker(site):
    """Nothing of a request stays in the worker for the next one."""
    script = site.shop.script("<?php mail('to@example.org', $_GET['m'], 'b'); echo getmypid();")
    seen = {}
    for _ in range(8):
        mark = new_mark()
        pid = site.shop.get(f"{script.uri}?m={mark}").text
        event = site.shop.json.wait(mark)
        assert event["uri"] == f"{script.uri}?m={mark}"
        seen.setdefault(pid, []).append(event["request_id"])
    assert max(len(ids) for ids in seen.values()) > 1
    every = [request for ids in seen.values() for request in ids]
    assert len(set(every)) == 8
    mark = new_mark()
    direct = site.shop.script(f"<?php mail('to@example.org', '{mark}', 'b');")
    fastcgi.request(site.fpm.socket("shop"), str(direct.path))
    assert site.shop.json.wait(mark)["verified"] is False


def test_several_mails_of_one_request(site):
    mark = new_mark()
    site.shop.run(f"<?php for ($i = 0; $i < 5; $i++) mail('to@example.org', \"{mark}-$i-\", 'b');")
    events = [site.shop.json.wait(f"{mark}-{i}-") for i in range(5)]
    assert len({event["request_id"] for event in events}) == 1
    assert len({event["id"] for event in events}) == 5
    assert all(event["verified"] for event in events)


def test_key_is_roots_alone(site):
    path = site.httpd.runtime_dir / "key"
    status = os.stat(path)
    assert (status.st_mode & 0o777, status.st_uid) == (0o600, 0)
    answer = site.shop.run(f"<?php var_dump(@file_get_contents('{path}'));")
    assert answer.text == "bool(false)\n"


def test_vhost_that_is_gone(site, key):
    context = Context("nosuch.example:1", uid=SHOP_UID)
    event = site.server_json.wait(show(site, SHOP_UID, context.sealed(key)))
    # A removed virtual host's slow request: nobody's policy but the server's, and its name stays.
    assert (event["verified"], event["vhost"], event["uid"]) == (True, "nosuch.example:1", SHOP_UID)
    assert "site" not in event


def test_method_before_an_error_page(site):
    """An ErrorDocument runs for what the client asked for, and that was a POST."""
    mark = new_mark()
    page = site.shop.write("error/page.php", f"<?php mail('to@example.org', '{mark}', 'b');")
    site.shop.write("error/.htaccess", f"ErrorDocument 404 {page.uri}\n")
    assert site.shop.get("/error/nosuch.txt", "POST", body="x").status == 404
    event = site.shop.json.wait(mark)
    assert (event["method"], event["uri"], event["entry"]) == ("POST", "/error/nosuch.txt", str(page.path))


def test_entry_has_one_name(make_site):
    """However many slashes the client, or the DocumentRoot, has."""
    vhosts = two_vhosts()
    vhosts[0].run_lines = '  ProxyPassMatch "^/(.*\\.php)(/.*)?$" "unix:{socket}|fcgi://localhost/{docroot}//$1$2"\n'
    site = make_site(vhosts)
    entries = set()
    script = site.shop.write("a/page.php", "<?php mail('to@example.org', $_GET['m'], 'b');")
    for uri in ("/a/page.php", "//a///page.php", "/a/./page.php"):
        mark = new_mark()
        site.shop.get(f"{uri}?m={mark}")
        entries.add(site.shop.json.wait(mark)["entry"])
    assert entries == {str(script.path)}
