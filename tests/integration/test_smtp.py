"""Connections to SMTP ports from real scripts: judged by the virtual host, recorded with the script.

httpd, php-fpm and the firewall run on a ground of their own: a network namespace whose addresses
listen on SMTP ports, and a cgroup that the firewall governs alone.
"""

import errno
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from harness import guarded as ground_rules
from harness.command import Command
from harness.firewall import STATUS, V4, V4_OTHER, V6, attempt, head
from harness.guarded import event_of, guarded_site
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, Vhost, new_mark
from harness.waiting import become, processes_named_by, wait_until
from harness.wire import Context, Key, connect, pair, pairs

DENIED, RELAYED, WATCHED, FREE = "shop", "blog", "watched", "free"
WATCHED_UID, FREE_UID = 61011, 61012
SERVER = ground_rules.SERVER + f"MailOriginSmtpAllow {V4_OTHER}:587\n"
LOG = "  MailOriginLog logs/{short}.json json\n"


def vhosts():
    return [
        Vhost(DENIED, SHOP_UID, LOG),
        Vhost(RELAYED, BLOG_UID, LOG + f"  MailOriginSmtp redirect {V4_OTHER}:2525\n"),
        Vhost(WATCHED, WATCHED_UID, LOG + "  MailOriginSmtp observe\n"),
        Vhost(FREE, FREE_UID, LOG + "  MailOriginSmtp allow\n"),
    ]


@pytest.fixture(scope="module")
def guarded(installation, ground):
    with guarded_site(installation, ground, "smtp", vhosts(), server=SERVER) as site:
        yield site


def knock(vhost, host=V4, port=25, code=ground_rules.KNOCK):
    return ground_rules.knock(vhost, host, port, code)


def test_refused_with_its_script(guarded, syslog):
    script, answer = knock(guarded.shop)
    assert answer.json == errno.ECONNREFUSED
    event = event_of(guarded.shop, script)
    assert (event["kind"], event["verdict"], event["reason"], event["verified"]) == ("smtp", "deny", "smtp", True)
    assert (event["vhost"], event["site"]) == (guarded.shop.full_name, guarded.shop.name)
    assert event["docroot"] == str(guarded.shop.docroot)
    assert (event["file"], event["line"]) == (str(script.path), script.line_of("// here"))
    assert event["caller"] == f"{script.path}:{script.line_of('// here')}"
    assert (event["uid"], event["gid"]) == (SHOP_UID, SHOP_UID)
    assert (event["dst"], event["dst_port"]) == (V4, 25)
    assert event["comm"].startswith("php-fpm") and "/php-fpm" in event["exe"]
    assert event["uri"].startswith(script.uri)
    assert event["request_id"] == guarded.shop.access.wait(script.uri).split()[0]
    assert "detached" not in event
    line = syslog.wait(f"mailorigin[{guarded.httpd.daemon()}]: MAILORIGIN_SMTP_OUT")
    assert line.startswith("<13>") and line.endswith(
        f"MAILORIGIN_SMTP_OUT IN= OUT= SRC=0.0.0.0 DST={V4} PROTO=TCP SPT=0 DPT=25 UID={SHOP_UID} GID={SHOP_UID} ID={event['id']}"
    )


@pytest.mark.parametrize("port", [465, 587])
def test_every_smtp_port(guarded, port):
    script, answer = knock(guarded.shop, port=port)
    assert answer.json == errno.ECONNREFUSED
    assert event_of(guarded.shop, script)["dst_port"] == port


def test_ipv6(guarded):
    script, answer = knock(guarded.shop, host=f"[{V6}]")
    assert answer.json == errno.ECONNREFUSED
    assert event_of(guarded.shop, script)["dst"] == V6


