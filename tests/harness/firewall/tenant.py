"""What a tenant's processes do: show themselves, open connections, try to get out."""

import ctypes
import errno
import mmap
import os
import socket
import struct
import time
from pathlib import Path

from ..libc import CLONE_NEWNET, CLONE_NEWUSER, LIBC
from ..waiting import PATIENCE, become
from .ground import TENANT, V4


class Page:
    """A worker's page, as the plugin publishes it."""

    def __init__(self):
        self.memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.memory[:] = bytes(4096)

    def publish(self, context=b"", file="", line=0, caller=""):
        sequence = struct.unpack("<I", self.memory[:4])[0]
        self.memory[:4] = struct.pack("<I", sequence | 1)
        parts = [context, file.encode(), caller.encode()]
        body = struct.pack("<HHHxxIxxxx", *map(len, parts), line) + b"".join(parts)
        self.memory[8 : 8 + len(body)] = body
        self.memory[:4] = struct.pack("<I", (sequence | 1) + 1)

    def register(self):
        """The three connects; their errno values."""
        results = []
        for part in range(3):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                results.append(udp.connect_ex((f"240.83.77.{71 + part}", self.address >> (12 + 16 * part) & 0xFFFF)))
        return results


def nonroot_worker(page, uid=TENANT):
    """In a child: registers the page while it is root, then becomes the user."""
    assert page.register() == [errno.EALREADY] * 3
    become(uid)


def attempt(address=V4, port=25, family=None, timeout=5):
    """A connection as a program opens it: an errno value, 0 where it is open."""
    if family is None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tcp:
        tcp.settimeout(timeout)
        try:
            tcp.connect((address, port))
        except TimeoutError:
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno
        return 0


def forked(action):
    """action()'s value (a small number) in a fork."""
    child = os.fork()
    if child == 0:
        os._exit(action())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_worker(firewall, action):
    """action(page)'s value in a registered worker."""

    def run():
        page = Page()
        nonroot_worker(page)
        return action(page)

    return firewall.ground.child(run)[1]()


def waiting_process(firewall, uid=TENANT):
    """A process that connects once a byte comes, again and again: (pid, try, end)."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        become(uid)
        while command := theirs.recv(1):
            theirs.send(bytes([forked(attempt) if command == b"f" else attempt()]))

    pid, result = firewall.ground.child(run)
    theirs.close()

    def attempt_there(command=b"c"):
        ours.send(command)
        return ours.recv(1)[0]

    def finish():
        ours.close()
        result()

    return pid, attempt_there, finish


def trying(ground, least=100):
    """Connects again and again; returns a function that ends it, after so many times at least, and yields the set of results."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        become(TENANT)
        theirs.setblocking(False)
        seen, count, over = set(), 0, False
        while not over or count < least:
            seen.add(attempt())
            count += 1
            time.sleep(0.0005)  # the ports of those that were let through would run out
            try:
                theirs.recv(1)
                over = True
            except BlockingIOError:
                pass
        return seen

    _, result = ground.child(run)
    theirs.close()

    def finish():
        ours.send(b"x")
        seen = result()
        ours.close()
        return seen

    return finish


def fate(tcp, patience=0.3):
    """What has become of a connection, or does in that time."""
    tcp.settimeout(patience)
    try:
        return "ended" if tcp.recv(1) == b"" else "data"
    except TimeoutError:
        return "open"
    except OSError as error:
        return errno.errorcode[error.errno]


def closed(finish):
    """Whether what hold() holds has been closed, or is soon."""
    return finish(PATIENCE) != "open"


def hold(ground, uid, address, port, gid=None):
    """Opens a connection of that user; returns a function that tells what has become of it."""

    def opened():
        if uid:
            become(uid, gid)
        return socket.create_connection((address, port), timeout=5)

    return hold_opened(ground, opened)


def hold_opened(ground, opened):
    """The same of a connection that opened() opens in a process of its own, and `with` keeps."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        with opened() as tcp:
            tcp.recv(100)
            theirs.send(b"1")
            (patience,) = struct.unpack("<d", theirs.recv(8))
            return fate(tcp, patience)

    _, result = ground.child(run)
    theirs.close()
    assert ours.recv(1) == b"1"

    def finish(patience=0.3):
        ours.send(struct.pack("<d", patience))  # its end alone would not do: later children have it, too
        ours.close()
        return result()

    return finish


def greeting(address=V4, port=25):
    """What the listener there calls itself."""
    with socket.create_connection((address, port), timeout=5) as tcp:
        return tcp.recv(100).decode()


def own_root():
    """Root of a user namespace and a network namespace of its own, as any tenant may be; an errno value."""
    LIBC.prctl(4, 1, 0, 0, 0)  # dumpable again: else /proc/self is not its own
    if LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return ctypes.get_errno()
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {TENANT} 1")
    return 0


def as_subordinate(ground, uid, action):
    """action()'s value under a uid of a tenant's user namespace, as newuidmap gives it."""
    ours, theirs = socket.socketpair()

    def run():
        ours.close()
        become(TENANT)
        LIBC.prctl(4, 1, 0, 0, 0)  # dumpable again: else its maps are root's
        if LIBC.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        theirs.send(b"1")
        theirs.recv(1)
        os.setresuid(1, 1, 1)
        return action()

    pid, result = ground.child(run)
    theirs.close()
    if ours.recv(1):  # else it has failed, and result() says of what
        Path(f"/proc/{pid}/uid_map").write_text(f"0 {TENANT} 1\n1 {uid} 1\n")
        ours.send(b"1")
    ours.close()
    return result()
