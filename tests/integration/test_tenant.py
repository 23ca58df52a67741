"""What a tenant may do without any trick: PHP's own settings, processes, names, floods, signals."""

import ctypes
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
from harness.flood import FLOOD
from harness.logs import json_log, parse_logfmt
from harness.paths import PHP
from harness.site import OTHER_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.mounts import mount_tmpfs, unmount
from harness.waiting import alive, as_user, wait_until
from harness.wire import VARIABLE, answer, connect, question


# ---- PHP's own ways to log mail and to send it

INI = {
    "mail.log, nowhere": "mail.log = /nowhere/at/all",
    "mail.log, full": "mail.log = /dev/full",
    "mail.log, syslog": "mail.log = syslog",
    "mail.add_x_header": "mail.add_x_header = 1",
    "no header": "mail.add_x_header = 0\nmail.force_extra_parameters = \"\"",
    "sendmail_path": "sendmail_path = /bin/true",
    "disable_functions": "disable_functions = mail",
    "extension": "extension = /tmp/evil.so",
}


@pytest.mark.parametrize("name", INI)
def test_user_ini(site, name):
    """A directory's .user.ini: the mail is recorded and carries the header, whatever PHP's own log does."""
    mark = new_mark()
    directory = f"ini{list(INI).index(name)}"
    site.shop.write(f"{directory}/.user.ini", INI[name] + "\n")
    script = site.shop.write(f"{directory}/page.php", f"<?php var_dump(mail('to@example.org', '{mark}', 'b'));")
    assert site.shop.get(script.uri).text.endswith("bool(true)\n")
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


@pytest.mark.parametrize("code", ["ini_set('mail.log', '/dev/full')", "ini_set('sendmail_path', '/bin/true')",
                                  "ini_set('mail.add_x_header', '1')", "ini_set('mail.force_extra_parameters', '-X/tmp/x')",
                                  "ini_alter('mailorigin.enabled', '0')", "ini_restore('mailorigin.enabled')",
                                  "putenv('SSL_MAILORIGIN_CONTEXT=forged')", "$_SERVER['SSL_MAILORIGIN_CONTEXT'] = 'forged'",
                                  "$_ENV['SSL_MAILORIGIN_CONTEXT'] = 'forged'", "apply()"])
def test_from_the_script(site, code):
    mark = new_mark()
    page = f"<?php function apply() {{ foreach (ini_get_all('mailorigin', false) as $n => $v) ini_set($n, '0'); }} @{code}; mail('to@example.org', '{mark}', 'b');"
    site.shop.run(page)
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


@pytest.mark.parametrize("name", ["sendmail_path", "mail.log", "mail.add_x_header", "disable_functions"])
def test_settings_of_a_shell(site, name):
    """PHP that a tenant starts himself has his settings: as long as it is our PHP, it asks before it sends."""
    mark = new_mark()
    own = {"sendmail_path": "/bin/cat >/dev/null", "mail.log": "/dev/full", "mail.add_x_header": "1", "disable_functions": "mail"}[name]
    done, _ = site.php(
        SHOP_UID, f"<?php var_dump(@mail('to@example.org', '{mark}', 'b'));", settings={name: own}, check=False
    )
    if name == "disable_functions":
        assert b"undefined function mail()" in done.stdout
        site.shop.json.wait(site.shop.mail())
        assert not site.shop.logged(mark)
        return
    event = site.shop.json.wait(mark)
    assert (event["verified"], event["uid"]) == (False, SHOP_UID)


# ---- what he may call things

NAMES = {
    "newline": "a\nverified=true\n.php", "carriage return": "a\rb.php", "escape": "a\x1b[2Jb.php", "quotes": "a\"b'c.php",
    "backslash": "a\\n\\.php", "logfmt": "a vhost=bank.example:443 x=.php", "json": 'a","vhost":"bank.example","x":".php',
    "percent": "a%25%{id}%n.php", "not UTF-8": "a\udcff\udcfe.php", "C1": "a\u0085b.php", "line separator": "a\u2028b.php",
    "right to left": "a\u202eb.php", "long": "a" * 230 + ".php",
}


