#!/usr/bin/python3
"""How fast `mailorigin investigate` reads access logs, beside grep -F and zgrep -F; and how soon a command starts."""

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ending import rounds
from servers import say_ratio, say_result

URIS = ["/", "/index.php", "/wp-login.php", "/wp-admin/admin-ajax.php?action=heartbeat", "/wp-content/uploads/2026/11/photo-{}.jpg",
        "/wp-content/themes/x/style.css?ver=6.{}", "/product/some-thing-{}/", "/?s=%C3%84pfel+{}", "/wp-includes/js/jquery/jquery.min.js?ver=3.7.{}"]
AGENTS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
          "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"]
SCRIPT = "/wp-content/uploads/2026/11/x.php"


def lines(count, every):
    """As httpd writes them in its combined format; one in `every` is a request for the script."""
    chance = random.Random(1)
    for i in range(count):
        uri = SCRIPT if i % every == 0 else chance.choice(URIS).format(chance.randrange(100_000))
        second = i // 20
        yield (f'192.0.2.{chance.randrange(256)} - - [21/Nov/2026:{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02} +0000] '
               f'"GET {uri} HTTP/1.1" 200 {chance.randrange(100_000)} "https://shop.example{chance.choice(URIS[:4])}" "{chance.choice(AGENTS)}"\n')


def timed(command):
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000, help="of the log, unpacked")
    parser.add_argument("--every", type=int, default=5000, help="one line in so many is a request for the script")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("mailorigin must be run as root")
    program = Path(os.environ["MAILORIGIN_BUILD"]) / "cli/mailorigin"

    starts = [timed([program, "--help"])[0] for _ in rounds(20)]
    say_result("start of a command, ms", [1e3 * each for each in starts], "at most 20", "-")
    with tempfile.TemporaryDirectory(prefix="mailorigin-bench-") as directory:
        directory = Path(directory)
        some = "".join(lines(100_000, options.every)).encode()
        plain, packed, nothing = directory / "access.log", directory / "packed.log", directory / "nothing.log"
        with open(plain, "wb") as out, gzip.open(packed, "wb", compresslevel=6) as packing:
            for _ in rounds(options.megabytes * 1_000_000 // len(some) + 1):
                out.write(some)
                packing.write(some)
        nothing.write_text("")
        # It is gone, and no daemon is asked: what takes time is this log.
        ours_is = [program, "--runtime-dir", directory, "investigate", "--json", "--login-log", nothing, f"/srv/shop{SCRIPT}", "--access-log"]
        for log, other in ((plain, ["grep", "-cF", SCRIPT]), (packed, ["zgrep", "-cF", SCRIPT])):
            pairs = []
            for _ in rounds(options.rounds + 1):
                theirs, count = timed([*other, log])
                ours, found = timed([*ours_is, log])
                assert int(count) == json.loads(found)["requests"]["count"], (count, found)
                pairs.append((theirs, ours))
            pairs = pairs[1:]  # the first one fills the page cache
            size = plain.stat().st_size / 1e6
            print(f"{other[0]} -F: {size / statistics.median(p[0] for p in pairs):.0f} MB/s, ours {size / statistics.median(p[1] for p in pairs):.0f} MB/s")
            say_ratio(f"investigate's rate in an access log, {log.name}", pairs, "at least 0.5", f"{other[0]} -F")


if __name__ == "__main__":
    main()
