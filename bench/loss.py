#!/usr/bin/python3
"""Loss and doubling: clients send for a minute while httpd restarts and the daemon is killed.

Every mail that was accepted must be in its host's log exactly once; nothing may be there that was
never sent.
"""

import argparse
import http.client
import itertools
import sys
import threading
import time
from collections import Counter

from ending import leave_if_asked
from servers import installation, say_result, site_with_everything

from harness.waiting import kill

CODE = "<?php echo mail('to@example.org', $_GET['mark'], 'body') ? 'accepted' : 'refused';\n"


def client(number, vhost, end, marks):
    """Sends until `end`; notes each mark with what became of it."""
    for count in itertools.count():
        if time.monotonic() > end:
            return
        mark = f"mark{number + 1}x{count:05d}"  # as the harness's logs look for them
        try:
            marks[mark] = vhost.get(f"/mail.php?mark={mark}", timeout=60).text
        except (OSError, http.client.HTTPException):
            marks[mark] = "unknown"  # a restart cut the connection: it may have left or not


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--gracefuls", type=int, default=10)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()

    lines = f"pm.max_children = {options.clients // 2 + 1}\n"
    ini = {"mailorigin.timeout_ms": "20000", "mailorigin.patience_ms": "20000", "mailorigin.on_failure": "deny"}
    with installation() as place, site_with_everything(place, "loss", pool_lines=lines, ini=ini) as site:
        for vhost in site.vhosts:
            vhost.write("mail.php", CODE)
        end = time.monotonic() + options.seconds
        marks = [{} for _ in range(options.clients)]
        threads = [
            threading.Thread(target=client, args=(number, site.vhosts[number % 2], end, marks[number]), daemon=True)
            for number in range(options.clients)
        ]
        for thread in threads:
            thread.start()
        events = ["graceful"] * options.gracefuls + ["kill"] * options.kills
        events = [event for pair in itertools.zip_longest(events[::2], events[1::2][::-1]) for event in pair if event]
        for number, event in enumerate(events, 1):
            time.sleep(max(0, end - options.seconds + options.seconds * number / (len(events) + 1) - time.monotonic()))
            leave_if_asked()
            if event == "graceful":
                site.httpd.graceful()
            else:
                kill([site.httpd.daemon()])
            print(f"  {event}", flush=True)
        for thread in threads:
            thread.join()
        site.httpd.graceful()  # the last lines are out when the new log is open

        bad = 0
        outcomes = Counter()
        for at, vhost in enumerate(site.vhosts):
            sent = {mark: what for own in marks[at::2] for mark, what in own.items()}
            outcomes.update(sent.values())
            accepted = [mark for mark, what in sent.items() if what == "accepted"]
            vhost.json.wait_for(accepted, timeout=60) if accepted else None
            logged = Counter(event["subject"] for event in vhost.json.entries() if event["verdict"] == "allow")
            lost = [mark for mark in accepted if logged[mark] == 0]
            doubled = [mark for mark, times in logged.items() if times > 1]
            strange = [mark for mark in logged if mark not in sent]
            print(f"{vhost.name}: {len(accepted)} accepted, {sum(logged.values())} logged, {len(lost)} lost, "
                  f"{len(doubled)} doubled, {len(strange)} from nowhere")
            bad += len(lost) + len(doubled) + len(strange)
        print(f"outcomes: {dict(outcomes)}")
        peer = f"{outcomes['accepted']} accepted, {options.gracefuls} graceful restarts, {options.kills} kill -9"
        say_result("mails lost, doubled or from nowhere", [bad], "at most 0", peer)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
