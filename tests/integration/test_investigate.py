"""mailorigin investigate: what is known of a file."""

import base64
import hashlib
import json
import os
import re
import subprocess
import time

import pytest
from harness.clamd import MARK, NAME, Clamd
from harness.command import Command
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import as_user, wait_until
from harness.wire import Context, Key, connect, question

SITE = {}
COMBINED = WITH_HEADER + "  CustomLog logs/{short}.combined \"%a %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-agent}i\\\"\"\n"
DROPPER = """<?php // {mark}
eval(base64_decode('{code}'));
"""


def vhosts():
    return [Vhost("shop", SHOP_UID, COMBINED), Vhost("blog", BLOG_UID, WITH_HEADER)]


@pytest.fixture(scope="module")
def clamd(installation):
    with Clamd(installation.directory("clamd")) as running:
        yield running


class Investigator(Command):
    def __init__(self, site, clamd, login_log):
        super().__init__(site.installation, site.httpd.runtime_dir)
        self.options = ["--clamd", str(clamd.socket), "--login-log", str(login_log)]

    def __call__(self, path, *more, uid=None):
        return super().__call__("investigate", *self.options, *more, str(path), uid=uid)

    def report(self, path, *more, status=0):
        said = self(path, "--json", *more)
        assert (said.status, said.err) == (status, ""), said
        return said.json


@pytest.fixture
def login_log(tmp_path):
    log = tmp_path / "auth.log"
    log.write_text("")
    return log


@pytest.fixture
def investigate(site, clamd, login_log):
    return Investigator(site, clamd, login_log)


def dropped(site, name, code, mark=""):
    """A file of the shop's own user, as somebody leaves it there."""
    script = site.shop.write(name, DROPPER.format(code=base64.b64encode(code.encode()).decode(), mark=mark))
    os.chown(script.path, SHOP_UID, SHOP_UID)
    return script


def test_a_dropped_script(site, investigate, login_log):
    mark = new_mark()
    script = dropped(
        site, "wp-content/uploads/x.php", f"foreach (range(1, 3) as $i) mail(\"victim$i@example.org\", '{mark}', 'body');", MARK,
    )
    neighbour = site.shop.write("wp-content/plugins/y.php", "<?php")
    now = time.strftime("%b %e %H:%M:%S")
    login_log.write_text(
        f"{now} web1 internal-sftp[7]: open \"/wp-content/uploads/x.php\" flags WRITE,CREATE mode 0644\n"
        f"{now} web1 internal-sftp[7]: open \"/wp-content/uploads/other.php\" flags WRITE,CREATE mode 0644\n"
    )
    assert site.shop.get(script.uri).status == 200
    assert site.shop.get("/wp-content//uploads/%78.php?again", headers={"User-Agent": "last"}).status == 200
    site.shop.get("/", headers={"Referer": script.uri, "User-Agent": f"GET {script.uri} HTTP/1.1"})

    def complete():
        """Each request is in both logs of the host, once it is over."""
        report = investigate.report(script.path)
        return report if (report["mail"]["events"], report["requests"]["count"]) == (6, 4) else None

    report = wait_until(complete, "all mails to be stored, all requests to be logged")
    content = script.path.read_bytes()
    about = script.path.stat()
    file = report["file"]
    assert file["path"] == str(script.path)
    assert (file["owner"], file["group"], file["mode"], file["size"]) == (f"#{SHOP_UID}", f"#{SHOP_UID}", f"{about.st_mode & 0o7777:04o}", len(content))
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["vhost"] == site.shop.full_name and file["purpose"] == "uploads" and "package" not in file
    assert {"eval-decoded", "uploads-directory"} <= set(report["signs"])
    assert report["clamd"] == {"asked": True, "verdict": "infected", "name": f"{NAME}.UNOFFICIAL"}
    mail = report["mail"]
    times = sorted(each["time"] for each in map(json.loads, site.shop.json.lines_with(mark)))
    assert (mail["recipients"], mail["denied"], mail["first"], mail["last"]) == (6, 0, times[0], times[-1])
    assert sorted(mail["to"]) == [f"victim{i}@example.org" for i in (1, 2, 3)]
    requests = report["requests"]
    assert requests["clients"] == [{"address": "127.0.0.1", "count": 4}]
    assert "uploads/x.php" in requests["first"] and "%78.php?again" in requests["last"]
    assert [each["log"] for each in report["logins"]] == [str(login_log)]
    assert str(neighbour.path) in report["neighbours"]
    path = str(script.path).replace(".", r"\\.")
    assert report["advice"][0] == f'MailOriginDenyScript "^{path}$"'

    text = investigate(script.path).out
    for part in ("eval-decoded", f"infected: {NAME}", "victim2@example.org", "%78.php?again", "internal-sftp", "MailOriginDenyScript"):
        assert part in text, text


