"""Where a firewall is tried: a cgroup and a network namespace of a test run's own.

Nothing that a test does there reaches a connection, a table or a cgroup that is not the test's.
"""

import ctypes
import os
import pickle
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import traceback
from pathlib import Path

from ..libc import CLONE_NEWNET, LIBC
from ..waiting import become, die_with_parent, kill, wait_until

V4, V4_OTHER, V6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
MAPPED = "::ffff:" + V4
PORTS = (25, 465, 587, 2525)
TENANT, OTHER = 64001, 64002


def unified():
    """Where cgroup2 is mounted."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return Path(next(line.split()[4] for line in mounts if " - cgroup2 " in line))


def remove_cgroup(cgroup):
    """With the processes in it."""
    kill([int(pid) for pid in (cgroup / "cgroup.procs").read_text().split()])
    wait_until(lambda: not (cgroup / "cgroup.procs").read_text().split(), "the test's processes to end")
    cgroup.rmdir()


class Ground:
    """A cgroup, a network namespace with listeners, and a bpf file system; all of a test run's own."""

    def __init__(self):
        self._sweep()
        self.root = Path(tempfile.mkdtemp(prefix=f"mo-firewall.{os.getpid()}.", dir="/var/lib"))
        self.root.chmod(0o755)
        self.bpffs = self.root / "bpf"
        self.bpffs.mkdir()
        self._undo = []
        try:
            subprocess.run(["mount", "-t", "bpf", "bpf", self.bpffs], check=True)
            self._undo.append(lambda: subprocess.run(["umount", "-l", self.bpffs], check=False))
            self.cgroup = unified() / self.root.name
            self.cgroup.mkdir()
            self._undo.append(lambda: remove_cgroup(self.cgroup))
            self._start_listeners()
            self._undo.append(self._end_listeners)
        except BaseException:
            self.remove()
            raise
        self._count = 0

    def remove(self):
        while self._undo:
            self._undo.pop()()
        shutil.rmtree(self.root, ignore_errors=True)

    @staticmethod
    def _sweep():
        """What a test run that was killed has left."""
        for root in Path("/var/lib").glob("mo-firewall.*.*"):
            if not Path("/proc", root.name.split(".")[1]).exists():
                for cgroup in unified().glob(root.name):
                    remove_cgroup(cgroup)
                shutil.rmtree(root, ignore_errors=True)

    def _start_listeners(self):
        """A process that makes the namespace, and greets whoever connects."""
        reader, writer = os.pipe()
        self._holder = os.fork()
        if self._holder == 0:
            try:
                die_with_parent()
                os.close(reader)
                if LIBC.unshare(CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "unshare")
                commands = ["link set lo up", f"addr add {V6}/128 dev lo nodad"]
                commands += [f"addr add {each}/32 dev lo" for each in (V4, V4_OTHER)]
                for command in commands:
                    subprocess.run(["ip", *command.split()], check=True)
                self._listen(writer)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writer)
        if os.read(reader, 1) != b"1":
            raise AssertionError("the listeners did not start")
        os.close(reader)
        self.netns = os.open(f"/proc/{self._holder}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _listen(self, writer):
        for name, value in (("tcp_fastopen", "1027"), ("tcp_tw_reuse", "1")):
            Path(f"/proc/sys/net/ipv4/{name}").write_text(value)
        selector = selectors.DefaultSelector()
        for port in PORTS:
            listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
            listener.bind(("::", port))
            listener.listen(512)
            selector.register(listener, selectors.EVENT_READ, port)
        os.write(writer, b"1")
        os.close(writer)
        kept = []
        while True:
            for key, _ in selector.select():
                accepted, _ = key.fileobj.accept()
                try:
                    accepted.send(f"{accepted.getsockname()[0]} {key.data}".encode())
                except OSError:
                    pass
                kept.append(accepted)
                while len(kept) > 64:
                    kept.pop(0).close()

    def _end_listeners(self):
        os.kill(self._holder, signal.SIGKILL)
        os.waitpid(self._holder, 0)
        os.close(self.netns)

    def enter(self, cgroup=True):
        """This process, from now on: for a child."""
        if cgroup:
            (self.cgroup / "cgroup.procs").write_text("0")
        if LIBC.setns(self.netns, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def child(self, action, cgroup=True):
        """Runs action() in a child on this ground; returns (pid, a function that waits for what it returns)."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent()
                os.close(reader)
                self.enter(cgroup)
                result = pickle.dumps((True, action()))
            except BaseException:
                result = pickle.dumps((False, traceback.format_exc()))
            with os.fdopen(writer, "wb") as out:
                out.write(result)
            os._exit(0)
        os.close(writer)

        def result():
            with os.fdopen(reader, "rb") as source:
                data = source.read()
            os.waitpid(pid, 0)
            fine, value = pickle.loads(data)
            assert fine, value
            return value

        return pid, result

    def run(self, action, uid=TENANT, gid=None, groups=(), cgroup=True):
        """action()'s value, in a child under that uid."""

        def as_user():
            if uid != 0:
                become(uid, gid, groups)
            return action()

        return self.child(as_user, cgroup)[1]()

    def nft(self, *arguments, check=True):
        def action():
            return subprocess.run(["nft", *arguments], capture_output=True, text=True)

        done = self.run(action, uid=0)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def has_table(self):
        """Whether there is a table of the firewall's."""
        return "mailorigin" in self.nft("list", "tables")

    def directory(self):
        self._count += 1
        path = self.root / str(self._count)
        path.mkdir(mode=0o755)
        return path
