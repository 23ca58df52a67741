"""The mail servers, with users who have mailboxes and homes: what is for others waits in the queue."""

import os
import subprocess
from pathlib import Path

import servers
from harness.mail_servers import ENVIRONMENT, ORIGIN
from harness.site import SHOP_UID
from machine import LATER

HOME = Path("/var/home/shop")
SEQUENCE, DAEMON_UID = Path("/var/spool/cron/atjobs/.SEQ"), 1  # as at's package makes it
PERMIT = "".join(f"{kind} required pam_permit.so\n" for kind in ("auth", "account", "session"))  # the users here have no passwords
# Its queue manager, and who delivers and bounces; nobody delivers elsewhere.
POSTFIX_SERVICES = """
qmgr unix n - n 300 1 qmgr
local unix - n n - - local
retry unix - - n - - error
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
"""
EXIM_ROUTERS = f"""
begin routers
elsewhere:
  driver = redirect
  domains = ! {ORIGIN}
  allow_defer
  data = :defer: nobody delivers there
userforward:
  driver = redirect
  check_local_user
  file = $home/.forward
  allow_filter
  sieve_vacation_directory = $home
  file_transport = mailbox
  pipe_transport = pipe
  reply_transport = reply
localuser:
  driver = accept
  check_local_user
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = $home/mailbox
pipe:
  driver = pipe
reply:
  driver = autoreply
begin retry
* * F,1d,1d
"""


def _change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


class Delivering:
    """The shop's user has a home, and there are cron and at."""

    def set_up(self):
        super().set_up()
        self._machine.install(*LATER)
        for name in ("cron", "atd"):
            Path("/etc/pam.d", name).write_text(PERMIT)
        SEQUENCE.touch(mode=0o600)
        os.chown(SEQUENCE, DAEMON_UID, DAEMON_UID)
        self._machine.account("shop", SHOP_UID, HOME)
        HOME.mkdir(parents=True, exist_ok=True)
        os.chown(HOME, SHOP_UID, SHOP_UID)


class Postfix(Delivering, servers.Postfix):
    queues = ("incoming", "active", "deferred", "hold")

    def set_up(self):
        super().set_up()
        _change(Path("/etc/postfix/main.cf"), "mydestination =\n", "mydestination = $myorigin\ndefer_transports = smtp\n")
        with open("/etc/postfix/master.cf", "a") as master:
            master.write(POSTFIX_SERVICES)

    def deliver(self):
        """It does so by itself."""

    def forget(self):
        subprocess.run(["postsuper", "-d", "ALL"], env=ENVIRONMENT, check=True, capture_output=True)


class Exim(Delivering, servers.Exim):
    def set_up(self):
        super().set_up()
        _change(Path("/etc/exim4/exim4.conf"), "begin routers\nbegin transports\nbegin retry\n", EXIM_ROUTERS)

    def deliver(self):
        subprocess.run(["exim4", "-q"], env=ENVIRONMENT, check=True)

    def forget(self):
        for file in (self.queue / "input").iterdir():
            file.unlink()