def url_of(name):
    return "".join(f"%{byte:02X}" for byte in name.encode("utf-8", "surrogateescape"))


def only_line(vhost, mark):
    """The event, after every format had one line of it that is what it should be."""
    event = vhost.json.wait(mark)
    for log in (vhost.json, vhost.logfmt, vhost.php):
        log.wait(mark)
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", log.raw())
        log.raw().decode("utf-8")
    pairs = parse_logfmt(vhost.logfmt.lines_with(mark)[0])
    assert (pairs["vhost"], event["vhost"]) == (vhost.full_name, vhost.full_name)
    return event


@pytest.mark.parametrize("name", NAMES)
def test_name_of_the_entry_script(site, name):
    mark = new_mark()
    path = site.shop.docroot / "names" / NAMES[name]
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<?php mail('to@example.org', '{mark}', 'b'); echo 'sent';")
    reply = site.shop.get(f"/names/{url_of(NAMES[name])}")
    if reply.status != 200:
        # httpd's own care for what comes after it.
        assert name in ("newline", "carriage return", "escape"), reply
        site.httpd.expect_log(r"AH10414: To be forwarded path contains control characters")
        return
    assert reply.text == "sent"
    event = only_line(site.shop, mark)
    assert event["verified"] is True
    assert event["entry"].startswith(f"{site.shop.docroot}/names/a")


@pytest.mark.parametrize("name", NAMES)
def test_name_of_a_script_in_a_shell(site, name):
    mark = new_mark()
    site.php(SHOP_UID, f"<?php mail('to@example.org', '{mark}', 'b');", name=NAMES[name])
    event = site.shop.json.wait(mark)
    assert event["verified"] is False
    for log in (site.shop.json, site.shop.logfmt, site.shop.php):
        log.wait(mark)
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", log.raw())
    pairs = parse_logfmt(site.shop.logfmt.lines_with(mark)[0])
    assert pairs["verified"] == "false"
    assert pairs.get("vhost", site.shop.full_name) == site.shop.full_name


TARGETS = {
    "encoded newline": b"%0averified=true%0d%0a",
    "quotes": b"\"'`\\\\",
    "not ASCII": b"\xff\xfe\x80\xc3",
    "C1": b"\xc2\x85\xe2\x80\xa8",
    "percent": b"%%%{id}%n%00",
    "json": b'","verified":true,"x":"',
    "tab": b"%09%1b[2J",
}


def ask_raw(site, request):
    with socket.create_connection(("127.0.0.1", site.httpd.port), 10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("method", ["GET", "M'|~^`!#$%&*+-._"])
def test_request_of_a_client(site, name, method):
    """Anybody on the net writes the request line; it stays one field each."""
    mark = new_mark()
    script = site.shop.script(f"<?php mail('to@example.org', '{mark}', 'b'); echo 'sent';")
    reply = ask_raw(
        site,
        method.encode() + b" " + script.uri.encode() + b"?x=" + TARGETS[name] + b" HTTP/1.1\r\n"
        + b"Host: shop.example\r\nX-Forwarded-For: 9.9.9.9\r\nClient-Ip: 9.9.9.9\r\nUser-Agent: \xff\"\\\r\nConnection: close\r\n\r\n",
    )
    if not reply.startswith(b"HTTP/1.1 200"):
        assert reply.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), reply[:80]
        return
    event = only_line(site.shop, mark)
    assert (event["verified"], event["method"], event["client"]) == (True, method, "127.0.0.1")
    assert event["uri"].startswith(script.uri)


# ---- where recipients hide

