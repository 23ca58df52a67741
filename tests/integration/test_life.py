"""The daemon's life with httpd's: start, graceful restart, restart, stop, death."""

import os
import re
import shutil
import signal
import threading

import pytest
from harness.command import Command
from harness.logs import json_log
from harness.site import new_mark
from harness.waiting import alive, kill, open_files, wait_until
from test_reloads import SLOW


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_whole_life(make_site, mpm):
    site = make_site(mpm=mpm)
    marks = [site.shop.mail(), site.blog.mail()]
    first = site.httpd.daemon()
    assert os.stat(f"/proc/{first}").st_uid != 0

    for again in (site.httpd.graceful, site.httpd.restart):
        again()
        marks.append(site.shop.mail())
        assert site.httpd.daemon() == first, "it lives on through restarts"

    site.httpd.stop()
    assert not alive(first)
    site.httpd.start()
    marks.append(site.shop.mail())

    site.fpm.reload()
    marks.append(site.shop.mail())
    site.shop.json.wait_for(marks[:1] + marks[2:])
    site.blog.json.wait_for(marks[1:2])
    verified = [event["verified"] for event in site.shop.json.entries()]
    assert verified == [True] * len(verified)


def test_another_binary_takes_over(make_site):
    """An upgrade: the new daemon waits for the old one, and no mail for either."""
    site = make_site(start=False)
    program = site.directory / "mailorigind"
    shutil.copy(site.installation.daemon, program)
    site.configure(site.server_text + f"MailOriginDaemon {program}\n")
    site.start()
    marks = [site.shop.mail()]
    first = site.httpd.daemon()
    shutil.copy(site.installation.daemon, program.with_suffix(".new"))
    program.with_suffix(".new").rename(program)
    site.httpd.graceful()
    marks.append(site.shop.mail())
    wait_until(lambda: not alive(first), "the old daemon to go")
    assert site.httpd.daemon() != first
    site.httpd.expect_log("MO0114: ")
    marks.append(site.shop.mail())
    site.shop.json.wait_for(marks)
    assert len(site.shop.json.lines()) == len(marks)


def test_no_descriptor_is_leaked(make_site):
    """Ten graceful restarts leave httpd and its daemon with what they had."""
    site = make_site()
    event = site.shop.json.wait(site.shop.mail())
    command = Command(site.installation, site.httpd.runtime_dir)
    # Whoever reads the journal opens it for its first event.
    wait_until(lambda: command("trace", event["id"]).status == 0, "it in the store")

    def descriptors(pid):
        """Sockets left out: each PHP worker opens one when it first sends."""
        return sum("socket:" not in target for target in open_files(pid))

    site.httpd.graceful()
    site.shop.json.wait(site.shop.mail())
    parent_before, daemon_before = descriptors(site.httpd.process.pid), descriptors(site.httpd.daemon())
    for _ in range(10):
        site.httpd.graceful()
    site.shop.json.wait(site.shop.mail())
    pid = site.httpd.daemon()
    wait_until(lambda: descriptors(site.httpd.process.pid) <= parent_before, "httpd's descriptors")
    wait_until(lambda: descriptors(pid) <= daemon_before, "the daemon's descriptors")


def test_tenants_get_no_descriptor(make_site):
    """Neither the key nor a log nor the control socket is open in httpd's children."""
    site = make_site()
    site.shop.mail()
    for pid in set(site.httpd.children()) - {site.httpd.daemon()}:
        for target in open_files(pid):
            assert not target.endswith((".json", ".logfmt", ".php")), target
            assert not target.endswith("/key"), target
    assert site.httpd.runtime_dir.stat().st_mode & 0o777 == 0o711  # who can list it can keep it locked
    assert (site.httpd.runtime_dir / "key").stat().st_mode & 0o777 == 0o600
    assert (site.httpd.runtime_dir / "control.sock").stat().st_mode & 0o777 == 0o600
    assert site.httpd.state_dir.stat().st_mode & 0o777 == 0o700
    status = open(f"/proc/{site.httpd.daemon()}/status").read()
    assert "CapEff:\t0000000000000000" in status
    assert "CapPrm:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_killed_daemon_comes_back(make_site):
    site = make_site()
    before = site.shop.mail()
    first = site.httpd.daemon()
    kill([first])
    site.httpd.allow_log(r"\bMO\d{4}\b.*mailorigind")
    marks = [before, site.shop.mail()]
    assert wait_until(site.httpd.daemons, "another daemon")[0] != first
    marks += [site.shop.mail() for _ in range(3)]
    site.shop.json.wait_for(marks)
    site.shop.logfmt.wait_for(marks)
    assert len(site.shop.json.lines()) == len(marks)
    for mark in marks:
        event = site.shop.json.wait(mark)
        assert event["verified"] is True
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_httpd_killed_takes_the_daemon_along(make_site):
    """Without its parent nobody would stop the daemon: the lifeline does."""
    site = make_site(mpm="prefork")
    mark = site.shop.mail()
    daemon = site.httpd.daemon()
    children = site.httpd.children()
    kill([site.httpd.process.pid])
    site.httpd.process.wait()
    kill(child for child in children if child != daemon)
    wait_until(lambda: not alive(daemon), "the daemon's end")
    site.httpd.process = None
    site.shop.json.wait(mark)
    site.httpd.start()
    site.httpd.allow_log("AH00098: pid file .* overwritten")
    site.httpd.allow_log("AH02812")
    site.shop.json.wait(site.shop.mail())


