#!/usr/bin/python3
"""One tenant with 200 processes hammers the daemon, in several ways: what another tenant's mail() notices of it."""

import argparse
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from ending import rounds
from servers import installation, say_ratio, say_result, site_with_everything

from harness.waiting import NeverHappened, wait_until

# What the machine alone does: these ask nobody.
GOALS = {"spin": "none", "own": "none"}

CODE = """<?php
[$times, $refused] = [[], 0];
for ($i = 0; $i < (int)$_GET['n']; $i++) {
    $start = hrtime(true);
    $refused += !@mail('to@example.org', $_GET['mark'], "body\\n", "From: shop@example.org\\r\\nX-A: b");
    $times[] = hrtime(true) - $start;
}
sort($times);
echo json_encode(['median' => $times[intdiv(count($times), 2)], 'p99' => $times[(int)(count($times) * 0.99)], 'refused' => $refused]);
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=4, help="that a flood lasts")
    parser.add_argument("--kinds", nargs="+", help="of flood; see flood.cc",
                        default=["spin", "questions", "charsets", "threads", "polled", "own", "connects"])
    options = parser.parse_args()

    build = Path(os.environ["MAILORIGIN_BUILD"])
    # Whoever is made to wait for longer is refused, and counted as lost.
    ini = {"mailorigin.patience_ms": "250"}
    with installation() as place, site_with_everything(place, "neighbours", "  MailOriginSender example.org\n", ini=ini) as site:
        site.shop.write("mail.php", CODE)

        refused = {}

        def measure(mark):
            said = site.shop.get(f"/mail.php?n={options.mails}&mark={mark}", timeout=120).json
            refused[mark] = said["refused"]
            return said

        measure("warm")
        marks = []
        for kind in options.kinds:
            medians, tails = [], []
            for number in rounds(options.rounds):
                marks += [f"{kind}-quiet{number}", f"{kind}-loud{number}"]
                quiet = measure(marks[-2])
                flood = subprocess.Popen(
                    [build / "bench/bench_flood", site.httpd.runtime_dir / "mailorigin.sock", str(site.blog.uid),
                     str(options.processes), str(options.seconds), kind],
                    stdout=subprocess.PIPE, text=True,
                )
                try:
                    time.sleep(1)
                    loud = measure(marks[-1])
                    within = flood.poll() is None
                    asked, busy = map(int, flood.communicate(timeout=90)[0].split())
                finally:
                    flood.terminate()
                    flood.wait()
                medians.append((loud["median"], quiet["median"]))
                tails.append((loud["p99"], quiet["p99"]))
                print(f"  median {loud['median'] / 1e3:.0f} against {quiet['median'] / 1e3:.0f} us, "
                      f"p99 {loud['p99'] / 1e3:.0f} against {quiet['p99'] / 1e3:.0f} us; "
                      f"{loud['refused']} refused; flood: {asked / options.seconds:.0f}/s, {busy} busy"
                      + ("" if within else "; it ended before the mails did"), flush=True)
            say_ratio(f"mail() beside a flood of {kind}, median", medians, "none", "a quiet host")
            say_ratio(f"mail() beside a flood of {kind}, p99", tails, GOALS.get(kind, "at most 5"), "a quiet host")
        with suppress(NeverHappened):
            wait_until(lambda: len(site.shop.json.lines()) >= (1 + len(marks)) * options.mails, "all lines")
        found = [event["subject"] for event in site.shop.json.entries()]
        without = {mark: max(options.mails - found.count(mark), refused[mark]) for mark in marks}
        lost = {mark: count for mark, count in without.items() if count}
        print(f"events lost: {lost or 'none'} of {len(marks) * options.mails}")
        say_result("events lost beside floods", [sum(lost.values())], "at most 0", f"{len(marks) * options.mails} mails")


if __name__ == "__main__":
    main()
