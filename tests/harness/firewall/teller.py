"""The kernel's program that says who opened a connection, as mailorigind asks it."""

import ctypes
import ipaddress
import struct

from ..libc import LIBC
from .pinned_map import PinnedMap

PROG_TEST_RUN = 10
SIZE = 72  # of struct mo_opener_question


def _packed(address):
    ip = ipaddress.ip_address(address)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed


def opener_of(program, client, server):
    """(uid, cookie, opened_ns) of the connection with these ends, (address, port) each; None if nobody is known."""
    question = struct.pack("<16x16s16sHH20x", _packed(client[0]), _packed(server[0]), client[1], server[1])
    packet = ctypes.create_string_buffer(question, SIZE)
    at = ctypes.addressof(packet)
    attributes = ctypes.create_string_buffer(struct.pack("<IIIIQQ", program, 0, SIZE, SIZE, at, at), 128)
    if LIBC.syscall(PinnedMap.BPF, PROG_TEST_RUN, attributes, 128) < 0:
        raise OSError(ctypes.get_errno(), "BPF_PROG_TEST_RUN")
    known = struct.unpack_from("<I", attributes.raw, 4)[0]
    return struct.unpack_from("<IQQ", packet.raw, 52) if known else None
