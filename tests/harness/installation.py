"""What was built, copied to where every uid of a test can read it."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from .paths import PHP_VERSION, PLUGIN, build_directory


class Installation:
    """The parts under test, in a private directory that is root's all the way up.

    MailOrigin refuses sockets below directories that others may write to, so /tmp will not do,
    and /run is often mounted noexec.
    """

    def __init__(self):
        build = build_directory()
        parts = (build / "mod_mailorigin/mod_mailorigin.so", PLUGIN, build / "mailorigind/mailorigind")
        missing = [str(part) for part in parts if not part.is_file()]
        if missing:
            raise FileNotFoundError(f"not built: {', '.join(missing)}; sudo ./tests/run builds them")
        self.root = Path(tempfile.mkdtemp(prefix="mo-tests.", dir="/var/lib"))
        self.root.chmod(0o755)
        self.module, self.plugin, self.daemon = (self._copy(part) for part in parts)
        self._count = 0

    def extension(self, name):
        """A PHP extension of tests/programs, where every uid can load it."""
        return self.built(f"tests/programs/{PHP_VERSION}/{name}.so")

    def built(self, part):
        """A part that few tests need, by its path in the build, where every uid can load it."""
        return self._copy(build_directory() / part)

    def firewall(self, options):
        """mailorigin-firewall beside mailorigind, where httpd looks for it; always with these options."""
        real = build_directory() / "firewall/mailorigin-firewall"
        wrapper = self.root / real.name
        wrapper.write_text(f'#!/bin/sh\nexec {real} "$@" {options}\n')
        wrapper.chmod(0o755)
        return wrapper

    def _copy(self, built):
        target, new = (self.root / f"{built.name}{suffix}" for suffix in ("", ".new"))
        shutil.copy(built, new)
        new.chmod(0o755)
        new.rename(target)  # somebody may be running the one before
        return target

    def directory(self, name):
        """A new directory for one set of servers."""
        self._count += 1
        path = self.root / f"{self._count:02d}-{re.sub('[^A-Za-z0-9]+', '-', name)[:24]}"
        path.mkdir(mode=0o755)
        return path

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)
