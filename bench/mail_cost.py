#!/usr/bin/python3
"""mail(), all of it on, against plain mail() into the same tiny sendmail."""

import argparse

from servers import say_ratio, side_by_side

CODE = """<?php
$times = [];
for ($i = 0; $i < (int)$_GET['n']; $i++) {
    $start = hrtime(true);
    if (!mail('to@example.org', 'subject', "body\\n", "From: shop@example.org\\r\\nX-A: b")) exit('refused');
    $times[] = hrtime(true) - $start;
}
sort($times);
echo json_encode(['median' => $times[intdiv(count($times), 2)], 'p99' => $times[(int)(count($times) * 0.99)]]);
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=500, help="in each round")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()

    with side_by_side() as (ours, plain):
        for site in (ours, plain):
            site.shop.write("mail.php", CODE)
        medians, tails = [], []
        for round_number in range(options.rounds + 1):
            one, other = (site.shop.get(f"/mail.php?n={options.mails}", timeout=120).json
                          for site in (ours, plain))
            if round_number == 0:
                continue  # warm
            medians.append((one["median"], other["median"]))
            tails.append((one["p99"], other["p99"]))
            print(f"  median {one['median'] / 1e3:.0f} against {other['median'] / 1e3:.0f} us, "
                  f"p99 {one['p99'] / 1e3:.0f} against {other['p99'] / 1e3:.0f} us")
        say_ratio("mail(), median", medians, "at most 1.03")
        say_ratio("mail(), p99", tails, "at most 1.10")


if __name__ == "__main__":
    main()
