"""The mail servers that a host may have: each queues what it is given, asks MailOrigin about it, and delivers nothing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from harness import mail_servers
from harness.mail_servers import ENVIRONMENT, POSTFIX_MAIN, POSTFIX_MASTER, asking_exim
from harness.milter import MAIN as POSTFIX_MILTER
from harness.milter import MILTER_UID
from harness.waiting import answers, die_with_parent, wait_until

POSTDROP_GID = 64003


def start(command):
    """In process ids of their own, so that what it starts ends with it."""
    return subprocess.Popen(
        ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", f"{command} & wait"],
        env=ENVIRONMENT, preexec_fn=die_with_parent,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def listens(address):
    return f" {address} " in subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout


class Server:
    """`runtime_dir` is the site's, which has the sockets."""

    package = ""
    user, uid = "", 0
    _process = None

    def __init__(self, machine, runtime_dir):
        machine.install(self.package)
        machine.account(self.user, self.uid)
        self._machine, self._runtime_dir = machine, runtime_dir
        self.set_up()

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()


class Postfix(Server):
    package = "postfix"
    user, uid = mail_servers.Postfix.user, mail_servers.Postfix.uid
    queue = Path("/var/spool/postfix")
    queues = ("incoming",)  # where its mail is

    @property
    def _socket(self):
        return self._runtime_dir / "milter.sock"

    @property
    def directives(self):
        """Its part of httpd.conf."""
        return (
            f"MailOriginMilter {self._socket}\nMailOriginMilterUser #{MILTER_UID} #{self.uid}\n"
            "MailOriginMailLog /var/log/mail.log\n"
        )

    def set_up(self):
        self._machine.account("postdrop", POSTDROP_GID)
        for program in ("/usr/sbin/postdrop", "/usr/sbin/postqueue"):
            os.chown(program, 0, POSTDROP_GID)
            os.chmod(program, 0o2755)
        milter = POSTFIX_MILTER.format(milter=f"unix:{self._socket}", action="tempfail")
        # master(8) holds back for this long a service that was killed before it had served anybody: else a minute.
        Path("/etc/postfix/main.cf").write_text(POSTFIX_MAIN + milter + "service_throttle_time = 1s\n")
        Path("/etc/postfix/master.cf").write_text(POSTFIX_MASTER + "127.0.0.1:smtp inet n - n - - smtpd\n")
        shutil.chown("/var/lib/postfix", self.user, self.user)

    def start(self):
        wait_until(lambda: answers(self._socket), "the milter to listen")
        self._process = start("postfix start-fg")
        wait_until((self.queue / "public/pickup").exists, "Postfix to start")

    def queued(self, mark):
        """The queue ids and heads of the messages with this word in their subject."""
        found = {}
        for file in (file for name in self.queues for file in (self.queue / name).rglob("*") if file.is_file() and not self._is_unfinished(file)):
            head = subprocess.run(["postcat", "-h", str(file)], capture_output=True, env=ENVIRONMENT, check=False).stdout
            if mark.encode() in head:
                found[file.name] = head.decode(errors="replace")
        return found

    @staticmethod
    def said():
        """Its log, for a test that fails."""
        return Path("/var/log/mail.log").read_text()

    def settled(self):
        """Once all that was handed over is queued."""

        def done():
            return not any((self.queue / "maildrop").iterdir()) and not self._unfinished()

        wait_until(done, f"Postfix to queue everything; it says\n{self.said()}")

    @staticmethod
    def _is_unfinished(file):
        """Whether cleanup(8) is writing it or has left it: one that is whole may be executed."""
        try:
            return not file.stat().st_mode & 0o100
        except FileNotFoundError:
            return False

    def _unfinished(self):
        return [file for file in (self.queue / "incoming").iterdir() if self._is_unfinished(file)]

    def forget_unfinished(self):
        """Removes what a cleanup(8) that was killed has left, and nobody finishes: for when nothing is being queued."""
        for file in self._unfinished():
            file.unlink(missing_ok=True)


class Exim(Server):
    package = mail_servers.Exim.package
    user, uid = mail_servers.Exim.user, mail_servers.Exim.uid
    queue = Path("/var/spool/exim4")
    _log = Path("/var/log/exim4")

    @property
    def _socket(self):
        return self._runtime_dir / "exim.sock"

    @property
    def directives(self):
        return f"MailOriginEximSocket {self._socket}\n"

    def set_up(self):
        Path("/etc/exim4").mkdir(exist_ok=True)
        # As Debian has it, which offers TLS only where a certificate was made for it.
        listening = "local_interfaces = 127.0.0.1\ndaemon_smtp_ports = 25\ntls_advertise_hosts =\n"
        Path("/etc/exim4/exim4.conf").write_text(listening + asking_exim(self._socket))
        for directory in (self.queue, self._log):
            directory.mkdir(exist_ok=True)
            shutil.chown(directory, self.user, self.user)

    def start(self):
        wait_until(lambda: answers(self._socket), "MailOriginEximSocket")
        self._process = start("exim4 -bdf")
        wait_until(lambda: listens("127.0.0.1:25"), "Exim to listen")

    def queued(self, mark):
        found = {}
        for file in (self.queue / "input").glob("*-H"):
            head = self._head(file.read_bytes())
            if mark in head:
                found[file.name.removesuffix("-H")] = head
        return found

    @staticmethod
    def _head(spooled):
        """The fields of a message, each of which has its length in front; what an ACL has taken out has a star."""
        _, _, rest = spooled.partition(b"\n\n")
        fields = []
        while match := re.match(rb"(\d{3,})(.) ", rest):
            start, end = match.end(), match.end() + int(match[1])
            if match[2] != b"*":
                fields.append(rest[start:end])
            rest = rest[end:]
        return b"".join(fields).decode(errors="replace")

    def settled(self):
        """What it has taken is in its queue."""

    def said(self):
        return "".join(file.read_text(errors="replace") for file in self._log.iterdir())
