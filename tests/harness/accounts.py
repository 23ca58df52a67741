"""Users with names and homes, and suexec for them, in the mounts that private_mounts() made."""

import os
from pathlib import Path

from .mounts import bind, mount_tmpfs, unmount
from .paths import SUEXEC

SYSTEM_LOGS = Path("/var/log")


class Accounts:
    """Stands in /etc and /var/log while it is entered; `users` are names and uids.

    suexec runs what lies below `root`, and ~user/public_html/cgi-bin.
    """

    def __init__(self, root: Path, directory: Path, users):
        self.homes = directory / "home"
        self.homes.mkdir()
        self._directory = directory
        self._files = {
            "/etc/apache2/suexec/www-data": f"{root}\npublic_html/cgi-bin\n",
            "/etc/passwd": Path("/etc/passwd").read_text(),
            "/etc/group": Path("/etc/group").read_text(),
        }
        for name, uid in users.items():
            home = self.homes / name
            home.mkdir(mode=0o755)
            os.chown(home, uid, uid)
            self._files["/etc/passwd"] += f"{name}:x:{uid}:{uid}::{home}:/usr/sbin/nologin\n"
            self._files["/etc/group"] += f"{name}:x:{uid}:\n"

    def __enter__(self):
        self._mounted = []
        for path, text in self._files.items():
            own = self._directory / Path(path).name
            own.write_text(text)
            own.chmod(0o644)
            self._show(own, path)
        # The one that reads its settings, whichever the machine has chosen.
        self._show(SUEXEC.with_name("suexec-custom"), SUEXEC)
        mount_tmpfs(SYSTEM_LOGS, "1m")
        self._mounted.append(SYSTEM_LOGS)
        # suexec's log is here, and nowhere else.
        (SYSTEM_LOGS / "apache2").mkdir()
        return self

    def _show(self, source, path):
        bind(Path(source), Path(path))
        self._mounted.append(path)

    def __exit__(self, *_):
        for path in reversed(self._mounted):
            unmount(path)


def give(directory, uid):
    """Makes all of a directory a user's own: suexec runs nothing else."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
