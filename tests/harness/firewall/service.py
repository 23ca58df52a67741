"""mailorigin-firewall itself, on a ground."""

import json
import os
import socket
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .. import wire
from ..paths import build_directory
from ..libc import LIBC
from ..waiting import SLOWNESS, die_with_parent, end, wait_until
from .ground import TENANT
from .messages import ATTACH, BLOCKS, COMMIT, NOTICE, POLICY, REPLY, RING, STATUS, STATUS_REPLY, blocks, head, policy, registration
from .pinned_map import PinnedMap
from .ring import Ring

DAEMON_UID = 65531
FIREWALL_UID = 65532


class Firewall:
    """mailorigin-firewall on a ground."""

    def __init__(self, ground, pin_directory=None, options=()):
        self.ground = ground
        self.directory = ground.directory()
        self.pins = pin_directory or ground.bpffs / self.directory.name
        self.key = wire.Key(0x1234, bytes(range(16)))
        self.previous = wire.Key(0x1233, bytes(range(1, 17)))
        self.notices = []
        self.log = self.directory / "log"
        self.arguments = [
            str(build_directory() / "firewall/mailorigin-firewall"), "--user", f"#{FIREWALL_UID}", "--daemon-user", f"#{DAEMON_UID}",
            "--runtime-dir", str(self.directory), "--state-dir", str(self.directory / "state"), "--pin-dir", str(self.pins),
            "--cgroup", str(ground.cgroup), *options,
        ]  # fmt: skip
        self.process = None
        self.control = None

    def start(self, *options, drop=()):
        def prepare():
            die_with_parent()
            self.ground.enter(cgroup=False)
            for capability in drop:
                LIBC.prctl(24, capability, 0, 0, 0)

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.arguments, *options], preexec_fn=prepare, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if not options:
            wait_until(self._ready, f"the firewall to listen; see {self.log}")
            self.status()  # it answers when the policy that was kept is in force
        return self

    def _ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            self.connect(0).close()
            return True
        except OSError:
            return False

    def start_with_hosts(self, hosts):
        """Starts it where the system knows these names and no name server."""
        path = self.directory / "hosts"
        path.write_text(hosts)
        nsswitch = self.directory / "nsswitch.conf"
        nsswitch.write_text("passwd: files\ngroup: files\nhosts: files\n")
        mounts = f"mount --bind {path} /etc/hosts && mount --bind {nsswitch} /etc/nsswitch.conf"
        plain = self.arguments
        self.arguments = ["unshare", "-m", "/bin/sh", "-c", mounts + ' && exec "$@"', "sh", *plain]
        try:
            return self.start()
        finally:
            self.arguments = plain

    def call(self, *options):
        """Runs it to its end: what it printed."""
        done = self.ground.child(
            lambda: subprocess.run([*self.arguments, *options], capture_output=True, text=True, timeout=30), cgroup=False
        )[1]()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def connect(self, timeout=10):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(timeout * SLOWNESS or None)
        connection.connect(str(self.directory / "firewall.sock"))
        return connection

    def push(self, encoded, key=None, previous=None, read_ns=None):
        """The reply's error, empty where the policy was taken."""
        if self.control is None:
            self.control = self.connect()
        key = key or self.key
        message = head(POLICY) + wire.pair("instance", "/run/test-httpd.pid")
        message += wire.pair("key", struct.pack("<I", key.id) + key.secret)
        if previous:
            message += wire.pair("previous_key", struct.pack("<I", previous.id) + previous.secret)
        if read_ns is not None:
            message += wire.pair("read", str(read_ns))
        memory = os.memfd_create("policy", os.MFD_CLOEXEC)
        try:
            os.write(memory, encoded)
            socket.send_fds(self.control, [message], [memory])
        finally:
            os.close(memory)
        self.control.send(head(COMMIT))
        while True:
            packet = self.control.recv(65536)
            assert packet, "the connection was closed: " + self.log.read_text()
            if packet[1] == NOTICE:
                self.notices.append(dict(wire.pairs(packet[4:]))["text"].decode())
                continue
            assert packet[1] == REPLY, packet
            return dict(wire.pairs(packet[4:])).get("error", b"").decode()

    def take(self, *arguments, **options):
        """A policy that is expected to be taken."""
        error = self.push(policy(*arguments, **options))
        assert error == "", error
        return self

    def hand_over_blocks(self, encoded):
        """As mailorigind does: True where it says that it has these."""
        memory = os.memfd_create("blocks", os.MFD_CLOEXEC)
        try:
            os.write(memory, encoded)
            with self.connect() as connection:
                digest = wire.pair("digest", encoded[-32:])
                socket.send_fds(connection, [head(BLOCKS) + digest], [memory])
                return connection.recv(65536) == head(BLOCKS) + digest
        finally:
            os.close(memory)

    def block(self, *each):
        """Nothing but these is blocked now."""
        assert self.hand_over_blocks(blocks(*each)), self.log.read_text()

    def notice(self, text):
        """Waits for a notice that contains `text`."""

        def look():
            self.control.settimeout(0.01)
            try:
                while True:
                    packet = self.control.recv(65536)
                    if not packet:
                        break
                    if packet[1] == NOTICE:
                        self.notices.append(dict(wire.pairs(packet[4:]))["text"].decode())
            except TimeoutError:
                pass
            finally:
                self.control.settimeout(10 * SLOWNESS)
            return next((notice for notice in self.notices if text in notice), None)

        return wait_until(look, f"a notice with {text!r} among {self.notices}")

    def _ask(self, packet):
        with self.connect() as connection:
            connection.send(packet)
            return connection.recv(65536)

    def status(self):
        packet = self._ask(head(STATUS))
        assert packet[1] == STATUS_REPLY
        return json.loads(dict(wire.pairs(packet[4:]))["status"])

    def counters(self):
        return self.status()["counters"]

    def attach(self):
        """(the answer, its descriptors)"""
        with self.connect() as connection:
            connection.send(head(ATTACH))
            packet, descriptors, _, _ = socket.recv_fds(connection, 100, 3)
            return packet, descriptors

    @contextmanager
    def attached(self):
        packet, (ring, *others) = self.attach()
        assert packet == head(RING), packet
        for each in others:
            os.close(each)
        ring = Ring(ring)
        ring.take()
        try:
            yield ring
        finally:
            ring.close()

    def register(self, pid, context=b"", page=0, start=None, uid=TENANT):
        """As mailorigind does for a process that never was root."""
        start = start_ticks(pid) if start is None else start
        with self.connect() as connection:
            connection.send(registration(pid, start, context, page, uid))
            connection.send(head(STATUS))
            connection.recv(65536)

    @contextmanager
    def map(self, name):
        made = PinnedMap(next(self.pins.glob("v*")) / name)
        try:
            yield made
        finally:
            made.close()

    def pinned(self):
        """What stands in its directory of pins."""
        return sorted(str(path.relative_to(self.pins)) for path in self.pins.rglob("*"))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._forget()

    def stop(self):
        if self.process is not None:
            end(self.process)
        self._forget()

    def _forget(self):
        if self.control is not None:
            self.control.close()
        self.control = None
        self.process = None

    def clean(self):
        """Nothing of it stays in the kernel."""
        try:
            self.stop()
        finally:
            if os.path.ismount(self.ground.bpffs):
                self.call("--remove")

    def context(self, name, uid=wire.ANY_UID, key=None, **changes):
        return wire.Context(name, uid, **changes).sealed_bytes(key or self.key)

    def register_all(self, pids, uid, context=b"", page=0):
        """As mailorigind does for processes of that uid: for each, whether there was room."""
        had_room = []
        with self.connect() as connection:
            for pid in pids:
                connection.send(registration(pid, start_ticks(pid), context, page, uid))
                reply = connection.recv(65536)
                assert reply[1] == REPLY, reply
                had_room.append(not dict(wire.pairs(reply[4:])).get("error"))
        return had_room


def start_ticks(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
