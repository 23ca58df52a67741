"""mailorigin-sendmail started by who closes streams, ignores signals, has no room or breaks off: a message leaves whole, or not at all."""

import os
import resource
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from harness.site import OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import become, wait_until
from test_submit import SERVER_PROGRAM, Submitting, program, transaction

# Keeps what it has read only where that had an end, and says so with its status.
KEEPER = "umask 022; t=$(mktemp -p {kept}) && cat >$t 2>/dev/null && mv $t {kept}/$(sed -n '/^Subject: /{{s///p;q}}' $t) || exit 74"


@pytest.fixture(scope="module")
def module_site(installation):
    site = Submitting(installation, installation.directory("streams"), [Vhost("shop", SHOP_UID, WITH_HEADER)], server=SERVER)
    site.kept = site.directory / "kept"
    site.kept.mkdir()
    site.kept.chmod(0o777)
    try:
        with site:
            site.keeper = program(site, "keeper", KEEPER.format(kept=site.kept))
            yield site
    finally:
        site.stop()


def started(site, *arguments, real=None, uid=OTHER_UID, prepare=lambda: None, **streams):
    command = [*site.command, *arguments]
    command[1] = f"--mailorigin-real={real or site.keeper}"

    def begin():
        become(uid)
        prepare()

    return subprocess.Popen(command, preexec_fn=begin, **{"stderr": subprocess.PIPE, **streams})


def message(mark, size=0):
    return f"To: a@b\nSubject: {mark}\n\n".encode() + b"body\n" * (size // 5)


def arrived(site, mark):
    path = site.kept / mark
    return path.exists() and path.read_bytes()


def test_what_cannot_be_read_is_not_sent(site):
    directory = os.open("/", os.O_RDONLY)
    process = started(site, "to@example.org", stdin=directory)
    assert b"MO0513: not sent: the message cannot be read" in process.communicate(timeout=30)[1]
    os.close(directory)
    assert process.returncode == 74


def is_ours(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "mailorigin-send\n" and Path(f"/proc/{pid}").stat().st_uid == OTHER_UID
    except OSError:
        return False


def test_a_real_program_that_leads_back_here(site):
    mark, count = new_mark(), site.directory / "passes"
    count.mkdir()
    count.chmod(0o777)
    wrapper = program(site, "wrapper", f"mktemp -p {count}; exec {' '.join(site.command)} --mailorigin-real=$0 -t")
    process = started(site, "-t", real=wrapper, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    _, said = process.communicate(message(mark), timeout=30)
    assert process.returncode == 78 and f"MO0514: not sent: {wrapper} starts this program again" in said.decode()
    assert len(list(count.iterdir())) == 8


def feeder(process):
    """Who hands on the rest of its message, once it has become the real program."""
    return not is_ours(process.pid) and [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_ours(pid)]


@pytest.mark.parametrize("how", ["killed", "an error"])
def test_half_a_message_is_none(site, how):
    mark = new_mark()
    ours, theirs = socket.socketpair()
    process = started(site, "-t", stdin=theirs, stdout=subprocess.DEVNULL)
    if how == "an error":
        theirs.send(b"unread")  # by us: so that the end is none
    theirs.close()
    ours.sendall(message(mark, 400_000))
    if how == "killed":
        rest, = wait_until(lambda: feeder(process), "the process that hands it on")
        os.kill(rest, signal.SIGKILL)
    ours.close()
    process.communicate(timeout=30)
    assert process.returncode == 74 and not arrived(site, mark)
    assert site.server_json.wait(mark)["verdict"] == "allow"


def test_a_large_one_that_has_an_end_arrives(site):
    mark = new_mark()
    process = started(site, "-t", stdin=subprocess.PIPE)
    process.communicate(message(mark, 3_000_000), timeout=30)
    assert process.returncode == 0 and arrived(site, mark).endswith(message(mark, 3_000_000))


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_streams_that_are_closed(site, closed):
    """What is opened next does not stand in their place."""
    mark = new_mark()
    process = started(site, "-t", stdin=subprocess.PIPE, stdout=subprocess.PIPE, prepare=lambda: [os.close(stream) for stream in closed])
    try:
        process.communicate(message(mark, 300_000), timeout=30)
    except BrokenPipeError:
        process.wait(timeout=30)
    if 0 in closed:
        assert not arrived(site, mark)
    else:
        assert process.returncode == 0 and arrived(site, mark).endswith(message(mark, 300_000))


FILES, ROOM, PROCESSES = range(1, 14), [0, 1, 100, 4096, 100_000, 300_000, 1_000_000], [0, 1]


@pytest.mark.parametrize("limit, values, size", [
    ("NOFILE", FILES, 5), ("NOFILE", FILES, 400_000), ("FSIZE", ROOM, 5), ("FSIZE", ROOM, 400_000), ("NPROC", PROCESSES, 400_000),
    *[("AS", [megabytes << 20 for megabytes in (1, 3, 4, 6, 8, 16)], size) for size in (5, 400_000)],
])  # fmt: skip
def test_limits(site, limit, values, size):
    """It succeeds with the whole message and its event, or it fails, and nothing has arrived."""
    kind = getattr(resource, f"RLIMIT_{limit}")
    for value in values:
        mark = new_mark()
        process = started(site, "-t", stdin=subprocess.PIPE, stdout=subprocess.PIPE, uid=SHOP_UID, prepare=lambda: resource.setrlimit(kind, (value, value)))
        try:
            process.communicate(message(mark, size), timeout=30)
        except BrokenPipeError:
            process.wait(timeout=30)
        found = arrived(site, mark)
        assert bool(found) == (process.returncode == 0), (value, process.returncode)
        if found:
            assert site.shop.json.wait(mark)["id"].encode() in found and found.endswith(message(mark, size))


def test_the_status_of_a_dialogue_where_ends_of_children_are_ignored(site):
    path, directory, mark = site.directory / "smtp-server", site.directory / "smtp", new_mark()
    directory.mkdir()
    directory.chmod(0o777)
    path.write_text(SERVER_PROGRAM.replace("DIRECTORY", repr(str(directory))))
    path.chmod(0o755)
    ignoring = lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # noqa: E731
    process = started(site, "-bs", real=path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, prepare=ignoring)
    said, _ = process.communicate(f"EHLO me\r\n{transaction(mark)}QUIT\r\n".encode(), timeout=30)
    assert b"250 queued" in said and process.returncode == 4
