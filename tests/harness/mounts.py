"""Mounts that nobody but this process, and what it starts, sees."""

import ctypes
import errno
import os
import tempfile
from pathlib import Path

from .libc import CLONE_NEWNS, LIBC

_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
_MNT_DETACH = 2


def _call(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def private_mounts():
    """Gives this process, and all that it starts, mounts that nobody else sees, and a /dev of its own."""
    _call(LIBC.unshare(CLONE_NEWNS), "unshare")
    _call(LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount --make-rprivate /")
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
        _call(LIBC.mount(bytes(source), bytes(target), None, _MS_BIND | _MS_REC, None), f"mount --bind {source}")
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")):
        (dev / name).symlink_to(target)
    _call(LIBC.mount(bytes(dev), b"/dev", None, _MS_MOVE, None), "mount --move")
    dev.rmdir()


def mount_tmpfs(path, size):
    """A file system of `size` bytes."""
    path.mkdir(exist_ok=True)
    _call(LIBC.mount(b"tmpfs", str(path).encode(), b"tmpfs", 0, f"size={size},mode=755".encode()), "mount tmpfs")


def fill(path):
    """A file as long as the disk takes it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(file)


def bind(source, target):
    """Shows a file or directory in the place of another."""
    _call(LIBC.mount(bytes(source), bytes(target), None, _MS_BIND, None), f"mount --bind {source}")


def unmount(path):
    _call(LIBC.umount2(str(path).encode(), _MNT_DETACH), "umount")
