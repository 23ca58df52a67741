"""A real Postfix that asks mailorigin-milter, started by a site's httpd, about all that it queues."""

import os
import re
import smtplib
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass

from .accounts import Accounts
from .httpd import free_port
from .mail_servers import POSTFIX_MASTER, Postfix
from .mounts import unmount
from .queue_file import records
from .site import BLOG_UID, OTHER_UID, SHOP_UID, Site
from .waiting import answers, children_of, name_of, wait_until

MILTER_UID = 61901
TENANTS = {"shop": SHOP_UID, "blog": BLOG_UID, "other": OTHER_UID}  # Postfix's sendmail wants a name

MASTER = POSTFIX_MASTER + """
127.0.0.1:{port} inet n - n - - smtpd
[::1]:{port} inet n - n - - smtpd
anvil unix - - n - 1 anvil
showq unix n - n - - showq
"""
MAIN = """
smtpd_milters = {milter}
non_smtpd_milters = {milter}
milter_default_action = {action}
milter_connect_timeout = 5s
smtpd_peername_lookup = no
"""
# The milter is outside, and does not see main.cf: of the names in it it has that of the host alone.
OWN_MAIN = """
myorigin = $myhostname
virtual_alias_maps = inline:{alias@example.org=to@example.org}
canonical_maps = inline:{canonical@example.org=to@example.org}
"""


@dataclass(frozen=True)
class Mail:
    """A message in a queue, as postcat(1) shows it."""

    id: str
    on_hold: bool
    text: str

    def header(self, name):
        head = self.text.partition("\n\n")[0]
        return re.findall(rf"^{re.escape(name)}: (.*)$", head, re.M | re.I)


class MilterPostfix(Postfix):
    """`socket` is the milter's, in a directory that Postfix sees as the site does."""

    def __init__(self, action="tempfail"):
        self.port = free_port()
        self.action = action
        self.master = MASTER.format(port=self.port)
        self._shared = None
        super().__init__()

    def set_up(self):
        for name, uid in TENANTS.items():
            self.account("passwd", name, f"{uid}:{uid}::/nonexistent:/bin/false")
        for program in ("postdrop", "postqueue"):
            path = self.root / "usr/sbin" / program
            os.chown(path, 0, 64003)
            path.chmod(0o2555)
        super().set_up()
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):
            path = self.root / "var/spool/postfix" / name
            os.chown(path, self.uid, 64003)
            path.chmod(mode)

    def use(self, directory, milter):
        """`directory` is the one that holds the milter's socket; before the first mail, whose daemons read what is written here."""
        inside = self.root / directory.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", directory, inside], check=True)
        self._shared = inside
        with open(self.root / "etc/postfix/main.cf", "a") as main:
            main.write(MAIN.format(milter=milter, action=self.action) + OWN_MAIN)

    def remove(self):
        if self._shared:
            unmount(self._shared)
            self._shared = None
        super().remove()

    @property
    def log(self):
        return self.root / "var/log/mail.log"

    def hand_in(self, message, *arguments, uid=0, program="/usr/sbin/sendmail"):
        """As a user's program would, to Postfix's own sendmail."""
        command = ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", program, *arguments]
        process = self.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = process.communicate(message if isinstance(message, bytes) else message.encode(), timeout=30)
        assert process.returncode == 0, said
        return said

    def daemons(self, name):
        """The pids of this Postfix's processes of that name."""
        found = [self._process.pid]
        for pid in found:
            found += children_of(pid)
        return [pid for pid in found if name_of(pid) == name]

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.port, timeout=30)

    def smtp_and_gone(self, uid, sender, message):
        """Three times, by a client that closes before Postfix has read it: of some the kernel has no user any more."""
        lines = ["HELO me", f"MAIL FROM:<{sender}>", "RCPT TO:<to@example.org>", "DATA", *message.split("\n")[:-1], ".", "QUIT", ""]
        dialogue = "\r\n".join(lines).encode()
        code = f'''
import socket
for _ in range(3):
    with socket.create_connection(("127.0.0.1", {self.port})) as client:
        client.sendall({dialogue!r})
'''
        subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", sys.executable, "-c", code], check=True)

    def _files(self, queue):
        """Each one's name, what is in it, and whether it is whole."""
        for file in (self.root / "var/spool/postfix" / queue).rglob("*"):
            try:
                if file.is_file():
                    is_whole = bool(file.stat().st_mode & 0o100)
                    yield file.name, file.read_bytes(), is_whole
            except FileNotFoundError:
                pass  # it has moved on since

    def mails(self):
        found = []
        for queue in ("incoming", "hold"):
            found += [Mail(name, queue == "hold", self._text(data)) for name, data, is_whole in self._files(queue) if is_whole]
        return found

    def is_unfinished(self, mark):
        """cleanup(8) has written the message, and not yet said that it is whole."""
        return any(mark.encode() in data for _, data, is_whole in self._files("incoming") if not is_whole)

    @staticmethod
    def _text(data):
        lines = (value.decode("latin-1") + "\n" * (kind == "N") for kind, value in records(data) if kind in "NL")
        return "".join(lines)

    def wait(self, mark):
        def found():
            return [mail for mail in self.mails() if mark in mail.text]

        mails = wait_until(found, f"a message with {mark} in the queue")
        assert len(mails) == 1, mails
        return mails[0]


@contextmanager
def site_before(postfix, installation, name, vhosts, configuration):
    """Its httpd starts the milter that this Postfix asks. `configuration` has places for the milter's
    {socket}, its {user}, the {mail_server}'s, and the {log}. TENANTS have accounts: by their names the daemon
    knows what Postfix makes of no sender."""
    installation.built("milter/mailorigin-milter")
    site = Site(installation, installation.directory(name), vhosts, server="")
    runtime = site.httpd.runtime_dir
    runtime.mkdir(parents=True, exist_ok=True)
    socket = runtime / "milter.sock"
    site.configure(configuration.format(socket=socket, user=MILTER_UID, mail_server=postfix.uid, log=postfix.log))
    with Accounts(installation.root, installation.directory(f"{name}-accounts"), TENANTS):
        try:
            site.start()
            wait_until(lambda: answers(socket), "the milter to listen")
            postfix.use(runtime, f"unix:{socket}")
            yield site
        finally:
            site.stop()
