"""php-fpm and httpd are reloaded while scripts send: every mail leaves once, verified and logged."""

import os
import signal
import threading

import pytest
from harness.site import INSIDE, SHOP_UID, WITH_HEADER, Vhost, new_mark, two_vhosts
from harness.waiting import wait_until

SENDERS = 3

# Says that it has begun, and sends when it is told to.
SLOW = """<?php
touch('{flag}.begun');
while (!file_exists('{flag}.go')) {{ usleep(5000); clearstatcache(); }}
var_dump(mail('to@example.org', '{mark}', 'body'));
"""


class Senders:
    """Requests that mail, one after another in several threads, while it is entered."""

    def __init__(self, vhost):
        self.vhost = vhost
        self.script = vhost.script("<?php usleep(20000); var_dump(mail('to@example.org', $_GET['m'], 'body'));")
        self.sent, self.failed = [], []
        self._over = threading.Event()

    def _send(self):
        while not self._over.is_set():
            mark = new_mark()
            try:
                answer = self.vhost.get(f"{self.script.uri}?m={mark}")
            except OSError as error:
                self.failed.append((mark, error))
                continue
            (self.sent if answer.text == "bool(true)\n" else self.failed).append((mark, answer))

    def __enter__(self):
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for_more(self):
        goal = len(self.sent) + 5 * SENDERS
        wait_until(lambda: len(self.sent) >= goal, "more mails")


def check(site, senders):
    """Whatever was answered is in the log once, verified, and has left."""
    marks = [mark for mark, _ in senders.sent]
    senders.vhost.json.wait_for(marks)
    events = {event["subject"]: event for event in senders.vhost.json.entries()}
    for mark in marks:
        assert events[mark]["verified"] is True, events[mark]
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == [events[mark]["id"]]
    # What was not answered, because its worker was told to go before, did not leave unrecorded either.
    for message in site.sendmail.messages():
        assert message.header("X-Mail-Origin") == [events[message.subject]["id"]]


def test_reload_of_php_fpm(make_site):
    site = make_site(two_vhosts(WITH_HEADER))
    # A connection that waits in the pool's queue while the master executes itself anew is closed.
    site.httpd.allow_log("AH01079|AH01067|AH02454|AH01075|AH10292|proxy_fcgi")
    with Senders(site.shop) as senders:
        for _ in range(3):
            workers = set(site.fpm.workers("shop"))
            senders.wait_for_more()
            site.fpm.reload()
            wait_until(lambda: not workers & set(site.fpm.workers("shop")), "new workers")
            senders.wait_for_more()
    assert len(senders.failed) <= 3 * 2 * SENDERS, senders.failed
    check(site, senders)


@pytest.mark.parametrize("how", ["event", "prefork and mod_php"])
def test_graceful_while_scripts_send(make_site, how):
    if how == "event":
        site = make_site(two_vhosts(WITH_HEADER))
    else:
        site = inside(make_site)
    with Senders(site.shop) as senders:
        for _ in range(3):
            senders.wait_for_more()
            site.httpd.graceful()
        senders.wait_for_more()
    # httpd closes its listeners to nobody.
    assert senders.failed == []
    check(site, senders)


def inside(make_site):
    vhost = Vhost("shop", SHOP_UID, WITH_HEADER, run_as=False, run=INSIDE)
    return make_site([vhost], mpm="prefork", modules=("php",))


@pytest.mark.parametrize("how", ["event", "prefork and mod_php"])
def test_request_that_outlasts_a_graceful(make_site, how):
    """It was given its context by a configuration, and a daemon, that are gone when it mails."""
    site = make_site(two_vhosts(WITH_HEADER)) if how == "event" else inside(make_site)
    (site.directory / "flags").mkdir()
    (site.directory / "flags").chmod(0o777)
    mark = new_mark()
    flag = site.directory / "flags" / mark
    page = site.shop.script(SLOW.format(flag=flag, mark=mark))
    answers = []
    request = threading.Thread(target=lambda: answers.append(site.shop.get(page.uri).text))
    request.start()
    try:
        wait_until((flag.parent / f"{mark}.begun").exists, "the request to run")
        for _ in range(2):
            site.httpd.graceful()
            site.shop.json.wait(site.shop.mail())
    finally:
        (flag.parent / f"{mark}.go").touch()
        request.join(30)
    assert answers == ["bool(true)\n"]
    event = site.shop.json.wait(mark)
    assert event["verified"] is True, event
    assert event["entry"] == str(page.path)
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    assert site.shop.access.wait(page.uri).split()[0] == event["request_id"]


def test_log_in_the_place_of_a_link(make_site):
    """A tenant that comes to own a log's directory leads root nowhere at the next restart."""
    site = make_site(start=False)
    directory = site.directory / "moved"
    directory.mkdir(mode=0o755)
    site.configure(site.server_text + f"MailOriginLog {directory}/mail.log\n")
    site.start()
    secret = site.directory / "secret"
    secret.write_text("root's alone\n")
    (directory / "mail.log").rename(directory / "old.log")
    os.chown(directory, SHOP_UID, SHOP_UID)
    (directory / "mail.log").symlink_to(secret)
    os.chown(directory / "mail.log", SHOP_UID, SHOP_UID, follow_symlinks=False)
    status, said = site.httpd.check()
    assert status != 0 and "MO0128: MailOriginLog" in said and f"{directory}: must belong to root" in said
    site.httpd.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: site.httpd.process.poll() is not None, "httpd to end")
    assert secret.read_text() == "root's alone\n"
    site.httpd.allow_log(".")
