"""A daemon that outlives httpd, one that is not there, and one that does not answer."""

import os
import re
import signal
import socket
import threading

import pytest
from harness import wire
from harness.external import ExternalDaemon
from harness.site import new_mark, two_vhosts
from harness.waiting import alive, wait_until


@pytest.fixture
def make_external(make_site):
    daemons = []

    def make(listen=True, start=True, failure=None, timeout=None):
        vhosts = two_vhosts()
        vhosts[1].pool.settings |= {"mailorigin.on_failure": "deny", "mailorigin.on_timeout": "allow"}
        ini = {"mailorigin.timeout_ms": timeout, "mailorigin.patience_ms": timeout} if timeout else {}
        site = make_site(vhosts, daemon="external", ini=ini, start=False)
        daemon = ExternalDaemon(site.installation, site.httpd.runtime_dir, site.httpd.state_dir, listen)
        daemons.append(daemon)
        if start:
            daemon.start()
        return site, daemon

    yield make
    for daemon in daemons:
        daemon.close()


def test_outlives_httpd(make_external):
    site, daemon = make_external()
    site.start()
    pid = daemon.process.pid
    marks = [site.shop.mail()]
    event = site.shop.json.wait(marks[0])
    assert event["verified"] is True
    assert site.sendmail.wait(marks[0]).header("X-Mail-Origin") == [event["id"]]
    for change in (site.httpd.graceful, site.httpd.restart):
        change()
        marks.append(site.shop.mail())
    site.httpd.stop()
    assert alive(pid)
    # httpd is away, cron is not: the daemon goes on with the policy and the logs it has.
    shell = new_mark()
    site.php(site.shop.uid, f"<?php mail('to@example.org', '{shell}', 'b');")
    assert site.shop.json.wait(shell)["verified"] is False
    site.httpd.start()
    marks.append(site.shop.mail())
    site.shop.json.wait_for(marks)
    assert daemon.process.poll() is None
    daemon.stop()
    assert daemon.process is None


