"""Which mail may leave: MailOriginSend, DenyScript, MaxRecipients, Sender, Limit and Unverified."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from harness.flood import FLOOD
from harness.site import ALL_FORMATS, BLOG_UID, OTHER_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark

REFUSED = re.compile(r"Warning: mail\(\): Refused by MailOrigin: (\S+) \(event ([0-9A-Z]{26})\)")


def vhosts(shop, blog=""):
    return [Vhost("shop", SHOP_UID, WITH_HEADER + shop), Vhost("blog", BLOG_UID, WITH_HEADER + blog)]


def call(subject, to="to@example.org", headers="", parameters=""):
    return f"<?php var_dump(mail('{to}', '{subject}', 'body', \"{headers}\", '{parameters}'));"


def refused(vhost, code, reason, mark):
    """The mail is refused with a warning, and the event says the same; the event."""
    answer = vhost.run(code)
    assert answer.text.endswith("bool(false)\n"), answer.text
    said = REFUSED.search(answer.text)
    assert said and said[1] == reason, answer.text
    event = vhost.json.wait(mark)
    assert (event["verdict"], event["reason"], event["id"]) == ("deny", reason, said[2])
    assert not vhost.site.sendmail.with_subject(mark)
    return event


def allowed(vhost, code, mark, verdict="allow", reason=None):
    assert vhost.run(code).text == "bool(true)\n"
    event = vhost.json.wait(mark)
    assert (event["verdict"], event.get("reason")) == (verdict, reason)
    vhost.site.sendmail.wait(mark)
    return event


def test_send(make_site):
    site = make_site(vhosts("  MailOriginSend deny\n", "  MailOriginSend observe\n"))
    mark = new_mark()
    refused(site.shop, call(mark), "policy", mark)
    mark = new_mark()
    allowed(site.blog, call(mark), mark, "observe", "policy")


def test_a_refusal_tells_nothing_else(make_site):
    site = make_site(vhosts("  MailOriginSend deny\n"))
    text = site.shop.run(call(new_mark())).text
    assert re.fullmatch(
        r"\nWarning: mail\(\): Refused by MailOrigin: policy \(event [0-9A-Z]{26}\) in \S+ on line 1\nbool\(false\)\n",
        text,
    ), text


def test_phpmailer_says_that_it_was_refused(make_site):
    site = make_site(vhosts("  MailOriginSend deny\n"))
    answer = site.shop.run(
        """<?php
foreach (['Exception', 'PHPMailer'] as $part) require "/usr/share/php/libphp-phpmailer/src/$part.php";
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->setFrom('me@shop.example');
$mail->addAddress('to@example.org');
$mail->Body = 'x';
try { $mail->send(); echo 'sent'; } catch (Exception $e) { echo 'caught: ', $e->getMessage(), ' / ', error_get_last()['message']; }
"""
    )
    assert "caught: Could not instantiate mail function." in answer.text
    assert "Refused by MailOrigin: policy" in answer.text


def test_deny_script(make_site):
    site = make_site(vhosts("  MailOriginDenyScript /uploads/ ^eval$\n"))
    mark = new_mark()
    allowed(site.shop, call(mark), mark)
    # The file on the stack counts, not only the entry.
    included = site.shop.write("uploads/inc.php", "<?php function send($s) { var_dump(mail('to@example.org', $s, 'b')); }")
    mark = new_mark()
    event = refused(site.shop, f"<?php require '{included.path}'; send('{mark}');", "script", mark)
    assert event["file"] == str(included.path)
    # However deep the recursion that stands between.
    site.shop.write("deep.php", "<?php function deep($n, $s) { $n ? deep($n - 1, $s) : var_dump(mail('to@example.org', $s, 'b')); }")
    evil = site.shop.write("uploads/evil.inc", "<?php deep(200, $subject);")
    mark = new_mark()
    refused(site.shop, f"<?php require 'deep.php'; $subject = '{mark}'; require '{evil.path}';", "script", mark)
    mark = new_mark()
    refused(site.shop, f"<?php eval('var_dump(mail(\\'to@example.org\\', \\'{mark}\\', \\'b\\'));');", "script", mark)


@pytest.mark.parametrize("left_behind", [
    "register_shutdown_function('mail', 'to@example.org', $subject, 'b');",
    "register_shutdown_function([new Fiber('mail'), 'start'], 'to@example.org', $subject, 'b');",
    "register_shutdown_function('application', $subject);",
    "$kept = new Last($subject);",
])  # fmt: skip
@pytest.mark.parametrize("way", ["require '/FILE';", "eval(file_get_contents('/FILE', false, null, 5));"])
def test_deny_script_where_the_script_is_on_no_stack(make_site, way, left_behind):
    """PHP itself makes the call, or calls the application, at the request's end."""
    site = make_site(vhosts("  MailOriginDenyScript /uploads/ ^eval$\n"))
    application = """<?php
function application($s) { mail('to@example.org', $s, 'b'); }
class Last { function __construct(public $s) {} function __destruct() { application($this->s); } }
"""
    site.shop.write("application.php", application)
    mark = new_mark()
    allowed_end = f"{application} register_shutdown_function('application', '{mark}'); echo 'done';"
    assert site.shop.run(allowed_end).text == "done"
    assert site.shop.json.wait(mark)["verdict"] == "allow"
    mark = new_mark()
    evil = site.shop.write("uploads/evil.php", f"<?php {left_behind}")
    way = way.replace("/FILE", str(evil.path))
    text = site.shop.run(f"<?php require 'application.php'; $subject = '{mark}'; {way}").text
    assert "Refused by MailOrigin: script (event " in text
    assert (event := site.shop.json.wait(mark))["verdict"] == "deny" and event["reason"] == "script"
    assert not site.sendmail.with_subject(mark)


