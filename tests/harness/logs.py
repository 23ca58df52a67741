"""Readers of the lines that MailOrigin writes."""

import json
import re
from collections import Counter
from pathlib import Path

from .waiting import NeverHappened, wait_until

_PAIR = re.compile(r'([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?: |$)')

# As site.new_mark() makes them, with what tests append.
_MARK = re.compile(r"mark\d+x\d{5}(?:-[a-z0-9]+)*-?")


def parse_logfmt(line):
    """The pairs of one line; fails on anything that is not a pair."""
    pairs, position = {}, 0
    while position < len(line):
        match = _PAIR.match(line, position)
        assert match, f"not logfmt at column {position}: {line!r}"
        name, quoted, bare = match.groups()
        assert name not in pairs, f"{name} twice: {line!r}"
        pairs[name] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = match.end()
    return pairs


class Log:
    """A file of one line per event; `parse` turns a line into a dict (or anything else)."""

    def __init__(self, path: Path, parse=str):
        self.path = path
        self.parse = parse

    def raw(self):
        return self.path.read_bytes() if self.path.exists() else b""

    def lines(self):
        """Whole lines only: one that is being written has no newline yet."""
        return self.raw().decode("utf-8", "surrogateescape").split("\n")[:-1]

    def lines_with(self, mark):
        return [line for line in self.lines() if mark in line]

    def entries(self):
        return [self.parse(line) for line in self.lines()]

    def wait(self, mark):
        """The one entry whose line contains `mark`."""
        found = wait_until(lambda: self.lines_with(mark), f"a line with {mark!r} in {self.path}")
        assert len(found) == 1, f"{len(found)} lines with {mark!r} in {self.path}"
        return self.parse(found[0])

    def wait_for(self, marks, timeout=30):
        """Waits until a line has each mark; fails if several have."""
        marks, found = set(marks), Counter()

        def all_there():
            found.clear()
            for line in self.lines():
                found.update(set(_MARK.findall(line)))
            return marks <= set(found)

        try:
            wait_until(all_there, f"{len(marks)} marks in {self.path}", timeout)
        except NeverHappened as failure:
            missing = sorted(marks - set(found))
            raise NeverHappened(f"{failure}; {len(missing)} are missing: {missing[:5]}") from None
        twice = sorted(mark for mark in marks if found[mark] > 1)
        assert not twice, f"{len(twice)} in several lines of {self.path}: {twice[:5]}"


def json_log(path):
    return Log(path, json.loads)


def logfmt_log(path):
    return Log(path, parse_logfmt)
