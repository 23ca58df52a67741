"""The header that reaches sendmail, whatever form additional_headers takes."""

import pytest
from harness.site import new_mark, two_vhosts

# What stands for the fourth argument, and the headers that must arrive from it.
FORMS = {
    "missing": ("", {}),
    "empty string": (", ''", {}),
    "string": (", 'X-Own: kept'", {"X-Own": ["kept"]}),
    "string with line end": (', "X-Own: kept\\r\\n"', {"X-Own": ["kept"]}),
    "string of two": (', "X-Own: kept\\r\\nX-Two: too"', {"X-Own": ["kept"], "X-Two": ["too"]}),
    "lf only": (', "X-Own: kept\\nX-Two: too"', {"X-Own": ["kept"], "X-Two": ["too"]}),
    "empty array": (", []", {}),
    "array": (", ['X-Own' => 'kept']", {"X-Own": ["kept"]}),
    "array of arrays": (", ['X-Own' => ['kept', 'too']]", {"X-Own": ["kept", "too"]}),
    "constant array": (", HEADERS", {"X-Own": ["kept"]}),
    "variable that stays as it was": (", $headers", {"X-Own": ["kept"]}),
    "named": (", additional_headers: ['X-Own' => 'kept']", {"X-Own": ["kept"]}),
    "only parameters named": (", additional_params: '-fsender@shop.example'", {}),
    "both named, other order": (
        ", additional_params: '-fsender@shop.example', additional_headers: 'X-Own: kept'",
        {"X-Own": ["kept"]},
    ),
    "five arguments": (", 'X-Own: kept', '-fsender@shop.example'", {"X-Own": ["kept"]}),
    "stringable": (", new Headers", {"X-Own": ["kept"]}),
}

# Copies of MailOrigin's own header; only the real one may arrive.
FORGERIES = {
    "string": ', "X-Mail-Origin: forged"',
    "another case": ', "x-mAIL-oRIGIN: forged"',
    "blank before the colon": ', "X-Mail-Origin : forged"',
    "in the middle": ', "A: 1\\r\\nX-Mail-Origin: forged\\r\\nB: 2"',
    "lf only": ', "A: 1\\nX-Mail-Origin: forged\\nB: 2"',
    "folded": ', "X-Mail-Origin: forged\\r\\n and\\r\\n\\tforged again\\r\\nB: 2"',
    "twice": ', "X-Mail-Origin: forged\\r\\nX-Mail-Origin: forged"',
    "array": ", ['X-Mail-Origin' => 'forged']",
    "array, another case": ", ['x-mail-ORIGIN' => 'forged']",
    "array of arrays": ", ['X-Mail-Origin' => ['forged', 'forged']]",
    "array value that holds a line": ', ["A" => "1\\r\\nX-Mail-Origin: forged"]',
    "named": ", additional_headers: ['X-Mail-Origin' => 'forged']",
}


def send(site, mark, form):
    code = f"""<?php
const HEADERS = ['X-Own' => 'kept'];
class Headers {{ function __toString(): string {{ return 'X-Own: kept'; }} }}
$headers = ['X-Own' => 'kept'];
$sent = mail('to@example.org', '{mark}', 'the body'{form});
echo json_encode([$sent, $headers === HEADERS]);
"""
    return site.shop.run(code)


@pytest.mark.parametrize("name", FORMS)
def test_form(site, name):
    form, expected = FORMS[name]
    mark = new_mark()
    answer = send(site, mark, form)
    assert answer.text == "[true,true]"
    message = site.sendmail.wait(mark)
    event = site.shop.json.wait(mark)
    assert message.header("X-Mail-Origin") == [event["id"]]
    for header, values in expected.items():
        assert message.header(header) == values
    assert message.header("To") == ["to@example.org"]
    assert message.parsed.get_payload().rstrip() == "the body"
    if "sender@" in form:
        assert "-fsender@shop.example" in message.arguments
        assert event["envelope_from"] == "sender@shop.example"
    # Nothing came with it that neither the script nor httpd.conf asked for.
    assert set(message.parsed.keys()) == {"To", "Subject", "X-Mail-Origin", *expected}


def test_null_is_what_php_makes_of_it(site):
    mark = new_mark()
    answer = send(site, mark, ", null")
    assert "Deprecated: mail(): Passing null to parameter #4 ($additional_headers)" in answer.text
    assert answer.text.endswith("[true,true]")
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [site.shop.json.wait(mark)["id"]]


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_copy_is_removed(site, name):
    mark = new_mark()
    answer = send(site, mark, FORGERIES[name])
    assert site.sendmail.with_subject(mark) or "true" not in answer.text, answer
    for message in site.sendmail.with_subject(mark):
        assert message.header("X-Mail-Origin") == [site.shop.json.wait(mark)["id"]]
        assert b"forged" not in message.raw
        for header, value in (("A", "1"), ("B", "2")):
            if f'"{header}: {value}' in FORGERIES[name] or f"n{header}: {value}" in FORGERIES[name]:
                assert message.header(header) == [value]


@pytest.mark.parametrize(
    "code, expected",
    [
        ("mail('a', 'b')", "mail() expects at least 3 arguments, 2 given"),
        ("mail('a', 'b', 'c', 4.5, [])", "mail(): Argument #5 ($additional_params) must be of type string, array given"),
        ("mail('a', 'b', 'c', new stdClass)", "mail(): Argument #4 ($additional_headers) must be of type array|string, stdClass given"),
        ("mail('a', 'b', 'c', ['a'])", "Header name cannot be numeric, 0 given"),
    ],
)
def test_errors_stay_phps_own(site, code, expected):
    answer = site.shop.run(f"<?php try {{ {code}; }} catch (Error $e) {{ echo $e->getMessage(); }}")
    assert expected in answer.text


def test_refused_by_php_is_not_sent(site):
    """PHP refuses a header block with an empty line in it; nothing may be added to make it pass."""
    mark = new_mark()
    answer = site.shop.run(f"<?php var_dump(@mail('to@example.org', '{mark}', 'b', \"A: 1\\r\\n\\r\\nX-Mail-Origin: forged\"));")
    assert answer.text == "bool(false)\n"
    assert not site.sendmail.with_subject(mark)


def test_own_name_and_format(make_site):
    vhosts = two_vhosts()
    vhosts[0].directives = """
  MailOriginLog logs/shop.json json
  MailOriginHeader On
  MailOriginHeader X-Mail-Trace "100%% %{vhost} %{file}:%{line} uid=%{uid} %{client} %{subject}"
  MailOriginRunAs #61001
"""
    site = make_site(vhosts)
    mark = new_mark()
    script = site.shop.script(
        f"<?php\nmail('to@example.org', \"{mark} gr\\xc3\\xbc\\xc3\\x9fe\", 'body', 'X-Mail-Trace: forged');"
    )
    assert site.shop.get(script.uri).status == 200
    event = site.shop.json.wait(mark)
    (message,) = [m for m in site.sendmail.messages() if m.subject.startswith(mark)]
    assert message.header("X-Mail-Origin") == [event["id"]]
    assert message.header("X-Mail-Trace") == [
        f"100% {site.shop.full_name} {script.path}:2 uid=61001 127.0.0.1 {mark} gr\\xc3\\xbc\\xc3\\x9fe"
    ]
    assert all(len(line) < 998 for line in message.head)
