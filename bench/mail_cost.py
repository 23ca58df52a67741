#!/usr/bin/python3
"""mail(), all of it on, against plain mail() into the same tiny sendmail."""

import argparse
import statistics

from servers import say_ratio, side_by_side

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

    with side_by_side() as sites:
        for site in sites:
            site.shop.write("mail.php", CODE)
        times = ([], [])
        medians = []
        for number in range(options.rounds + 1):
            both = [None, None]
            for which in (0, 1) if number % 2 else (1, 0):
                both[which] = sites[which].shop.get(f"/mail.php?n={options.mails}", timeout=120).json
            if number == 0:
                continue  # warm
            for all_times, some in zip(times, both):
                all_times += some
            medians.append(tuple(statistics.median(some) for some in both))
        ours, plain = times
        print(f"{len(ours)} mails each: median {statistics.median(ours) / 1e3:.0f} against "
              f"{statistics.median(plain) / 1e3:.0f} us, p99 {percentile(ours, 0.99) / 1e3:.0f} against "
              f"{percentile(plain, 0.99) / 1e3:.0f} us")
        say_ratio("mail(), median", medians, "at most 1.03")
        print(f"mail(), p99 of all: {percentile(ours, 0.99) / percentile(plain, 0.99):.3f} (to hold: at most 1.10)")


if __name__ == "__main__":
    main()