HIDDEN = {
    # the call's arguments behind the subject and the body: how many recipients that is, with the one in To
    "Bcc with a blank before the colon": ("\"Bcc : b@example.org, c@example.org\"", 3),
    "Bcc in capitals": ("\"BCC: b@example.org\\r\\nbcc: c@example.org\"", 3),
    "Bcc folded": ("\"X-A: 1\\r\\nBcc:\\r\\n b@example.org,\\r\\n\\tc@example.org\"", 3),
    "Bcc after bare line feeds": ("\"X-A: 1\\nBcc: b@example.org, c@example.org\"", 3),
    "Bcc in an array": ("['Bcc' => 'b@example.org, c@example.org']", 3),
    "an array in an array": ("['X-A' => ['1', '2'], 'BCC' => 'b@example.org, c@example.org']", 3),
    "a second To": ("\"To: b@example.org, c@example.org\"", 3),
    "Resent-To, Resent-Cc, Resent-Bcc": ("\"Resent-To: b@example.org\\r\\nResent-Cc: c@example.org\\r\\nResent-Bcc: d@example.org\"", 4),
    "Apparently-To": ("\"Apparently-To: b@example.org\"", 2),
    "a group": ("\"Cc: Team: b@example.org, c@example.org;\"", 3),
    "names with commas": ("\"Cc: \\\"B, the second\\\" <b@example.org>, =?utf-8?q?C=2C_D?= <c@example.org>\"", 3),
    "an encoded word": ("\"Cc: =?utf-8?b?YkBleGFtcGxlLm9yZywgY0BleGFtcGxlLm9yZw==?= <b@example.org>\"", 2),
    "comments": ("\"Cc: b@example.org (one, two), (three) c@example.org\"", 3),
    "only blanks between": ("\"Cc: b@example.org c@example.org\"", 3),
    "parameters": ("'', 'b@example.org c@example.org'", 3),
    "parameters behind --": ("'', '-- b@example.org'", 2),
    "parameters behind options": ("'', '-fx@example.org -oi b@example.org -v c@example.org'", 3),
    "parameters in quotes": ("'', '\"b@example.org\"'", 2),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_hidden_recipients(site, name):
    more, count = HIDDEN[name]
    mark = new_mark()
    assert site.shop.run(f"<?php var_dump(mail('a@example.org', '{mark}', 'b', {more}));").text == "bool(true)\n"
    assert site.shop.json.wait(mark)["recipients"] == count


# ---- processes that outlive what started them


@pytest.mark.parametrize("first", ["worker", "orphan"])
def test_orphan(make_site, first):
    """A process that left its worker, with the context: that of a request belongs to who showed it first."""
    site = make_site()
    mark = new_mark()
    gate = site.directory / "gate"
    options = " ".join(
        f"-d{name}='{value}'" for name, value in site.ini.items() if name.startswith(("mailorigin", "sendmail"))
    )
    child = site.shop.write("orphan.inc", f"<?php mail('to@example.org', '{mark}-orphan', 'b');")
    program = site.shop.write(
        "orphan.sh",
        f"#!/bin/sh\nfor i in $(seq 1000); do [ -e {gate} ] && break; sleep 0.02; done\n"
        f"{VARIABLE}=$(cat {gate}) exec {PHP} -n -d extension={site.installation.plugin} {options} {child.path}\n",
    )
    program.path.chmod(0o755)
    mail = f"mail('to@example.org', '{mark}-worker', 'b');" if first == "worker" else ""
    site.shop.write("leak/.htaccess", f'Header set X-Leak "%{{{VARIABLE}}}e"\n')
    script = site.shop.write(
        "leak/page.php",
        f"<?php {mail} exec('setsid {program.path} </dev/null >/dev/null 2>&1 & echo $!', $said);"
        " echo json_encode([getmypid(), (int)$said[0]]);",
    )
    reply = site.shop.get(script.uri)
    worker, orphan = reply.json
    try:
        site.fpm.reload()
        wait_until(lambda: not alive(worker), "the worker's end")
        assert alive(orphan)
        (site.directory / "gate.new").write_text(reply.headers["X-Leak"])
        (site.directory / "gate.new").rename(gate)
        event = site.shop.json.wait(f"{mark}-orphan")
    finally:
        gate.touch()
        wait_until(lambda: not alive(orphan), "the orphan's end")
    assert (event["uid"], event["sapi"]) == (SHOP_UID, "cli")
    if first == "worker":
        assert site.shop.json.wait(f"{mark}-worker")["verified"] is True
        assert (event["verified"], event["reason"]) == (False, "replayed")
    else:
        assert (event["verified"], event["uri"]) == (True, script.uri)


# ---- the daemon


def test_signals_and_looks_into_the_daemon(site):
    """It runs as another user: nothing of it can be stopped, slowed down, read or traced."""
    pid = site.httpd.daemon()
    parts = ("environ", "mem", "maps", "fd/0", "root/etc/passwd", "auxv", "stack")

    def attack():
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV, 0):
            with pytest.raises(PermissionError):
                os.kill(pid, number)
        with pytest.raises(PermissionError):
            os.setpriority(os.PRIO_PROCESS, pid, 19)
        with pytest.raises(PermissionError):
            os.sched_setaffinity(pid, {0})
        with pytest.raises(PermissionError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, 1))
        for part in parts:
            with pytest.raises(PermissionError):
                open(f"/proc/{pid}/{part}", "rb").read(1)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.ptrace(16, pid, None, None) == -1  # PTRACE_ATTACH
        assert ctypes.get_errno() == 1  # EPERM
        for name in ("state", "state/journal", "run/mo/key"):
            with pytest.raises(PermissionError):
                os.listdir(site.directory / name) if name != "run/mo/key" else open(site.directory / name)
        for name in ("mailorigin.sock", "control.sock"):
            with pytest.raises(PermissionError):
                os.unlink(site.httpd.runtime_dir / name)
        with pytest.raises(PermissionError):
            os.rename(site.httpd.runtime_dir, site.directory / "run/away")

    as_user(SHOP_UID, attack)
    assert site.shop.json.wait(site.shop.mail())["verified"] is True
    assert site.httpd.daemon() == pid


