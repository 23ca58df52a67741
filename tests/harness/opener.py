"""A client of this machine's mail server that opens its connections in ways of which nothing else tells whose they are.

Run as a program: opener.py PORT. It is one over the listening socket that it has inherited, as what a script starts
has php-fpm's unless PHP keeps it back, twice: it says `now`, and waits for the end. Before the first, many others have
their events.
"""

import ctypes
import os
import socket
import stat
import struct
import sys

AT_ONCE = 150  # more than there are events of
NOWHERE = struct.pack("<H14x", socket.AF_UNSPEC)


def disconnect(tcp):
    assert ctypes.CDLL(None).connect(tcp.fileno(), NOWHERE, len(NOWHERE)) == 0


def flood(port):
    """The next connection has no event."""
    for _ in range(AT_ONCE):
        with socket.create_connection(("127.0.0.1", port)) as tcp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_now(tcp):
    tcp.settimeout(60)
    tcp.sendall(b"now\n")
    tcp.recv(1)


def heard(listener):
    """The next connection over which `now` is said, and its client's address."""
    while True:
        connection, client = listener.accept()
        try:
            if connection.recv(10) == b"now\n":
                return connection, client
        except ConnectionResetError:
            pass
        connection.close()


def inherited():
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            mode = os.fstat(number).st_mode
        except OSError:  # that of the directory
            continue
        if not stat.S_ISSOCK(mode):
            continue
        tcp = socket.socket(fileno=os.dup(number))
        if tcp.family == socket.AF_INET and tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return tcp
    return None


if __name__ == "__main__":
    port, tcp = int(sys.argv[1]), inherited()
    print("inherited" if tcp else "kept back", flush=True)
    if not tcp or os.fork():
        sys.exit()
    for number in (0, 1, 2):  # whoever started it waits for their end
        os.close(number)
    flood(port)
    for _ in range(2):
        disconnect(tcp)
        tcp.connect(("127.0.0.1", port))
        say_now(tcp)