def test_other_ports_are_nobodys_business(guarded):
    script, answer = knock(guarded.shop, port=2525)
    assert answer.json == f"{V4} 2525" or answer.json.startswith("::ffff:"), answer
    mark = new_mark()
    guarded.shop.mail(mark)
    guarded.shop.json.wait(f'"subject":"{mark}"')
    assert not guarded.shop.json.lines_with(str(script.path))


def test_allowed_destination(guarded):
    script, answer = knock(guarded.shop, host=V4_OTHER, port=587)
    assert V4_OTHER in answer.json
    event = event_of(guarded.shop, script)
    assert (event["verdict"], event["reason"]) == ("allow", "smtp-allow")


def test_a_blocked_site_at_once_and_over_restarts(guarded):
    """`mailorigin block`, from the command line to the kernel."""
    mailorigin = Command(guarded.installation, guarded.httpd.runtime_dir)
    assert V4 in knock(guarded.free)[1].json
    try:
        said = mailorigin("block", f"site:{guarded.free.name}", "--reason", "it knocks", "--json").json
        assert said["notes"] == [], said
        script, answer = knock(guarded.free)
        assert answer.json == errno.ECONNREFUSED
        event = event_of(guarded.free, script)
        assert (event["kind"], event["verdict"], event["reason"]) == ("smtp", "deny", "blocked")
        assert event["block"].startswith(f"site:{guarded.free.name} by root since ") and event["block"].endswith(": it knocks")
        assert V4 in knock(guarded.watched)[1].json
        # One that a daemon of another life made, and one that it ends.
        os.kill(guarded.httpd.daemon(), signal.SIGKILL)
        guarded.httpd.allow_log("MO011[45]|MO026[89]|AH")
        wait_until(lambda: mailorigin("status", "--json").json["blocks_count"] == 1, "the next daemon")
        assert knock(guarded.free)[1].json == errno.ECONNREFUSED
    finally:
        mailorigin("unblock", "--all")
    wait_until(lambda: V4 in str(knock(guarded.free)[1].json), "the firewall to hear of it")


def test_redirected(guarded):
    script, answer = knock(guarded.blog)
    assert answer.json.endswith(f"{V4_OTHER} 2525"), answer
    event = event_of(guarded.blog, script)
    assert (event["verdict"], event["dst"], event["dst_port"]) == ("redirect", V4, 25)
    assert event["relay"] == f"{V4_OTHER}:2525"


def test_observed(guarded):
    script, answer = knock(guarded.watched)
    assert V4 in answer.json
    event = event_of(guarded.watched, script)
    assert (event["verdict"], event["reason"], event["verified"]) == ("observe", "smtp", True)


def test_allowed(guarded):
    script, answer = knock(guarded.free)
    assert V4 in answer.json
    assert event_of(guarded.free, script)["verdict"] == "allow"


@pytest.mark.parametrize(
    "vhost, host, judged, by_the_kernel",
    [
        (DENIED, V4, "deny smtp", None),
        (DENIED, "127.0.0.1", "observe smtp-local", "observe smtp-local"),
        (FREE, V4, "allow smtp", "deny unverified"),
    ],
)
def test_what_a_request_leads_httpd_to(guarded, vhost, host, judged, by_the_kernel):
    """httpd says whose it is before it connects; the kernel sees httpd's user, and no host."""
    host_of = getattr(guarded, vhost)
    before = len(guarded.server_json.lines_with('"user":"www-data"'))
    guarded.httpd.allow_log(r"MO0127: |\[proxy\w*:error\]")
    host_of.write("led/.htaccess", f'SetHandler "proxy:fcgi://{host}:25"\n')
    mark = new_mark()
    answer = host_of.get(f"{host_of.write('led/page.txt', '').uri}?{mark}")
    assert (answer.status == 403) is judged.startswith("deny")
    event = host_of.json.wait(mark)
    assert f"{event['verdict']} {event['reason']}" == judged and event["verified"] is True
    assert (event["dst"], event["caller"]) == (host, f"{host_of.docroot}/led/.htaccess:1")
    if by_the_kernel:
        seen = wait_until(lambda: guarded.server_json.lines_with('"user":"www-data"')[before:], "the kernel's event")
        event = json.loads(seen[0])
        assert f"{event['verdict']} {event['reason']}" == by_the_kernel and event["dst"] == host
        assert "vhost" not in event


