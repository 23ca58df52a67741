"""A stand-in for sendmail that keeps each message with what is known about its sender."""

from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

from .waiting import wait_until

SCRIPT = """#!/bin/sh
umask 022
message=$(mktemp -d {spool}/tmp/XXXXXXXX) || exit 75
chmod 755 "$message"
cat >"$message/text"
cat /proc/$$/environ >"$message/environment"
printf '%s\\0' "$@" >"$message/arguments"
mv "$message" {spool}/new/
"""


@dataclass(frozen=True)
class Message:
    raw: bytes
    environment: dict
    arguments: list
    uid: int

    @property
    def parsed(self):
        # As Latin-1, which keeps every byte: what is not ASCII is the sender's own.
        return message_from_string(self.raw.decode("latin-1"))

    def header(self, name):
        """All values of a header, in order, unfolded."""
        values = self.parsed.get_all(name, [])
        return [" ".join(value.split()).encode("latin-1").decode(errors="replace") for value in values]

    @property
    def head(self):
        """The header's lines as they came."""
        text = self.raw.decode(errors="replace").replace("\r\n", "\n")
        return text.partition("\n\n")[0].split("\n")

    @property
    def subject(self):
        return (self.header("Subject") or [""])[0]


class Sendmail:
    def __init__(self, directory: Path):
        self.spool = directory / "spool"
        for name in ("tmp", "new"):
            path = self.spool / name
            path.mkdir(parents=True)
            path.chmod(0o1777)
        self.program = directory / "sendmail"
        self.program.write_text(SCRIPT.format(spool=self.spool))
        self.program.chmod(0o755)
        self._read = {}

    @property
    def command(self):
        return f"{self.program} -t -i"

    def messages(self):
        for path in (self.spool / "new").iterdir():
            if path.name not in self._read:
                entries = (path / "environment").read_bytes().split(b"\0")
                self._read[path.name] = Message(
                    raw=(path / "text").read_bytes(),
                    environment=dict(
                        entry.decode(errors="replace").split("=", 1) for entry in entries if b"=" in entry
                    ),
                    arguments=(path / "arguments").read_bytes().decode(errors="replace").split("\0")[:-1],
                    uid=path.stat().st_uid,
                )
        return list(self._read.values())

    def with_subject(self, subject):
        return [message for message in self.messages() if message.subject == subject]

    def wait(self, subject):
        """The one message of that subject."""
        found = wait_until(lambda: self.with_subject(subject), f"a message with the subject {subject!r}")
        assert len(found) == 1, f"{len(found)} messages with the subject {subject!r}"
        return found[0]
