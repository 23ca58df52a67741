"""The incident of docs/incident.md: from a complaint to the script that sent it, and its stop, in three commands."""

import base64
import os
import shlex

from harness.command import Command
from harness.site import SHOP_UID, new_mark
from harness.waiting import wait_until
from servers import Exim, Postfix

SERVERS = [Postfix, Exim]
MAILS = 20
CODE = """
foreach (range(1, {mails}) as $i) $sent = mail("someone$i@example.org", "{mark} $i", "Pay");
echo $sent ? "sent" : "refused";
@fsockopen("198.51.100.10", 25, $code, $text, 2);
"""
COMPLAINT = """From: feedback@example.org
To: abuse@shop.example
Subject: FW: Invoice
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: ExampleFeedback/1.0
Version: 1

--part
Content-Type: message/rfc822

{mail}
--part--
"""


def dropped(shop, mark):
    """A script that runs what it decodes, where visitors' files are kept."""
    code = base64.b64encode(CODE.format(mails=MAILS, mark=mark).encode()).decode()
    script = shop.write("wp-content/uploads/2026/11/wp-info.php", f"<?php eval(base64_decode('{code}'));")
    os.chown(script.path, SHOP_UID, SHOP_UID)
    return script


def test_from_the_complaint_to_the_stop(host, tmp_path):
    shop, mark = host.site.shop, new_mark()
    mailorigin = Command(host.site.installation, host.site.httpd.runtime_dir)
    script = dropped(shop, mark)
    assert shop.get(script.uri, timeout=120).text.startswith("sent")
    host.server.settled()
    mails = host.server.queued(mark)
    assert len(mails) == MAILS, host.server.said()
    complaint = tmp_path / "complaint.eml"
    complaint.write_text(COMPLAINT.format(mail=next(iter(mails.values()))))

    def traced():
        said = mailorigin("--json", "trace", str(complaint))
        report = said.json if said.status == 0 else {}
        return report if report.get("script", {}).get("hour") == MAILS else None

    report = wait_until(traced, "the mails to be stored", 30)
    event = report["event"]
    assert (event["site"], event["entry"]) == (shop.name, str(script.path)) and event["subject"].startswith(mark)
    expression = str(script.path).replace(".", r"\\.")
    assert report["advice"][0] == f'MailOriginDenyScript "^{expression}$"'
    assert report["block"] == f"mailorigin block script:{script.path}"

    def investigated():
        report = mailorigin("--json", "investigate", str(script.path)).json
        return report if report["mail"]["events"] == MAILS else None

    report = wait_until(investigated, "the mails to be counted", 30)
    assert {"eval-decoded", "uploads-directory"} <= set(report["signs"])
    assert report["requests"]["count"] == 1 and report["mail"]["recipients"] == MAILS

    refused = [entry for entry in shop.json.entries() if entry["kind"] == "smtp" and entry.get("dst") == "198.51.100.10"]
    assert [(entry["verdict"], entry["entry"]) for entry in refused] == [("deny", str(script.path))]
    trace = lambda: mailorigin("--json", "trace", refused[0]["id"])
    report = wait_until(lambda: (said := trace()).status == 0 and said.json, "the connection to be stored")
    assert report["advice"] == [] and report["delivery"] == []

    said = mailorigin(*shlex.split(report["block"])[1:])
    assert said.status == 0, said
    try:
        assert "refused" in shop.get(script.uri, timeout=120).text
        host.server.settled()
        assert len(host.server.queued(mark)) == MAILS
    finally:
        assert mailorigin("unblock", *shlex.split(report["block"])[2:]).status == 0
        script.path.unlink()