def test_loopback_is_observed(guarded):
    script, answer = knock(guarded.shop, host="127.0.0.1")
    assert "127.0.0.1" in answer.json
    event = event_of(guarded.shop, script)
    assert (event["verdict"], event["reason"], event["dst"]) == ("observe", "smtp-local", "127.0.0.1")


CALLS = {
    "stream_socket_client": "@stream_socket_client('tcp://' . $_GET['host'] . ':25', $code, $text, 5);",
    "pfsockopen": "@pfsockopen($_GET['host'], 25, $code, $text, 5);",
    "curl": "$c = curl_init('smtp://' . $_GET['host']); curl_setopt($c, CURLOPT_TIMEOUT, 5); curl_exec($c); "
    "$code = curl_errno($c) == CURLE_COULDNT_CONNECT ? 111 : curl_error($c);",
    "socket_connect": "$s = socket_create(AF_INET, SOCK_STREAM, SOL_TCP); @socket_connect($s, $_GET['host'], 25); "
    "$code = socket_last_error($s);",
    "async": "@stream_socket_client('tcp://' . $_GET['host'] . ':25', $code, $text, 5, "
    "STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT);",
}


@pytest.mark.parametrize("way", CALLS)
def test_every_function_that_connects(guarded, way):
    script, answer = knock(guarded.shop, code=f"<?php\n\n{CALLS[way]}\necho json_encode($code);")
    assert answer.json == errno.ECONNREFUSED
    event = event_of(guarded.shop, script)
    assert (event["verdict"], event["file"], event["line"]) == ("deny", str(script.path), 3)


def test_phpmailer_is_seen_through(guarded):
    code = """<?php
require '/usr/share/php/libphp-phpmailer/autoload.php';
$mail = new PHPMailer\\PHPMailer\\PHPMailer();
$mail->isSMTP();
$mail->Host = $_GET['host'];
$mail->Timeout = 5;
$mail->SMTPAutoTLS = false;
$mail->setFrom('shop@example.org');
$mail->addAddress('to@example.org');
$mail->Body = 'body';
echo json_encode([$mail->send(), $mail->ErrorInfo]);  // here
"""
    script, answer = knock(guarded.shop, code=code)
    sent, why = answer.json
    assert sent is False and "connect" in why.lower(), why
    event = event_of(guarded.shop, script)
    assert event["caller"] == f"{script.path}:{script.line_of('// here')}"
    assert event["file"].endswith("SMTP.php")


def test_symfony_mailer_is_seen_through(guarded):
    code = """<?php
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
use Symfony\\Component\\Mailer\\{Mailer, Transport};
use Symfony\\Component\\Mime\\Email;
$mailer = new Mailer(Transport::fromDsn('smtp://' . $_GET['host'] . ':25'));
$mail = (new Email())->from('shop@example.org')->to('to@example.org')->subject('subject')->text('body');
try {
    $mailer->send($mail);  // here
    echo json_encode('sent');
} catch (Symfony\\Component\\Mailer\\Exception\\TransportExceptionInterface $refused) {
    echo json_encode($refused->getMessage());
}
"""
    script, answer = knock(guarded.shop, code=code)
    assert "Connection refused" in answer.json
    event = event_of(guarded.shop, script)
    assert event["caller"] == f"{script.path}:{script.line_of('// here')}"
    assert "/Symfony/" in event["file"]


# ---- what scripts start

PERL = (
    "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => q({host}), PeerPort => 25, Timeout => 5); "
    "my $r = $s ? q(open) : $!{ECONNREFUSED} ? q(refused) : qq($!); print $r"
)


