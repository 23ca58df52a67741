"""The bytes of docs/formats.md, written a second time: contexts, questions, answers.

With the key that root can read, a test makes every context that there could be.
"""

import base64
import socket
import struct
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

VARIABLE = "SSL_MAILORIGIN_CONTEXT"
ANY_UID = 0xFFFFFFFF
PASS = 1
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def siphash24(data, key):
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(x, bits):
        return (x << bits | x >> (64 - bits)) & mask

    def round_():
        v[0] = (v[0] + v[1]) & mask
        v[1] = turn(v[1], 13) ^ v[0]
        v[0] = turn(v[0], 32)
        v[2] = (v[2] + v[3]) & mask
        v[3] = turn(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & mask
        v[3] = turn(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & mask
        v[1] = turn(v[1], 17) ^ v[2]
        v[2] = turn(v[2], 32)

    padded = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        round_()
        round_()
        v[0] ^= word
    v[2] ^= 255
    for _ in range(4):
        round_()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def vhost_id(name):
    return (siphash24(name.encode(), bytes(16)) & 0xFFFFFFFF) or 1


def pair(name, value):
    name = name.encode() if isinstance(name, str) else name
    value = str(value).encode() if not isinstance(value, bytes) else value
    lengths = b"".join(
        bytes([len(part)]) if len(part) < 128 else struct.pack(">I", len(part) | 1 << 31) for part in (name, value)
    )
    return lengths + name + value


def pairs(data):
    """Decodes name-value pairs to a list."""
    found, position = [], 0
    while position < len(data):
        lengths = []
        for _ in range(2):
            if data[position] < 128:
                lengths.append(data[position])
                position += 1
            else:
                lengths.append(struct.unpack(">I", data[position : position + 4])[0] & 0x7FFFFFFF)
                position += 4
        name = data[position : position + lengths[0]]
        position += lengths[0]
        found.append((name.decode(), data[position : position + lengths[1]]))
        position += lengths[1]
    return found


def ulid_text(data):
    number = int.from_bytes(data, "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def boottime_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Key:
    id: int
    secret: bytes

    @staticmethod
    def read(runtime_dir: Path):
        data = (runtime_dir / "key").read_bytes()
        return Key(struct.unpack("<I", data[:4])[0], data[4:20])


_requests = iter(range(1, 1 << 40))


def _new_request_id():
    return struct.pack(">Q", time.time_ns() // 1_000_000)[2:] + struct.pack(">QH", next(_requests), 0xBEEF)


@dataclass(frozen=True)
class Context:
    vhost: str
    uid: int = ANY_UID
    details: dict = field(default_factory=dict)
    flags: int = 0
    version: int = 1
    request_id: bytes = field(default_factory=_new_request_id)
    boottime: int = field(default_factory=boottime_ns)

    @property
    def request_text(self):
        return ulid_text(self.request_id)

    def with_(self, **changes):
        return replace(self, **changes)

    def sealed_bytes(self, key: Key):
        tag = struct.pack(
            "<BBHIII16sQ",
            self.version,
            self.flags,
            0,
            key.id,
            vhost_id(self.vhost),
            self.uid,
            self.request_id,
            self.boottime,
        )
        tag += struct.pack("<Q", siphash24(tag, key.secret))
        whole = tag + b"".join(pair(name, value) for name, value in {"vhost": self.vhost, **self.details}.items())
        return whole + struct.pack("<Q", siphash24(whole, key.secret))

    def sealed(self, key: Key):
        """The text of SSL_MAILORIGIN_CONTEXT."""
        return base64.urlsafe_b64encode(self.sealed_bytes(key)).rstrip(b"=").decode()


def opened(text, key: Key):
    """What a sealed context says: its details, uid and request_id; fails if the seals do not hold."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert struct.unpack("<Q", data[40:48])[0] == siphash24(data[:40], key.secret), "the tag's seal"
    assert struct.unpack("<Q", data[-8:])[0] == siphash24(data[:-8], key.secret), "the context's seal"
    uid, request_id = struct.unpack("<I16s", data[12:32])
    details = {name: value.decode("utf-8", "surrogateescape") for name, value in pairs(data[48:-8])}
    return {"uid": uid, "request_id": ulid_text(request_id), **details}


def question(nonce, context="", **claims):
    """A packet that asks whether a mail may leave."""
    packet = b"\x01\x01\0\0" + pair("nonce", nonce)
    if context:
        packet += pair("context", context)
    return packet + b"".join(pair(name, value) for name, value in claims.items())


def answer(packet):
    """A decoded answer."""
    assert packet[:4] == b"\x01\x02\0\0", packet
    return dict(pairs(packet[4:]))


def connect(path, timeout=10):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(timeout)
    connection.connect(str(path))
    return connection
