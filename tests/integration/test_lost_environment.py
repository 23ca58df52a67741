"""Mail of programs that have lost their environment: whose request it is the kernel knows, or whoever started them."""

import os
import shutil
import signal
from urllib.parse import urlencode

import pytest
from harness.firewall import HOST, PinnedMap, in_worker
from harness.guarded import guarded_site
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import processes_named_by, wait_until

# A way is a command of the shell, in which $SEND sends the message.
PAGE = r"""<?php
putenv("SEND=printf 'To: to@example.org\nSubject: $_GET[mark]\n\nbody\n' | COMMAND -t");
exec("exec 2>&1; $_GET[way]", $said);  // here
echo implode("\n", $said);
"""
# Nobody of these has a context in its environment, and nobody who has one is an ancestor of the last.
# It goes on once the request is over.
LEFT_BEHIND = "exec env -i setsid -f sh -c '(until [ -e \"$2\" ]; do sleep 0.02; done; exec env -i sh -c \"$1\") >/dev/null 2>&1 &' sh \"$SEND\" OVER"


@pytest.fixture(scope="module")
def guarded(installation, ground):
    hosts = [Vhost("shop", SHOP_UID, WITH_HEADER), Vhost("blog", BLOG_UID, WITH_HEADER)]
    with guarded_site(installation, ground, "lost", hosts) as site:
        site.command = (
            f"{installation.built('submit/mailorigin-sendmail')} --mailorigin-real={site.sendmail.program} "
            f"--mailorigin-socket={site.httpd.runtime_dir}/mailorigin.sock --mailorigin-patience-ms=10000"
        )
        yield site


def send(site, way, log=None, name=None):
    """The page that sends a mail in this way, and the mail's event."""
    mark = new_mark()
    page = site.shop.write(name or f"{mark}.php", PAGE.replace("COMMAND", site.command))
    over = site.directory / f"{mark}.over"
    said = site.shop.get(f"{page.uri}?{urlencode({'mark': mark, 'way': way.replace('OVER', str(over))})}").text
    over.touch()
    event = (log or site.shop.json).wait(mark)
    if event["verdict"] == "allow":
        assert said == "" and site.sendmail.wait(mark).header("X-Mail-Origin") in ([event["id"]], [])
    return page, event


@pytest.mark.parametrize("way", [
    'exec env -i sh -c "$SEND"',
    'SSL_MAILORIGIN_CONTEXT=forged exec sh -c "$SEND"',
    "exec perl -e '%ENV = (); exec qw(/bin/sh -c), shift' \"$SEND\"",
    "exec python3 -c 'import os, sys; os.execve(\"/bin/sh\", [\"sh\", \"-c\", sys.argv[1]], {})' \"$SEND\"",
])  # fmt: skip
def test_what_forgets_its_environment_is_its_requests(guarded, way):
    page, event = send(guarded, way)
    assert (event["kind"], event["verified"], event["uid"], event["vhost"]) == ("submit", True, SHOP_UID, guarded.shop.full_name)
    assert (event["entry"], event["origin_from"]) == (str(page.path), "firewall")
    assert (event["file"], event["line"]) == (str(page.path), page.line_of("// here"))
    assert event.get("reason") == ("malformed" if "forged" in way else None) and "detached" not in event


def test_what_outlives_its_request_is_its_requests_and_detached(guarded):
    page, event = send(guarded, LEFT_BEHIND)
    assert (event["verified"], event["entry"], event["origin_from"], event["detached"]) == (True, str(page.path), "firewall", True)


def test_whoever_started_it_may_have_what_it_lacks(guarded):
    """Found by mailorigin-sendmail itself: a shell that waits for what it has started with nothing."""
    page, event = send(guarded, 'env -i sh -c "$SEND"; true')
    assert (event["verified"], event["entry"], event["function"]) == (True, str(page.path), "exec")
    assert (event["file"], event["line"]) == (str(page.path), page.line_of("// here"))
    assert "origin_from" not in event


def test_who_has_become_another_user_is_that_user(guarded):
    """By a program of root's, as sudo is one."""
    program = guarded.directory / "become"
    shutil.copy("/usr/bin/setpriv", program)
    program.chmod(0o4755)
    way = f'exec {program} --reuid={OTHER_UID} --regid={OTHER_UID} --clear-groups env -i sh -c "$SEND"'
    _, event = send(guarded, way, guarded.server_json)
    assert (event["uid"], event["verified"]) == (OTHER_UID, False) and not {"vhost", "entry", "origin_from"} & set(event)


def test_a_rule_for_the_script_sees_it(guarded):
    guarded.shop.directives += '  MailOriginDenyScript "/denied\\.php$"\n'
    guarded.configure()
    guarded.httpd.graceful()
    page, event = send(guarded, LEFT_BEHIND, name="denied.php")
    assert (event["verdict"], event["reason"], event["entry"]) == ("deny", "script", str(page.path))


def services(site):
    return processes_named_by(str(site.httpd.runtime_dir), "mailorigin-firewall")


def test_the_kernel_knows_it_while_mailorigin_firewall_is_away(guarded):
    service, = services(guarded)
    os.kill(service, signal.SIGSTOP)
    try:
        page, event = send(guarded, LEFT_BEHIND)
        assert (event["verified"], event["entry"]) == (True, str(page.path))
        guarded.httpd.expect_log("MO0115: mailorigin-firewall .* ended with signal 9")
    finally:
        os.kill(service, signal.SIGKILL)
    wait_until(lambda: services(guarded) not in ([], [service]), "another one")
    page, event = send(guarded, LEFT_BEHIND)
    assert (event["verified"], event["entry"]) == (True, str(page.path))


def test_the_map_is_for_reading_alone(enforcing):
    context = enforcing.context(HOST)
    _, (*others, processes) = enforcing.attach()
    for each in others:
        os.close(each)
    kept = PinnedMap.of(processes)
    size = 8 + 8 + 4 + 4 + 16 + 2048 + 2 * 512 + 8

    def action(page):
        page.publish(context)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(reader, 1)
            os._exit(0)
        found = context in kept.get(child.to_bytes(4, "little"), size)
        os.write(writer, b"x")
        os.waitpid(child, 0)
        return found

    assert in_worker(enforcing, action)
    for forbidden in (lambda: kept.put(bytes(4), bytes(size)), lambda: kept.remove(bytes(4))):
        with pytest.raises(PermissionError):
            forbidden()
    kept.close()
