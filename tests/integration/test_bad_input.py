"""Every directive with arguments that are missing, too many, negative, huge, contradictory, or of nothing there is."""

import re
import resource

import pytest
from harness.httpd import Httpd
from harness.site import SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import processor_seconds

LONG = "x" * 5000

# What httpd itself says of a number of arguments: our own words about what is accepted follow.
COUNT = r"takes (?:one|two|1-2) arguments?, "

WRONG = {
    # directive: {arguments: what the message says besides the directive}
    "MailOrigin": {"": COUNT + "On or Off", '""': COUNT, "On Off": COUNT, "1": "'1' is neither On nor Off"},
    "MailOriginStrict": {"": COUNT + "On or Off", '""': COUNT, "On On": COUNT, "2": "'2' is neither On nor Off"},
    "MailOriginSend": {"": COUNT + "allow, observe, hold or deny", '""': COUNT, "allow deny": COUNT, "none": "'none' is not one of allow, observe, hold, deny"},
    "MailOriginUnverified": {"": COUNT + "allow, observe or deny", "deny deny": COUNT, "none": "'none' is not one of allow, observe, deny"},
    "MailOriginDenyScript": {
        "action=hold": "a regular expression is missing; or none",
        "action=allow /a/": "action=allow is not one of deny, hold, observe",
        "action=deny none": "'none' stands alone",
        "": "a regular expression is missing; or none",
        "none /a/": "'none' stands alone",
        "/a/ NONE": "'none' stands alone",
        "[": r"'\[': missing terminating \] .* at byte 1",
        "*": r"'\*': quantifier does not follow",
        '"(?<n"': "syntax error in subpattern name",
        "a{99999}": "number too big",
        "(((((a{1000}){1000}){1000}){1000}){1000})": "too large",
        r'"\p{Nosuch}"': "unknown property",
        '"(?<=a+)b"': "lookbehind assertion",
        LONG: "at most 4096 bytes",
        "/fine/ /fine/ (": "missing closing parenthesis",
    },
    "MailOriginLimit": {
        "": "a rate is missing, as in 100/hour; or none",
        '""': "a rate is missing",
        "5": "'5' is not a rate: a number from 1 to 1000000000, then /second",
        "/hour": "'/hour' is not a rate",
        "5/": "'5/' is not a rate",
        "5/fortnight": "'5/fortnight' is not a rate",
        "5/hour/day": "'5/hour/day' is not a rate",
        "+5/hour": "not a rate",
        "-5/hour": "not a rate",
        "5.5/hour": "not a rate",
        "5e3/hour": "not a rate",
        "0x10/hour": "not a rate",
        "0/hour": "not a rate",
        "1000000001/hour": "not a rate",
        "18446744073709551617/hour": "not a rate",
        "burst=5 5/hour": "'burst=5' is not a rate",
        "5/hour 6/hour": "'6/hour' is unknown: burst=, per=, count= and action=",
        "5/hour none": "'none' is unknown",
        "5/hour =5": "'=5' is unknown",
        "5/hour burst": "burst= is not a number from 1",
        "5/hour burst=0": "burst=0 is not a number from 1",
        "5/hour burst=-1": "burst=-1 is not",
        "5/hour burst=99999999999": "burst=99999999999 is not a number from 1 to 1000000000",
        "5/hour per=": "per= is not one of vhost, script, uid",
        "5/hour count=bytes": "count=bytes is not one of mails, recipients",
        "5/hour action=allow": "action=allow is not one of deny, hold, observe",
        "5/hour per=vhost per=script": "per= is given twice",
        "5/hour action=deny action=observe": "action= is given twice",
    },
    "MailOriginMaxRecipients": {
        "": COUNT, '""': COUNT, "1 action=deny 2": COUNT, "1 2": r"'2' is not action=deny\|hold\|observe",
        "1 action=allow": "action=allow is not one of deny, hold, observe", "none action=deny": "'none' takes no action",
        "many": "'many' is not a number of recipients from 1", "0": "'0'", "-1": "'-1'",
        "1.5": "'1.5'", "1e3": "'1e3'", "1000000001": "'1000000001'", "99999999999999999999": "'99999999999999999999'",
    },
    "MailOriginSender": {
        "": "a domain is missing; or vhost, or any",
        "action=deny": "a domain is missing; or vhost, or any",
        "action=Observe a.example": "action=Observe is not one of deny, hold, observe",
        "action=deny any": "'any' stands alone",
        "any a.example": "'any' stands alone",
        "a.example ANY": "'any' stands alone",
        "me@example.org": "'me@example.org' is not a domain: letters",
        "@example.org": "is not a domain",
        "http://a.example": "is not a domain",
        "a.example,b.example": "is not a domain",
        "-a.example": "is not a domain",
        "a-.example": "is not a domain",
        "a..example": "is not a domain",
        "*": "is not a domain",
        "a.*.example": "is not a domain",
        "[10.0.0.1]": "is not a domain",
        f"{'x' * 64}.example": "is not a domain",
        f"{'x.' * 130}example": "is not a domain",
        "a.example b..example": "'b..example' is not a domain",
    },
    "MailOriginRunAs": {
        "": COUNT, '""': COUNT, "www-data root": COUNT,
        "61001": "'61001' is not a user of this machine .a user's name or #uid", "@www-data": "is not a user", "#": "is not a user",
        "#+5": "is not a user", "#-1": "is not a user", "#1.0": "is not a user", "#4294967295": "below 4294967295",
        "#18446744073709551616": "below 4294967295", LONG: "is not a user",
    },
    "MailOriginLog": {
        "": COUNT, '""': COUNT, "a b c": COUNT, "none json": "'none' takes no format", '"|"': "a command must follow", '"||  "': "a command must follow",
        "syslog:": "is not a syslog facility; they are mail auth", "syslog:mail:more": "'mail:more' is not a syslog facility",
        "logs/x nosuch": "'nosuch' is neither php, logfmt nor json", 'logs/x "no field"': "'no field' is neither",
        'logs/x "%"': "a % stands before", 'logs/x "%h"': "a % stands before", 'logs/x "%{}"': "is not a field; the fields are time id",
        'logs/x "%{ID}"': "is not a field", 'logs/x "%{id"': "%{id", LONG: "is not a target: a file"
    },
    "MailOriginLogFormat": {
        "": COUNT, '"%{id}"': COUNT, '"%{id}" a b': COUNT, '"%{id}" ""': COUNT, '"%{id}" "a b"': "'a b' is not a nickname", '"%{id}" json': "predefined",
        '"%{id}" PHP %': COUNT, '"%{nosuch}" own': "is not a field", '"100%" own': "a % stands before",
    },
    "MailOriginHeader": {
        "": COUNT, '""': COUNT, 'X-A "%{id}" more': COUNT, "X-A": "neither On, Off nor none, nor a header's name", 'X-A ""': "neither On",
        "On On": "'On' takes no format", 'off "%{id}"': "'off' takes no format", 'none "%{id}"': "'none' takes no format",
        'X_A "%{id}"': "'X_A' is not a header's name", '"X A" "%{id}"': "is not a header's name", 'X: "%{id}"': "is not a header's name",
        f'{"X" * 65} "%{{id}}"': "at most 64", 'Resent-To "%{id}"': "means something to mail", 'subject "%{id}"': "means something to mail",
        'X-A "%{nosuch}"': "is not a field", "On\nMailOriginHeader X-Mail-Origin \"%{uid}\"": "given twice", 'X-A "%{id}"\nMailOriginHeader x-a "%{uid}"': "given twice",
    },
    "MailOriginSocket": {
        "": COUNT, '""': COUNT, "run/a 0666 b": COUNT, "run/a 0": "not a socket's mode", "run/a -1": "not a socket's mode", "run/a 01777": "not a socket's mode",
        "run/a 666x": "not a socket's mode", "run/a 0888": "not a socket's mode", "run/a\nMailOriginSocket run/a": "named twice", "/" + "x" * 108: "107 bytes",
    },
    "MailOriginEximSocket": {
        "": COUNT, '""': COUNT, "run/a 0666 b": COUNT, "off 0600": "'Off' takes no mode", "run/a 0888": "not a socket's mode", "/" + "x" * 108: "107 bytes",
    },
    "MailOriginRuntimeDir": {"": COUNT, '""': COUNT, "a b": COUNT, "/dev/null": "MO0121: .*[Nn]ot a directory", "/nosuch/dir": "MO0121: .*No such file", "/" + LONG: "is not a directory"},
    "MailOriginStateDir": {"": COUNT, '""': COUNT, "a b": COUNT, "/dev/null": "MO0122: .*Not a directory", "/nosuch/dir": "MO0122: .*/nosuch: No such file", "/" + "x" * 300: "MO0122: .*[Tt]oo long"},
    "MailOriginUser": {"": COUNT, '""': COUNT, "a b": COUNT, "nosuchuser": "'nosuchuser' is not a user", "#99999999999": "is not a user", "#0": "is root", "root": "is root"},
    "MailOriginDaemon": {"": COUNT, '""': COUNT, "external now": COUNT, "/nosuch": "MO0118: .*is not a program; 'external'", "/etc/passwd": "MO0118", "/etc": "MO0118"},
}

