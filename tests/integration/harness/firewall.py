"""mailorigin-firewall, alone with the processes of a cgroup and a network namespace of its own.

Nothing that a test does here reaches a connection, a table or a cgroup that is not the test's.
"""

import ctypes
import errno
import json
import mmap
import os
import pickle
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import wire
from .installation import build_directory
from .waiting import end, die_with_parent, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
DAEMON_UID = 65531
FIREWALL_UID = 65532
TENANT, OTHER = 64001, 64002

ALLOW, OBSERVE, DENY, REDIRECT = "allow", "observe", "deny", "redirect"
VERDICTS = (ALLOW, OBSERVE, DENY, REDIRECT)
REASONS = ("none", "smtp", "local", "unverified", "older", "allowed")

V4, V4_OTHER, V6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
MAPPED = "::ffff:" + V4
PORTS = (25, 465, 587, 2525)
ORIGIN_BYTES = 2048 + 2 * 512

POLICY, COMMIT, REPLY, NOTICE, ATTACH, RING, PROCESS, REMOVE, STATUS, STATUS_REPLY = 16, 18, 19, 20, 32, 33, 34, 35, 48, 49


def head(kind):
    return bytes([1, kind, 0, 0])


def registration(pid, start, context=b"", page=0):
    """What mailorigind says of a process that never was root."""
    origin = struct.pack("<H14x", len(context)) + context.ljust(ORIGIN_BYTES, b"\0")
    return head(PROCESS) + struct.pack("<IIQQ", pid, 0, start, page) + origin


def smtp(rule=DENY, relay=None, allow=(), local="observe"):
    out = wire.pair("rule", rule)
    if relay:
        out += wire.pair("relay", relay)
    return out + b"".join(wire.pair("allow", each) for each in allow) + wire.pair("local", local)


def vhost(name, policy, run_as=None, enabled=True, number=None):
    out = wire.pair("id", wire.vhost_id(name) if number is None else number)
    out += wire.pair("name", name) + wire.pair("docroot", "/srv") + wire.pair("enabled", int(enabled))
    if run_as is not None:
        out += wire.pair("run_as", run_as)
    return out + wire.pair("send", "allow") + wire.pair("smtp", policy)


def policy(server=None, vhosts=(), mode="on", ports=(25, 465, 587), uids=(), gids=()):
    firewall = wire.pair("mode", mode)
    for name, numbers in (("port", ports), ("uid", uids), ("gid", gids)):
        firewall += b"".join(wire.pair(name, number) for number in numbers)
    out = wire.pair("instance", "/run/test-httpd.pid") + wire.pair("unverified", "allow")
    out += wire.pair("firewall", firewall)
    out += wire.pair("server", vhost("", server or smtp(), number=0))
    return out + b"".join(wire.pair("vhost", each) for each in vhosts)


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
        (_, _, tgid, uid, gid, vhost_number, verdict, reason, verified, detached, port, relay_port, address, relay, comm) = struct.unpack_from("<QQIIIIBBBBHH16s16s16s", data)
        parts = []
        for i in range(8):
            part = data[88 + 64 * i : 152 + 64 * i].split(b"\0")[0].decode()
            if not part:
                break
            parts.append(part)
        size, file_size, caller_size, line = struct.unpack_from("<HHHxxIxxxx", data, 600)
        file, caller = 616 + size, 616 + size + file_size
        return Event(
            tgid, uid, gid, vhost_number, VERDICTS[verdict], REASONS[reason], bool(verified), bool(detached), port,
            _address(address), _address(relay), relay_port, comm.split(b"\0")[0].decode(), "/" + "/".join(reversed(parts)),
            size, line, data[616:file], data[file:caller].decode(), data[caller : caller + caller_size].decode(),
        )


def _address(data):
    if data[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, data[12:])
    return socket.inet_ntop(socket.AF_INET6, data)


class Ring:
    """The events, read as mailorigind reads them: through a descriptor, without any right."""

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


