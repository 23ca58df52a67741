"""A tenant that asks mailorigind as much as one process can, with the largest questions there are.

Run as a program: flood.py SOCKET UID CONNECTIONS SECONDS. Prints how many were sent and answered; SIGTERM ends it before.
"""

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.waiting import become  # noqa: E402
from harness.wire import question  # noqa: E402

FLOOD = Path(__file__)
NONCE = b"N" * 16


def connected(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def main(path, uid, count, seconds):
    become(uid)
    large = {"to": 4080, "stack": 4080, "headers": 16380, "subject": 2040, "envelope_from": 1000}
    template = question(NONCE, **{name: "é" * (size // 2) for name, size in large.items()})
    at = template.index(NONCE)
    connections = [None] * count
    sent = answered = 0
    over = []
    signal.signal(signal.SIGTERM, lambda number, frame: over.append(number))
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over:
        for number in range(count):
            connections[number] = connections[number] or connected(path)
            if connections[number] is None:
                continue
            try:
                while connections[number].recv(4096):
                    answered += 1
            except BlockingIOError:
                pass
            except OSError:
                connections[number] = None
                continue
            try:
                while True:
                    connections[number].send(
                        template[:at] + struct.pack("<QQ", sent, os.getpid()) + template[at + 16 :]
                    )
                    sent += 1
            except OSError:
                pass
    print(sent, answered)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
