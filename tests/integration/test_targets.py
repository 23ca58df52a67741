"""Where log lines go: files, pipes, syslog; and what happens when one of them does not take them."""

import os
import re
import signal

import pytest
from harness.logs import json_log
from harness.site import SERVER, new_mark, two_vhosts
from harness.mounts import fill, mount_tmpfs, unmount
from harness.waiting import alive, processes_named_by, wait_until

LONG = "'X-Long: ' . str_repeat('x', 1500)"

READER = """#!/bin/sh
# A piped log that waits until it may read.
while [ ! -e {gate} ]; do sleep 0.02; done
exec cat >>{out}
"""


def send_long(vhost, count):
    """Mails with a long header each, all in one request; their marks."""
    mark = new_mark()
    answer = vhost.run(
        f"<?php for ($i = 0; $i < {count}; $i++) if (!mail('to@example.org', '{mark}-' . $i . '-', 'body', {LONG})) echo 'no';"
    )
    assert answer.text == ""
    return [f"{mark}-{i}-" for i in range(count)]


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_piped_log(make_site):
    """A reader of one's own and rotatelogs, through graceful restarts. The same line twice is one."""
    vhosts = two_vhosts(
        '  MailOriginLog "|/bin/sh -c \'exec cat >>{dir}/logs/{short}.piped\'" json\n'
        + 2 * '  MailOriginLog "|/usr/bin/rotatelogs {dir}/logs/{short}.rotated.%Y 86400" json\n'
        + 2 * "  MailOriginLog logs/{short}.json json\n"
    )
    site = make_site(vhosts)
    site.httpd.allow_log("AH00488")  # what the event MPM says of every piped log at a graceful restart
    marks = []
    for _ in range(4):
        marks += [site.shop.mail() for _ in range(5)]
        site.httpd.graceful()
        marks.append(site.shop.mail())
    piped = json_log(site.directory / "logs/shop.piped")
    piped.wait_for(marks)
    site.shop.json.wait_for(marks)
    (rotated,) = wait_until(lambda: list((site.directory / "logs").glob("shop.rotated.*")), "rotatelogs")
    json_log(rotated).wait_for(marks)
    for log in (piped, json_log(rotated), site.shop.json):
        assert len(log.entries()) == len(marks)
    blog = site.blog.mail()
    json_log(site.directory / "logs/blog.piped").wait(blog)
    site.httpd.stop()
    wait_until(lambda: not processes_named_by(str(site.directory / "logs/shop.rotated")), "rotatelogs' end")


def test_piped_log_that_ends_is_restarted(make_site):
    vhosts = two_vhosts('  MailOriginLog "|{dir}/reader {short}" json\n  MailOriginLog logs/{short}.json json\n')
    site = make_site(vhosts, start=False)
    program(
        site.directory / "reader",
        f"#!/bin/sh\necho $$ >>{site.directory}/$1.pids\nexec cat >>{site.directory}/logs/$1.piped\n",
    )
    site.start()
    piped = json_log(site.directory / "logs/shop.piped")
    marks = [site.shop.mail()]
    piped.wait_for(marks)
    site.httpd.allow_log("AH00106|piped log program|MO\\d{4}: .*reader")

    def readers():
        """httpd starts one for each time that it reads its configuration, and ends the former."""
        return [int(pid) for pid in (site.directory / "shop.pids").read_text().split() if alive(int(pid))]

    (first,) = wait_until(lambda: len(found := readers()) == 1 and found, "one reader")
    os.kill(first, signal.SIGKILL)
    for _ in range(5):
        marks.append(site.shop.mail())
    wait_until(lambda: readers() and readers() != [first], "another reader")
    marks.append(site.shop.mail())
    piped.wait_for(marks)
    site.shop.json.wait_for(marks)


def test_stalled_pipe(make_site):
    """A reader that does not read holds up neither mail() nor the other logs."""
    vhosts = two_vhosts('  MailOriginLog "|{dir}/reader" json\n  MailOriginLog logs/{short}.json json\n')
    vhosts[1].directives = "  MailOriginLog logs/blog.json json\n  MailOriginRunAs #61002\n"
    site = make_site(vhosts, start=False)
    gate, out = site.directory / "gate", site.directory / "logs/shop.piped"
    program(site.directory / "reader", READER.format(gate=gate, out=out))
    site.start()
    site.httpd.allow_log(r"MO\d{4}: .*reader")
    marks = []
    for _ in range(4):
        marks += send_long(site.shop, 50)
    # More than a pipe holds, and every one of them is in the file.
    site.shop.json.wait_for(marks)
    assert sum(len(line) for line in site.shop.json.lines()) > 200_000
    site.blog.json.wait(site.blog.mail())
    assert not out.exists()
    gate.touch()
    piped = json_log(out)
    piped.wait_for(marks)
    assert [event["id"] for event in piped.entries()] == [event["id"] for event in site.shop.json.entries()]


