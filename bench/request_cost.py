#!/usr/bin/python3
"""CPU per request and requests per second: everything on against nothing loaded.

Two identical httpds with their php-fpms run side by side, and the rounds alternate between them, so
that what else the machine does meets both.
"""

import argparse
import re
import subprocess

from ending import rounds
from servers import cpu_seconds, say_ratio, side_by_side

PEER = "the same servers without MailOrigin"


def load(site, uri, requests):
    """Requests per second, and CPU microseconds per request."""
    before = cpu_seconds(site)
    done = subprocess.run(
        ["ab", "-q", "-k", "-c", "8", "-n", str(requests), "-H", f"Host: {site.shop.name}",
         f"http://127.0.0.1:{site.httpd.port}{uri}"],
        capture_output=True, text=True, timeout=300, check=True,
    ).stdout
    spent = cpu_seconds(site) - before
    assert re.search(r"Failed requests: +0\n", done) and "Non-2xx" not in done, done
    return float(re.search(r"Requests per second: +([\d.]+)", done)[1]), spent / requests * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="in each round: few, so that both see the same machine")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()

    with side_by_side() as (ours, plain):
        for site in (ours, plain):
            site.shop.write("line.php", "<?php echo 'one line';\n")
            site.shop.write("static.txt", "one line\n")
            for uri in ("/line.php", "/static.txt"):
                load(site, uri, min(2000, options.requests))  # warm
        for uri, what in (("/line.php", "a script that prints one line"), ("/static.txt", "a static file")):
            rates, costs = [], []
            for number in rounds(options.rounds):
                both = [None, None]
                for which in (0, 1) if number % 2 else (1, 0):
                    both[which] = load((ours, plain)[which], uri, options.requests)
                one, other = both
                rates.append((one[0], other[0]))
                costs.append((one[1], other[1]))
                print(f"  {uri}: {one[1]:.1f} against {other[1]:.1f} us of CPU, {one[0]:.0f} against {other[0]:.0f} requests/s")
            say_ratio(f"CPU per request, {what}", costs, "at most 1.01", PEER)
            say_ratio(f"requests/s, {what}", rates, "at least 0.99", PEER)


if __name__ == "__main__":
    main()