def test_what_is_well(site, investigate):
    script = site.shop.write("index.php", "<?php\necho 'welcome';\n")
    report = investigate.report(script.path)
    assert report["clamd"] == {"asked": True, "verdict": "clean"}
    assert report["signs"] == [] and report["mail"]["events"] == 0
    assert investigate.report("/usr/bin/dpkg")["file"]["package"] == "dpkg"


def test_without_clamd(site, investigate):
    script = site.shop.write("index.php", "<?php\n")
    for socket in ("/nonexistent", str(site.directory)):
        clamd = investigate.report(script.path, "--clamd", socket)["clamd"]
        assert clamd["verdict"] == "error" and socket in clamd["why"], clamd
        assert "systemctl start clamav-daemon" in clamd["remedy"], clamd
    large = site.shop.write("large.bin", b"x" * (2 << 20))  # more than that clamd takes
    assert "size limit" in investigate.report(large.path)["clamd"]["why"]


def test_a_file_that_is_gone(site, investigate):
    mark = new_mark()
    script = dropped(site, "cache/gone.php", f"mail('a@example.org', '{mark}', 'body');")
    assert site.shop.get(script.uri).status == 200

    def known():
        report = investigate.report(script.path)
        return report["mail"]["events"], report["requests"]["count"]

    wait_until(lambda: known() == (1, 2), "the mail to be stored, its request to be logged")
    script.path.unlink()
    assert known() == (1, 2) and "size" not in investigate.report(script.path)["file"]
    assert "is not there" in investigate(script.path).out
    assert not investigate.report(script.path.with_name("never.php"), status=1)["found"]


def test_what_others_say_that_it_sent(site, investigate, tmp_path):
    """Any process can name a neighbour's script, with a true context of its own site or with none."""
    mark = new_mark()
    script = dropped(site, "claimed.php", f"mail('a@example.org', '{mark}', 'body');")
    library = tmp_path / "library.php"  # of no site
    library.write_text("<?php\n")
    key = Key.read(site.httpd.runtime_dir)
    of_the_blog = Context(site.blog.full_name, uid=BLOG_UID, details={"uri": "/", "method": "GET"}).sealed(key)

    def claim(context):
        for path in (script.path, library):
            with connect(site.httpd.runtime_dir / "mailorigin.sock") as connection:
                connection.send(question(
                    os.urandom(16), context, subject=mark, to="x@example.org, y@example.org", recipients="2",
                    entry=str(path), file=str(path), line="3", caller=f"{path}:3",
                ))
                connection.recv(65536)

    as_user(OTHER_UID, lambda: claim(""))
    as_user(BLOG_UID, lambda: claim(""))
    as_user(BLOG_UID, lambda: claim(of_the_blog))
    assert site.shop.get(script.uri).status == 200

    def mail_of(path, *expected):
        mail = investigate.report(path)["mail"]
        return mail if (mail["events"], mail["claimed"]) == expected else None

    mail = wait_until(lambda: mail_of(script.path, 1, 3), "its own mail to be told from the others")
    assert (mail["recipients"], mail["to"], mail["first"]) == (1, ["a@example.org"], mail["last"])
    report = wait_until(lambda: mail_of(library, 0, 3) and investigate.report(library), "the others to be stored")
    assert "first" not in report["mail"] and report["mail"]["to"] == []
    assert report["requests"]["why"].startswith("no access log") and report["advice"] == []
    text = investigate(script.path).out
    assert "1 to 1 recipient," in text and "left out: 3 mails" in text, text
    rows = Command(site.installation, site.httpd.runtime_dir)("--json", "top", "--by", "script").json["rows"]
    sums = {row["name"]: row["mails"] for row in rows}
    assert sums[str(script.path)] == 1
    assert [sums[f"{script.path} (says uid {uid})"] for uid in (OTHER_UID, BLOG_UID)] == [1, 1]


