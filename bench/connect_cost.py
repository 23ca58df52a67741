#!/usr/bin/python3
"""connect(2) and fork(2): with nothing, with an nftables owner rule, and with the firewall; its memory, and a large policy.

Each has a network namespace of its own, side by side; the rounds alternate between them. For fork, which
the firewall's hooks see on the whole host, it is switched off and on between the rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from contextlib import ExitStack, contextmanager

from ending import rounds
from servers import say_ratio, say_result

from harness.firewall import DENY, TENANT, Firewall, Ground, smtp, vhost
from harness.paths import build_directory
from harness.mounts import private_mounts
from harness.wire import PASS

SMTP, OTHER_PORT = 2601, 2602
# An event is recorded at most 100 times at once for each of them, and 50 times a second.
USERS = 200
DETAILS = {
    "docroot": "/var/www/shop.example/htdocs", "entry": "/var/www/shop.example/htdocs/contact/send.php",
    "client": "198.51.100.7", "method": "POST", "uri": "/contact/send.php?lang=en",
}  # fmt: skip
OWNER_RULE = (
    "table inet bench {{ chain c {{ type filter hook output priority 0; policy accept; "
    "tcp dport {port} meta skuid != {{ 0, {first}-{last} }} reject with tcp reset; }}; }}"
)


@contextmanager
def ground():
    made = Ground()
    try:
        yield made
    finally:
        made.remove()


@contextmanager
def firewall_on(made_ground):
    firewall = Firewall(made_ground)
    try:
        yield firewall.start()
    finally:
        firewall.clean()


class Loop:
    """bench_connect_loop on a ground."""

    def __init__(self, ground):
        program = ground.root / "loop"
        if not program.exists():
            program.write_bytes((build_directory() / "bench/bench_connect_loop").read_bytes())
            program.chmod(0o755)
        self.process = subprocess.Popen(
            [program, str(TENANT), str(USERS), str(SMTP), str(OTHER_PORT)], preexec_fn=ground.enter,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def measure(self, command, expected=0):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        median, error = map(int, self.process.stdout.readline().split())
        assert error == expected, f"{command[:40]}: {os.strerror(error)}"
        return median

    def __enter__(self):
        return self

    def __exit__(self, *how):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def say(what, ours, base, goal):
    print(f"{what}: {statistics.median(ours):.0f} ns against {statistics.median(base):.0f} ns")
    say_ratio(what, list(zip(ours, base)), goal, "no firewall")


def connections(count):
    hosts = [vhost("h:80", smtp("allow")), vhost("off:80", smtp("allow"), enabled=False)]
    with ExitStack() as stack:
        plain, owned, ours = grounds = [stack.enter_context(ground()) for _ in range(3)]
        firewall = stack.enter_context(firewall_on(ours))
        firewall.take(vhosts=hosts, ports=[SMTP], server=smtp(DENY))
        owned.nft(OWNER_RULE.format(port=SMTP, first=TENANT, last=TENANT + USERS - 1))
        loops = [stack.enter_context(Loop(each)) for each in grounds]
        context = firewall.context("h:80", details=DETAILS).hex()
        silent = firewall.context("off:80", flags=PASS, details=DETAILS).hex()
        measured, recorded = {}, 0
        with firewall.attached() as ring:
            for _ in rounds(count):
                for name, loop, command, expected in (
                    ("nothing", loops[0], f"connect {SMTP} 200", 0),
                    ("owner rule", loops[1], f"connect {SMTP} 200", 0),
                    ("other port", loops[2], f"connect {OTHER_PORT} 200", 0),
                    ("silent", loops[2], f"connect {SMTP} 200 {silent}", 0),
                    ("event", loops[2], f"connect {SMTP} 200 {context}", 0),
                    ("denied", loops[2], f"connect {SMTP} 200 00", 111),
                ):
                    measured.setdefault(name, []).append(loop.measure(command, expected))
                    recorded += sum(event.verdict == "allow" for event in ring.take())
        recorded /= 200 * count
        base = measured["nothing"]
        say("connect(2), nftables owner rule", measured["owner rule"], base, "none")
        say("connect(2), another port", measured["other port"], base, "at most 1.03")
        say("connect(2), SMTP allowed without an event", measured["silent"], base, "none")
        print(f"{recorded:.0%} of the events were recorded")
        say("connect(2), SMTP allowed with its event", measured["event"], base, "at most 1.10")
        say("connect(2), denied", measured["denied"], base, "at most 0.3")
        memory(firewall)


def memory(firewall):
    """Of the maps with 1,024 registered workers, and of their pages."""
    with firewall.map("processes") as entries:
        for i in range(1024):
            entries.put((5_000_000 + i).to_bytes(4, "little"), bytes(24))
    maps = 0
    for pin in next(firewall.pins.glob("v*")).iterdir():
        if not pin.name.endswith("-link"):
            shown = subprocess.run(["bpftool", "-j", "map", "show", "pinned", pin], capture_output=True, check=True)
            maps += json.loads(shown.stdout)["bytes_memlock"]
    say_result("memory of 1,024 workers, MB of maps and pages", [maps / 1e6 + 4.2], "at most 8", "-")


def pushes(vhosts):
    """A policy of so many virtual hosts with two destinations each, beside the one in force."""
    with ground() as made, firewall_on(made) as firewall:
        hosts = [
            vhost(f"h{i}.example:80", smtp(DENY, allow=[f"10.{i >> 8}.{i & 255}.1", "192.0.2.2:587"]), run_as=100_000 + i)
            for i in range(vhosts)
        ]
        firewall.take(vhosts=hosts)
        times = []
        for _ in rounds(5):
            began = time.monotonic()
            firewall.take(vhosts=hosts)
            times.append(time.monotonic() - began)
        say_result(f"the firewall takes a policy of {vhosts} virtual hosts, s", times, "at most 1", "-")


def forks(count):
    with ground() as made, firewall_on(made) as firewall, Loop(made) as loop:
        on, off = [], []
        for _ in rounds(count):
            for mode, times in (("off", off), ("on", on)):
                firewall.take(mode=mode)
                time.sleep(0.5)  # what is taken out is cleared away a little later
                times.append(loop.measure("fork 1000"))
        say("fork and exit of an unrelated process", on, off, "at most 1.02")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=61)
    parser.add_argument("--vhosts", type=int, default=10_000, help="of the large policy")
    options = parser.parse_args()
    private_mounts()
    connections(options.rounds)
    pushes(options.vhosts)
    forks(max(1, options.rounds // 4))


if __name__ == "__main__":
    main()
