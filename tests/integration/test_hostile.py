"""Mail and packets made to break things: one line per event, nothing crashes, nobody else waits."""

import json
import os
import random
import re
import socket

import pytest
from harness.logs import parse_logfmt
from harness.site import OTHER_UID, SHOP_UID, new_mark
from harness.waiting import as_user, wait_until
from harness.wire import answer, connect, question


@pytest.fixture(autouse=True)
def said_meanwhile(site):
    """httpd writes down what the daemon says of bad connections when it gets round to it, in whichever test that is."""
    site.httpd.allow_log("MO0210: ")


@pytest.fixture
def daemon(site):
    """The daemon is the same process after the test."""
    before = site.httpd.daemon()
    yield before
    assert site.httpd.daemon() == before, "the daemon died"
    site.shop.json.wait(site.shop.mail())


@pytest.fixture
def workers(site):
    """The pool's workers are the same processes after the test."""
    before = sorted(site.fpm.workers("shop"))
    yield before
    assert sorted(site.fpm.workers("shop")) == before, "a worker died"


def one_line_each(site, mark):
    """The event, after its line was found once in every format and nothing strange in it."""
    event = site.shop.json.wait(mark)
    for log in (site.shop.json, site.shop.logfmt, site.shop.php):
        log.wait(mark)
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", log.raw())
        log.raw().decode("utf-8")
    assert len(site.shop.json.lines()) == len(site.shop.logfmt.lines()) == len(site.shop.php.lines())
    parse_logfmt(site.shop.logfmt.lines_with(mark)[0])
    return event


def test_headers_of_10_mb(site, daemon, workers):
    mark = new_mark()
    answer = site.shop.run(
        f"<?php var_dump(mail('to@example.org', '{mark}', 'b', 'X-Long: ' . str_repeat('x', 10 << 20) . \"\\r\\nX-Mail-Origin: forged\"));"
    )
    assert answer.text == "bool(true)\n"
    event = one_line_each(site, mark)
    assert event["truncated"] is True
    assert event["verified"] is True
    assert 1000 < len(event["headers"]) < 65536
    message = site.sendmail.wait(mark)
    assert len(message.raw) > 10 << 20
    assert message.header("X-Mail-Origin") == [event["id"]]


def test_10_mb_of_forged_copies(site, daemon, workers):
    mark = new_mark()
    answer = site.shop.run(
        f"<?php var_dump(mail('to@example.org', '{mark}', 'b', str_repeat(\"X-Mail-Origin: forged\\r\\n\", 400000) . 'A: 1'));"
    )
    assert answer.text == "bool(true)\n"
    event = one_line_each(site, mark)
    message = site.sendmail.wait(mark)
    assert message.header("X-Mail-Origin") == [event["id"]]
    assert message.header("A") == ["1"]


@pytest.mark.parametrize("where", ["to", "Bcc", "array"])
def test_100_000_recipients(site, daemon, workers, where):
    mark = new_mark()
    many = "implode(', ', array_map(fn($i) => \"user$i@example.org\", range(1, 100000)))"
    code = {
        "to": f"mail({many}, '{mark}', 'b')",
        "Bcc": f"mail('to@example.org', '{mark}', 'b', 'Bcc: ' . {many})",
        "array": f"mail('to@example.org', '{mark}', 'b', ['Bcc' => {many}])",
    }[where]
    assert site.shop.run(f"<?php var_dump({code});").text == "bool(true)\n"
    event = one_line_each(site, mark)
    assert event["recipients"] == 100_000 + (where != "to")
    assert event["truncated"] is True


