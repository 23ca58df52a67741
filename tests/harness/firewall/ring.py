"""The firewall's events, read as mailorigind reads them: through a descriptor, without any right."""

import mmap
import os
import socket
import struct
from dataclasses import dataclass

from .messages import ALLOW, DENY, OBSERVE, REDIRECT

VERDICTS = (ALLOW, OBSERVE, DENY, REDIRECT)
REASONS = ("none", "smtp", "local", "unverified", "older", "allowed", "blocked")


@dataclass
class Event:
    tgid: int
    uid: int
    gid: int
    vhost: int
    verdict: str
    reason: str
    verified: bool
    detached: bool
    port: int
    address: str
    relay: str
    relay_port: int
    comm: str
    exe: str
    size: int
    line: int
    context: bytes
    file: str
    caller: str

    @staticmethod
    def read(data):
        (_, _, _, tgid, uid, gid, vhost_number, verdict, reason, verified, detached, port, relay_port, address, relay, comm) = struct.unpack_from("<QQQIIIIBBBBHH16s16s16s", data)
        parts = []
        for i in range(8):
            part = data[96 + 64 * i : 160 + 64 * i].split(b"\0")[0].decode()
            if not part:
                break
            parts.append(part)
        size, file_size, caller_size, line = struct.unpack_from("<HHHxxIxxxx", data, 608)
        file, caller = 624 + size, 624 + size + file_size
        return Event(
            tgid, uid, gid, vhost_number, VERDICTS[verdict], REASONS[reason], bool(verified), bool(detached), port,
            _address(address), _address(relay), relay_port, comm.split(b"\0")[0].decode(), "/" + "/".join(reversed(parts)),
            size, line, data[624:file], data[file:caller].decode(), data[caller : caller + caller_size].decode(),
        )


def _address(data):
    if data[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, data[12:])
    return socket.inet_ntop(socket.AF_INET6, data)


class Ring:
    SIZE = 1 << 20

    def __init__(self, fd):
        self._consumer = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._producer = mmap.mmap(fd, 4096 + 2 * self.SIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=4096)
        os.close(fd)

    def take(self):
        found = []
        position = struct.unpack("<Q", self._consumer[:8])[0]
        while position < struct.unpack("<Q", self._producer[:8])[0]:
            at = 4096 + position % self.SIZE
            length = struct.unpack("<I", self._producer[at : at + 4])[0]
            if length >> 31:
                break
            if not length >> 30:
                found.append(Event.read(self._producer[at + 8 : at + 8 + length]))
            position += (length + 8 + 7) & ~7
        self._consumer[:8] = struct.pack("<Q", position)
        return found

    def close(self):
        self._consumer.close()
        self._producer.close()

    def position(self):
        """Up to where it was read."""
        return self._consumer[:8]

    def go_back(self, position):
        self._consumer[:8] = position
