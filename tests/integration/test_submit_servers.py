"""mailorigin-sendmail before a real Postfix and a real Exim: what they queue has been asked about."""

import subprocess

import pytest
from harness.mail_servers import CASE, Exim, NotHere, Postfix
from harness.mounts import unmount
from harness.site import SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import wait_until
from test_submit import Submitting


@pytest.fixture(scope="module")
def module_site(installation):
    hosts = [Vhost("shop", SHOP_UID, WITH_HEADER), Vhost("blog", SHOP_UID + 1, WITH_HEADER)]
    site = Submitting(installation, installation.directory("servers"), hosts, server=SERVER)
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture(scope="module", params=[Postfix, Exim], ids=lambda server: server.__name__)
def server(request, module_site):
    """Its sendmail is ours, which asks the site's daemon."""
    try:
        made = request.param()
    except NotHere as why:
        pytest.skip(str(why))
    real, *options = made.sendmail
    made.sendmail = [*module_site.command, *options]
    made.sendmail[1] = f"--mailorigin-real={real}"
    # A socket is another one in an overlay.
    runtime = module_site.httpd.runtime_dir
    inside = made.root / runtime.relative_to("/")
    subprocess.run(["mount", "--bind", runtime, inside], check=True)
    try:
        yield made
    finally:
        unmount(inside)
        made.remove()


def case(number, mark, more=""):
    return f"{CASE}: {number}\nFrom: me@shop.example\nTo: to@example.org\nSubject: {mark}\n{more}\nbody\n".encode()


def test_a_message_is_queued_as_it_was_asked_about(site, server):
    marks = [new_mark() for _ in range(4)]
    queued = server.submit([
        (["-t", "-i", "-f", "bounce@shop.example"], case(0, marks[0], "Cc: two@example.org\nBcc: three@example.org\n")),
        (["-i", "--", "one@example.org", "two@example.org"], case(1, marks[1])),
        (["-oi", "-t"], case(2, marks[2], "X-Mail-Origin: forged\n")),
        (["-t", "-C", "-bs"], case(3, marks[3])),
    ])  # fmt: skip
    events = [site.server_json.wait(mark) for mark in marks[:3]]
    assert [event["recipients"] for event in events] == [3, 2, 1]
    assert sorted(queued[0].recipients) == [b"three@example.org", b"to@example.org", b"two@example.org"]
    assert queued[0].sender == b"bounce@shop.example"
    assert len(queued[1].recipients) == 2 and len(queued[2].recipients) == 1
    assert queued[3] is None and not site.server_json.lines_with(marks[3])


def dialogue(*transactions):
    return ("EHLO me\r\n" + "".join(transactions) + "QUIT\r\n").encode()


def transaction(number, mark, body="body", end="\r\n.\r\n", recipients=("to@example.org",)):
    lines = ["MAIL FROM:<me@shop.example>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"]
    return "\r\n".join([*lines, f"{CASE}: {number}", f"Subject: {mark}", "", body]) + end


def test_a_dialogue_is_asked_about_mail_by_mail(site, server):
    marks = [new_mark() for _ in range(2)]
    queued = server.submit([(["-bs"], dialogue(transaction(0, marks[0]))), (["-bs"], dialogue(transaction(1, marks[1], recipients=("a@b.example", "c@d.example"))))])
    assert [site.server_json.wait(mark)["recipients"] for mark in marks] == [1, 2]
    assert queued[0].recipients == [b"to@example.org"] and len(queued[1].recipients) == 2


ENDS = ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n\0.\r\n", "\r\n.\r\r\n"]


def test_nothing_is_smuggled(site, server):
    """A second message that stands in the first: where the server sees two, both were asked about."""
    marks = [(new_mark(), new_mark()) for _ in ENDS]
    last = new_mark()
    inner = [transaction(100 + number, hidden) for number, (_, hidden) in enumerate(marks)]
    cases = [
        (["-bs"], dialogue(transaction(number, outer, end=ENDS[number]) + inner[number]))
        for number, (outer, _) in enumerate(marks)
    ]  # fmt: skip
    queue = {}
    original = server.empty_queue

    def keep(patience):
        queue.update(original(patience))
        return queue

    server.empty_queue = keep
    try:
        server.submit(cases)
        server.submit([(["-i", "to@example.org"], case(0, last))])
    finally:
        server.empty_queue = original
    site.server_json.wait(last)
    for number, (outer, hidden) in enumerate(marks):
        for which, mark in ((number, outer), (100 + number, hidden)):
            asked = any(f'"subject":"{mark}"' in line for line in site.server_json.lines())
            assert not (which in queue and which != 0) or asked, (ENDS[number], which, queue[which])


def test_what_breaks_off_is_not_queued(site, server):
    mark = new_mark()
    whole = dialogue(transaction(7, mark))[: -len("QUIT\r\n")]
    queued = server.submit([(["-bs"], whole[:length]) for length in range(len(whole) - 8, len(whole) - 1)])
    assert not any(queued)
    wait_until(lambda: site.server_json.lines_with(mark), "an event of what was asked")


# Some of them are refused, by one server or the other, without a word about what it has heard before.
NO_RESETS = [
    "EHLO", "EHLO ", "EHLO a b", "EHLO @", "HELO", "HELO\t", "HELO <>", "RSET now", "rset\tx", "MAIL FROM:<x@y.example>", "MAIL FROM:",
    "RCPT TO:", "NOOP", "XCLIENT ADDR=192.0.2.1", "XFORWARD ADDR=192.0.2.1", "ETRN x", "AUTH PLAIN AA==", "VRFY a", "HELP",
]  # fmt: skip


def test_what_the_server_has_heard_is_asked_about(site, server):
    marks = [new_mark() for _ in NO_RESETS]
    queued = server.submit([
        (["-bs"], dialogue(transaction(number, mark).replace("DATA", f"{command}\r\nRCPT TO:<two@example.org>\r\nDATA")))
        for number, (mark, command) in enumerate(zip(marks, NO_RESETS))
    ])  # fmt: skip
    assert any(queued)
    for command, mark, queue in zip(NO_RESETS, marks, queued):
        if queue is not None:
            event = site.server_json.wait(mark)
            assert (event["envelope_from"], event["recipients"]) == (queue.sender.decode(), len(queue.recipients)), command
