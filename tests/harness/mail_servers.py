"""A real Postfix and a real Exim, each in a root of its own, that queue what their sendmail is given.

Debian's packages exclude each other, and bring services that start. So they are downloaded (kept
below build/), and unpacked over this machine's files in an overlay that is gone with the test.
Nothing is delivered and nothing listens on a port.
"""

import os
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from .paths import PROJECT, RELEASE
from .mounts import bind, mount_tmpfs, unmount
from .queue_file import records
from .waiting import die_with_parent, wait_until

PACKAGES = PROJECT / "build/mail-servers" / RELEASE
ORIGIN = "origin.invalid"  # what the servers give a name without a domain
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
CASE = "X-Case"

# Its clients here pipeline before that is offered, and one of them is a proxy whose first line is binary: newer ones
# hang up on both unless they are told not to.
POSTFIX_MAIN = f"""
compatibility_level = 3.6
queue_directory = /var/spool/postfix
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
myhostname = mx.{ORIGIN}
myorigin = {ORIGIN}
mydestination =
inet_interfaces = loopback-only
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
maillog_file = /var/log/mail.log
maillog_file_permissions = 0644
smtpd_forbid_unauth_pipelining = no
smtpd_forbidden_commands =
in_flow_delay = 0
"""
# Without a queue manager, mail stays where cleanup(8) has put it.
POSTFIX_MASTER = """
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
"""
EXIM = f"""
primary_hostname = mx.{ORIGIN}
qualify_domain = {ORIGIN}
acl_not_smtp = accept
acl_smtp_rcpt = accept
acl_smtp_data = accept
local_from_check = false
allow_domain_literals = true
keep_environment =
queue_only
begin routers
begin transports
begin retry
"""


def asking_exim(socket):
    """EXIM with the files of conf/exim, as an administrator includes them; the socket is MailOriginEximSocket."""
    includes = PROJECT / "conf/exim"
    acl = f"begin acl\n.include {includes}/acl.conf\ncheck_data:\n  require acl = mailorigin_data\n  accept\n"
    options = EXIM.replace("acl_not_smtp = accept\n", f"MAILORIGIN_SOCKET = {socket}\nMAILORIGIN_PATIENCE = 5s\n.include {includes}/main.conf\n")
    options = options.replace("acl_smtp_data = accept", "acl_smtp_data = check_data\nuntrusted_set_sender = *")
    return options.replace("begin routers", acl + "begin routers")


class NotHere(Exception):
    """Why there is no such server on this machine."""


class Queued:
    """A message in the queue: the envelope, as bytes."""

    def __init__(self, sender, recipients):
        self.sender = sender
        self.recipients = recipients

    def __repr__(self):
        return f"{self.sender!r} -> {self.recipients!r}"


class _Server:
    package = ""
    user, uid = "", 0

    def __init__(self):
        self._place = Path(tempfile.mkdtemp(prefix="mo-mail.", dir="/var/lib"))
        self.root, upper, work = (self._place / name for name in ("root", "upper", "work"))
        self._project = self.root / PROJECT.relative_to("/")
        try:
            mount_tmpfs(self._place, "256m")
            for directory in (self.root, upper, work):
                directory.mkdir()
            mount = ["mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "mail", str(self.root)]
            self._run(mount, "an overlay cannot be mounted")
            for package in packages(self.package):
                unpack = f"dpkg-deb --fsys-tarfile '{package}' | tar -x -C '{self.root}' --keep-directory-symlink"
                self._run(["bash", "-o", "pipefail", "-c", unpack], f"{package.name} cannot be unpacked")
            # A mount of its own in conf/root's roots, which an overlay does not show.
            self._project.mkdir(parents=True, exist_ok=True)
            bind(PROJECT, self._project)
            for device, number in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
                path = self.root / "dev" / device
                path.unlink(missing_ok=True)  # a root that was made by debootstrap has them
                os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, number))
            self.account("passwd", self.user, f"{self.uid}:{self.uid}::/nonexistent:/bin/false")
            self.account("group", self.user, f"{self.uid}:")
            self.set_up()
        except BaseException:
            self.remove()
            raise

    @staticmethod
    def _run(command, why_not):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
        if done.returncode:
            raise NotHere(f"{why_not}: {done.stderr.strip()}")
        return done.stdout

    def remove(self):
        for path in (self._project, self.root, self._place):
            if path.is_mount():
                unmount(path)
        self._place.rmdir()

    def account(self, file, name, rest):
        """In place of this machine's own, if it has one."""
        path = self.root / "etc" / file
        others = [line for line in path.read_text().splitlines() if not line.startswith(f"{name}:")]
        path.write_text("\n".join([*others, f"{name}:x:{rest}", ""]))

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def own(self, name):
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.uid, self.uid)
        return path

    def popen(self, command, **more):
        def prepare():
            die_with_parent()
            os.chroot(self.root)
            os.chdir("/")

        return subprocess.Popen(command, env=ENVIRONMENT, preexec_fn=prepare, **more)

    def submit(self, cases):
        """Gives sendmail each (arguments, message); what is in the queue then, None for what was refused.

        A message is known by the number in its field CASE, its place among the others.
        """
        patience = 60 + len(cases)
        directory = self.root / "cases"
        directory.mkdir(exist_ok=True)
        lines = []
        for number, (arguments, message) in enumerate(cases):
            (directory / str(number)).write_bytes(message)
            lines.append(os.fsencode(f"{shlex.join([*self.sendmail, *arguments])} </cases/{number}"))
        shell = self.popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            shell.communicate(b"\n".join(lines) + b"\n", timeout=patience)
        finally:
            shell.kill()
            shell.wait()
        queue = self.empty_queue(patience)
        return [queue.get(number) for number in range(len(cases))]