CASES = [(directive, arguments) for directive, cases in WRONG.items() for arguments in cases]


@pytest.fixture(scope="module")
def check(installation):
    """httpd -t over one directory."""
    httpd = Httpd(installation, installation.directory("bad-input"), "")

    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def run(text):
        httpd.write(text + "\n")
        before = spent()
        status, said = httpd.check()
        assert spent() - before < 5
        assert not httpd.runtime_dir.exists() and not httpd.state_dir.exists()
        return status, said

    return run


@pytest.mark.parametrize("directive, arguments", CASES, ids=[f"{d} {a[:40]}".strip() for d, a in CASES])
def test_refused(check, directive, arguments):
    status, said = check(f"{directive} {arguments}")
    assert status == 1, said
    # httpd's own lines name the file and the line.
    assert directive in said
    assert re.search(WRONG[directive][arguments], said), said


# Odd, but with a meaning that is written down: the last one counts, or all of them, or nothing is looked up.
ACCEPTED = [
    "MailOriginSend allow\nMailOriginSend deny",
    "MailOriginUnverified deny\nMailOriginUnverified allow",
    "MailOriginMaxRecipients 5\nMailOriginMaxRecipients NONE",
    "MailOriginMaxRecipients 1000000000",
    "MailOriginLimit 1/second burst=1000000000 per=uid count=recipients action=observe",
    "MailOriginLimit 1000000000/second burst=1",
    "MailOriginLimit 5/hour\nMailOriginLimit 5/hour\nMailOriginLimit 1/day",
    "MailOriginLimit 5/hour\nMailOriginLimit none",
    "MailOriginLimit NONE\nMailOriginLimit 5/hour",
    "\n".join(f"MailOriginLimit {n}/hour per=script" for n in range(1, 201)),
    "\n".join(f"MailOriginDenyScript /dir{n}/ /other{n}/" for n in range(500)),
    "MailOriginDenyScript /a/ /a/\nMailOriginDenyScript none",
    "MailOriginDenyScript (a+)+$ (?R) \\C",
    'MailOriginDenyScript "(*LIMIT_MATCH=4000000000)(a+)+$"',
    "MailOriginSender nosuch.invalid xn--nosuch-4ve.invalid *.NOSUCH.invalid. VHOST",
    "MailOriginSender a.example a.example *.a.example",
    "MailOriginSender ANY",
    "MailOriginLog logs/a json\nMailOriginLog logs/a json\nMailOriginLog none",
    "MailOriginLogFormat %{id} own\nMailOriginLogFormat %{uid} own",
    "MailOriginHeader X-A constant",
    'MailOriginHeader On\nMailOriginHeader none\nMailOriginHeader On',
    "MailOriginRunAs #0\nMailOriginRunAs #61001",
    "MailOriginStrict on\nMailOriginStrict OFF",
]


