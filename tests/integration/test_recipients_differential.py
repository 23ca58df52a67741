"""What MailOrigin reads in a mail against what a real Postfix and a real Exim read in it.

Lists are made from a grammar of nasty pieces, the same in each run; MAILORIGIN_SEED=N has others, MAILORIGIN_CASES more.
"""

import os
import random
import string
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from harness.mail_servers import CASE, ORIGIN, Exim, NotHere, Postfix

OURS = "b.test"
CASES = int(os.environ.get("MAILORIGIN_CASES", 60))
SEED = int(os.environ.get("MAILORIGIN_SEED", 1))

SENDER = ["-f", f"bounce@{OURS}"]
FROM = f"From: me@{OURS}\n".encode()


@pytest.fixture(scope="module")
def servers():
    """By name."""
    made = {}
    try:
        for server in (Postfix, Exim):
            try:
                made[server.__name__] = server()
            except NotHere as why:
                pytest.skip(f"{server.__name__}: {why}")
        yield made
    finally:
        for server in made.values():
            server.remove()


@pytest.fixture
def dice(request):
    print(f"seed {SEED}")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def read(installation):
    """Reads mails, each (arguments, headers, message): how many recipients, does From belong, does the envelope sender."""
    program = installation.built("tests/daemon/mail_reading")

    def run(mails):
        def hexadecimal(text):
            return text.hex() or "-"

        lines = [
            " ".join([hexadecimal(headers), hexadecimal(message), *(hexadecimal(os.fsencode(word)) for word in words)])
            for words, headers, message in mails
        ]
        said = subprocess.run([program, OURS, f"*.{OURS}"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=60)
        found = [tuple(map(int, line.split())) for line in said.stdout.splitlines()]
        assert len(found) == len(mails)
        return found

    return run


def queued(servers, mails):
    """The mails as each server has them in its queue: server's name, the mail's number, and what is queued."""
    cases = [
        (["-i", *words], f"{CASE}: {number}\n".encode() + headers + (b"" if headers.endswith(b"\n") else b"\n") + b"\n" + message)
        for number, (words, headers, message) in enumerate(mails)
    ]
    return answers(servers, cases)


def answers(servers, cases):
    with ThreadPoolExecutor() as pool:
        queues = pool.map(lambda server: server.submit(cases), servers.values())
    found = [(name, number, queue) for name, answer in zip(servers, queues) for number, queue in enumerate(answer) if queue]
    for name in servers:
        taken = sum(name == other for other, _, _ in found)
        print(f"{name} took {taken} of {len(cases)}")
        assert taken, f"{name} takes no mail at all"
    return found


# ---- what lists are made of


class Grammar:
    def __init__(self, dice):
        self._dice = dice
        self._number = 0

    def _one(self, *choices):
        choice = self._dice.choice(choices)
        return choice() if callable(choice) else choice

    def name(self):
        self._number += 1
        return b"u%d" % self._number  # servers drop an address that they have

    def address(self):
        return self.name() + self._one(b"@x.test", b"@x.test", b"@y.x.test", b"@" + OURS.encode(), b"@[192.0.2.1]", b"@\xc3\xa4.test")

    def blank(self):
        return self._one(b"", b"", b" ", b"\t", b"\n ", b"\r\n\t", b" (c)", b" (a, b@c.test (d) \\) e) ")

    def display_name(self):
        return self._one(
            b"", b"Me", b"A.B. Me & Co!", b'"Last, First"', b'"a \\" <b@c.test>," x', b"J\xc3\xb6rg", b"J\xf6rg",
            b"=?utf-8?q?a=40b=2Ec=2C?=", b"(c) x", b"50% off",
        )  # fmt: skip

    def mailbox(self):
        return self._one(
            self.address,
            self.address,
            self.name,
            lambda: b'"%s, x"@x.test' % self.name(),
            lambda: self.display_name() + self.blank() + b"<" + self.address() + b">",
            lambda: self.display_name() + b" <" + self.address() + b">",
        )

    def well_formed(self):
        """A list as RFC 5322 has it, and how many addresses it has."""
        parts, count = [], 0
        for _ in range(self._dice.randrange(1, 5)):
            if self._dice.random() < 0.2:
                members = self._dice.randrange(0, 4)
                parts.append(self._one(b"Team", b'"A, B"', b"A B") + b":" + b",".join(self.mailbox() for _ in range(members)) + b";")
                count += members
            else:
                parts.append(self.blank() + self.mailbox() + self.blank())
                count += 1
        return b",".join(parts), count

    def piece(self):
        return self._one(
            self.address, self.address, self.name, self.mailbox, self.blank, self.display_name,
            lambda: b"<" + self.address() + b">",
            lambda: self.name() + self._one(b"%", b"!", b"@") + b"x.test",
            lambda: self._one(b'"', b"(", b")", b"[", b"]", b"<", b">", b"\\"),
            lambda: self._one(b",", b";", b":", b".", b"@", b" ", b"%", b"!"),
            lambda: self._one(b"\r", b"\r\n ", b"\n ", b"\0", b"\x01", b"\x0b", b"\x7f", b"\xff", b"\xe2\x80\xae"),
            lambda: self._one(b"Team:", b";", b"mailto:", b"@a.test:", b"@a.test,@b.test:", b'""', b"<>", b"\\ ", b'\\"', b"\\(", b"\\)", b"()"),
            lambda: b"\rBcc: " + self.address() + b", " + self.name(),
        )  # fmt: skip

    def nasty(self):
        if self._dice.random() < 0.4:
            # Something well-formed with a few faults.
            text = bytearray(self.well_formed()[0])
            for _ in range(self._dice.randrange(1, 4)):
                at = self._dice.randrange(len(text) + 1)
                if self._dice.random() < 0.5:
                    text[at : at + 1] = b""
                else:
                    text[at:at] = self.piece() if self._dice.random() < 0.3 else self._one(b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b" ", b"@", b"\r")
            return bytes(text)
        return b"".join(self.piece() for _ in range(self._dice.randrange(1, 12)))

    def sender(self):
        """Most of them near to what belongs."""
        ours = self._one(b"me@b.test", b"me@a.b.test", b"<me@b.test>", b'"x@y"@b.test', b"m\xc3\xa4@b.test")
        other = self._one(b"ev@other.test", b"<ev@other.test>", b"ev", b"ev%other.test", b"other.test!ev", b"@other.test:", b"other.test")
        pieces = [ours, other, self.piece(), self._one(b"(", b")", b'"', b"\\", b" ", b"<", b">", b",", b";", b"[", b"]", b":", b".")]
        self._dice.shuffle(pieces)
        return self._one(
            lambda: ours,
            lambda: b"".join(pieces),
            lambda: b"".join(pieces[:3]),
            lambda: b"".join(pieces[:2]),
            lambda: self.display_name() + self._one(b"", b" ") + b"<me@b.test>" + self._one(b"", b" (c)", pieces[0]),
            lambda: self._one(b"[Shop] ", b"Shop; Ltd ", b"me@b.test ", b"x (c) ", b"a\\b ", b"[a ", pieces[0]) + b"<me@b.test>",
        )


def field_name(dice, name):
    return name + dice.choice([b":", b": ", b" :", b"\t: "])


# ---- the comparisons


def assert_none_is_missed(mails, readings, found):
    missed = []
    for name, number, queue in found:
        if name == "Exim" and "-N" in mails[number][0]:
            continue  # queues, and delivers to nobody
        # An option behind the first recipient is one too for Postfix, which then delivers to no such name.
        recipients = [each for each in queue.recipients if not (each.startswith(b"-") and each.endswith(f"@{ORIGIN}".encode()))]
        if len(recipients) > readings[number][0]:
            missed.append(f"{name} delivers to {len(recipients)}, counted {readings[number][0]}: {mails[number]!r} {queue}")
    assert not missed, "\n".join(missed)


def test_well_formed_lists_are_counted_exactly(servers, dice, read):
    grammar = Grammar(dice)
    lists = [grammar.well_formed() for _ in range(CASES)]
    fields = [b"To", b"cc", b"Bcc"]
    mails = [(["-t", *SENDER], FROM + field_name(dice, dice.choice(fields)) + text + b"\n", b"x") for text, _ in lists]
    readings = read(mails)
    wrong = [f"{reading[0]} for {count}: {mail}" for reading, (_, count), mail in zip(readings, lists, mails) if reading[0] != count]
    assert not wrong, "\n".join(wrong)
    found = queued(servers, mails)
    wrong = [f"{name}: {count}, counted {lists[number][1]}: {mails[number]}" for name, number, queue in found if (count := len(queue.recipients)) != lists[number][1]]
    assert not wrong, "\n".join(wrong)


def test_no_recipient_in_a_list_is_missed(servers, dice, read):
    grammar = Grammar(dice)
    mails = [(["-t", *SENDER], FROM + field_name(dice, b"To") + grammar.nasty() + b"\n", b"x") for _ in range(2 * CASES)]
    assert_none_is_missed(mails, read(mails), queued(servers, mails))


def test_no_recipient_in_a_header_block_is_missed(servers, dice, read):
    grammar = Grammar(dice)

    def block():
        lines = [FROM]
        for _ in range(dice.randrange(1, 5)):
            name = dice.choice([b"To", b"CC", b"bcc", b"Bcc", b"Resent-To", b"Resent-Bcc", b"Resent-From", b"Subject", b"Apparently-To", b"X", b" To", b"\xa0To", b"", b"To\0"])
            text = grammar.well_formed()[0] if dice.random() < 0.7 else grammar.nasty()
            lines.append(field_name(dice, name) + text + dice.choice([b"\n", b"\n", b"\r\n", b"\r\r\n", b"\r", b"\n \n", b"\n\r\n"]))
        return b"".join(lines)

    mails = [(["-t", *SENDER], block(), b"x") for _ in range(CASES)]
    assert_none_is_missed(mails, read(mails), queued(servers, mails))


def words(dice, grammar):
    """Arguments of sendmail."""
    options = [
        "-t", "-i", "-oi", "-N", "-O", "-o", "-oMr", "-F", "-L", "-R", "-V", "-X", "-B", "-h", "-p", "-e", "-em", "-q", "-v", "-G", "-U", "-ti",
        "-f", "-r", "-tif", "-fev@other.test", "-rev@other.test", "-Ufev@other.test", "-vfev@other.test", "-Gf", "-x", "-n", "-m", "-bm", "-d", "-A",
        "-fme@b.test", "-f me@b.test", "--", "-", "-Nnever", "-oem", "-odq", "-D", "-M", "--from=ev@other.test", "-F<ev@other.test>", "-om",
    ]  # fmt: skip
    chosen = [dice.choice(options) if dice.random() < 0.6 else os.fsdecode(grammar.address() if dice.random() < 0.5 else grammar.nasty().replace(b"\0", b"")) for _ in range(dice.randrange(1, 6))]
    return (["-t"] if dice.random() < 0.5 else []) + chosen


def belongs(address):
    domain = os.fsdecode(address).rpartition("@")[2]
    return domain == OURS or domain.endswith("." + OURS)


def foreign_senders(mails, readings, found):
    # Exim and Postfix name a sender by the caller where they are told none.
    own = f"root@{ORIGIN}".encode()
    return [
        f"{name} has another sender: {mails[number]!r} {queue}"
        for name, number, queue in found if readings[number][2] and queue.sender != own and not belongs(queue.sender)
    ]  # fmt: skip


def test_no_argument_is_missed(servers, dice, read):
    grammar = Grammar(dice)
    mails = [(words(dice, grammar), FROM + b"To: to@x.test\n", b"x") for _ in range(2 * CASES)]
    readings, found = read(mails), queued(servers, mails)
    assert_none_is_missed(mails, readings, found)
    assert not (foreign := foreign_senders(mails, readings, found)), "\n".join(foreign)


def test_what_separates_is_no_recipient_that_is_missed(servers, read):
    texts = [form.format("".join(signs)) for signs in product(":;,", repeat=2) for form in ("{}", "<u@x.test>{}", "{}<u@x.test>", "u@x.test {} v@y.x.test")]
    mails = [(["-t", *SENDER], FROM + f"To: {text}\n".encode(), b"x") for text in texts]
    assert_none_is_missed(mails, read(mails), queued(servers, mails))


def test_letters_behind_letters(servers, read):
    """What is a value's option to one program is no part of the word to another, which takes the next word for a recipient."""
    letters = [letter for letter in string.ascii_letters if letter not in "bdqt"]  # other modes, and -t
    words = [[f"-{first}{second}", f"u{at}@x.test", "-r", f"v{at}@y.x.test"] for at, (first, second) in enumerate(product(letters, "fF"))]
    mails = [(each, FROM + b"To: to@x.test\n", b"x") for each in words]
    readings, found = read(mails), queued(servers, mails)
    assert_none_is_missed(mails, readings, found)


def test_a_sender_that_belongs_is_the_envelopes(servers, dice, read):
    grammar = Grammar(dice)
    senders = [grammar.sender().replace(b"\0", b"") for _ in range(2 * CASES)]
    mails = [(["-t", "-f", os.fsdecode(sender)], FROM + b"To: to@x.test\n", b"x") for sender in senders]
    readings, found = read(mails), queued(servers, mails)
    assert any(belongs for _, _, belongs in readings) and not all(belongs for _, _, belongs in readings)
    assert not (foreign := foreign_senders(mails, readings, found)), "\n".join(foreign)


def test_no_address_in_a_from_that_belongs_is_foreign(servers, dice, read):
    """To is read as From is, and shows what a server finds in it."""
    grammar = Grammar(dice)
    senders = [grammar.sender() for _ in range(2 * CASES)]
    readings = read([([], b"From: " + sender + b"\n", b"x") for sender in senders])
    accepted = [sender for sender, (_, belongs, _) in zip(senders, readings) if belongs and sender.strip()]
    mails = [(["-t", *SENDER], b"To: " + sender + b"\n", b"x") for sender in accepted]
    foreign = [
        f"{name}: {mails[number][1]!r} {queue}"
        for name, number, queue in queued(servers, mails)
        for recipient in queue.recipients if not belongs(recipient) and not recipient.endswith(f"@{ORIGIN}".encode())
    ]  # fmt: skip
    assert not foreign, "\n".join(foreign)


def test_no_recipient_of_an_smtp_dialogue_is_missed(servers, read):
    dialogue = "HELO a.test\nMAIL FROM:<ev@other.test>\n{}DATA\n" + CASE + ": {}\nFrom: ev@other.test\n\n.\nQUIT\n"
    four = "".join(f"{command} TO:<u{number}@x.test>\n" for number, command in enumerate(("RCPT", "rcpt", "RcPt", "RCPT")))
    mails = [(["-bs"], b"", dialogue.format(four, 0).encode()), (["-t", "-b", "s"], b"", dialogue.format(four, 1).encode())]
    readings, found = read(mails), answers(servers, [(words, message) for words, _, message in mails])
    assert_none_is_missed(mails, readings, found)
    assert not any(belongs for _, _, belongs in readings)
