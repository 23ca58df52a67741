"""The machine that the mailers run on: Debian's packages over this one's files, in mounts of this process's own."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.mail_servers import packages
from harness.mounts import mount_tmpfs, unmount
from harness.paths import RELEASE
from harness.site import SHOP_UID

# Scripts of a release that has no packages of what they drive any more, and those packages.
GONE = {
    "trixie": {
        "horde-*.php": ["php-horde-mail", "php-horde-smtp", "php-horde-mime"],
        "imap_mail.php": ["php-imap"],
        "swiftmailer-*.php": ["php-swiftmailer"],
    },
}.get(RELEASE, {})
# What hosts have of mailers. Some want a mail server to be there: apt-get names no other for them than the first.
MAILERS = [name for name in (
    "postfix wordpress libphp-phpmailer php-symfony-mailer php-swiftmailer php-mail php-mail-mime php-net-smtp "
    "php-horde-mail php-horde-smtp php-horde-mime dokuwiki mediawiki roundcube-core php-curl php-sqlite3 php-imap php-xml php-mbstring "
    "php-intl bsd-mailx s-nail mutt mailutils msmtp swaks curl"
).split() if name not in sum(GONE.values(), [])]  # fmt: skip
# What runs a tenant's programs later, outside of any request.
LATER = ["cron", "at", "procmail"]
# What the packages write when they are set up.
FILES = Path(__file__).parent / "files"
SENDMAIL, REAL_SENDMAIL = Path("/usr/sbin/sendmail"), Path("/usr/sbin/sendmail.distrib")
LIB_SENDMAIL = Path("/usr/lib/sendmail")


class Machine:
    """Our sendmail stands in sendmail's place, whichever mail server is installed."""

    def __init__(self, installation):
        self._layers = []
        try:
            for directory in ("usr", "etc", "var"):
                self._layers.append(self._layer(directory))
            self.account("shop", SHOP_UID)
            self.install(*MAILERS)
            shutil.copytree(FILES, "/", dirs_exist_ok=True)
            for directory in ("/var/lib/dokuwiki", "/var/lib/roundcube/temp", "/var/log/roundcube"):
                subprocess.run(["chown", "-R", f"{SHOP_UID}:{SHOP_UID}", directory], check=True)
            shutil.copy(installation.built("submit/mailorigin-sendmail"), "/usr/sbin/mailorigin-sendmail")
            SENDMAIL.symlink_to("mailorigin-sendmail")
            LIB_SENDMAIL.symlink_to("../sbin/mailorigin-sendmail")
        except BaseException:
            self.remove()
            raise

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

    def remove(self):
        for place, directory in reversed(self._layers):
            unmount(directory)
            unmount(place)
            place.rmdir()

    @staticmethod
    def install(*names):
        """Unpacks packages, and what they need, as dpkg does with the diversion of docs/sendmail.md."""
        divert = ";".join(f"s,^\\.{name}$,.{name}.distrib," for name in (SENDMAIL, LIB_SENDMAIL))
        for package in packages(*names):
            unpack = f"dpkg-deb --fsys-tarfile '{package}' | tar -x -C / --keep-directory-symlink --transform '{divert}'"
            subprocess.run(["bash", "-o", "pipefail", "-c", unpack], check=True)

    @staticmethod
    def account(name, uid, home="/nonexistent"):
        """A user and a group of that name and number, in place of this machine's own."""
        for file, rest in (("passwd", f"{uid}:{uid}::{home}:/bin/sh"), ("group", f"{uid}:")):
            path = Path("/etc", file)
            others = [line for line in path.read_text().splitlines() if not line.startswith(f"{name}:")]
            path.write_text("\n".join([*others, f"{name}:x:{rest}", ""]))