def test_max_recipients(make_site):
    site = make_site(vhosts("  MailOriginMaxRecipients 3\n"))
    mark = new_mark()
    allowed(site.shop, call(mark, "a@example.org, b@example.org", "Cc: c@example.org"), mark)
    for to, headers, parameters in (
        ("a@example.org", "Bcc: b@example.org, c@example.org,\\r\\n d@example.org", ""),
        ("a@example.org", "Resent-To: b@example.org, c@example.org, d@example.org", ""),
        ("a@example.org, b@example.org", "X: y", "c@example.org d@example.org"),
    ):
        mark = new_mark()
        event = refused(site.shop, call(mark, to, headers, parameters), "max-recipients", mark)
        assert event["recipients"] == 4


def test_max_recipients_counts_what_any_mail_server_takes_for_one(make_site):
    site = make_site(vhosts("  MailOriginMaxRecipients 1\n"))
    for to in ('"Last, First" <a@example.org>', "a@example.org (b@example.org, c)", "Team: a@example.org;", "[Shop] <a@example.org>"):
        mark = new_mark()
        allowed(site.shop, call(mark, to), mark)
    for to, headers, parameters in (
        ("<a@x.test> <b@x.test> <c@x.test> <d@x.test>", "", ""),
        ("a@x.test; b@x.test; c@x.test; d@x.test (", "", ""),
        ("a b", "", ""),
        ("<@a.test,@b.test:c@x.test>", "", ""),
        ("a@x.test", "X: y\\rBcc: b@x.test", ""),
        ("a@x.test", "", "-- -b"),
        ("a@x.test", "RCPT TO:<b@x.test>", "-bs"),
    ):
        mark = new_mark()
        refused(site.shop, call(mark, to, headers, parameters), "max-recipients", mark)


def test_sender(make_site):
    site = make_site(vhosts("  ServerAlias *.shop.example\n  MailOriginSender vhost partner.example\n"))
    for sender in (
        "me@shop.example", "Me <me@www.shop.example>", "me@PARTNER.example",
        "me@shop.example <me@shop.example>", "[Shop] <me@shop.example>", "Shop; Ltd <me@shop.example>",
    ):
        mark = new_mark()
        allowed(site.shop, call(mark, headers=f"From: {sender}", parameters="-fbounce@shop.example"), mark)
    mark = new_mark()
    allowed(site.shop, call(mark), mark)
    for headers, parameters in (
        ("From: me@evil.example", ""),
        ("From: me@shop.example\\r\\nFrom: x@evil.example", ""),
        ("From: a@shop.example, b@evil.example", ""),
        ("From: =?utf-8?q?me=40shop.example?= <x@evil.example>", ""),
        ("From: Team: a@shop.example, b@evil.example;", ""),
        ("From: me@shop.example", "-fx@evil.example"),
        ("From: me@shop.example", "-f x@evil.example"),
        ("From: me@shop.example", "-ifx@evil.example"),
        ("From: me@shop.example", "-fx@evil.example \\\\-fme@shop.example"),
        ("From: me@shop.example", "-fx@evil.example -fme@shop.example"),
        ("From: me@shop.example\\\\(<ev@other.test>)", ""),
        ("From: me@shop.example", '-f "me@shop.example\\(<ev@other.test>)"'),
        ("From: me@shop.example", '-f "Shop; Ltd <me@shop.example>"'),
        ("From: me@shop.example", "-N -fx@evil.example"),
        ("From: me@shop.example", "--fro=me@shop.example"),
        ("From: Shop; Ltd <me@shop.example>", "--read-e"),
        ("From: me@shop.example", "-C /tmp/mailrc"),
        ("From: me@shop.example", "-bs"),
    ):
        mark = new_mark()
        refused(site.shop, call(mark, headers=headers, parameters=parameters), "sender", mark)


def send_until_refused(vhost, most):
    for count in range(most):
        text = vhost.run(call(new_mark())).text
        if text != "bool(true)\n":
            return count, text
    raise AssertionError(f"none of {most} mails was refused")


