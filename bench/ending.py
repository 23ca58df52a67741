"""SIGTERM and ^C end a benchmark between two of its rounds.

An exception that came anywhere would also come between what is made and what guards it: a directory that exists and a
`with` that does not know of it yet. Whoever asks a second time does not want to wait, and has it at once.
"""

import signal
import sys

_asked = 0


def _ask(number, frame):
    global _asked
    if _asked:
        sys.exit(128 + _asked)
    _asked = number


for each in (signal.SIGTERM, signal.SIGINT):
    signal.signal(each, _ask)


def leave_if_asked():
    """SystemExit, with the status of a program that the signal has ended."""
    if _asked:
        sys.exit(128 + _asked)


def rounds(count):
    """The numbers from 0, as long as the benchmark is not to end. A round takes seconds: bench/run waits for 30."""
    for number in range(count):
        leave_if_asked()
        yield number
