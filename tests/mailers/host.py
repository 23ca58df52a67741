"""The machine that the mailers run on: it is as a web host would have it, in mounts of this process's own."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.firewall import FIREWALL_UID, Ground
from harness.guarded import staying
from harness.mail_servers import ENVIRONMENT, POSTFIX_MAIN, POSTFIX_MASTER, packages
from harness.milter import MAIN as POSTFIX_MILTER
from harness.milter import MILTER_UID
from harness.mounts import bind, mount_tmpfs, unmount
from harness.paths import PHP_EXTENSIONS, PROJECT
from harness.site import SERVER, SHOP_UID, WITH_HEADER, Site, Vhost
from harness.waiting import die_with_parent, wait_until

PACKAGES = (
    "postfix wordpress libphp-phpmailer php-symfony-mailer php-swiftmailer php-mail php-mail-mime php-net-smtp "
    "php-horde-mail php-horde-smtp php-horde-mime dokuwiki mediawiki roundcube-core php-curl php-sqlite3 php-imap php-xml php-mbstring "
    "php-intl bsd-mailx s-nail mutt mailutils msmtp swaks curl"
).split()
EXTENSIONS = ("dom", "xml", "xmlreader", "xmlwriter", "simplexml", "intl", "pdo", "pdo_sqlite", "mysqlnd", "mysqli", "iconv",
              "tokenizer", "fileinfo", "pcntl")  # fmt: skip
# What its packages write when they are set up.
FILES = Path(__file__).parent / "files"
POSTFIX_UID, POSTDROP_GID = 64001, 64003
QUEUE = f"""
MailOriginFirewall On
MailOriginFirewallUser #{FIREWALL_UID}
MailOriginSmtpLocal allow
MailOriginMilter {{socket}}
MailOriginMilterUser #{MILTER_UID} #{POSTFIX_UID}
MailOriginMailLog /var/log/mail.log
"""


class HostsGround(Ground):
    """Where the firewall is: in the network namespace that this process has already, which nobody else listens in."""

    def _start_listeners(self):
        self.netns = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _end_listeners(self):
        os.close(self.netns)


class Host:
    def __init__(self, installation):
        self._layers = [self._layer(directory) for directory in ("usr", "etc", "var")]
        for package in packages(*PACKAGES):
            unpack = f"dpkg-deb --fsys-tarfile '{package}' | tar -x -C / --keep-directory-symlink"
            subprocess.run(["bash", "-o", "pipefail", "-c", unpack], check=True)
        shutil.copytree(FILES, "/", dirs_exist_ok=True)
        for directory in ("/var/lib/dokuwiki", "/var/lib/roundcube/temp", "/var/log/roundcube"):
            subprocess.run(["chown", "-R", f"{SHOP_UID}:{SHOP_UID}", directory], check=True)
        self._divert(installation)
        installation.built("milter/mailorigin-milter")
        self.ground = HostsGround()
        self._firewall = installation.firewall(f"--pin-dir {self.ground.bpffs / 'mailers'} --cgroup {self.ground.cgroup}")
        self.site = Site(
            installation, installation.directory("mailers"), [Vhost("shop", SHOP_UID, WITH_HEADER)],
            ini={"sendmail_path": "/usr/sbin/sendmail -t -i", "include_path": ".:/usr/share/php"},
            extensions=[name for name in EXTENSIONS if (PHP_EXTENSIONS / f"{name}.so").exists()],
        )  # fmt: skip
        self._milter = self.site.httpd.runtime_dir / "milter.sock"
        self.site.configure(SERVER + QUEUE.format(socket=self._milter))
        self._set_up_postfix()

    @staticmethod
    def _layer(directory):
        """Files that are gone with the test, over this machine's: what is to be unmounted, last first."""
        place = Path(tempfile.mkdtemp(prefix="mo-mailers.", dir="/run"))
        mount_tmpfs(place, "2g")
        for name in ("upper", "work"):
            (place / name).mkdir()
        options = f"lowerdir=/{directory},upperdir={place}/upper,workdir={place}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "mailers", f"/{directory}"], check=True)
        return place, f"/{directory}"

    def _set_up_postfix(self):
        for file, line in (
            ("passwd", f"shop:x:{SHOP_UID}:{SHOP_UID}::/nonexistent:/bin/sh"), ("group", f"shop:x:{SHOP_UID}:"),
            ("passwd", f"postfix:x:{POSTFIX_UID}:{POSTFIX_UID}::/nonexistent:/bin/false"),
            ("group", f"postfix:x:{POSTFIX_UID}:"), ("group", f"postdrop:x:{POSTDROP_GID}:"),
        ):  # fmt: skip
            with open(f"/etc/{file}", "a") as accounts:
                accounts.write(line + "\n")
        for program in ("/usr/sbin/postdrop", "/usr/sbin/postqueue"):
            os.chown(program, 0, POSTDROP_GID)
            os.chmod(program, 0o2755)
        milter = POSTFIX_MILTER.format(milter=f"unix:{self._milter}", action="tempfail")
        # master(8) holds back for this long a service that was killed before it had served anybody: else a minute.
        Path("/etc/postfix/main.cf").write_text(POSTFIX_MAIN + milter + "service_throttle_time = 1s\n")
        Path("/etc/postfix/master.cf").write_text(POSTFIX_MASTER + "127.0.0.1:smtp inet n - n - - smtpd\n")
        shutil.chown("/var/lib/postfix", "postfix", "postfix")

    @staticmethod
    def _divert(installation):
        """As docs/sendmail.md has it."""
        real = Path("/usr/sbin/sendmail")
        real.rename("/usr/sbin/sendmail.distrib")
        shutil.copy(installation.built("submit/mailorigin-sendmail"), "/usr/sbin/mailorigin-sendmail")
        real.symlink_to("mailorigin-sendmail")

    def start(self):
        with staying(self.ground):
            self.site.httpd.start()
            self.site.fpm.start()
        wait_until(self._milter.exists, "the milter to listen")
        standard = Path("/run/mailorigin")
        standard.mkdir(exist_ok=True)
        bind(self.site.httpd.runtime_dir, standard)
        self._postfix = subprocess.Popen(
            ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", "postfix start-fg & wait"],
            env=ENVIRONMENT, preexec_fn=die_with_parent,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(Path("/var/spool/postfix/public/pickup").exists, "Postfix to start")
        return self

    def stop(self):
        self._postfix.kill()
        self._postfix.wait()
        self.site.stop()
        subprocess.run([self._firewall, "--remove"], check=True, stdout=subprocess.DEVNULL)
        self.ground.remove()
        for place, directory in reversed(self._layers):
            unmount(directory)
            unmount(place)
            place.rmdir()

    def queued(self, mark):
        """The queue ids and heads of the messages with this word in their subject."""
        found = {}
        for file in Path("/var/spool/postfix/incoming").iterdir():
            head = subprocess.run(["postcat", "-h", str(file)], capture_output=True, env=ENVIRONMENT, check=False).stdout
            if mark.encode() in head:
                found[file.name] = head.decode(errors="replace")
        return found

    @staticmethod
    def said():
        """Postfix's log, for a test that fails."""
        return Path("/var/log/mail.log").read_text()

    def settled(self):
        """Once all that was handed over is queued."""

        def done():
            return not any(Path("/var/spool/postfix/maildrop").iterdir()) and not self._unfinished()

        wait_until(done, f"Postfix to queue everything; it says\n{self.said()}")

    @staticmethod
    def _unfinished():
        """What cleanup(8) is writing or has left: a file that is whole may be executed."""
        found = []
        for file in Path("/var/spool/postfix/incoming").iterdir():
            try:
                if not file.stat().st_mode & 0o100:
                    found.append(file)
            except FileNotFoundError:
                pass
        return found

    def forget_unfinished(self):
        """Removes what a cleanup(8) that was killed has left, and nobody finishes: for when nothing is being queued."""
        for file in self._unfinished():
            file.unlink(missing_ok=True)