def test_graceful_reopens_logs(make_site):
    """As logrotate does it: rename, graceful, and the old file gets nothing more."""
    site = make_site()
    old = site.shop.mail()
    site.shop.json.wait(old)
    rotated = site.shop.json.path.with_suffix(".json.1")
    site.shop.json.path.rename(rotated)
    between = site.shop.mail()
    site.httpd.graceful()
    new = site.shop.mail()
    site.shop.json.wait(new)
    wait_until(lambda: between in rotated.read_text() + site.shop.json.path.read_text(), "the one between")
    assert old in rotated.read_text()
    assert old not in site.shop.json.path.read_text()
    both = rotated.read_text() + site.shop.json.path.read_text()
    assert all(both.count(mark) == 1 for mark in (old, between, new))


def test_changed_configuration(make_site):
    """A graceful restart brings another policy; contexts sealed before it still verify."""
    site = make_site()
    slow = new_mark()
    flag = site.sendmail.spool / "tmp" / slow
    script = site.shop.script(SLOW.format(flag=flag, mark=slow))
    request = threading.Thread(target=site.shop.get, args=(script.uri,))
    request.start()
    wait_until(flag.with_suffix(".begun").exists, "the page")
    site.shop.directives = '  MailOriginLog logs/shop.new json\n  MailOriginHeader X-New "%{vhost}"\n  MailOriginRunAs #61001\n'
    site.configure()
    site.httpd.graceful()
    flag.with_suffix(".go").touch()
    request.join()
    quick = site.shop.mail()
    log = json_log(site.directory / "logs/shop.new")
    for mark in (slow, quick):
        event = log.wait(mark)
        assert event["verified"] is True
        assert site.sendmail.wait(mark).header("X-New") == [site.shop.full_name]
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == []


def test_many_senders_through_restarts_and_kills(make_site):
    """Under load, with graceful restarts and a kill -9: every accepted mail once in each log."""
    site = make_site()
    site.httpd.allow_log(r"\bMO\d{4}\b")
    script = site.shop.script("<?php var_dump(mail('to@example.org', $_GET['m'], 'body'));")
    site.blog.write(script.path.name, script.path.read_text())
    accepted, failed = {site.shop: [], site.blog: []}, []
    over = threading.Event()

    def send(vhost):
        while not over.is_set():
            mark = new_mark()
            try:
                answer = vhost.get(f"{script.uri}?m={mark}")
            except OSError:
                continue  # httpd closed a connection that it had not answered yet
            if answer.text == "bool(true)\n":
                accepted[vhost].append(mark)
            else:
                failed.append(answer)

    def wait_for_more():
        goal = {vhost: len(marks) + 10 for vhost, marks in accepted.items()}
        wait_until(lambda: all(len(accepted[vhost]) >= count for vhost, count in goal.items()), "more mails", 30)

    senders = [threading.Thread(target=send, args=(vhost,)) for vhost in site.vhosts for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        for round_ in range(4):
            wait_for_more()
            if round_ % 2:
                kill([site.httpd.daemon()])
            else:
                site.httpd.graceful()
        wait_for_more()
    finally:
        over.set()
        for sender in senders:
            sender.join()
    assert not failed, failed[:3]
    for vhost, marks in accepted.items():
        assert len(marks) > 20
        for log in (vhost.json, vhost.logfmt, vhost.php):
            log.wait_for(marks)
        # A mail whose request broke off may be there too; none is there twice.
        subjects = [event["subject"] for event in vhost.json.entries()]
        assert len(subjects) == len(set(subjects))
    for vhost, marks in accepted.items():
        by_subject = {event["subject"]: event for event in vhost.json.entries()}
        messages = {message.subject: message for message in site.sendmail.messages()}
        for mark in marks:
            assert messages[mark].header("X-Mail-Origin") == [by_subject[mark]["id"]]
            assert by_subject[mark]["verified"] is True


def test_a_second_httpd_on_the_same_directory_is_refused(make_site):
    """Two httpds with one runtime directory would push policies in turns."""
    site = make_site()
    site.shop.mail()
    other = make_site(start=False)
    other.httpd.runtime_dir = site.httpd.runtime_dir
    other.httpd.state_dir = site.httpd.state_dir
    other.configure()
    status = other.httpd.launch().process
    refused = r"MO\d{4}: .*MailOriginRuntimeDir"
    wait_until(lambda: status.poll() is not None or "MailOriginRuntimeDir" in other.httpd.said(), "the refusal")
    assert re.search(refused, other.httpd.said()), other.httpd.said()
    other.httpd.allow_log(r"\bMO\d{4}\b|AH00020")
    if status.poll() is None:
        status.send_signal(signal.SIGTERM)
        status.wait(15)
    other.httpd.process = None
    site.shop.json.wait(site.shop.mail())
