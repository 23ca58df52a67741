"""mailorigin-sendmail before a mail program: started by PHP in every way, by a shell, over pipes that break."""

import json
import os
import signal
import subprocess

import pytest
from harness.fpm import SHARED_EXTENSIONS
from harness.site import BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Site, Vhost, new_mark
from harness.waiting import wait_until

RULES = WITH_HEADER + '  MailOriginMaxRecipients 2\n  MailOriginDenyScript "^.*/denied/"\n'


class Submitting(Site):
    """A site whose sendmail_path is mailorigin-sendmail, before the tests' stand-in for a mail server's."""

    def __init__(self, installation, directory, vhosts, **options):
        super().__init__(installation, directory, vhosts, **options)
        program = installation.built("submit/mailorigin-sendmail")
        self.command = [
            str(program), f"--mailorigin-real={self.sendmail.program}",
            f"--mailorigin-socket={self.httpd.runtime_dir}/mailorigin.sock", "--mailorigin-patience-ms=10000",
        ]  # fmt: skip

    def submit(self, message, *arguments, uid=SHOP_UID, environment=None, check=True, program=None):
        """Gives it a message from a shell; the finished process."""
        command = [*self.command, *arguments]
        if program:
            command[1] = f"--mailorigin-real={program}"
        done = subprocess.run(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command],
            input=message if isinstance(message, bytes) else message.encode(),
            capture_output=True, env={"PATH": os.environ["PATH"], **(environment or {})}, timeout=60,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done
        return done


@pytest.fixture(scope="module")
def module_site(installation):
    vhosts = [Vhost("shop", SHOP_UID, RULES), Vhost("blog", BLOG_UID, WITH_HEADER)]
    site = Submitting(installation, installation.directory("submit"), vhosts, server=SERVER)
    site.fpm.ini.write_text(
        site.fpm.ini.read_text().replace(site.sendmail.command, f"{' '.join(site.command)} -t -i")
    )
    site.ini["sendmail_path"] = f"{' '.join(site.command)} -t -i"
    try:
        yield site.start()
    finally:
        site.stop()


# ---- A mail that came through mail()


@pytest.mark.parametrize("call", [
    "mail('to@example.org', 'MARK', 'body')",
    "mail('One <to@example.org>', 'MARK', 'body', \"Cc: two@example.org\\r\\nX-Mail-Origin: forged\")",
    "mail('to@example.org', 'MARK', 'body', ['Bcc' => 'two@example.org'], '-fme@shop.example')",
    "mb_send_mail('to@example.org', 'MARK', 'body')",
    *["imap_mail('to@example.org', 'MARK', 'body', null, 'two@example.org')"] * ("imap" in SHARED_EXTENSIONS),
])  # fmt: skip
def test_a_mail_of_phps_is_one_event(site, call):
    mark = new_mark()
    site.shop.run(f"<?php var_dump({call.replace('MARK', mark)});")
    message = site.sendmail.wait(mark)
    event = site.shop.json.wait(mark)
    assert event["kind"] == "mail" and event["verified"]
    assert message.header("X-Mail-Origin") == [event["id"]]
    assert message.arguments[:2] == ["-t", "-i"]
    assert "MAILORIGIN_TICKET" not in message.environment


def test_a_ticket_is_not_another_mails(site):
    """As a tenant would: it reads the ticket out of its own process, and shows it again."""
    mark = new_mark()
    site.shop.mail(mark)
    event = site.shop.json.wait(mark)
    for to in ("to@example.org", "to@example.org, victim@example.org"):
        again = new_mark()
        site.submit(f"To: {to}\nSubject: {again}\n\nbody", "-t", environment={"MAILORIGIN_TICKET": event["id"]})
        other = site.shop.json.wait(again)
        assert other["id"] != event["id"] and other["kind"] == "submit"
        assert site.sendmail.wait(again).header("X-Mail-Origin") == [other["id"]]


def test_a_script_names_no_program(site):
    """Where it may start none itself: what mail() adds to sendmail_path is for the mail server."""
    mark, own = new_mark(), program(site, f"{new_mark()}.sh", "cat >$0.ran")
    site.shop.run(f"<?php mail('to@example.org', '{mark}', 'body', '', '--mailorigin-real={own}');")
    assert site.sendmail.wait(mark).arguments == ["-t", "-i", f"--mailorigin-real={own}"]
    assert not own.with_name(f"{own.name}.ran").exists()


# ---- Programs that PHP starts