def test_stalled_pipe_through_graceful_and_kill(make_site):
    """What a stalled reader has not taken waits in the journal over restarts of everything."""
    vhosts = two_vhosts('  MailOriginLog "|{dir}/reader" json\n  MailOriginLog logs/{short}.json json\n')
    vhosts[1].directives = ""
    site = make_site(vhosts, start=False)
    gate, out = site.directory / "gate", site.directory / "logs/shop.piped"
    program(site.directory / "reader", READER.format(gate=gate, out=out))
    site.start()
    site.httpd.allow_log(r"\bMO\d{4}\b|AH00106|piped log program")
    marks = send_long(site.shop, 100)
    site.shop.json.wait_for(marks)
    os.kill(site.httpd.daemon(), signal.SIGKILL)
    marks += send_long(site.shop, 5)
    site.shop.json.wait_for(marks)
    gate.touch()
    piped = json_log(out)
    piped.wait_for(marks)
    entries = [event["subject"] for event in site.shop.json.entries()]
    assert entries == marks


def test_full_disk(make_site):
    """A log's disk is full: mail goes on, other logs too, error_log says so once, nothing is lost."""
    vhosts = two_vhosts("  MailOriginLog {dir}/full/{short}.json json\n  MailOriginLog logs/{short}.json json\n")
    site = make_site(vhosts, start=False)
    mount_tmpfs(site.directory / "full", "1m")
    try:
        site.start()
        full = json_log(site.directory / "full/shop.json")
        marks = send_long(site.shop, 3)
        full.wait_for(marks)
        ballast = site.directory / "full/ballast"
        fill(ballast)
        marks += send_long(site.shop, 20)
        site.shop.json.wait_for(marks)
        said = site.httpd.wait_log(r"MO\d{4}: .*full/shop\.json.*[Nn]o space left")
        marks += send_long(site.shop, 20)
        site.shop.json.wait_for(marks)
        number = re.search(r"MO\d{4}", said)[0]
        assert len(re.findall(rf"{number}: .*full/shop\.json", site.httpd.error_log.read_text())) == 1
        site.httpd.allow_log(r"MO\d{4}: .*full/blog\.json")
        blog = site.blog.mail()
        json_log(site.directory / "logs/blog.json").wait(blog)
        ballast.unlink()
        full.wait_for(marks)
        assert [event["subject"] for event in full.entries()] == marks
        site.httpd.wait_log(r"MO\d{4}: .*full/shop\.json.*written again")
    finally:
        site.stop()
        unmount(site.directory / "full")


def test_full_journal(make_site):
    """The journal's own disk is full, as a tenant can make it: mail is refused, unless on_timeout says otherwise."""
    vhosts = two_vhosts()
    vhosts[1].pool.settings["mailorigin.on_timeout"] = "allow"
    site = make_site(vhosts, start=False)
    mount_tmpfs(site.httpd.state_dir, "8m")
    try:
        site.start()
        site.shop.json.wait(site.shop.mail())
        ballast = site.httpd.state_dir / "ballast"
        fill(ballast)
        site.httpd.allow_log(r"MO\d{4}: .*journal")
        code = "<?php for ($i = 0; $i < 500; $i++) if (!@mail('to@example.org', 'MARK', 'b', 'X: ' . str_repeat('x', 15000))) { echo 'refused'; break; }"
        mark = new_mark()
        assert site.shop.run(code.replace("MARK", mark)).text == "refused"
        sent = site.blog.run(f"<?php var_dump(mail('to@example.org', '{new_mark()}', 'b', 'X: ' . str_repeat('x', 15000)));")
        assert sent.text == "bool(true)\n"
        refused = site.shop.run("<?php mail('to@example.org', 'again', 'b', 'X: ' . str_repeat('x', 15000));")
        assert "Refused by MailOrigin: unwritable" in refused.text
        ballast.unlink()
        wait_until(lambda: "true" in site.shop.run("<?php var_dump(@mail('to@example.org', 'again', 'b'));").text, "the journal")
        site.shop.json.wait(site.shop.mail())
    finally:
        site.stop()
        unmount(site.httpd.state_dir)


