"""Memory that does not come: whoever reads it waits, the kernel too with the locks that it holds then (userfaultfd(2)).

A tenant has the same by a FUSE file of its own; this needs no device, and root when it is made.
"""

import ctypes
import fcntl
import mmap
import os
import platform
import struct

from harness.libc import LIBC

SYS_USERFAULTFD = {"x86_64": 323, "aarch64": 282}
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 0xC018AA3F, 0xC020AA00, 0xC020AA04
VERSION, MISSING = 0xAA, 1


class Withheld:
    """A page of the calling process; not of those that it forks."""

    def __init__(self):
        self.page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.page))
        self._range = self.address, mmap.PAGESIZE
        self._faults = LIBC.syscall(SYS_USERFAULTFD[platform.machine()], os.O_CLOEXEC)
        assert self._faults >= 0, os.strerror(ctypes.get_errno())
        fcntl.ioctl(self._faults, UFFDIO_API, struct.pack("<3Q", VERSION, 0, 0))
        fcntl.ioctl(self._faults, UFFDIO_REGISTER, struct.pack("<4Q", *self._range, MISSING, 0))

    def wait(self):
        """Until somebody reads it."""
        os.read(self._faults, 32)

    def give(self):
        """Zeroes, to all that wait."""
        fcntl.ioctl(self._faults, UFFDIO_ZEROPAGE, bytearray(struct.pack("<3Qq", *self._range, 0, 0)))