class Postfix(_Server):
    package = "postfix"
    user, uid = "postfix", 64001
    master = POSTFIX_MASTER
    sendmail = ["/usr/sbin/sendmail"]

    def set_up(self):
        self.write("etc/postfix/main.cf", POSTFIX_MAIN)
        self.write("etc/postfix/master.cf", self.master)
        self.account("group", "postdrop", "64003:")
        self.own("var/lib/postfix")
        # In process ids of their own, so that its daemons end with the first, a shell: that hears of
        # its parent's death, which one that changes its user as master(8) does would not.
        self._process = self.popen(
            ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", "postfix start-fg & wait"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._spool = self.root / "var/spool/postfix"
        wait_until((self._spool / "public/pickup").exists, "Postfix to start")

    def remove(self):
        if process := getattr(self, "_process", None):
            process.kill()
            process.wait()
        super().remove()

    def empty_queue(self, patience):
        incoming = self._spool / "incoming"

        def everything_is_in():
            waiting = any((self._spool / "maildrop").iterdir())
            try:
                return not waiting and all(file.stat().st_mode & 0o100 for file in incoming.iterdir())
            except FileNotFoundError:
                return False  # one has got its name

        wait_until(everything_is_in, "Postfix to take all that is in maildrop", patience)
        queue = {}
        for file in incoming.iterdir():
            sender, recipients, number = None, [], None
            for kind, value in records(file.read_bytes()):
                if kind == "S":
                    sender = value
                elif kind == "R":
                    recipients.append(value)
                elif kind == "N" and number is None and value.startswith(CASE.encode()):
                    number = int(value.split()[1])
            queue[number] = Queued(sender, recipients)
            file.unlink()
        return queue


class Exim(_Server):
    package = "exim4-daemon-light"
    user, uid = "Debian-exim", 64002
    sendmail = ["/usr/sbin/exim4", "-odq", "-oee"]
    configuration = EXIM

    def set_up(self):
        self.write("etc/exim4/exim4.conf", self.configuration)
        self._spool = self.own("var/spool/exim4")
        self.own("var/log/exim4")

    def empty_queue(self, patience):
        queue = {}
        for file in (self._spool / "input").glob("*-H"):
            text = file.read_bytes()
            lines = text.split(b"\n\n")[0].split(b"\n")
            # After the sender in angle brackets: options, a tree of who has it, and the recipients by number.
            at = next(at for at in range(3, len(lines)) if lines[at].isdigit())
            if case := re.search(CASE.encode() + rb": (\d+)", text):  # else Exim's report of an error
                queue[int(case[1])] = Queued(lines[2][1:-1], lines[at + 1 : at + 1 + int(lines[at])])
        shutil.rmtree(self._spool / "input", ignore_errors=True)
        return queue


def packages(*wanted):
    """The packages and what of their dependencies this machine lacks, as files."""
    kept = PACKAGES / (wanted[0] if len(wanted) == 1 else f"{wanted[0]} and {len(wanted) - 1} more")
    if not kept.is_dir():
        said = _apt("install", "-s", "--no-install-recommends", *wanted)
        if said.returncode:  # the lists may be missing
            _apt("update")
            said = _apt("install", "-s", "--no-install-recommends", *wanted)
        if said.returncode:
            raise NotHere(f"apt-get: {said.stderr.strip()}")
        names = re.findall(r"^Inst (\S+)", said.stdout, re.M)
        PACKAGES.mkdir(parents=True, exist_ok=True)
        loading = Path(tempfile.mkdtemp(dir=PACKAGES))
        loading.chmod(0o755)
        if names and (done := _apt("download", *names, cwd=loading)).returncode:
            shutil.rmtree(loading)
            raise NotHere(f"{' '.join(names)} cannot be downloaded: {done.stderr.strip()}")
        loading.rename(kept)
    return sorted(kept.glob("*.deb"))


def _apt(*arguments, **more):
    return subprocess.run(["apt-get", *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=300, **more)
