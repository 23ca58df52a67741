"""Whose connection it is: workers, what they start, and what outlives them."""

import ctypes
import errno
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from harness import wire
from harness.firewall import (
    ALLOW, DENY, HOST, NEIGHBOUR, OBSERVE, TENANT, Firewall, Page, attempt, forked, in_worker, nonroot_worker,
    policy, smtp, vhost, waiting_process,
)  # fmt: skip
from harness.libc import LIBC
from harness.waiting import become, wait_until

REFUSED = errno.ECONNREFUSED
CONNECT = "import socket\ns=socket.socket()\ns.settimeout(5)\nraise SystemExit(s.connect_ex(('192.0.2.1',25)))"
PYTHON = os.path.realpath("/usr/bin/python3")


def test_each_request_of_a_worker_has_its_own_origin(enforcing):
    def action(page):
        results = []
        for name in (HOST, NEIGHBOUR, HOST):
            page.publish(enforcing.context(name))
            results.append(attempt())
        page.publish()
        return [*results, attempt()]

    with enforcing.attached() as ring:
        assert in_worker(enforcing, action) == [0, REFUSED, 0, REFUSED]
        events = ring.take()
    assert [event.vhost for event in events] == [wire.vhost_id(HOST), wire.vhost_id(NEIGHBOUR), wire.vhost_id(HOST), 0]
    assert [event.verified for event in events] == [True, True, True, False]


def test_a_program_that_a_script_starts_belongs_to_its_request(enforcing):
    context = enforcing.context(HOST)

    def action(page):
        page.publish(context, "/srv/exec.php", 3)
        # subprocess uses vfork; the shell forks once more.
        return subprocess.call([PYTHON, "-c", CONNECT]), subprocess.call(["/bin/sh", "-c", f'{PYTHON} -c "{CONNECT}"; exit $?'])

    with enforcing.attached() as ring:
        assert in_worker(enforcing, action) == (0, 0)
        events = ring.take()
    for event in events:
        assert (event.context, event.file, event.line, event.detached) == (context, "/srv/exec.php", 3, False)
        assert event.exe == PYTHON
    assert len(events) == 2


JAIL = """
mkdir -p "$1/usr" && ln -s usr/lib usr/lib64 usr/bin "$1"
mount --bind "$1" "$1" && mount --rbind /usr "$1/usr" && exec chroot "$1" /usr/bin/python3 -c "$2"
"""


def test_a_chroot_hides_no_program(enforcing):
    """As any tenant can make one, in a user namespace of its own."""
    jail = enforcing.ground.directory() / "jail"
    jail.mkdir()
    os.chown(jail, TENANT, TENANT)
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", JAIL, "sh", str(jail), CONNECT]
    with enforcing.attached() as ring:
        assert enforcing.ground.run(lambda: subprocess.run(command, capture_output=True, text=True).returncode) == REFUSED
        assert [event.exe for event in ring.take()] == [f"{jail}{PYTHON}"]


def test_a_path_that_is_too_long_is_shown_as_cut(enforcing):
    """Else its last eight names would be those of another program."""
    top = enforcing.ground.directory()
    program = top / "usr/lib/postfix/sbin/a/b/c/smtp"
    program.parent.mkdir(parents=True)
    shutil.copy(PYTHON, program)
    program.chmod(0o755)
    with enforcing.attached() as ring:
        assert enforcing.ground.run(lambda: subprocess.call([program, "-c", CONNECT])) == REFUSED
        assert [event.exe for event in ring.take()] == ["/.../lib/postfix/sbin/a/b/c/smtp"]