@pytest.mark.parametrize("start", ["shell_exec(%s)", "exec(%s)", "`{$GLOBALS['command']}`", "stream_get_contents(popen(%s, 'r'))"])
def test_programs_of_a_script(guarded, start):
    command = f"perl -e '{PERL.replace('{host}', V4)}'"
    code = f"<?php\n$command = {php_string(command)};\necho json_encode({start.replace('%s', '$command')});"
    script, answer = knock(guarded.shop, code=code)
    assert answer.json == "refused"
    event = event_of(guarded.shop, script)
    assert (event["verdict"], event["verified"], event["comm"], event["exe"]) == ("deny", True, "perl", "/usr/bin/perl")
    assert event["request_id"] == guarded.shop.access.wait(script.uri).split()[0]


def test_left_behind_by_its_request(guarded, tmp_path_factory):
    """Forked twice, in a session of its own, and at work after the worker has gone on."""
    result = guarded.shop.docroot / f"{new_mark()}.txt"
    result.touch()
    result.chmod(0o666)
    over = result.with_suffix(".over")
    late = f"select(undef, undef, undef, 0.02) until -e q({over}); {PERL.replace('{host}', V4).replace('print', f'open(F, q(>{result})); print F')}"
    perl = "use POSIX; exit if fork; POSIX::setsid(); exit if fork; close(STDIN); close(STDOUT); close(STDERR); " + late
    script, _ = knock(guarded.shop, code=f"<?php\nexec({php_string('perl -e ' + sh(perl) + ' >/dev/null 2>&1')});\necho 1;")
    for _ in range(5):
        guarded.shop.run("<?php echo 'the worker goes on';")
    over.touch()
    wait_until(lambda: result.read_text() == "refused", "the program that was left behind to be refused")
    event = event_of(guarded.shop, script)
    assert (event["verdict"], event["verified"], event["detached"], event["comm"]) == ("deny", True, True, "perl")


# ---- without a request


def as_user(uid, action):
    """Runs the command under the uid; what it printed."""
    done = subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "perl", "-e", action],
        stdout=subprocess.PIPE,
        timeout=30,
        check=True,
    )
    return done.stdout.decode()


def test_a_shell_of_a_vhosts_user(guarded):
    """Under the rule of the only virtual host that runs as this user."""
    assert as_user(SHOP_UID, PERL.replace("{host}", V4)) == "refused"
    event = wait_until(
        lambda: [event for event in guarded.shop.json.entries() if event.get("comm") == "perl" and not event["verified"]],
        "the shell's connection in the log",
    )[0]
    assert (event["verdict"], event["vhost"], event["uid"]) == ("deny", guarded.shop.full_name, SHOP_UID)
    assert event["site"] == guarded.shop.name
    assert as_user(FREE_UID, PERL.replace("{host}", V4)) == "open"


def test_a_shell_of_nobody_in_particular(guarded):
    assert as_user(OTHER_UID, PERL.replace("{host}", V4)) == "refused"
    event = guarded.server_json.wait(f'"uid":{OTHER_UID}')
    assert (event["verdict"], event["reason"], event["verified"]) == ("deny", "unverified", False)
    assert "vhost" not in event and "site" not in event


def test_root_may(guarded):
    done = subprocess.run(["perl", "-e", PERL.replace("{host}", V4)], stdout=subprocess.PIPE, timeout=30, check=True)
    assert done.stdout == b"open"


# ---- registering


def known_processes(httpd):
    with connect(httpd.runtime_dir / "firewall.sock") as connection:
        connection.send(head(STATUS))
        return json.loads(dict(pairs(connection.recv(65536)[4:]))["status"])["processes"]


def registration(context, nonce):
    return bytes([1, 3, 0, 0]) + pair("nonce", nonce) + pair("context", context)