def test_restarted_below_its_sockets(make_external):
    """systemctl restart mailorigind: nothing is lost, and httpd pushes its policy again."""
    site, daemon = make_external()
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b")
    marks = [site.shop.mail()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        daemon.stop(number)
        daemon.start()
        marks.append(site.shop.mail())
    site.shop.json.wait_for(marks)
    assert len(site.shop.json.lines()) == len(marks)
    assert all(event["verified"] for event in site.shop.json.entries())


def test_starts_after_httpd(make_external):
    """In any order: httpd tries again until there is a daemon."""
    site, daemon = make_external(start=False)
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b")
    daemon.start()
    wait_until(lambda: site.shop.mail() and site.shop.json.lines(), "a policy for the daemon", 30)
    assert site.shop.json.wait(site.shop.mail())["verified"] is True


def test_policy_is_kept_for_the_next_start(make_external):
    """A daemon that starts while httpd is away knows who is who."""
    site, daemon = make_external()
    site.start()
    site.shop.json.wait(site.shop.mail())
    site.httpd.stop()
    daemon.stop()
    daemon.start()
    mark = new_mark()
    site.php(site.shop.uid, f"<?php mail('to@example.org', '{mark}', 'b');")
    assert len(site.sendmail.wait(mark).header("X-Mail-Origin")) == 1
    # The log cannot be opened without httpd; the line waits for it in the journal.
    site.httpd.start()
    assert site.shop.json.wait(mark)["verified"] is False


def warning_of(answer):
    return re.search(r"Warning: mail\(\): (.*) in ", answer.text)


def test_nobody_listens(make_external, syslog):
    """Nobody is waited for: no request is answered late."""
    site, daemon = make_external(listen=False, start=False, timeout=60_000)
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b")

    mark = new_mark()
    script = site.shop.script(f"<?php\nvar_dump(mail('to@example.org', '{mark}', 'body', 'X-Mail-Origin: forged'));")
    answer = site.shop.get(script.uri)
    assert answer.text == "bool(true)\n"
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == ["unrecorded"]
    line = syslog.wait(mark)
    assert int(re.match(r"<(\d+)>", line)[1]) // 8 == 2
    assert f"{script.path}:2" in line or str(script.path) in line
    assert 'pool="shop" recipients="1" stack="' in line and 'to="to@example.org"' in line

    mark = new_mark()
    answer = site.blog.run(f"<?php var_dump(mail('to@example.org', '{mark}', 'body'));")
    assert answer.text.endswith("bool(false)\n")
    warning = warning_of(answer)
    assert warning, answer
    assert str(site.directory) not in warning[1], "no path in what a tenant's visitors may see"
    assert not site.sendmail.with_subject(mark)


def test_comes_and_goes(make_external):
    """Recorded again as soon as there is a daemon, in the same worker."""
    site, daemon = make_external()
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b")
    site.shop.json.wait(site.shop.mail())
    daemon.close()
    for path in site.httpd.runtime_dir.glob("*.sock"):
        path.unlink()
    mark = site.shop.mail()
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == ["unrecorded"]
    daemon.listen()
    daemon.start()

    def recorded():
        mark = site.shop.mail()
        return site.sendmail.wait(mark).header("X-Mail-Origin") != ["unrecorded"] and site.shop.logged(mark)

    wait_until(recorded, "recorded mail")


def test_does_not_answer(make_external):
    """A daemon that is stopped is there: each mail() waits as long as was said, and is refused unless that was said too."""
    site, daemon = make_external(timeout=200)
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b")

    def is_recorded():
        mark = new_mark()
        answer = site.shop.run(f"<?php var_dump(@mail('to@example.org', '{mark}', 'body'));")
        return answer.text == "bool(true)\n" and site.sendmail.wait(mark).header("X-Mail-Origin") != ["unrecorded"]

    wait_until(is_recorded, "an answer within so little time")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        code = """<?php
$begin = hrtime(true);
$sent = @mail('to@example.org', 'MARK', 'body');
echo json_encode([$sent, (hrtime(true) - $begin) / 1e6, error_get_last()['message'] ?? '']);
"""
        denied = new_mark()
        sent, milliseconds, warning = site.shop.run(code.replace("MARK", denied)).json
        assert sent is False
        assert "late" in warning
        assert milliseconds >= 190
        mark = new_mark()
        sent, milliseconds, warning = site.blog.run(code.replace("MARK", mark)).json
        assert sent is True, warning
        assert milliseconds >= 190
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == ["unrecorded"]
        assert not site.sendmail.with_subject(denied)
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    wait_until(is_recorded, "an answer again")


def test_disabled(make_site):
    """mailorigin.enabled = 0 in a pool: that pool's mail() is PHP's own."""
    vhosts = two_vhosts()
    vhosts[1].pool.settings["mailorigin.enabled"] = "0"
    site = make_site(vhosts)
    mark = site.blog.mail()
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == []
    site.shop.json.wait(site.shop.mail())
    assert not site.blog.json.lines()


def test_without_the_plugin_nothing_changes(make_site):
    """httpd with the module, PHP without the plugin: pages and mail work."""
    site = make_site(plugin=False)
    mark = site.shop.mail()
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == []


def test_without_the_module(make_external, syslog):
    """The plugin asks a daemon that no httpd has spoken to: unverified, the daemon has no policy."""
    site, daemon = make_external()
    site.fpm.start()
    mark = new_mark()
    done, _ = site.php(61003, f"<?php var_dump(mail('to@example.org', '{mark}', 'b'));")
    assert done.stdout == b"bool(true)\n"
    assert site.sendmail.wait(mark)


def refuse(listener):
    """Answers each push of a policy."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.send(bytes([1, 19, 0, 0]) + wire.pair("error", "an unknown pair"))
            while connection.recv(65536):
                pass


def test_a_refusal_is_said_after_an_absence(make_external):
    """What comes at last may be of an older version: it is never going to take the policy."""
    site, _ = make_external(listen=False, start=False)
    site.httpd.expect_log("MO0111: mailorigind does not take the policy")
    site.start()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(site.httpd.runtime_dir / "control.sock"))
    listener.listen(8)
    threading.Thread(target=refuse, args=(listener,), daemon=True).start()
    said = "MO0112: mailorigind refuses the policy: .*an unknown pair"
    site.httpd.expect_log(said)
    try:
        wait_until(lambda: re.search(said, site.httpd.said()), "the refusal in error_log", 60)
    finally:
        listener.close()