def test_what_a_request_left_behind_belongs_to_it_after_it_has_ended(enforcing):
    """Double-forked, in a session of its own, its parent gone; the worker serves another host meanwhile."""
    context = enforcing.context(HOST)
    reader, writer = os.pipe()
    go_reader, go_writer = os.pipe()

    def left_behind():
        os.setsid()
        if os.fork():
            os._exit(0)
        os.read(go_reader, 1)
        os.write(writer, bytes([attempt()]))
        os._exit(0)

    def action(page):
        page.publish(context)
        forked(left_behind)
        page.publish(enforcing.context(NEIGHBOUR))
        own = attempt()
        os.write(go_writer, b"x")
        return own, os.read(reader, 1)[0]

    with enforcing.attached() as ring:
        assert in_worker(enforcing, action) == (REFUSED, 0)
        worker, orphan = ring.take()
    assert (worker.vhost, worker.detached) == (wire.vhost_id(NEIGHBOUR), False)
    assert (orphan.context, orphan.detached) == (context, True)
    for fd in (reader, writer, go_reader, go_writer):
        os.close(fd)


def test_a_child_of_an_idle_worker_has_no_origin(enforcing):
    def action(page):
        page.publish(enforcing.context(HOST))
        page.publish()
        return forked(attempt)

    assert in_worker(enforcing, action) == REFUSED


