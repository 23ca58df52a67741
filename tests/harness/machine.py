"""A machine under systemd: the files of this one or of another root, and processes, network and cgroup of its own.

What is written there is gone with it. Its control group is the root of its own cgroup
namespace: what a firewall in there attaches to governs nobody out here. Its process ids are
its own as well, which the kernel does not go by: a process that never was root is not known
by its context there.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .command import Said
from .firewall.ground import unified
from .paths import build_directory
from .mounts import mount_tmpfs, unmount
from .paths import PHP_CONFIGURATION
from .waiting import SLOWNESS, children_of, die_with_parent, wait_until

SYSTEMD = Path("/lib/systemd/systemd")
RELAY = "192.0.2.25"
PREFIX = "mo-machine."
PATIENCE = 60
DEFAULT_TARGET = "default.target"
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}

# The first process of the namespaces; $1 is the root. Only a cgroup that is not this
# machine's own root has a file cgroup.type.
BOOT = f"""
set -eu
mount -t sysfs sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
test -e "$1/sys/fs/cgroup/cgroup.type"
mount -t bpf -o mode=700 bpf "$1/sys/fs/bpf"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for name in null zero full random urandom tty; do
  touch "$1/dev/$name"
  mount --bind "/dev/$name" "$1/dev/$name"
done
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$1/run"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
ip link set lo up
ip address add {RELAY}/32 dev lo
cd "$1"
pivot_root . mnt
umount -l /mnt
exec env -i container=other {SYSTEMD}
"""


class NotHere(Exception):
    """Why this machine cannot boot another one."""


class Machine:
    """With the files of `lower`, a root that has systemd, and of `size`, what may be written to it."""

    def __init__(self, lower=Path("/"), size="1g"):
        self._look_around()
        self._sweep()
        self._place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}.", dir="/var/lib"))
        self._cgroup = unified() / self._place.name
        self._process = None
        # An overlay takes no upper directory of the file system that lies below it.
        mount_tmpfs(self._place, size)
        self.root, upper, work = (self._place / name for name in ("root", "upper", "work"))
        for directory in (self.root, upper, work):
            directory.mkdir()
        try:
            self._run("mount", "-t", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", "machine", self.root)
            self.write("etc/fstab", "")
            self.write("etc/hostname", "web\n")
            default = self.root / "etc/systemd/system" / DEFAULT_TARGET
            default.unlink(missing_ok=True)
            default.symlink_to("/lib/systemd/system/multi-user.target")
        except BaseException:
            self.remove()
            raise

    @staticmethod
    def _look_around():
        if not SYSTEMD.exists():
            raise NotHere(f"{SYSTEMD} is not installed")
        if not any(line.split()[-1] == "overlay" for line in Path("/proc/filesystems").read_text().splitlines()):
            raise NotHere("the kernel has no overlay file system (modprobe overlay)")
        try:
            cgroup = unified()
        except StopIteration:
            raise NotHere("cgroup2 is not mounted") from None
        if not os.access(cgroup, os.W_OK):
            raise NotHere(f"{cgroup} is read-only")

    @staticmethod
    def _run(*command, **environment):
        subprocess.run([str(each) for each in command], env={**os.environ, **environment}, check=True, capture_output=True, timeout=PATIENCE * SLOWNESS)

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def copy(self, source, name):
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def read(self, name):
        return (self.root / name).read_text()

    def boot(self):
        self._cgroup.mkdir(exist_ok=True)

        def prepare():
            die_with_parent(signal.SIGKILL)
            (self._cgroup / "cgroup.procs").write_text("0")

        self._process = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--kill-child", "bash", "-c", BOOT, "boot", self.root],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=prepare,
        )  # fmt: skip
        wait_until(self._is_up, "systemd to have started everything", PATIENCE)
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise AssertionError("it did not boot: " + self._process.stdout.read().decode(errors="replace"))
        has_forked = children_of(self._process.pid)
        return has_forked and self("systemctl", "is-system-running", check=False).out.strip() in ("running", "degraded")

    def end(self):
        """As when the current fails."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process = None
        wait_until(lambda: "populated 0" in (self._cgroup / "cgroup.events").read_text(), "the machine's processes to end")

    def reboot(self):
        self.end()
        return self.boot()

    def __call__(self, *command, check=True, patience=PATIENCE):
        """Runs a program in there, as root."""
        done = self.start(*command)
        out, err = done.communicate(timeout=patience * SLOWNESS)
        assert not check or done.returncode == 0, f"{command}: {out}{err}"
        return Said(done.returncode, out, err)

    def start(self, *command):
        """The same, without waiting for its end; in a cgroup of the machine's.

        In a chroot (conf/root) the root of the mounts is not the machine's.
        """
        admin = self._cgroup / "admin"
        admin.mkdir(exist_ok=True)

        def prepare():
            die_with_parent()
            (admin / "cgroup.procs").write_text("0")

        return subprocess.Popen(
            ["nsenter", f"--target={children_of(self._process.pid)[0]}", "--all", "--root", "--wd", *command],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare,
        )  # fmt: skip

    def remove(self):
        self.end()
        remove_tree(self._cgroup)
        for path in (self.root, self._place):
            if path.is_mount():
                unmount(path)
        shutil.rmtree(self._place, ignore_errors=True)

    @staticmethod
    def _sweep():
        """What a test run that was killed has left; its mounts and processes went with it."""
        for place in Path("/var/lib").glob(f"{PREFIX}*.*"):
            if not Path("/proc", place.name.split(".")[1]).exists():
                remove_tree(unified() / place.name)
                shutil.rmtree(place, ignore_errors=True)


class ThisMachine(Machine):
    """This machine's packages, and what was built; not its choice of units, modules, sites and pools."""

    def __init__(self):
        super().__init__()
        try:
            for name in ("apache2/mods-enabled", "apache2/sites-enabled", "apache2/conf-enabled", PHP_CONFIGURATION.relative_to("/etc") / "fpm/pool.d"):
                for entry in (self.root / "etc" / name).iterdir():
                    entry.unlink()
            for entry in (self.root / "etc/systemd/system").iterdir():
                if entry.name != DEFAULT_TARGET:
                    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            shutil.rmtree(self.root / "var/log/journal", ignore_errors=True)
            self._run("cmake", "--install", build_directory(), DESTDIR=str(self.root))
        except BaseException:
            self.remove()
            raise


def remove_tree(cgroup):
    """A cgroup without processes, and those below it."""
    for directory, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(directory)
