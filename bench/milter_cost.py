#!/usr/bin/python3
"""mailorigin-milter as Postfix's cleanup(8) asks it: what a message waits, and what it costs the processor."""

import argparse
import socket
import struct
import time
from pathlib import Path

from servers import family, installation, say_result, site_with_everything

MILTER_UID = 61901
PEER = "no milter; its connection and this program included"
ACTIONS, STEPS = 0x1FF, 0x1FFFFF  # what Postfix 3.7 offers


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


def read_packet(connection):
    size = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)


def message(path, number):
    """One message that came through pickup(8), over a connection of its own; the replies to its end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(packet(b"O", struct.pack(">III", 6, ACTIONS, STEPS)))
        read_packet(connection)
        connection.sendall(packet(b"D", b"Cj\0web1.example\0") + packet(b"C", b"localhost\x004\0\x00127.0.0.1\0"))
        read_packet(connection)
        fields = {"From": "me@shop.example", "To": "to@example.org", "Subject": f"number {number}", "Message-Id": f"<{number}@web1>"}
        lines = b"".join(packet(b"L", f"{name}\0{value}\0".encode()) for name, value in fields.items())
        connection.sendall(
            packet(b"M", b"<me@shop.example>\0") + packet(b"R", b"<to@example.org>\0") + lines
            + packet(b"D", f"Ei\x004A{number:06X}\0".encode()) + packet(b"E")
        )
        replies = []
        while not replies or replies[-1][:1] not in b"actr":
            replies.append(read_packet(connection))
        connection.sendall(packet(b"Q"))
    return replies


def processor_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    options = parser.parse_args()
    place = installation()
    place.built("milter/mailorigin-milter")
    directory = "/run/mailorigin-bench-milter"
    path = f"{directory}/milter.sock"
    server = f"MailOriginMilter {path}\nMailOriginMilterUser #{MILTER_UID} #{MILTER_UID + 1}\nMailOriginMailLog none\n"
    site = site_with_everything(place, "milter", server=server)
    try:
        names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in family(site.httpd.process.pid)}
        milter = next(pid for pid, name in names.items() if name == "mailorigin-milt")
        daemon = next(pid for pid, name in names.items() if name == "mailorigind")
        for number in range(50):
            message(path, number)
        before = processor_seconds(milter), processor_seconds(daemon)
        took = []
        for number in range(options.messages):
            began = time.perf_counter()
            message(path, 50 + number)
            took.append(time.perf_counter() - began)
        used = processor_seconds(milter) - before[0], processor_seconds(daemon) - before[1]
        each = [1e3 * seconds / options.messages for seconds in used]
        say_result("a message in the queue, ms", sorted(1e3 * seconds for seconds in took), "at most 1", PEER)
        say_result("messages/s on one core, the milter", [1e3 / each[0]], "at least 1000", PEER)
        say_result("messages/s on one core, with mailorigind", [1e3 / sum(each)], "none", PEER)
    finally:
        site.stop()
        place.remove()
        Path(path).unlink(missing_ok=True)
        Path(directory).rmdir()


if __name__ == "__main__":
    main()