def test_what_held_when_a_process_began_holds_until_it_ends(enforcing):
    """However long that is: here, until the keys have changed twice. Its worker's next request is sealed with the new ones."""
    go_reader, go_writer = os.pipe()
    shown, attempt_there, finish = waiting_process(enforcing)
    context = enforcing.context(HOST)
    enforcing.register(shown, context, uid=TENANT)

    def action(page):
        page.publish(context)
        child = os.fork()
        os.read(go_reader, 1)
        if child == 0:
            os._exit(attempt() + 100 * forked(attempt))
        return attempt(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def run():
        page = Page()
        nonroot_worker(page)
        return action(page)

    before = enforcing.counters()["inherited"]
    _, result = enforcing.ground.child(run)
    wait_until(lambda: enforcing.counters()["inherited"] > before, "the child to begin")
    hosts = [vhost(HOST, smtp(ALLOW)), vhost(NEIGHBOUR, smtp(DENY))]
    assert enforcing.push(policy(vhosts=hosts), key=wire.Key(7, bytes(16))) == ""
    with enforcing.attached() as ring:
        os.write(go_writer, b"xx")
        assert result() == (REFUSED, 0)
        assert attempt_there() == 0
        events = [event for event in ring.take() if event.verdict == ALLOW]
    assert [(event.verified, event.context) for event in events] == [(True, context)] * 3
    finish()
    os.close(go_reader)
    os.close(go_writer)


def test_an_orphan_cannot_change_what_it_inherited(enforcing):
    """It writes into what it takes for its page: the kernel reads its own copy."""

    def action(page):
        page.publish(enforcing.context(NEIGHBOUR))

        def forge():
            page.publish(enforcing.context(HOST))
            return attempt()

        return forked(forge)

    assert in_worker(enforcing, action) == REFUSED


CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
CLONE_FILES, CLONE_PARENT = 0x400, 0x8000


def cloned(flags, action):
    """action()'s value (a small number) in a child made with these flags."""
    reader, writer = os.pipe()
    child = LIBC.syscall(CLONE, flags, 0, 0, 0, 0)
    if child == 0:
        os.write(writer, bytes([action()]))
        os.kill(os.getpid(), signal.SIGKILL)
    return os.read(reader, 1)[0]


def run_by_another_thread():
    """A program that a second thread of a fork executes, which takes the first one's place."""

    def execute():
        os.execv(PYTHON, ["python3", "-c", CONNECT])

    def fork():
        threading.Thread(target=execute).start()
        time.sleep(5)
        return 255

    return forked(fork)


@pytest.mark.parametrize(
    "start",
    [lambda: cloned(signal.SIGCHLD | CLONE_FILES, attempt), lambda: cloned(CLONE_PARENT, attempt), run_by_another_thread],
    ids=["CLONE_FILES", "CLONE_PARENT", "exec by a thread"],
)
def test_however_it_is_started_it_belongs_to_the_request(enforcing, start):
    def action(page):
        results = []
        for host in (HOST, NEIGHBOUR):
            page.publish(enforcing.context(host))
            results.append(start())
        return results

    assert in_worker(enforcing, action) == [0, REFUSED]


def test_threads_speak_for_their_worker(enforcing):
    def action(page):
        page.publish(enforcing.context(HOST))
        results = []
        thread = threading.Thread(target=lambda: results.append(attempt()))
        thread.start()
        thread.join()
        return results

    assert in_worker(enforcing, action) == [0]


def test_a_page_that_is_gone_is_no_context_and_counted(enforcing):
    def action(page):
        page.publish(enforcing.context(HOST))
        assert LIBC.munmap(ctypes.c_void_p(page.address), ctypes.c_size_t(4096)) == 0
        return attempt(), forked(attempt)

    before = enforcing.counters()["unreadable"]

    def run():
        # The interpreter would unmap it a second time at its end: it ends without.
        child = os.fork()
        if child == 0:
            page = Page()
            nonroot_worker(page)
            os._exit(0 if action(page) == (REFUSED, REFUSED) else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert enforcing.ground.child(run)[1]() == 0
    assert enforcing.counters()["unreadable"] >= before + 2


def test_a_page_that_is_being_written_is_no_context(enforcing):
    def action(page):
        page.publish(enforcing.context(HOST))
        page.memory[0] = page.memory[0] | 1
        return attempt(), forked(attempt)

    assert in_worker(enforcing, action) == (REFUSED, REFUSED)


@pytest.mark.parametrize(
    ("sizes", "inherited"),
    [((0xFFFF, 0xFFFF, 0xFFFF), REFUSED), ((2048, 1024, 1), REFUSED), ((49, 3072, 0), REFUSED), ((2048, 0, 0), 0)],
)
def test_whatever_sizes_a_page_claims_its_tag_is_recorded(enforcing, sizes, inherited):
    """The page is the worker's own, and native code in it may write what it likes there."""

    context = enforcing.context(HOST)

    def action(page):
        page.publish(context, file="/srv/a.php")
        page.memory[8:14] = struct.pack("<HHH", *sizes)
        return attempt(), forked(attempt)

    with enforcing.attached() as ring:
        answers = in_worker(enforcing, action)
        events = ring.take()
    assert answers == (0, inherited)
    assert events[0].verified and events[0].vhost == wire.vhost_id(HOST)
    assert events[0].context[:48] == context[:48]


def test_registration_out_of_order_is_refused(enforcing):
    def action():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            return udp.connect_ex(("240.83.77.72", 1))

    assert enforcing.ground.run(action, uid=0) == errno.ENOSPC


def test_two_hundred_workers_at_once(enforcing):
    """Each with an origin of its own, all at the same time."""
    count = 200
    names = [HOST if i % 2 else NEIGHBOUR for i in range(count)]
    contexts = [enforcing.context(name) for name in names]
    go_reader, go_writer = os.pipe()

    def worker(i):
        page = Page()
        nonroot_worker(page, 64200 + i)
        page.publish(contexts[i])
        select.select([go_reader], [], [], 30)
        return attempt(), forked(attempt)

    started = [enforcing.ground.child(lambda i=i: worker(i)) for i in range(count)]
    wait_until(lambda: enforcing.counters()["registered"] >= count, "all workers to be registered")
    with enforcing.attached() as ring:
        os.write(go_writer, b"x")
        expected = [0 if name == HOST else REFUSED for name in names]
        assert [result() for _, result in started] == [(each, each) for each in expected]
        events = ring.take()
    by_uid = {event.uid: event for event in events}
    assert len(events) == 2 * count
    for i in range(count):
        assert by_uid[64200 + i].context == contexts[i]
    os.close(go_reader)
    os.close(go_writer)
    wait_until(lambda: enforcing.status()["processes"] == 0, "ended workers to be forgotten")


def test_a_storm_of_forks_loses_no_origin(enforcing):
    """As many short processes as a worker can start; each child that connects is known."""

    def action(page):
        page.publish(enforcing.context(HOST))
        for _ in range(300):
            if os.fork() == 0:
                os._exit(0)
        results = [forked(attempt) for _ in range(20)]
        while True:
            try:
                os.wait()
            except ChildProcessError:
                return results

    assert in_worker(enforcing, action) == [0] * 20
    counters = enforcing.counters()
    assert counters["unregistered_full"] == 0 and counters["inherited"] >= 320
    wait_until(lambda: enforcing.status()["processes"] == 0, "their entries to go")


def said_of_older(firewall):
    (text,) = [finding["text"] for finding in firewall.status()["findings"] if "php-fpm" in finding["text"]]
    return text


def test_a_php_fpm_older_than_the_firewall_is_observed_until_it_is_reloaded(ground):
    """Its program, its master and its age count; that it has no page; and that its uid has no host of its own."""
    program = ground.root / "php-fpm9.9"
    shutil.copy(PYTHON, program)
    program.chmod(0o755)
    work = "for line in sys.stdin:\n s=socket.socket(); s.settimeout(5); print(s.connect_ex((line.strip(),25)), flush=True)"
    # The master is root's; a worker is forked before it becomes the tenant's.
    fork = f"if os.fork(): os.wait(); sys.exit()\nos.setgroups([]); os.setresgid(*[{TENANT}]*3); os.setresuid(*[{TENANT}]*3)\n"

    def start(master=True):
        def prepare():
            ground.enter()
            if not master:
                become(TENANT)

        script = "import os,socket,sys\n" + (fork if master else "") + "print('ready', flush=True)\n" + work
        process = subprocess.Popen([program, "-c", script], preexec_fn=prepare, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        return process

    def ask(process, address="192.0.2.1"):
        process.stdin.write(address + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    old, impostor = start(), start(master=False)
    time.sleep(0.03)  # the kernel counts starts in ticks of 10 ms
    firewall = Firewall(ground)
    try:
        firewall.start().take()
        new = start()
        with firewall.attached() as ring:
            assert (ask(old), ask(new)) == (0, REFUSED)
            assert ask(impostor) == REFUSED, "of that name, and as old, but a tenant's own"
            said = [(event.verdict, event.reason) for event in ring.take()]
            assert said == [(OBSERVE, "older"), (DENY, "unverified"), (DENY, "unverified")]
        assert firewall.status()["older_workers"] >= 1
        assert "are observed for ten minutes" in said_of_older(firewall)
        # Wherever it connects to, but not for ever.
        firewall.take(server=smtp(DENY, local=DENY))
        assert (ask(old), ask(old, "127.0.0.1")) == (0, 0)
        with firewall.map("control") as control:
            generation, first, until = struct.unpack("<QQQ", control.get(bytes(4), 24))
            control.put(bytes(4), struct.pack("<QQQ", generation, first, first))
        assert (ask(old), ask(old, "127.0.0.1")) == (REFUSED, REFUSED)
        said = said_of_older(firewall)
        assert "connect as their user may, with verified=false" in said and "observed" not in said
        # A host of that uid alone says what holds, whatever the worker's age.
        with firewall.map("control") as control:
            generation = struct.unpack("<QQQ", control.get(bytes(4), 24))[0]
            control.put(bytes(4), struct.pack("<QQQ", generation, first, until))
        firewall.take(vhosts=[vhost(HOST, smtp(DENY), run_as=TENANT)])
        assert ask(old) == REFUSED
        assert "connect as their user's site may, with verified=false" in said_of_older(firewall)
    finally:
        for process in (old, new, impostor):
            process.stdin.close()  # ends the worker, and then its master
            process.wait(10)
            process.stdout.close()
        firewall.clean()