STARTS = {
    "popen": "$p = popen(COMMAND, 'w'); fwrite($p, MESSAGE); pclose($p); # here",
    "proc_open": "$p = proc_open(COMMAND, [['pipe', 'r']], $pipes); # here\nfwrite($pipes[0], MESSAGE); fclose($pipes[0]); proc_close($p);",
    "proc_open, a list": "$p = proc_open(explode(' ', COMMAND), [['pipe', 'r']], $pipes); # here\nfwrite($pipes[0], MESSAGE); fclose($pipes[0]); proc_close($p);",
    "proc_open, an environment": "$p = proc_open(COMMAND, [['pipe', 'r']], $pipes, null, ['PATH' => '/bin', 'SSL_MAILORIGIN_CONTEXT' => 'forged', 'MAILORIGIN_CALL=forged']); # here\nfwrite($pipes[0], MESSAGE); fclose($pipes[0]); proc_close($p);",
    "proc_open, an empty environment": "$p = proc_open(COMMAND, [['pipe', 'r']], $pipes, env_vars: []); # here\nfwrite($pipes[0], MESSAGE); fclose($pipes[0]); proc_close($p);",
    "exec": "file_put_contents('message', MESSAGE); exec(COMMAND . ' <message'); # here",
    "shell_exec": "file_put_contents('message', MESSAGE); shell_exec(COMMAND . ' <message'); # here",
    "backticks": "file_put_contents('message', MESSAGE); $c = COMMAND; `$c <message`; # here",
    "system": "file_put_contents('message', MESSAGE); system(COMMAND . ' <message'); # here",
    "passthru": "file_put_contents('message', MESSAGE); call_user_func('passthru', COMMAND . ' <message'); # here",
    "left behind": "file_put_contents('message', MESSAGE); exec('(sleep 0.3; setsid ' . COMMAND . ' <message) >/dev/null 2>&1 &'); # here",
}


def started(site, how, mark, folder="", to="to@example.org"):
    """A page that starts mailorigin-sendmail."""
    message = json.dumps(f"To: {to}\nSubject: {mark}\nX-Mail-Origin: forged\n\nbody\n").replace("$", "\\$")
    command = json.dumps(f"{' '.join(site.command)} -t -i")
    code = STARTS[how].replace("COMMAND", command).replace("MESSAGE", message)
    site.shop.docroot.chmod(0o777)
    path = site.shop.write(f"{folder}{mark}.php", f"<?php chdir($_SERVER['DOCUMENT_ROOT']);\n{code}\necho 'done';")
    return path


@pytest.mark.parametrize("how", STARTS)
def test_a_program_that_php_starts_has_its_origin(site, how):
    mark = new_mark()
    script = started(site, how, mark)
    assert site.shop.get(script.uri).text.endswith("done")
    event = site.shop.json.wait(mark)
    assert (event["kind"], event.get("verified"), event["uid"]) == ("submit", True, SHOP_UID)
    assert (event["file"], event["line"]) == (str(script.path), script.line_of("# here"))
    assert event["function"] == {"backticks": "shell_exec", "left behind": "exec"}.get(how, how.partition(",")[0])
    assert event["entry"] == str(script.path) and event["to"] == "to@example.org"
    message = site.sendmail.wait(mark)
    assert message.header("X-Mail-Origin") == [event["id"]]
    assert message.uid == SHOP_UID


def test_what_a_call_puts_into_the_environment_is_gone_after_it(site):
    code = "<?php exec('env', $lines); $own = getenv(); echo json_encode([$lines, array_keys($own)]);"
    lines, own = site.shop.run(code).json
    inherited = {line.partition("=")[0] for line in lines}
    assert {"SSL_MAILORIGIN_CONTEXT", "MAILORIGIN_CALL"} <= inherited and "MAILORIGIN_TICKET" not in inherited
    assert not any("MAILORIGIN" in name for name in own)


LOGGING_STREAM = """<?php
class Stream { public $context; function stream_open() { foreach (NAMES as $name) { echo (int) putenv("$name=own"); } return false; } }
const NAMES = ['MAILORIGIN_CALL', 'MAILORIGIN_TICKET', 'SSL_MAILORIGIN_CONTEXT', 'A'];
stream_wrapper_register('log', 'Stream');
$sent = @mail('to@example.org', 'MARK', 'body');
echo ' ', (int) $sent, ' ', getmypid();
"""


