#!/usr/bin/python3
"""mailorigin-milter as Postfix's cleanup(8) asks it: what a message waits, and what it costs the processor."""

import argparse
import os
import tempfile
import time

from ending import rounds
from servers import DIRECTIVES, installation, running, say_result

from harness.milter_protocol import tell
from harness.site import Site, two_vhosts
from harness.waiting import answers, processes_named_by, processor_seconds, wait_until

MILTER_UID = 61901
PEER = "no milter; its connection and this program included"


def message(path, number):
    """One that came through pickup(8)."""
    fields = [("From", "me@shop.example"), ("To", "to@example.org"), ("Subject", f"number {number}"), ("Message-Id", f"<{number}@web1>")]
    return tell(path, f"4A{number:06X}", fields)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    options = parser.parse_args()
    with installation() as place, tempfile.TemporaryDirectory(prefix="mailorigin-bench.", dir="/run") as directory:
        measure(place, directory, options.messages)


def measure(place, directory, messages):
    place.built("milter/mailorigin-milter")
    os.chmod(directory, 0o755)
    path = f"{directory}/milter.sock"
    server = f"MailOriginMilter {path}\nMailOriginMilterUser #{MILTER_UID} #{MILTER_UID + 1}\nMailOriginMailLog none\n"
    with running(Site(place, place.directory("milter"), two_vhosts(DIRECTIVES), server=server)) as site:
        wait_until(lambda: answers(path), "the milter")
        for number in rounds(50):
            message(path, number)
        milter, = processes_named_by(path, "mailorigin-milter")
        daemon = site.httpd.daemon()
        before = processor_seconds(milter), processor_seconds(daemon)
        took = []
        for number in rounds(messages):
            began = time.perf_counter()
            message(path, 50 + number)
            took.append(time.perf_counter() - began)
        used = processor_seconds(milter) - before[0], processor_seconds(daemon) - before[1]
        each = [1e3 * seconds / messages for seconds in used]
        say_result("a message in the queue, ms", sorted(1e3 * seconds for seconds in took), "at most 1", PEER)
        say_result("messages/s on one core, the milter", [1e3 / each[0]], "at least 1000", PEER)
        say_result("messages/s on one core, with mailorigind", [1e3 / sum(each)], "none", PEER)


if __name__ == "__main__":
    main()