def test_syslog(make_site, syslog):
    vhosts = two_vhosts("  MailOriginLog syslog\n  MailOriginLog logs/{short}.json json\n")
    vhosts[1].directives = "  MailOriginLog syslog:local3 json\n  MailOriginRunAs #61002\n"
    site = make_site(vhosts)
    mark = site.shop.mail()
    line = syslog.wait(mark)
    facility, level = divmod(int(re.match(r"<(\d+)>", line)[1]), 8)
    assert facility == 2, "mail is the facility where none is named"
    assert 4 < level <= 6
    assert "mailorigin" in line.partition(f"subject={mark}")[0]
    assert f"vhost={site.shop.full_name}" in line
    mark = site.blog.mail()
    line = syslog.wait(mark)
    assert int(re.match(r"<(\d+)>", line)[1]) // 8 == 16 + 3
    assert f'"subject":"{mark}"' in line


def test_one_file_of_several_vhosts(make_site):
    """One path is one descriptor; every line is whole."""
    site = make_site(two_vhosts("  MailOriginLog logs/all.json json\n"), server="MailOriginLog logs/all.json json\n")
    marks = []
    for _ in range(5):
        marks += [site.shop.mail(), site.blog.mail()]
    log = json_log(site.directory / "logs/all.json")
    log.wait_for(marks)
    assert {event["vhost"] for event in log.entries()} == {site.shop.full_name, site.blog.full_name}


def test_log_that_is_a_fifo_or_device(make_site):
    site = make_site(two_vhosts("  MailOriginLog /dev/null json\n  MailOriginLog logs/{short}.json json\n"))
    site.shop.json.wait(site.shop.mail())


def test_cannot_be_opened(make_site):
    site = make_site(start=False)
    site.shop.directives = "  MailOriginLog nowhere/at/all/shop.log\n"
    site.configure()
    said = site.httpd.failed_start()
    assert re.search(r"MO\d{4}: MailOriginLog.*nowhere/at/all/shop\.log.*No such file", said), said
    site.httpd.allow_log(".")
    # As with CustomLog: -t does not open logs, the start does.
    site.shop.directives = "  MailOriginLog logs/shop.json json\n"
    site.configure()
    site.start()
    site.shop.json.wait(site.shop.mail())


def test_cannot_be_opened_at_a_graceful_restart(make_site):
    """A start that fails at a restart ends httpd, as CustomLog's would; the daemon must not linger."""
    site = make_site()
    site.shop.mail()
    site.shop.directives = "  MailOriginLog nowhere/at/all/shop.log\n"
    site.configure()
    site.httpd.process.send_signal(signal.SIGUSR1)
    site.httpd.process.wait(15)
    said = site.httpd.said()
    assert "nowhere/at/all/shop.log" in said
    wait_until(lambda: not site.httpd.daemons(), "the daemon's end")
    site.httpd.allow_log(".")


def test_hundreds_of_logs(make_site):
    """More targets than fit into one packet of descriptors."""
    extra = "".join(
        f"<VirtualHost 127.0.0.1:{{port}}>\nServerName v{n}.example\nDocumentRoot {{dir}}/www/shop\n"
        f"MailOriginLog logs/many.{n}.json json\n</VirtualHost>\n"
        for n in range(600)
    )
    site = make_site(server=SERVER + extra)
    site.shop.json.wait(site.shop.mail())
    site.httpd.graceful()
    site.blog.json.wait(site.blog.mail())
    assert len(list((site.directory / "logs").glob("many.*"))) == 600


@pytest.mark.parametrize("name", ["none in vhost", "only server"])
def test_merge(make_site, name):
    vhosts = two_vhosts()
    vhosts[0].directives = {"none in vhost": "  MailOriginLog none\n", "only server": ""}[name] + "  MailOriginRunAs #61001\n"
    site = make_site(vhosts)
    mark = site.shop.mail()
    barrier = site.blog.mail()
    site.blog.json.wait(barrier)
    if name == "only server":
        assert site.server_json.wait(mark)["vhost"] == site.shop.full_name
    else:
        done, _ = site.php(61003, f"<?php mail('to@example.org', '{barrier}', 'b');")
        site.server_json.wait(barrier)
        assert not site.server_json.lines_with(mark)
    assert site.sendmail.wait(mark)
    assert not site.shop.json.path.exists()