def test_every_connection_that_he_may_open(site):
    """More than he may: his oldest go, nobody else's do, and he himself is served."""
    path = site.httpd.runtime_dir / "mailorigin.sock"
    mark = new_mark()
    neighbour = connect(path)

    def ask(connection, subject):
        connection.send(question(os.urandom(16), subject=subject, to="a@b.example"))
        return answer(connection.recv(65536))["verdict"]

    try:
        assert ask(neighbour, f"{mark}-before") == b"allow"

        def attack():
            held = [connect(path) for _ in range(1100)]
            # 1024 are his at once; the first ones were closed for the last.
            assert held[0].recv(10) == b""
            assert ask(held[-1], f"{mark}-last") == b"allow"
            assert ask(connect(path), f"{mark}-more") == b"allow"

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
        try:
            as_user(OTHER_UID, attack)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert ask(neighbour, f"{mark}-after") == b"allow"
        assert site.shop.json.wait(site.shop.mail())["verified"] is True
    finally:
        neighbour.close()


def test_full_quota(make_site):
    """He floods and then sends: busy is a refusal, and mailorigin.on_failure = allow does not turn it around."""
    site = make_site(ini={"mailorigin.on_failure": "allow"})
    site.httpd.allow_log(r"\bMO\d{4}\b")
    flood = subprocess.Popen(
        [sys.executable, FLOOD, site.httpd.runtime_dir / "mailorigin.sock", str(SHOP_UID), "512", "60"],
        stdout=subprocess.PIPE,
    )
    said, marks, until = [], [], time.monotonic() + 3
    try:
        while time.monotonic() < until or sum("busy (event " in text for text in said) <= 5:
            assert flood.poll() is None, said
            marks.append(new_mark())
            said.append(site.shop.run(f"<?php var_dump(mail('to@example.org', '{marks[-1]}', 'b'));").text)
    finally:
        flood.terminate()
        sent, answered = map(int, flood.communicate()[0].split())
    assert answered > 1000, "no flood"
    refused = [text for text in said if "Refused by MailOrigin: busy (event " in text and "bool(false)" in text]
    assert len(refused) > 5, said
    assert all(text in refused or text == "bool(true)\n" for text in said), said
    left = {message.subject: message for message in site.sendmail.messages()}
    for mark, text in zip(marks, said):
        assert (mark in left) == (text == "bool(true)\n")
    assert not [message for message in left.values() if "unrecorded" in message.header("X-Mail-Origin")]
    # It is over as soon as he stops.
    wait_until(lambda: site.shop.run(f"<?php var_dump(@mail('to@example.org', '{new_mark()}', 'b'));").text == "bool(true)\n", "the quota")