def test_code_that_runs_within_mail_sets_nothing_of_ours(site):
    """PHP would put back what it found there at the request's end, when that is gone."""
    site.shop.write("logging/.user.ini", "mail.log = log://x\n")
    mark = new_mark()
    done, sent, pid = site.shop.get(site.shop.write(f"logging/{mark}.php", LOGGING_STREAM.replace("MARK", mark)).uri).text.split()
    assert (done, sent) == ("0001", "1")
    look = site.shop.script("<?php echo json_encode([getmypid(), array_keys(getenv())]);")

    def environment():
        other, names = site.shop.get(look.uri).json
        return names if other == int(pid) else None

    assert not [name for name in wait_until(environment, "the same worker") if "MAILORIGIN" in name]


def test_pcntl_exec_has_its_origin(site):
    mark = new_mark()
    message = site.directory / "home" / f"{mark}.txt"
    message.parent.mkdir(exist_ok=True)
    message.write_text(f"To: to@example.org\nSubject: {mark}\n\nbody\n")
    command = json.dumps(["-c", f"exec {' '.join(site.command)} -t <{message}"])
    done, path = site.php(SHOP_UID, f"<?php pcntl_exec('/bin/sh', {command}, ['A' => 'b']); # here\n")
    event = site.shop.json.wait(mark)
    assert (event["function"], event["file"], event["line"]) == ("pcntl_exec", str(path), 1)


def test_a_denied_script_cannot_start_it(site):
    mark = new_mark()
    script = started(site, "popen", mark, folder="denied/")
    assert site.shop.get(script.uri).text.endswith("done")
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "script")
    assert not site.sendmail.with_subject(mark)


# ---- Arguments, streams, status


def test_from_a_shell_the_uid_decides(site):
    mark = new_mark()
    site.submit(f"Subject: {mark}\nFrom: x@y\n\nbody\n", "-f", "me@shop.example", "-i", "a@b.example")
    event = site.shop.json.wait(mark)
    assert not event.get("verified") and event["vhost"] == site.shop.full_name
    assert (event["to"], event["recipients"], event["envelope_from"], event["size"]) == ("a@b.example", 1, "me@shop.example", 5)
    assert site.sendmail.wait(mark).arguments == ["-f", "me@shop.example", "-i", "a@b.example"]
    other = new_mark()
    site.submit(f"Subject: {other}\n\nbody\n", "a@b.example", uid=OTHER_UID)
    assert site.server_json.wait(other)["uid"] == OTHER_UID


def test_a_refusal_is_a_line_and_a_status(site):
    mark = new_mark()
    done = site.submit(f"To: a@b, c@d, e@f\nSubject: {mark}\n\n" + "body\n" * 500_000, "-t", check=False)
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "max-recipients")
    assert (done.returncode, done.stdout) == (77, b"")
    assert done.stderr.decode() == f"mailorigin-sendmail: MO0500: not sent: max-recipients (event {event['id']})\n"
    assert not site.sendmail.with_subject(mark)


def program(site, name, text):
    path = site.directory / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return path


