"""FastCGI without the other side that MailOrigin expects: a client that is not httpd, a program that is not PHP."""

import json
import os
import random

import pytest
from harness import fastcgi
from harness.htaccess import ATTEMPTS
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Site, Vhost, new_mark
from harness.wire import VARIABLE, Context, Key, answer, boottime_ns, opened, question

DAY = 86_400 * 10**9

# A program that is not PHP; a tenant's files of that name are its scripts.
PROGRAM = """
  <FilesMatch "\\.show$">
    SetHandler "proxy:unix:{dir}/run/show.sock|fcgi://localhost/"
  </FilesMatch>
"""
# Whoever may enter the machine may speak to the pool: the worst of configurations.
OPEN = "listen.mode = 0666"


@pytest.fixture(scope="module")
def module_site(installation):
    """shop is strict, blog is not; everybody may open their pools' sockets."""
    vhosts = [
        Vhost("shop", SHOP_UID, WITH_HEADER + PROGRAM, pool_lines=OPEN),
        Vhost("blog", BLOG_UID, WITH_HEADER + "  MailOriginStrict Off\n", pool_lines=OPEN),
    ]
    made = Site(installation, installation.directory("fastcgi"), vhosts, server=SERVER, modules=("include",))
    with fastcgi.Responder(made.directory / "run/show.sock"):
        try:
            yield made.start()
        finally:
            made.stop()


@pytest.fixture
def key(site):
    return Key.read(site.httpd.runtime_dir)


# ---- a client that is not httpd


def context(site, **changes):
    return Context(site.shop.full_name, uid=SHOP_UID, details={"uri": "/made"}).with_(**changes)


def changed(text):
    """One letter in the middle, for another of the alphabet."""
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


