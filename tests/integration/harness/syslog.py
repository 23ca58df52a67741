"""What programs say to syslog, heard in a mount namespace of the test's own."""

import ctypes
import os
import socket
import tempfile
import threading
from pathlib import Path

from .waiting import wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
_MNT_DETACH = 2


def _call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def private_mounts():
    """Gives this process, and all that it starts, mounts that nobody else sees, and a /dev of its own."""
    _call(_libc.unshare(_CLONE_NEWNS), "unshare")
    _call(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount --make-rprivate /")
    dev = Path(tempfile.mkdtemp(prefix="mo-dev."))
    mount_tmpfs(dev, "1m")
    for name in ("null", "zero", "full", "random", "urandom", "tty", "pts", "shm"):
        source, target = Path("/dev", name), dev / name
        if source.is_dir():
            target.mkdir()
        elif source.exists():
            target.touch()
        else:
            continue
        _call(_libc.mount(bytes(source), bytes(target), None, _MS_BIND | _MS_REC, None), f"mount --bind {source}")
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")):
        (dev / name).symlink_to(target)
    _call(_libc.mount(bytes(dev), b"/dev", None, _MS_MOVE, None), "mount --move")
    dev.rmdir()


def mount_tmpfs(path, size):
    """A file system of `size` bytes."""
    path.mkdir(exist_ok=True)
    _call(_libc.mount(b"tmpfs", str(path).encode(), b"tmpfs", 0, f"size={size},mode=755".encode()), "mount tmpfs")


def unmount(path):
    _call(_libc.umount2(str(path).encode(), _MNT_DETACH), "umount")


class SyslogListener:
    """Stands at /dev/log while it is entered; after private_mounts()."""

    DEVICE = "/dev/log"

    def __enter__(self):
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(self.DEVICE)
        os.chmod(self.DEVICE, 0o666)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.unlink(self.DEVICE)

    def _listen(self):
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                return
            self.lines.append(data.decode(errors="replace"))

    def wait(self, mark):
        """The one line that contains `mark`."""
        found = wait_until(lambda: [line for line in self.lines if mark in line], f"{mark!r} in syslog")
        assert len(found) == 1, found
        return found[0]