def test_a_flood_of_registrations_leaves_others_room(guarded):
    """One user shows its context on a hundred connections; another's process is known all the same."""
    key = Key.read(guarded.httpd.runtime_dir)
    path = str(guarded.httpd.runtime_dir / "mailorigin.sock")

    def flood(seconds, context):
        become(WATCHED_UID)
        connections = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(100)]
        for connection in connections:
            connection.connect(path)
            connection.setblocking(False)
        packet = registration(context, b"F" * 16)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for connection in connections:
                try:
                    connection.send(packet)
                    connection.recv(4096)
                except BlockingIOError:
                    pass

    def show(context):
        """Verdict and reason; then whether a connection is judged by that context."""
        become(FREE_UID)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(5)
            connection.connect(path)
            connection.send(registration(context, b"V" * 16))
            answer = dict(pairs(connection.recv(4096)[4:]))
        return answer["verdict"], answer.get("reason", b""), attempt()

    def forked(action, *arguments):
        return guarded.ground.child(lambda: action(*arguments))[1]

    def context(vhost):
        return Context(vhost.full_name, vhost.uid).sealed(key)

    flooding = [forked(flood, 2.0, context(guarded.watched)) for _ in range(2)]
    time.sleep(0.5)
    seen = [forked(show, context(guarded.free))() for _ in range(5)]
    for finish in flooding:
        finish()
    assert seen == [(b"allow", b"", 0)] * 5, seen
    assert forked(show, context(guarded.free))() == (b"allow", b"", 0)
    # Nothing of processes that have ended stays.
    wait_until(lambda: known_processes(guarded.httpd) < 100, "the flood's processes to go")


# ---- what ends and begins again


def test_graceful_restart(guarded):
    guarded.httpd.graceful()
    script, answer = knock(guarded.shop)
    assert answer.json == errno.ECONNREFUSED
    assert event_of(guarded.shop, script)["verified"] is True


def test_the_daemon_is_killed(guarded):
    guarded.httpd.expect_log("MO0115: mailorigind .* ended with signal 9")
    os.kill(guarded.httpd.daemon(), 9)
    scripts = [knock(guarded.shop) for _ in range(3)]
    assert all(answer.json == errno.ECONNREFUSED for _, answer in scripts)
    for script, _ in scripts:
        assert event_of(guarded.shop, script)["verdict"] == "deny"


def firewall_processes(httpd):
    return processes_named_by(str(httpd.runtime_dir), "mailorigin-firewall")


def test_the_firewall_is_killed(guarded):
    guarded.httpd.expect_log("MO0115: mailorigin-firewall .* ended with signal 9")
    (before,) = firewall_processes(guarded.httpd)
    os.kill(before, 9)
    script, answer = knock(guarded.shop)
    assert answer.json == errno.ECONNREFUSED
    assert event_of(guarded.shop, script)["verdict"] == "deny"
    wait_until(lambda: firewall_processes(guarded.httpd) not in ([], [before]), "the firewall to be started again")
    script, answer = knock(guarded.shop)
    assert event_of(guarded.shop, script)["verdict"] == "deny"


def test_off_takes_it_out_and_on_puts_it_back(guarded):
    guarded.configure(SERVER.replace("MailOriginFirewall On", "MailOriginFirewall Off"))
    guarded.httpd.allow_log("MO04")
    guarded.httpd.graceful()
    try:
        _, answer = knock(guarded.shop)
        assert V4 in str(answer.json)
        wait_until(lambda: not firewall_processes(guarded.httpd), "the firewall to end")
    finally:
        guarded.configure(SERVER)
        guarded.httpd.graceful()

    before = len(guarded.shop.json.entries())

    def known():
        assert knock(guarded.shop)[1].json == errno.ECONNREFUSED
        return any(event["verified"] for event in guarded.shop.json.entries()[before:])

    # The workers had been known to the firewall before, and are to this one once they have shown themselves.
    wait_until(known, "the pool to be known to the new firewall")



def sh(text):
    return "'" + text.replace("'", "'\\''") + "'"


def php_string(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