# name: the parameters that bring the context, and the reason that the event has.
FOREIGN = {
    "none": (lambda site, key: [], None),
    "garbled": (lambda site, key: [(VARIABLE, "garbled")], "malformed"),
    "altered": (lambda site, key: [(VARIABLE, changed(context(site).sealed(key)))], "forged"),
    "expired": (lambda site, key: [(VARIABLE, context(site, boottime=(boottime_ns() - DAY - 10**9) % 2**64).sealed(key))], "expired"),
    "of another key": (lambda site, key: [(VARIABLE, context(site).sealed(Key(key.id ^ 1, key.secret)))], "unknown-key"),
    "sealed with a guess": (lambda site, key: [(VARIABLE, context(site).sealed(Key(key.id, bytes(16))))], "forged"),
    "of a neighbour": (lambda site, key: [(VARIABLE, Context(site.blog.full_name, uid=BLOG_UID).sealed(key))], "uid"),
    "a neighbour's and a forged one": (
        lambda site, key: [(VARIABLE, Context(site.blog.full_name, uid=BLOG_UID).sealed(key)), (VARIABLE, "forged")],
        ("uid", "malformed"),
    ),
    "in another case": (lambda site, key: [(VARIABLE.lower(), context(site).sealed(key))], None),
    "as a request header": (lambda site, key: [(f"HTTP_{VARIABLE}", context(site).sealed(key))], None),
    # php-fpm takes no parameter that is longer than a record.
    "of 60 kB": (lambda site, key: [(VARIABLE, "A" * 60_000)], "malformed"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_context_that_httpd_did_not_send(site, key, name):
    """Whoever opens the pool's socket runs code as its user, and is judged as that user: never as more."""
    bring, reason = FOREIGN[name]
    mark = new_mark()
    script = site.shop.script(f"<?php\nvar_dump(mail('to@example.org', '{mark}', 'b', 'X-Mail-Origin: forged'));")
    assert fastcgi.request(site.fpm.socket("shop"), script.path, bring(site, key), OTHER_UID) == "bool(true)\n"
    event = site.shop.json.wait(mark)
    assert (event["verified"], event["uid"], event["entry"]) == (False, SHOP_UID, str(script.path))
    assert event.get("reason") in (reason if isinstance(reason, tuple) else (reason,))
    assert not {"uri", "client", "request_id"} & set(event)
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    site.blog.json.wait(site.blog.mail())
    assert not site.blog.logged(mark)


def test_replayed_context(site):
    """What a page let out, given to its own pool once more: only the worker that had it may show it again."""
    site.shop.write("leak/.htaccess", f'Header set X-Leak "%{{{VARIABLE}}}e"\n')
    script = site.shop.write("leak/page.php", "<?php mail('to@example.org', $_GET['m'], 'b'); echo getmypid();")
    mark = new_mark()
    first = site.shop.get(f"{script.uri}?m={mark}")
    true = site.shop.json.wait(mark)
    leaked = first.headers["X-Leak"]
    seen = set()
    for _ in range(50):
        mark = new_mark()
        pid = fastcgi.request(
            site.fpm.socket("shop"), script.path, {VARIABLE: leaked, "QUERY_STRING": f"m={mark}"}, OTHER_UID
        )
        event = site.shop.json.wait(mark)
        if pid == first.text:
            # Not to be told from a second mail of the same request: its own host's, at least.
            assert (event["verified"], event["request_id"]) == (True, true["request_id"])
        else:
            assert (event["verified"], event.get("reason")) == (False, "replayed")
        assert event.get("vhost", site.shop.full_name) == site.shop.full_name
        seen.add(pid == first.text)
        if len(seen) == 2:
            return
    raise AssertionError(f"50 requests met only one worker: {seen}")


SETTINGS = {
    "PHP_VALUE": "mailorigin.enabled=0\nmailorigin.socket=/nowhere\nmailorigin.timeout_ms=1",
    "PHP_ADMIN_VALUE": "mailorigin.enabled=0\nmailorigin.socket=/nowhere\nmailorigin.on_failure=allow",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_client(site, name):
    """They reach PHP's settings, but not ours."""
    mark = new_mark()
    script = site.shop.script(
        f"<?php mail('to@example.org', '{mark}', 'b');\n"
        "echo ini_get('precision'), ini_get('mailorigin.enabled'), ini_get('mailorigin.socket');"
    )
    said = fastcgi.request(
        site.fpm.socket("shop"), script.path, {name: f"{SETTINGS[name]}\nprecision=11"}, OTHER_UID
    )
    assert said == f"111{site.httpd.runtime_dir}/mailorigin.sock"
    event = site.shop.json.wait(mark)
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    site.fpm.reload()  # what an administrator's value sets stays in the worker


@pytest.mark.parametrize("setting", ["disable_functions=mail", "disable_classes=Exception", "sendmail_path=/bin/true",
                                     "mail.log=/dev/full", "mail.add_x_header=1"])
def test_php_settings_of_a_client(site, setting):
    """A tenant may break his own mail, and send it through what he likes: it is recorded whenever it is sent."""
    mark = new_mark()
    script = site.shop.script(f"<?php try {{ echo @mail('to@example.org', '{mark}', 'b') ? 'sent' : 'not sent'; }} catch (Error $e) {{ echo $e->getMessage(); }}")
    said = fastcgi.request(site.fpm.socket("shop"), script.path, {"PHP_ADMIN_VALUE": setting}, OTHER_UID)
    if setting.startswith("disable_functions"):
        assert said == "Call to undefined function mail()"
    else:
        assert said == "sent"
        assert site.shop.json.wait(mark)["verified"] is False
    site.fpm.reload()
    site.shop.json.wait(site.shop.mail())


@pytest.mark.parametrize(
    "parameters",
    [b"", b"\xff", b"\x80\x00\x00", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x05\x05ab", random.Random(1).randbytes(4000),
     b"\x16\x80\x00\xff\xff" + VARIABLE.encode() + b"short"],
    ids=["none", "one byte", "half a length", "longest", "cut", "any", "context that lies about its length"],
)
def test_parameters_that_are_none(site, parameters):
    """php-fpm's own affair; its workers go on, and so does their mail."""
    fastcgi.ask(site.fpm.socket("shop"), parameters, OTHER_UID)
    assert site.shop.json.wait(site.shop.mail())["verified"] is True


# ---- native code in the worker


@pytest.fixture(scope="module")
def extension(installation):
    return installation.extension("hostile_extension")


def inverted(data):
    """PHP code of bytes that are not to be in PHP's memory."""
    return f"hex2bin('{bytes(byte ^ 255 for byte in data).hex()}')"


def test_native_code_finds_no_key(site, key, extension):
    """It reads everything that its worker can read: the context is there, the key that sealed it is not."""
    true = Context(site.shop.full_name, uid=SHOP_UID).sealed(key)
    mark = new_mark()
    script = site.shop.script(
        f"<?php mail('to@example.org', '{mark}', 'b');\n"
        f"echo json_encode([hostile_memory({inverted(true.encode())}), hostile_memory({inverted(key.secret)}),"
        f" hostile_memory({inverted(key.secret[:8])}), hostile_memory({inverted(key.secret[8:])}),"
        f" @file_get_contents('{site.httpd.runtime_dir}/key'), @file_get_contents('/proc/{site.httpd.process.pid}/environ'),"
        f" @file_get_contents('/proc/{site.httpd.daemon()}/environ')]);"
    )
    said = fastcgi.request(
        site.fpm.socket("shop"), script.path, {VARIABLE: true, "PHP_ADMIN_VALUE": f"extension={extension}"}, OTHER_UID
    )
    try:
        found = json.loads(said)
        assert found[0] > 0, "it does not even find what is there"
        assert found[1:] == [0, 0, 0, False, False, False]
        assert site.shop.json.wait(mark)["verified"] is True
    finally:
        site.fpm.reload()


def test_native_code_speaks_for_nobody_else(site, key, extension):
    """It asks the daemon itself: for a neighbour's host it has no context that counts."""
    site.blog.write("leak/.htaccess", f'Header set X-Leak "%{{{VARIABLE}}}e"\n')
    leak = site.blog.write("leak/page.php", "<?php echo 'x';")
    leaked = site.blog.get(leak.uri).headers["X-Leak"]
    assert opened(leaked, key)["vhost"] == site.blog.full_name
    own = context(site).sealed(key)
    mark = new_mark()
    packets = {
        "claims": question(os.urandom(16), subject=f"{mark}-claims-", to="a@b.example", pool="blog"),
        "vhost": question(os.urandom(16), subject=f"{mark}-vhost-", to="a@b.example", vhost=site.blog.full_name),
        "leaked": question(os.urandom(16), leaked, subject=f"{mark}-leaked-", to="a@b.example"),
        "spliced": question(os.urandom(16), own[:64] + leaked[64:], subject=f"{mark}-spliced-", to="a@b.example"),
        "altered": question(os.urandom(16), changed(leaked), subject=f"{mark}-altered-", to="a@b.example"),
    }
    calls = ",".join(
        f"'{name}' => bin2hex((string)hostile_ask('{site.httpd.runtime_dir}/mailorigin.sock', hex2bin('{packet.hex()}')))"
        for name, packet in packets.items()
    )
    script = site.shop.script(f"<?php echo json_encode([{calls}]);")
    said = fastcgi.request(
        site.fpm.socket("shop"), script.path, {"PHP_ADMIN_VALUE": f"extension={extension}"}, OTHER_UID
    )
    try:
        answers = {name: bytes.fromhex(text) for name, text in json.loads(said).items()}
        reasons = {"claims": None, "leaked": "uid", "spliced": "forged", "altered": "forged"}
        for name, reason in reasons.items():
            event = site.shop.json.wait(f"{mark}-{name}-")
            assert (event["verified"], event["uid"], event.get("reason")) == (False, SHOP_UID, reason), name
            assert answer(answers[name])["id"].decode() == event["id"]
        # What only httpd may say is no question at all, or left out.
        for event in site.shop.json.entries():
            assert f"{mark}-vhost-" not in event["subject"] or event["verified"] is False
        site.blog.json.wait(site.blog.mail())
        assert not site.blog.logged(mark)
    finally:
        site.fpm.reload()
        site.httpd.allow_log(r"MO0210: ")


def test_htaccess_loads_no_native_code(site, extension):
    """Where MailOriginStrict is on; where it is off, it does."""
    code = "<?php echo function_exists('hostile_memory') ? 'loaded' : 'not loaded';"
    for vhost, expected in ((site.shop, "not loaded"), (site.blog, "loaded")):
        vhost.write("native/.htaccess", f"SetEnv PHP_ADMIN_VALUE extension={extension}\n")
        script = vhost.write("native/page.php", code)
        assert vhost.get(script.uri).text == expected
    site.fpm.reload()


# ---- a program that is not PHP


def on_the_wire(site, name, htaccess="", **request):
    """The parameters that reach the program, in order."""
    if htaccess:
        site.shop.write(f"{name}/.htaccess", htaccess + "\n")
    script = site.shop.write(f"{name}/program.show", "")
    reply = site.shop.get(f"{script.uri}?q=1", **request)
    assert reply.status == 200, reply
    return fastcgi.parameters_of(reply.text)


def the_context(site, key, wire):
    """The one context among them, opened; everything else about them is as it should be."""
    found = [value for name, value in wire if name.upper() == VARIABLE]
    assert len(found) == 1, wire
    others = [(name, value) for name, value in wire if name != VARIABLE]
    assert not [name for name, value in others if found[0] in value], "a copy of the context"
    assert not [name for name, _ in others if VARIABLE in name.upper() and not name.startswith("HTTP_")]
    secret = key.secret
    for name, value in wire:
        data = value.encode("utf-8", "surrogateescape")
        for text in (secret, secret.hex().encode(), secret.hex().upper().encode()):
            assert text not in data, f"{name} has the key"
    return opened(found[0], key)


_numbers = iter(range(1000))


@pytest.mark.parametrize("name", ["nothing", *ATTEMPTS])
def test_one_context_on_the_wire(site, key, name):
    """Whatever .htaccess does: one context, httpd's, and none of PHP's settings."""
    wire = on_the_wire(site, f"wire{next(_numbers)}", ATTEMPTS.get(name, ""))
    known = the_context(site, key, wire)
    assert (known["vhost"], known["uid"], known["method"]) == (site.shop.full_name, SHOP_UID, "GET")
    assert known["entry"].endswith("/program.show")
    assert known["uri"].endswith("/program.show?q=1")
    assert not {"PHP_VALUE", "PHP_ADMIN_VALUE"} & {name.upper() for name, _ in wire}
    assert "forged" not in [value for name, value in wire if not name.startswith("HTTP_")]


@pytest.mark.parametrize("header", [VARIABLE, VARIABLE.replace("_", "-"), VARIABLE.lower(), f"REDIRECT-{VARIABLE}", "PHP-VALUE", "PHP_VALUE"])
def test_request_headers_on_the_wire(site, key, header):
    wire = on_the_wire(site, "clients", headers={header: "forged"})
    the_context(site, key, wire)
    assert "forged" not in [value for name, value in wire if not name.startswith("HTTP_")]


def test_error_document_on_the_wire(site, key):
    """Three requests one in the other; only the last one's context arrives."""
    site.shop.write(
        "failing/.htaccess",
        "ErrorDocument 404 /failing/again.show\nRewriteEngine On\nRewriteRule again.show program.show\n",
    )
    site.shop.write("failing/program.show", "")
    site.shop.write("failing/again.show", "")
    reply = site.shop.get("/failing/missing.show/../nothing")
    assert reply.status == 404
    known = the_context(site, key, fastcgi.parameters_of(reply.text))
    assert known["entry"].endswith("/failing/program.show")


def test_each_request_has_its_own(site, key):
    ids = {the_context(site, key, on_the_wire(site, "own"))["request_id"] for _ in range(5)}
    assert len(ids) == 5


# ---- server side includes

def test_includes(site, key):
    """A page that sets the variable and then includes scripts: each has a context of its own, httpd's."""
    first, second = new_mark(), new_mark()
    site.shop.write("ssi/.htaccess", "Options +Includes\n<Files *.shtml>\nSetOutputFilter INCLUDES\n</Files>\n")
    site.shop.write("ssi/one.php", f"<?php mail('to@example.org', '{first}', 'b');")
    site.shop.write("ssi/two.php", f"<?php mail('to@example.org', '{second}', 'b');")
    site.shop.write("ssi/program.show", "")
    page = site.shop.write(
        "ssi/page.shtml",
        f'<!--#set var="{VARIABLE}" value="forged" --><!--#set var="COPY" value="${VARIABLE}" -->'
        '<!--#include virtual="one.php" --><!--#include virtual="two.php?x=1" -->'
        f'[<!--#echo var="{VARIABLE}" -->]\n<!--#include virtual="program.show?q=1" -->',
    )
    reply = site.shop.get(page.uri)
    assert reply.status == 200
    shown, _, wire = reply.text.partition("\n")
    assert shown == "[forged]", "its own word, and no more"
    known = the_context(site, key, [pair for pair in fastcgi.parameters_of(wire) if pair[0] != "COPY"])
    events = [site.shop.json.wait(mark) for mark in (first, second)]
    for event, name in zip(events, ("one.php", "two.php")):
        assert event["verified"] is True
        assert event["entry"].endswith(f"/ssi/{name}")
        assert event["uri"] == page.uri
    ids = [event["request_id"] for event in events] + [known["request_id"]]
    assert len(set(ids)) == 3
    assert site.shop.access.wait(page.uri).split()[0].split(",") == ids
