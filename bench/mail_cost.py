#!/usr/bin/python3
"""mail(), all of it on, and with PHP's own log and header, against plain mail() into the same tiny sendmail."""

import argparse
import statistics

from ending import rounds
from servers import say_ratio, say_result, side_by_side

PEER = "plain mail() into the same sendmail"

CODE = """<?php
$times = [];
for ($i = 0; $i < (int)$_GET['n']; $i++) {
    $start = hrtime(true);
    if (!mail('to@example.org', 'subject', "body\\n", "From: shop@example.org\\r\\nX-A: b")) exit('refused');
    $times[] = hrtime(true) - $start;
}
echo json_encode($times);
"""


def percentile(values, part):
    return sorted(values)[int(len(values) * part)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=40, help="in each round: few, so that both see the same machine")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()

    with side_by_side(phps_own=True) as sites:
        for site in sites:
            site.shop.write("mail.php", CODE)
        times = ([], [], [])
        medians = []
        for number in rounds(options.rounds + 1):
            all_three = [None, None, None]
            for which in (0, 1, 2) if number % 2 else (2, 1, 0):
                all_three[which] = sites[which].shop.get(f"/mail.php?n={options.mails}", timeout=120).json
            if number == 0:
                continue  # warm
            for all_times, some in zip(times, all_three):
                all_times += some
            medians.append([statistics.median(some) for some in all_three])
        ours, plain, phps_own = times
        print(f"{len(ours)} mails each: median {statistics.median(ours) / 1e3:.0f} against "
              f"{statistics.median(plain) / 1e3:.0f} us, p99 {percentile(ours, 0.99) / 1e3:.0f} against "
              f"{percentile(plain, 0.99) / 1e3:.0f} us")
        tail = percentile(plain, 0.99)
        say_ratio("mail(), median", [each[:2] for each in medians], "at most 1.03", PEER)
        say_result("mail(), p99 of all", [percentile(ours, 0.99) / tail], "at most 1.10", PEER)
        say_ratio("PHP's mail.log and mail.add_x_header, median", [each[:0:-1] for each in medians], "none", PEER)
        say_result("PHP's mail.log and mail.add_x_header, p99 of all", [percentile(phps_own, 0.99) / tail], "none", PEER)


if __name__ == "__main__":
    main()