def become(uid, gid=None, groups=()):
    os.setgroups(groups)
    os.setresgid(*[uid if gid is None else gid] * 3)
    os.setresuid(uid, uid, uid)


def unified():
    """Where cgroup2 is mounted."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return Path(next(line.split()[4] for line in mounts if " - cgroup2 " in line))


def remove_cgroup(cgroup):
    """With the processes in it."""
    for pid in (cgroup / "cgroup.procs").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    wait_until(lambda: not (cgroup / "cgroup.procs").read_text().split(), "the test's processes to end")
    cgroup.rmdir()


class Ground:
    """A cgroup, a network namespace with listeners, and a bpf file system; all of a test run's own."""

    def __init__(self):
        self._sweep()
        self.root = Path(tempfile.mkdtemp(prefix=f"mo-firewall.{os.getpid()}.", dir="/var/lib"))
        self.root.chmod(0o755)
        self.bpffs = self.root / "bpf"
        self.bpffs.mkdir()
        self._undo = []
        try:
            subprocess.run(["mount", "-t", "bpf", "bpf", self.bpffs], check=True)
            self._undo.append(lambda: subprocess.run(["umount", "-l", self.bpffs], check=False))
            self.cgroup = unified() / self.root.name
            self.cgroup.mkdir()
            self._undo.append(lambda: remove_cgroup(self.cgroup))
            self._start_listeners()
            self._undo.append(self._end_listeners)
        except BaseException:
            self.remove()
            raise
        self._count = 0

    def remove(self):
        while self._undo:
            self._undo.pop()()
        shutil.rmtree(self.root, ignore_errors=True)

    @staticmethod
    def _sweep():
        """What a test run that was killed has left."""
        for root in Path("/var/lib").glob("mo-firewall.*.*"):
            if not Path("/proc", root.name.split(".")[1]).exists():
                for cgroup in unified().glob(root.name):
                    remove_cgroup(cgroup)
                shutil.rmtree(root, ignore_errors=True)

    def _start_listeners(self):
        """A process that makes the namespace, and greets whoever connects."""
        reader, writer = os.pipe()
        self._holder = os.fork()
        if self._holder == 0:
            try:
                die_with_parent()
                os.close(reader)
                if LIBC.unshare(CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "unshare")
                commands = ["link set lo up", f"addr add {V6}/128 dev lo nodad"]
                commands += [f"addr add {each}/32 dev lo" for each in (V4, V4_OTHER)]
                for command in commands:
                    subprocess.run(["ip", *command.split()], check=True)
                self._listen(writer)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writer)
        if os.read(reader, 1) != b"1":
            raise AssertionError("the listeners did not start")
        os.close(reader)
        self.netns = os.open(f"/proc/{self._holder}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _listen(self, writer):
        for name, value in (("tcp_fastopen", "1027"), ("tcp_tw_reuse", "1")):
            Path(f"/proc/sys/net/ipv4/{name}").write_text(value)
        selector = selectors.DefaultSelector()
        for port in PORTS:
            listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
            listener.bind(("::", port))
            listener.listen(512)
            selector.register(listener, selectors.EVENT_READ, port)
        os.write(writer, b"1")
        os.close(writer)
        kept = []
        while True:
            for key, _ in selector.select():
                accepted, _ = key.fileobj.accept()
                try:
                    accepted.send(f"{accepted.getsockname()[0]} {key.data}".encode())
                except OSError:
                    pass
                kept.append(accepted)
                while len(kept) > 64:
                    kept.pop(0).close()

    def _end_listeners(self):
        os.kill(self._holder, signal.SIGKILL)
        os.waitpid(self._holder, 0)
        os.close(self.netns)

    def enter(self, cgroup=True):
        """This process, from now on: for a child."""
        if cgroup:
            (self.cgroup / "cgroup.procs").write_text("0")
        if LIBC.setns(self.netns, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def child(self, action, cgroup=True):
        """Runs action() in a child on this ground; returns (pid, a function that waits for what it returns)."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent()
                os.close(reader)
                self.enter(cgroup)
                result = pickle.dumps((True, action()))
            except BaseException:
                result = pickle.dumps((False, traceback.format_exc()))
            with os.fdopen(writer, "wb") as out:
                out.write(result)
            os._exit(0)
        os.close(writer)

        def result():
            with os.fdopen(reader, "rb") as source:
                data = source.read()
            os.waitpid(pid, 0)
            fine, value = pickle.loads(data)
            assert fine, value
            return value

        return pid, result

    def run(self, action, uid=TENANT, gid=None, groups=(), cgroup=True):
        """action()'s value, in a child under that uid."""

        def as_user():
            if uid != 0:
                become(uid, gid, groups)
            return action()

        return self.child(as_user, cgroup)[1]()

    def nft(self, *arguments, check=True):
        def action():
            return subprocess.run(["nft", *arguments], capture_output=True, text=True)

        done = self.run(action, uid=0)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def directory(self):
        self._count += 1
        path = self.root / str(self._count)
        path.mkdir(mode=0o755)
        return path


class PinnedMap:
    """A map of the kernel's, written by root behind the firewall's back."""

    BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]

    def __init__(self, path):
        name = ctypes.create_string_buffer(str(path).encode())
        self.fd = self._bpf(7, struct.pack("<QII", ctypes.addressof(name), 0, 0))

    def _bpf(self, command, attributes):
        buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
        result = LIBC.syscall(self.BPF, command, buffer, 128)
        if result < 0:
            raise OSError(ctypes.get_errno(), f"bpf({command})")
        return result

    def put(self, key, value):
        key, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
        self._bpf(2, struct.pack("<IIQQQ", self.fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0))

    def close(self):
        os.close(self.fd)

    def get(self, key, size):
        key, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(size)
        self._bpf(1, struct.pack("<IIQQQ", self.fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
        return value.raw


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

    def call(self, *options):
        """Runs it to its end: what it printed."""
        done = self.ground.child(
            lambda: subprocess.run([*self.arguments, *options], capture_output=True, text=True, timeout=30), cgroup=False
        )[1]()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def connect(self, timeout=10):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(timeout or None)
        connection.connect(str(self.directory / "firewall.sock"))
        return connection

    def push(self, encoded, key=None, previous=None):
        """The reply's error, empty where the policy was taken."""
        if self.control is None:
            self.control = self.connect()
        key = key or self.key
        message = head(POLICY) + wire.pair("instance", "/run/test-httpd.pid")
        message += wire.pair("key", struct.pack("<I", key.id) + key.secret)
        if previous:
            message += wire.pair("previous_key", struct.pack("<I", previous.id) + previous.secret)
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
                self.control.settimeout(10)
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

    @contextmanager
    def attached(self):
        with self.connect() as connection:
            connection.send(head(ATTACH))
            packet, descriptors, _, _ = socket.recv_fds(connection, 100, 2)
            assert packet == head(RING) and len(descriptors) == 1, packet
        ring = Ring(descriptors[0])
        ring.take()
        try:
            yield ring
        finally:
            ring.close()

    def register(self, pid, context=b"", page=0, start=None):
        """As mailorigind does for a process that never was root."""
        start = start_ticks(pid) if start is None else start
        with self.connect() as connection:
            connection.send(registration(pid, start, context, page))
            connection.send(head(STATUS))
            connection.recv(65536)

    @contextmanager
    def map(self, name):
        made = PinnedMap(next(self.pins.glob("v*")) / name)
        try:
            yield made
        finally:
            made.close()

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
                packet = bytearray(registration(pid, start_ticks(pid), context, page))
                struct.pack_into("<I", packet, len(head(PROCESS)) + 4, uid)  # after the pid
                connection.send(packet)
                reply = connection.recv(65536)
                assert reply[1] == REPLY, reply
                had_room.append(not dict(wire.pairs(reply[4:])).get("error"))
        return had_room


def start_ticks(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def nonroot_worker(page, uid=TENANT):
    """In a child: registers the page while it is root, then becomes the user."""
    assert page.register() == [errno.EALREADY] * 3
    become(uid)
