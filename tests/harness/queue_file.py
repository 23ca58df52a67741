"""What is in a file of Postfix's queue (postcat(1))."""


def records(data):
    """Each a letter and its value, as Postfix reads them: from the start to the end's E, by way of the
    pointers that a milter's changes leave. What a pointer leads past is the rest of what stood there."""
    at, left = 0, len(data)
    while left:
        kind, value, after = _record(data, at)
        target = int(value) if kind == "p" else 0
        if not target:
            yield kind, value
        if kind == "E":
            return
        at, left = target or after, left - 1
    raise ValueError("a queue file without an end")


def _record(data, start):
    """A letter, the length in groups of seven bits, the value."""
    at, length, shift, more = start, 0, 0, True
    while more:
        at += 1
        length |= (data[at] & 127) << shift
        shift, more = shift + 7, data[at] & 128
    return chr(data[start]), data[at + 1 : at + 1 + length], at + 1 + length
