"""What was built, copied to where every uid of a test can read it."""

import os
import re
import shutil
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PHP_EXTENSIONS = Path("/usr/lib/php/20220829")
HTTPD_MODULES = Path("/usr/lib/apache2/modules")


class Installation:
    """The parts under test, in a private directory that is root's all the way up.

    MailOrigin refuses sockets below directories that others may write to, so /tmp will not do,
    and /run is often mounted noexec.
    """

    def __init__(self):
        build = Path(os.environ.get("MAILORIGIN_BUILD", PROJECT / "build/development"))
        parts = ("mod_mailorigin/mod_mailorigin.so", "fpm_plugin/mailorigin.so", "mailorigind/mailorigind")
        missing = [part for part in parts if not (build / part).is_file()]
        if missing:
            raise FileNotFoundError(f"not built in {build}: {', '.join(missing)}; sudo ./tests/run builds them")
        self.root = Path(tempfile.mkdtemp(prefix="mo-tests.", dir="/var/lib"))
        self.root.chmod(0o755)
        self.module, self.plugin, self.daemon = (self._copy(build / part) for part in parts)
        self._count = 0

    def _copy(self, built):
        target = self.root / built.name
        shutil.copy(built, target)
        target.chmod(0o755)
        return target

    def directory(self, name):
        """A new directory for one set of servers."""
        self._count += 1
        path = self.root / f"{self._count:02d}-{re.sub('[^A-Za-z0-9]+', '-', name)[:24]}"
        path.mkdir(mode=0o755)
        return path

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)