@pytest.mark.parametrize("lines", ACCEPTED, ids=[lines[:50].replace("\n", ";") for lines in ACCEPTED])
def test_accepted(check, lines):
    status, said = check(lines)
    assert status == 0, said


def test_sender_vhost_in_any_case(make_site):
    """A word of ours is one in capitals too, not a domain of that name."""
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER + "  MailOriginSender VHOST\n")])
    for sender, sent in (("me@shop.example", "bool(true)\n"), ("me@vhost", "bool(false)\n")):
        text = site.shop.run(f"<?php var_dump(@mail('to@example.org', '{new_mark()}', 'b', 'From: {sender}'));").text
        assert text == sent


def test_expression_that_blows_up(make_site):
    """Bounded for each mail, counted as denied, and no matter to the neighbours."""
    site = make_site([
        Vhost("shop", SHOP_UID, WITH_HEADER + '  MailOriginDenyScript "(*LIMIT_MATCH=4000000000)/(a+)+b$" "(?R)"\n'),
        Vhost("blog", 61002, WITH_HEADER),
    ])
    name = "a" * 60
    mark = new_mark()
    script = site.shop.write(f"{name}/page.php", f"<?php var_dump(@mail('to@example.org', '{mark}', 'b'));")
    daemon = site.httpd.daemon()
    before = processor_seconds(daemon)
    assert site.shop.get(script.uri).text == "bool(false)\n"
    event = site.shop.json.wait(mark)
    assert (event["verdict"], event["reason"]) == ("deny", "script")
    for _ in range(20):
        site.shop.get(script.uri)
    assert site.blog.json.wait(site.blog.mail())["verdict"] == "allow"
    assert processor_seconds(daemon) - before < 1