def test_limit_holds_over_workers_shells_and_restarts(make_site):
    site = make_site(vhosts("  MailOriginLimit 3/day\n"))
    site.httpd.allow_log(r"\bMO\d{4}\b")
    sent, text = send_until_refused(site.shop, 5)
    assert sent == 3
    assert re.search(r"Refused by MailOrigin: limit \(event \S+\), the next may leave in 28[78]\d\d s", text), text
    # The same vhost from a shell: its uid is that of exactly one.
    done, _ = site.php(SHOP_UID, call(new_mark()))
    assert b"Refused by MailOrigin: limit" in done.stdout
    site.httpd.graceful()
    assert "limit" in site.shop.run(call(new_mark())).text
    site.httpd.restart()
    assert "limit" in site.shop.run(call(new_mark())).text
    os.kill(site.httpd.daemon(), signal.SIGKILL)
    assert "limit" in site.shop.run(call(new_mark())).text
    # The neighbour has limits of its own: none.
    mark = new_mark()
    allowed(site.blog, call(mark), mark)


def test_several_limits_all_hold(make_site):
    site = make_site(
        vhosts(
            "  MailOriginLimit 100/hour burst=4 count=recipients\n"
            "  MailOriginLimit 100/hour burst=2 per=script\n"
            "  MailOriginLimit 100/hour burst=1 per=uid action=observe\n"
        )
    )
    page = site.shop.write("one.php", call("$_GET[s]").replace("'$_GET[s]'", "$_GET['s']"))
    verdicts = []
    for _ in range(3):
        mark = new_mark()
        site.shop.get(f"{page.uri}?s={mark}")
        event = site.shop.json.wait(mark)
        verdicts.append((event["verdict"], event.get("reason")))
    assert verdicts == [("allow", None), ("observe", "limit"), ("deny", "limit")]
    # Another script has its own share; two recipients are left for the host.
    mark = new_mark()
    refused(site.shop, call(mark, "a@example.org, b@example.org, c@example.org"), "limit", mark)
    mark = new_mark()
    allowed(site.shop, call(mark, "a@example.org, b@example.org"), mark, "observe", "limit")


def test_unverified(make_site):
    site = make_site(vhosts(""), server=SERVER + "MailOriginUnverified deny\n")
    mark = new_mark()
    done, _ = site.php(OTHER_UID, call(mark))
    assert b"Refused by MailOrigin: unverified" in done.stdout
    assert site.server_json.wait(mark)["verdict"] == "deny"
    # A uid of exactly one vhost is that vhost's.
    mark = new_mark()
    done, _ = site.php(SHOP_UID, call(mark))
    assert done.stdout == b"bool(true)\n"
    assert site.shop.json.wait(mark)["verdict"] == "allow"


def test_vhosts_replace_or_inherit(make_site):
    server = SERVER + "MailOriginSend deny\nMailOriginLimit 1/day\nMailOriginDenyScript /\n"
    site = make_site(
        vhosts("  MailOriginSend allow\n  MailOriginLimit none\n  MailOriginDenyScript none\n"), server=server
    )
    for _ in range(3):
        mark = new_mark()
        allowed(site.shop, call(mark), mark)
    mark = new_mark()
    refused(site.blog, call(mark), "policy", mark)


@pytest.mark.parametrize("directive", ["MailOriginSend", "MailOriginLimit", "MailOriginSender"])
def test_off_is_off(make_site, directive):
    argument = {"MailOriginSend": "deny", "MailOriginLimit": "1/day", "MailOriginSender": "other.example"}[directive]
    site = make_site([Vhost("shop", SHOP_UID, ALL_FORMATS + f"  MailOrigin Off\n  {directive} {argument}\n")])
    for _ in range(2):
        assert site.shop.run(call(new_mark(), headers="From: me@shop.example")).text == "bool(true)\n"


@pytest.mark.parametrize("connections", [8, 1000])
def test_a_flood_opens_nothing_and_holds_up_nobody(make_site, connections):
    """With the patience of a quarter of a second the flooder's mail stays refused; its neighbour's is recorded."""
    hosts = vhosts("  MailOriginSend deny\n")
    hosts[0].pool.settings["mailorigin.patience_ms"] = "250"
    site = make_site(hosts)
    site.httpd.allow_log(r"\bMO\d{4}\b")
    flood = subprocess.Popen(
        [sys.executable, FLOOD, site.httpd.runtime_dir / "mailorigin.sock",
         str(SHOP_UID), str(connections), "60"],
        stdout=subprocess.PIPE,
    )
    marks, until = [], time.monotonic() + 4
    try:
        while time.monotonic() < until or len(marks) <= 3:
            assert flood.poll() is None, "no flood any more"
            assert "bool(false)" in site.shop.run(call(new_mark())).text
            marks.append(new_mark())
            assert site.blog.run(call(marks[-1])).text == "bool(true)\n"
    finally:
        flood.terminate()
        sent, answered = map(int, flood.communicate()[0].split())
    assert answered > 1000, "no flood"
    site.blog.json.wait_for(marks)
    assert not [message for message in site.sendmail.messages() if "unrecorded" in message.header("X-Mail-Origin")]
    assert {message.subject for message in site.sendmail.messages()} == set(marks)
