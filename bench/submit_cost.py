#!/usr/bin/python3
"""mailorigin-sendmail before a program, against that program started directly, side by side."""

import argparse
import subprocess
import time

from ending import rounds
from servers import installation, say_ratio, say_result, site_with_everything

PEER = "the program that it starts, alone"


def once(command, path):
    """Seconds from the start to the end, with the message from a pipe."""
    with open(path, "rb") as message:
        feeder = subprocess.Popen(["/bin/cat"], stdin=message, stdout=subprocess.PIPE)
        began = time.perf_counter()
        subprocess.run(command, stdin=feeder.stdout, check=True)
        took = time.perf_counter() - began
        feeder.stdout.close()
        feeder.wait()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--large-rounds", type=int, default=60)
    options = parser.parse_args()
    with installation() as place, site_with_everything(place, "submit") as site:
        real = site.directory / "real"
        # What any mail server does before it says yes.
        real.write_text(f"#!/bin/sh\nexec /bin/dd of={site.directory}/queued bs=4096 conv=fsync status=none\n")
        real.chmod(0o755)
        ours = [str(place.built("submit/mailorigin-sendmail")), f"--mailorigin-real={real}",
                f"--mailorigin-socket={site.httpd.runtime_dir}/mailorigin.sock", "-t", "-i"]
        head = b"To: to@example.org\nFrom: me@shop.example\nSubject: x\n\n"
        for what, size, count, bound in (("a mail of 2 KB", 2_000, options.rounds, "none"),
                                          ("a mail of 10 MB", 10_000_000, options.large_rounds, "at most 1.05")):
            path = site.directory / "message"
            path.write_bytes(head + b"a line of the body that is not very long\n" * (size // 41))
            pairs = []
            for number in rounds(count + 3):
                both = [None, None]
                for which in (0, 1) if number % 2 else (1, 0):
                    both[which] = once(ours if which == 0 else [str(real), "-t", "-i"], path)
                if number >= 3:
                    pairs.append(tuple(both))
            if size < 1_000_000:
                say_result(f"mailorigin-sendmail, ms more, {what}", [1e3 * (one - other) for one, other in pairs], "at most 2", PEER)
            say_ratio(f"mailorigin-sendmail, {what}", pairs, bound, PEER)


if __name__ == "__main__":
    main()