BYTES = {
    "LF": "\\n", "CR": "\\r", "CRLF": "\\r\\n", "TAB": "\\t", "ESC": "\\x1b[31m", "DEL": "\\x7f",
    "lone continuation": "\\x80", "overlong": "\\xc0\\xaf", "surrogate": "\\xed\\xa0\\x80", "cut short": "\\xe2\\x82",
    "too high": "\\xf5\\x80\\x80\\x80", "C1": "\\xc2\\x85", "line separator": "\\xe2\\x80\\xa8", "quote": "\\\"", "backslash": "\\\\",
    "BOM": "\\xef\\xbb\\xbf", "right to left": "\\xe2\\x80\\xae", "percent": "%{id}%%%n",
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_in_every_field(site, daemon, workers, name):
    odd = BYTES[name]
    mark = new_mark()
    site.shop.run(
        f"""<?php mail("to{odd}@example.org", "{mark}{odd}x{odd}y=1 verified=true", "b{odd}", ['From' => "a{'' if name in ('LF', 'CR', 'CRLF') else odd}@b.example"], "-fx{odd}@c.example");
        echo 'done';"""
    )
    event = one_line_each(site, mark)
    assert event["verified"] is True
    assert event["subject"].startswith(mark)
    assert "\n" not in event["subject"] and "\r" not in event["subject"]


def test_nul_is_refused_by_php(site):
    mark = new_mark()
    answer = site.shop.run(
        f"<?php try {{ mail(\"to\\0@example.org\", '{mark}', 'b'); }} catch (ValueError $e) {{ echo $e->getMessage(); }}"
    )
    assert "must not contain any null bytes" in answer.text
    site.shop.json.wait(site.shop.mail())
    assert not site.shop.logged(mark)


@pytest.mark.parametrize("call", ["mb_send_mail('to@example.org', \"MARK\\0x\", \"b\\0\", \"X: a\\0b\")", "imap_mail('to@example.org', \"MARK\\0x\", 'b', \"X: a\\0b\")",
                                  "error_log(\"b\\0\", 1, 'to@example.org', \"X: MARK\\0b\")"])
def test_nul_elsewhere(site, daemon, workers, call):
    """What PHP makes of it is PHP's; if it is sent, it is one line."""
    mark = new_mark()
    site.shop.run(f"<?php try {{ @{call.replace('MARK', mark)}; }} catch (Error $e) {{}} echo 'done';")
    if [message for message in site.sendmail.messages() if mark.encode() in message.raw]:
        one_line_each(site, mark)


def test_odd_file_names(site, daemon):
    """A script's own name is the tenant's bytes too."""
    mark = new_mark()
    name = f"{mark}\"x\nverified=true\n\x1b é.inc"
    site.shop.write(name, f"<?php mail('to@example.org', '{mark}', 'b');")
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    site.shop.run(f"<?php require __DIR__ . '/{quoted}';")
    event = site.shop.json.wait(f'"subject":"{mark}"')
    assert event["verified"] is True
    assert mark in event["file"]
    site.shop.logfmt.wait(f"subject={mark}")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", site.shop.logfmt.raw())


def test_deep_stack(site, daemon, workers):
    mark = new_mark()
    site.shop.run(f"<?php function f($n) {{ return $n ? f($n - 1) : mail('to@example.org', '{mark}', 'b'); }} f(20000); echo 'done';")
    event = one_line_each(site, mark)
    assert len(event["stack"]) <= 4096


def test_long_everything(site, daemon, workers):
    mark = new_mark()
    site.shop.run(
        f"<?php mail(str_repeat('a', 99999) . '@example.org', '{mark}' . str_repeat('é', 99999), 'b', ['From' => str_repeat('f', 99999), 'Message-ID' => str_repeat('m', 99999)], '-f' . str_repeat('e', 99999)); echo 'done';"
    )
    event = site.shop.json.wait(mark)
    assert event["truncated"] is True
    assert event["verified"] is True
    assert not re.search("[^é]", event["subject"][len(mark):]), "cut at a character"


# ---- straight to the daemon's socket

def socket_path(site):
    return site.httpd.runtime_dir / "mailorigin.sock"


def test_packets_of_any_bytes(site, daemon):
    path = socket_path(site)
    good = question(b"N" * 16, subject="any", to="x@example.org")

    def attack():
        source = random.Random(20261121)
        for round_ in range(600):
            connection = connect(path)
            kind = round_ % 4
            if kind == 0:
                packet = source.randbytes(source.choice([1, 2, 3, 4, 5, 100, 4000, 65536]))
            elif kind == 1:
                packet = b"\x01" + bytes([source.randrange(256)]) + b"\0\0" + source.randbytes(source.randrange(300))
            elif kind == 2:
                packet = bytearray(good)
                for _ in range(source.randrange(1, 6)):
                    packet[source.randrange(len(packet))] = source.randrange(256)
            else:
                packet = good[: source.randrange(1, len(good))]
            try:
                connection.send(packet)
                if round_ % 3 == 0:
                    connection.settimeout(0.05)
                    connection.recv(65536)
            except OSError:
                pass
            connection.close()

    as_user(OTHER_UID, attack)


def test_packet_too_long(site, daemon):
    connection = connect(socket_path(site))
    try:
        connection.send(b"\x01\x01\0\0" + b"x" * 150_000)
    except OSError:
        pass
    connection.close()


def test_descriptors_nobody_asked_for(site, daemon):
    """Descriptors that come with a question are closed."""
    path = socket_path(site)
    before = len(os.listdir(f"/proc/{daemon}/fd"))

    def send():
        connection = connect(path)
        null = os.open("/dev/null", os.O_RDONLY)
        for _ in range(50):
            packet = question(os.urandom(16), subject="with descriptors", to="x@example.org")
            try:
                socket.send_fds(connection, [packet], [null] * 100)
                connection.recv(65536)
            except OSError:
                connection = connect(path)

    as_user(OTHER_UID, send)
    wait_until(lambda: len(os.listdir(f"/proc/{daemon}/fd")) <= before + 2, "closed descriptors")


def test_claims_that_are_not_the_senders(site, daemon):
    """A sender cannot say what only httpd, the kernel or the daemon may."""
    path = socket_path(site)
    mark = new_mark()

    def claim():
        for field, value in {
            "vhost": "bank.example:443", "uid": "0", "pid": "1", "verified": "true", "client": "9.9.9.9",
            "id": "0" * 26, "verdict": "deny", "request_id": "x", "time": "1999-01-01T00:00:00.000Z", "host": "elsewhere",
        }.items():
            connection = connect(path)
            connection.send(question(os.urandom(16), subject=f"{mark}-{field}-", to="x@example.org", **{field: value}))
            try:
                connection.recv(65536)
            except OSError:
                pass
            connection.close()

    as_user(SHOP_UID, claim)
    site.shop.json.wait(site.shop.mail())
    for event in site.shop.json.entries():
        if mark in event["subject"]:
            assert event["uid"] == SHOP_UID
            assert event["verified"] is False
            assert event.get("client") is None
            assert event["host"] == socket.gethostname()
            assert event["verdict"] == "allow"


def test_same_nonce_twice_is_one_event(site, daemon):
    """Asked again after a lost connection: the same answer, one event."""
    path = socket_path(site)
    mark = new_mark()

    def ask():
        nonce = os.urandom(16)
        answers = []
        for _ in range(3):
            connection = connect(path)
            connection.send(question(nonce, subject=mark, to="x@example.org"))
            answers.append(answer(connection.recv(65536)))
            connection.close()
        assert answers[0] == answers[1] == answers[2], answers
        assert answers[0]["verdict"] == b"allow"

    as_user(SHOP_UID, ask)
    site.shop.json.wait(mark)


def test_a_neighbours_nonce(site, daemon):
    """The nonce of one uid says nothing about another's question."""
    path = socket_path(site)
    mark, nonce = new_mark(), os.urandom(16)

    def ask(who):
        connection = connect(path)
        connection.send(question(nonce, subject=f"{mark}-{who}", to="x@example.org"))
        answer(connection.recv(65536))

    as_user(SHOP_UID, lambda: ask("shop"))
    as_user(OTHER_UID, lambda: ask("other"))
    site.shop.json.wait(f"{mark}-shop")
    site.server_json.wait(f"{mark}-other")


def test_silent_and_deaf_clients(site, daemon):
    """Hundreds that say nothing, and one that never reads: the others are answered."""
    path = socket_path(site)
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setresgid(OTHER_UID, OTHER_UID, OTHER_UID)
            os.setresuid(OTHER_UID, OTHER_UID, OTHER_UID)
            held = []
            for _ in range(400):
                try:
                    held.append(connect(path, 0.5))
                except OSError:
                    break
            for connection in held[:20]:
                connection.settimeout(0.05)
                try:
                    for _ in range(2000):
                        connection.send(question(os.urandom(16), subject="deaf", to="x@example.org"))
                except OSError:
                    pass
            os.write(ready[1], b"x")
            os.read(done[0], 1)
        finally:
            os._exit(0)
    try:
        os.read(ready[0], 1)
        for _ in range(20):
            mark = site.shop.mail()  # refused if it had to wait for its patience
        assert site.shop.json.wait(mark)["verified"] is True
    finally:
        os.write(done[1], b"x")
        os.waitpid(child, 0)
        for descriptor in (*ready, *done):
            os.close(descriptor)


def test_a_flood_is_answered(site, daemon):
    """Many questions of one uid: each is answered, with a verdict or with busy, none is left waiting."""
    path = socket_path(site)

    def flood():
        connections = [connect(path) for _ in range(8)]
        for round_ in range(100):
            for connection in connections:
                connection.send(question(os.urandom(16), subject="flood", to="x@example.org"))
            for connection in connections:
                found = answer(connection.recv(65536))
                assert found["verdict"] in (b"allow", b"deny"), found
                assert found["verdict"] == b"allow" or found["reason"] == b"busy", found

    as_user(OTHER_UID, flood)


def test_control_socket_is_roots_alone(site, daemon):
    path = site.httpd.runtime_dir / "control.sock"

    def try_it():
        try:
            connect(path)
        except PermissionError:
            return
        raise AssertionError("a tenant reached the control socket")

    as_user(OTHER_UID, try_it)
    path.chmod(0o666)
    try:
        # Even with a wrong mode: the daemon looks at the peer.
        def push():
            connection = connect(path)
            try:
                connection.send(b"\x01\x12\0\0")
                data = connection.recv(65536)
            except OSError:
                return
            assert data == b"" or data[1] == 19 and len(data) > 10, data

        as_user(OTHER_UID, push)
    finally:
        path.chmod(0o600)
    site.httpd.allow_log(r"MO\d{4}: .*(uid|root)")


def test_json_is_ascii(site):
    mark = new_mark()
    site.shop.run(f"<?php mail('to@example.org', \"{mark} \\xe2\\x82\\xac \\xff\", 'b'); echo 'x';")
    site.shop.json.wait(mark)
    (line,) = site.shop.json.lines_with(mark)
    assert line.isascii()
    assert json.loads(line)["subject"].startswith(f"{mark} €")
