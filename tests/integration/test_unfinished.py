"""cleanup(8) of Postfix is killed with a message that mailorigin-milter has answered for."""

import os
import signal
from pathlib import Path

import pytest
from harness.milter import site_before
from harness.site import OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import wait_until
from test_milter import QUEUE, process_of, send, text, the_queue_event


@pytest.fixture(scope="module")
def module_site(installation, postfix):
    with site_before(postfix, installation, "unfinished", [Vhost("shop", SHOP_UID, WITH_HEADER)], SERVER + QUEUE) as site:
        yield site


def is_asleep(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_message_that_never_was_in_the_queue_comes_by_its_ticket(site, postfix):
    """cleanup(8) is killed as the milter has answered, and before the message is whole: pickup(8) brings it again."""
    ahead = new_mark()
    postfix.hand_in(text(ahead), "-t", "-i", uid=OTHER_UID)
    postfix.wait(ahead)  # master(8) waits for a minute if a daemon ends in its first message
    event, message, mark = send(site)
    daemon, cleanups = process_of(site, "mailorigind"), postfix.daemons("cleanup")
    os.kill(daemon, signal.SIGSTOP)
    try:
        postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
        wait_until(lambda: postfix.is_unfinished(mark) and all(map(is_asleep, cleanups)), "cleanup(8) to wait for the answer")
        for pid in cleanups:
            os.kill(pid, signal.SIGSTOP)
    finally:
        os.kill(daemon, signal.SIGCONT)
    never_whole = the_queue_event(site.shop.json, event)["queue_id"]
    for pid in cleanups:
        os.kill(pid, signal.SIGKILL)

    def queued():
        postfix.hand_in(text(new_mark()), "-t", "-i", uid=OTHER_UID)  # wakes pickup(8)
        return [mail for mail in postfix.mails() if mark in mail.text]

    (queued_again,) = wait_until(queued, "it in the queue", 30)
    assert queued_again.id != never_whole and queued_again.header("X-Mail-Origin") == [event["id"]]

    def entries():
        both = site.shop.json.entries() + site.server_json.entries()
        return [entry for entry in both if mark == entry.get("subject") or event["id"] == entry.get("mail_id")]

    wait_until(lambda: len(entries()) > 2, "its second queue id")
    assert [entry.get("queue_id") for entry in entries()] == [None, never_whole, queued_again.id], entries()
    postfix.hand_in(message.raw, "-t", "-i", uid=SHOP_UID)
    wait_until(lambda: len(entries()) > 3, "it once more")
    assert [entry.get("reason") for entry in entries()[3:]] == ["unrecorded"], entries()[3:]