def test_own_logs_disk(make_site):
    """He fills the disk of his own log, by sending: his mail is recorded, his neighbour's log goes on."""
    log = "  MailOriginLog {dir}/full/{short}.json json\n  MailOriginLog logs/{short}.json json\n"
    site = make_site([Vhost("shop", SHOP_UID, log), Vhost("blog", 61002, WITH_HEADER)], start=False)
    mount_tmpfs(site.directory / "full", "256k")
    try:
        site.start()
        mark = new_mark()
        code = f"<?php for ($i = 0; $i < 40; $i++) mail('to@example.org', \"{mark}-$i-\", 'b', 'X-Long: ' . str_repeat('x', 15000)); echo 'sent';"
        assert site.shop.run(code).text == "sent"
        marks = [f"{mark}-{i}-" for i in range(40)]
        # httpd writes them at its own pace; the targets' tests wait for that.
        site.httpd.allow_log(r"MO023[01]: .*full/shop\.json")
        site.shop.json.wait_for(marks)
        full = json_log(site.directory / "full/shop.json")
        wait_until(lambda: len(full.lines()) > 5, "its disk to be full")
        assert site.blog.json.wait(site.blog.mail())["verified"] is True
        assert len(full.lines()) < 40
        # Made room for as an administrator would, by a larger disk: nothing is missing, nothing twice.
        subprocess.run(["mount", "-o", "remount,size=4m", site.directory / "full"], check=True)
        full.wait_for(marks)
        assert [event["subject"] for event in full.entries()] == marks
    finally:
        site.stop()
        unmount(site.directory / "full")


# ---- a socket's path, in a chroot say


def jail(site, kind):
    """A directory for a socket with something of a tenant's on its way."""
    root = site.directory / "jail"
    inner = root / "run/mailorigin"
    inner.mkdir(parents=True)
    if kind == "writable":
        inner.chmod(0o777)
    elif kind == "writable by a group":
        inner.chmod(0o775)
    elif kind == "above is writable":
        (root / "run").chmod(0o777)
    elif kind == "his":
        os.chown(inner, SHOP_UID, SHOP_UID)
    elif kind == "above is his":
        os.chown(root, SHOP_UID, SHOP_UID)
    elif kind == "sticky":
        inner.chmod(0o1777)
    elif kind == "his link":
        (site.directory / "theirs").mkdir(mode=0o755)
        inner.rmdir()
        inner.symlink_to(site.directory / "theirs")
        os.chown(inner, SHOP_UID, SHOP_UID, follow_symlinks=False)
        os.chown(site.directory / "theirs", SHOP_UID, SHOP_UID)
    elif kind == "link into his":
        theirs = site.directory / "theirs/deep"
        theirs.mkdir(parents=True)
        os.chown(site.directory / "theirs", SHOP_UID, SHOP_UID)
        inner.rmdir()
        inner.symlink_to(theirs)
    return inner


@pytest.mark.parametrize(
    "kind", ["writable", "writable by a group", "above is writable", "his", "above is his", "sticky", "his link", "link into his"]
)
def test_socket_path_that_he_can_change(make_site, kind):
    site = make_site(start=False)
    directory = jail(site, kind)
    site.configure(site.server_text + f"MailOriginSocket {directory}/mailorigin.sock\n")
    said = site.httpd.failed_start()
    assert re.search(r"MO0(109|119): MailOriginSocket", said), said
    site.httpd.allow_log(".")


def test_socket_path_of_roots_alone(make_site):
    """The same path without the tenant in it."""
    site = make_site(start=False)
    directory = jail(site, "none")
    site.configure(
        site.server_text + f"MailOriginSocket {site.httpd.runtime_dir}/mailorigin.sock\nMailOriginSocket {directory}/mailorigin.sock\n"
    )
    site.start()
    assert answer_of(directory / "mailorigin.sock")["verdict"] == b"allow"


def answer_of(path):
    connection = connect(path)
    try:
        connection.send(question(os.urandom(16), subject="through the jail", to="a@b.example"))
        return answer(connection.recv(65536))
    finally:
        connection.close()
