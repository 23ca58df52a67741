"""Programs that stand in a mail server's place, and hand all mail on to one elsewhere."""

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness.mail_servers import ENVIRONMENT
from harness.waiting import die_with_parent, end, wait_until
from servers import Server, listens, start

ELSEWHERE = "192.0.2.25"
MAIL_UID = 8  # Debian's user mail


class _Relay(Server):
    """A real SMTP server has the address of another machine, and keeps what it is given in files."""

    directives = f"MailOriginSmtpAllow {ELSEWHERE}:25\nMailOriginMaxRecipients 2\n"
    connects_as_sender = True  # its connections are of whoever sends
    speaks_smtp = False  # with its caller, -bs
    queues = True  # and says that all is well before it has connected

    def start(self):
        subprocess.run(["ip", "addr", "replace", f"{ELSEWHERE}/32", "dev", "lo"], check=True)
        self._kept = Path(tempfile.mkdtemp(prefix="mo-elsewhere.", dir="/var/lib"))
        shutil.chown(self._kept, "nobody")
        self._start_elsewhere()

    def _start_elsewhere(self):
        self._elsewhere = subprocess.Popen(
            ["/usr/sbin/smtp-sink", "-u", "nobody", "-d", f"{self._kept}/%M.", f"{ELSEWHERE}:25", "10"],
            env=ENVIRONMENT, preexec_fn=die_with_parent,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: listens(f"{ELSEWHERE}:25"), "the server elsewhere to listen")

    @contextmanager
    def nobody_elsewhere(self):
        end(self._elsewhere)
        try:
            yield
        finally:
            self._start_elsewhere()

    def stop(self):
        super().stop()
        end(self._elsewhere)
        shutil.rmtree(self._kept)

    def arrived(self, mark):
        """The heads of the messages with this word in their subject."""
        heads = [file.read_text(errors="replace").partition("\n\n")[0] for file in self._kept.iterdir()]
        return [head for head in heads if mark in head]


class Msmtp(_Relay):
    package = "msmtp-mta"
    queues = False

    def set_up(self):
        Path("/etc/msmtprc").write_text(f"account default\nhost {ELSEWHERE}\nfrom %U@origin.invalid\n")


class Dma(_Relay):
    package = "dma"

    def set_up(self):
        Path("/etc/dma/dma.conf").write_text(f"SMARTHOST {ELSEWHERE}\nMAILNAME origin.invalid\n")


class Nullmailer(_Relay):
    package = "nullmailer"
    connects_as_sender = False
    speaks_smtp = True
    directives = f"MailOriginSmtpUsers #{MAIL_UID}\nMailOriginMaxRecipients 2\n"

    def set_up(self):
        Path("/etc/nullmailer/remotes").write_text(f"{ELSEWHERE} smtp\n")
        Path("/etc/mailname").write_text("origin.invalid\n")
        trigger = Path("/var/spool/nullmailer/trigger")
        if not trigger.exists():
            subprocess.run(["mkfifo", "-m", "600", trigger], check=True)
        shutil.chown(trigger, MAIL_UID)

    def start(self):
        super().start()
        self._process = start(f"setpriv --reuid={MAIL_UID} --regid={MAIL_UID} --clear-groups nullmailer-send")