def test_status_signal_and_streams_are_the_real_programs(site):
    real = program(site, "real", 'cat >/dev/null; echo "out $PWD"; echo err >&2; [ "$1" = -oi ] && kill -KILL $$; exit 9')
    done = site.submit("Subject: x\n\n", "a@b", program=real, check=False)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (9, f"out {os.getcwd()}\n", b"err\n")
    done = site.submit("Subject: x\n\n", "-oi", "a@b", program=real, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("size", [0, 1, 300_000, 50_000_000])
def test_a_message_of_any_size_arrives_byte_by_byte(site, size):
    mark = new_mark()
    body = (b"8-bit \xff\0 line\r\n.\nlone\rend\n" * (size // 28 + 1))[:size]
    real = program(site, "keep", f"sha256sum >{site.directory}/sums/{mark}")
    (site.directory / "sums").mkdir(exist_ok=True)
    (site.directory / "sums").chmod(0o777)
    head = f"To: a@b\nSubject: {mark}\n".encode()
    site.submit(head + b"X-MAIL-origin: forged\n folded\n\n" + body, "-t", program=real)
    event = site.shop.json.wait(mark)
    expected = f"X-Mail-Origin: {event['id']}\n".encode() + head + b"\n" + body
    kept = site.directory / "sums" / mark
    import hashlib

    wait_until(lambda: kept.exists() and kept.read_text(), "the real program's end")
    assert kept.read_text().split()[0] == hashlib.sha256(expected).hexdigest()
    assert event.get("size") == (len(body) if size < 262_144 else None)


def test_fifty_megabytes_take_no_memory(site):
    real = program(site, "eat", "cat >/dev/null; sleep 1")
    reader, writer = os.pipe()
    command = [*site.command, "-t"]
    command[1] = f"--mailorigin-real={real}"
    process = subprocess.Popen(command, stdin=reader)
    os.close(reader)
    os.write(writer, b"To: a@b\nSubject: x\n\n")
    for _ in range(800):
        os.write(writer, b"x" * 65_536)
    most = 0
    for pid in (entry for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            if "mailorigin-send" in open(f"/proc/{pid}/comm").read():
                most = max(most, int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")).split()[1]))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    os.close(writer)
    assert process.wait(timeout=30) == 0
    assert 0 < most < 16 * 1024


HOSTILE = {
    "nothing": b"",
    "a body alone": b"hello\nTo: a@b\n",
    "a header alone": b"To: a@b\nSubject: x",
    "NUL": b"To: a@b\nSubject: \0x\0\n\n\0",
    "8-bit": b"To: a@b\nSubject: \xff\xfe\n\n\xff",
    "lines of a megabyte": b"To: a@b\nSubject: " + b"x" * 1_000_000 + b"\n\n" + b"y" * 1_000_000,
    "a thousand Bcc": b"Bcc: " + b", ".join(b"u%d@example.org" % n for n in range(1000)) + b"\n\nbody",
    "Resent": b"To: a@b\nResent-To: c@d, e@f\nResent-Bcc: g@h\n\nbody",
    "a header without end": b"To: a@b\n" + b"X: y\n" * 600_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_messages_are_recorded_or_refused(site, what):
    before = len(site.server_json.lines())
    done = site.submit(HOSTILE[what], "-t", "-i", uid=OTHER_UID, check=False)
    if what == "a header without end":
        assert done.returncode == 65 and b"MO0511" in done.stderr
        return
    assert done.returncode == 0, done
    event = wait_until(lambda: site.server_json.entries()[before:], "its event")[0]
    counts = {"a thousand Bcc": 1000, "Resent": 4, "nothing": None, "a body alone": None}
    assert event.get("recipients") in (counts.get(what, 1), 0 if counts.get(what, 1) is None else -1)


def test_two_megabytes_of_arguments(site):
    mark = new_mark()
    many = [f"user{number:05}@a-long-domain-name.example.org" for number in range(40_000)]
    real = program(site, "count", f"cat >/dev/null; echo $# >{site.directory}/sums/{mark}")
    (site.directory / "sums").mkdir(exist_ok=True)
    (site.directory / "sums").chmod(0o777)
    site.submit(f"Subject: {mark}\n\n", *many, uid=OTHER_UID, program=real)
    assert (site.directory / "sums" / mark).read_text() == "40000\n"
    assert site.server_json.wait(mark)["recipients"] == 40_000


def test_a_caller_that_dies_sends_nothing_unseen(site):
    """Killed after each piece: what arrives at the real program has been asked about."""
    mark = new_mark()
    pieces = [b"To: a@b\n", f"Subject: {mark}\n".encode(), b"\n", b"body\n"]
    for number in range(len(pieces)):
        process = subprocess.Popen(
            ["setpriv", f"--reuid={OTHER_UID}", f"--regid={OTHER_UID}", "--clear-groups", *site.command, "-t", "-i"],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        for piece in pieces[:number]:
            process.stdin.write(piece)
        process.stdin.flush()
        process.kill()
        process.wait()
        process.stdin.close()
    last = new_mark()
    site.submit(f"To: a@b\nSubject: {last}\n\n", "-t", uid=OTHER_UID)
    site.sendmail.wait(last)
    assert not site.sendmail.with_subject(mark)


# ---- Without a daemon


def test_without_a_daemon(site, syslog):
    mark = new_mark()
    nowhere = "--mailorigin-socket=/var/lib/nowhere.sock"
    site.submit(f"To: a@b\nSubject: {mark}\n\nbody", nowhere, "-t")
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == ["unrecorded"]
    line = syslog.wait(mark)
    assert "mailorigin-sendmail" in line and "MO0301" in line
    done = site.submit(f"To: a@b\nSubject: {mark}2\n\nbody", nowhere, "--mailorigin-on-failure=deny", "-t", check=False)
    assert done.returncode == 75 and not site.sendmail.with_subject(f"{mark}2")


# ---- The SMTP dialogue

SERVER_PROGRAM = '''#!/usr/bin/python3 -B
"""A mail server on standard input that keeps what it is given."""
import os, sys, tempfile
say = lambda line: (sys.stdout.write(line + "\\r\\n"), sys.stdout.flush())
say("220 mx")
for line in sys.stdin.buffer:
    verb = line.split()[0].upper()
    if verb == b"EHLO":
        say("250-mx"); say("250-CHUNKING"); say("250 SIZE 1000000")
    elif verb == b"DATA":
        say("354 go on")
        message = []
        for more in sys.stdin.buffer:
            if more == b".\\r\\n":
                break
            message.append(more)
        else:
            sys.exit(1)
        number, path = tempfile.mkstemp(dir=DIRECTORY)
        os.write(number, b"".join(message)); os.fchmod(number, 0o644)
        say("250 queued")
    elif verb == b"QUIT":
        say("221 bye"); sys.exit(4)
    else:
        say("250 ok")
'''


@pytest.fixture(scope="module")
def smtp_program(module_site):
    directory = module_site.directory / "smtp"
    directory.mkdir()
    directory.chmod(0o777)
    path = module_site.directory / "smtp-server"
    path.write_text(SERVER_PROGRAM.replace("DIRECTORY", repr(str(directory))))
    path.chmod(0o755)
    return path


def transaction(mark, recipients=("a@b.example",)):
    lines = ["MAIL FROM:<me@shop.example>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"]
    return "\r\n".join([*lines, f"Subject: {mark}", "X-Mail-Origin: forged", "", "..body", ".", ""])


def test_an_smtp_dialogue_is_asked_about_mail_by_mail(site, smtp_program):
    first, refused, last = new_mark(), new_mark(), new_mark()
    dialogue = "EHLO me\r\n" + transaction(first) + transaction(refused, ("a@b", "c@d", "e@f")) + transaction(last) + "QUIT\r\n"
    done = site.submit(dialogue, "-bs", program=smtp_program, check=False)
    events = {mark: site.shop.json.wait(mark) for mark in (first, refused, last)}
    assert [events[mark]["verdict"] for mark in (first, refused, last)] == ["allow", "deny", "allow"]
    assert events[first]["envelope_from"] == "me@shop.example" and events[refused]["recipients"] == 3
    assert done.returncode == 4
    said = done.stdout.decode()
    assert f"550 5.7.1 not sent: max-recipients (event {events[refused]['id']})" in said
    assert "CHUNKING" not in said and said.count("250 queued") == 2 and said.endswith("221 bye\r\n")
    kept = [path.read_bytes() for path in (site.directory / "smtp").iterdir()]
    for mark in (first, last):
        expected = f"X-Mail-Origin: {events[mark]['id']}\r\nSubject: {mark}\r\n\r\n..body\r\n".encode()
        assert kept.count(expected) == 1
    assert not any(refused.encode() in message for message in kept)


def test_a_dialogue_that_stops_sends_nothing(site, smtp_program):
    mark = new_mark()
    whole = "EHLO me\r\n" + transaction(mark)
    for length in range(len(whole) - 60, len(whole) - 1):
        site.submit(whole[:length], "-bs", program=smtp_program, check=False)
    assert not any(mark.encode() in path.read_bytes() for path in (site.directory / "smtp").iterdir())


def test_signals_reach_the_program_behind_a_dialogue(site):
    real = program(site, "signalled", "trap 'echo 421 bye; exit 5' TERM; echo 220 mx; while :; do sleep 0.1; done")
    command = [*site.command, "-bs"]
    command[1] = f"--mailorigin-real={real}"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"220 mx\r\n"
    process.terminate()
    assert process.stdout.read() == b"421 bye\n"
    assert process.wait(timeout=30) == 5


# ---- What is no mail


@pytest.mark.parametrize("arguments", [["-bp"], ["-bi"], ["-q"]])
def test_what_is_no_mail_passes(site, arguments):
    real = program(site, "other", 'echo "$0 $@"')
    events = len(site.shop.json.lines())
    done = site.submit("", *arguments, program=real)
    assert done.stdout.decode() == f"{real} {' '.join(arguments)}\n"
    assert len(site.shop.json.lines()) == events


def test_other_names_pass(site):
    real = program(site, "named", 'echo "$BASH_ARGV0 $@"')
    command = [*site.command]
    command[1] = f"--mailorigin-real={real}"
    for name in ("mailq", "newaliases"):
        link = site.directory / name
        link.symlink_to(command[0])
        done = subprocess.run([str(link), *command[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        assert done.returncode == 0, done