def test_what_is_no_file(site, investigate, tmp_path):
    fifo, link, loop = tmp_path / "fifo", tmp_path / "link", tmp_path / "loop"
    os.mkfifo(fifo)
    link.symlink_to("/etc/shadow")
    loop.symlink_to("loop")
    for path, kind in ((tmp_path, "a directory"), (fifo, "a FIFO"), ("/dev/zero", "a device"), (link, "/etc/shadow"), (loop, "link")):
        said = investigate(path)
        assert (said.status, said.out) == (2, "") and kind in said.err, said
    assert investigate("/etc/passwd", uid=SHOP_UID).status == 1
    assert Command(site.installation, site.httpd.runtime_dir)("investigate").status == 2


def test_logs_that_were_rotated(site, investigate, tmp_path):
    script = site.shop.write("old.php", "<?php\n")
    log = tmp_path / "access.log"

    def lines(day):
        return "".join(f'192.0.2.{day} - - [{day:02}/Nov/2026:12:00:00 +0000] "GET {uri} HTTP/1.1" 200 5\n' for uri in ("/old.php", "/other.php"))

    log.write_text(lines(9) + '192.0.2.9 - - [09/Nov/2026:12:00:01 +0000] "GET /old.php HTTP/1.1" 200')  # being written
    for day, name, packer in ((6, "access.log.3.xz", "xz"), (7, "access.log.2.zst", "zstd"), (8, "access.log.1.gz", "gzip")):
        packed = tmp_path / name
        packed.write_bytes(subprocess.run([packer, "-c"], input=lines(day).encode(), capture_output=True, check=True).stdout)
        os.utime(packed, (day * 1000, day * 1000))
    (tmp_path / "access.log.5").write_bytes(b"\0" * 100_000 + b"\n" + b"/xold.php" * 100_000)
    os.mkfifo(tmp_path / "access.log.6")
    (tmp_path / "access.log.7").symlink_to("/dev/zero")
    report = investigate.report(script.path, "--access-log", str(log))
    requests = report["requests"]
    assert requests["count"] == 5 and requests["first"].startswith("192.0.2.6") and requests["last"].startswith("192.0.2.9")
    assert len(requests["clients"]) == 4 and "unread" not in report
    broken = (tmp_path / "access.log.1.gz").read_bytes()
    (tmp_path / "access.log.1.gz").write_bytes(broken[: len(broken) // 2])
    report = investigate.report(script.path, "--access-log", str(log))
    assert [each["log"] for each in report["unread"]] == [str(tmp_path / "access.log.1.gz")]
    assert "ends early" in investigate(script.path, "--access-log", str(log)).out


def test_nothing_reaches_the_terminal(site, investigate, tmp_path, login_log):
    name = "evil\n\033[31m\x9b2J\udcff.php"
    script = site.shop.write(name, "<?php\n")
    uri = "/evil%0A%1B%5B31m%C2%9B2J%FF.php"
    log = tmp_path / "access.log"
    log.write_bytes(f'192.0.2.1\033[2J - - [01/Nov/2026:12:00:00 +0000] "GET {uri} HTTP/1.1" 200 5 "-" "\033]0;title\007\x9b"\n'.encode("latin-1"))
    said = subprocess.run(
        [str(investigate.program), "--runtime-dir", str(site.httpd.runtime_dir), "investigate", *investigate.options,
         "--access-log", str(log), os.fsencode(script.path)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
    )
    assert said.returncode == 0, said
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", said.stdout + said.stderr), said.stdout
    assert b"\\x1b[31m" in said.stdout and b"1\n" in said.stdout
    said = subprocess.run(
        [str(investigate.program), "--runtime-dir", str(site.httpd.runtime_dir), "investigate", "--json", *investigate.options,
         "--access-log", str(log), os.fsencode(script.path)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
    )
    assert json.loads(said.stdout)["requests"]["count"] == 1


def test_without_a_daemon(installation, investigate, site, tmp_path):
    """Where a site begins is not known, and so any end of the path may be asked for."""
    script = site.shop.write("deep/index.php", "<?php\n")
    log = tmp_path / "access.log"
    log.write_text("".join(f"192.0.2.7 {uri} 200\n" for uri in ("/index.php", "/deep/index.php", "/other/index.php", "/shop/deep/index.php")))
    said = Command(installation, tmp_path)("investigate", *investigate.options, "--access-log", str(log), str(script.path))
    assert said.status == 0 and "not known: " in said.out and "clamd     has nothing against it" in said.out, said
    assert "count     3\n" in said.out, said
