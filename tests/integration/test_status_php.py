"""`mailorigin status` knows whether the PHP that httpd sends requests to has the extension."""

import os
import pty
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.command import Command
from harness.paths import PHP_FPM_UNIT, PHP_VERSION
from harness.site import BLOG_UID, INSIDE, SHOP_UID, WITH_HEADER, Vhost, new_mark, two_vhosts
from harness.waiting import wait_until
from test_reloads import SLOW

HELLO = "<?php echo 'hello';"


def command(site):
    return Command(site.installation, site.httpd.runtime_dir)


def visit(vhost, times):
    script = vhost.script(HELLO)
    for _ in range(times):
        assert vhost.get(script.uri).text == "hello"


def about_php(site):
    return [each for each in command(site)("status", "--json").json["findings"] if each["part"] == "php"]


def missed(site, text):
    """The finding about PHP that says so; httpd counts a request once its answer is on its way."""
    return wait_until(lambda: [each for each in about_php(site) if text in each["text"]], f"a finding '{text}'")[0]


def all_well(site):
    return wait_until(lambda: command(site)("status").status == 0, "all to be well")


def test_php_without_the_extension(make_site):
    site = make_site(two_vhosts(), plugin=False)
    visit(site.shop, 40)
    found = missed(site, f"40 requests of {site.shop.full_name}, and its PHP never asked")
    assert site.blog.full_name not in found["text"]
    assert "load mailorigin.so" in found["remedy"]
    visit(site.blog, 1)
    found = missed(site, f"1 request of {site.blog.full_name}, 40 of {site.shop.full_name}, and their PHP never asked")
    said = command(site)("status")
    assert said.status == 1 and found["text"] in said.out
    # Debian's PHP programs, of which one runs them.
    names = {f"PHP {PHP_VERSION} ({sapi})" for sapi in ("apache2", "cgi", "cli", "fpm")}
    listed = [each for each in about_php(site) if each is not found and each["text"].startswith("PHP ")]
    assert {" ".join(each["text"].split()[:3]) for each in listed} == names
    (fpm,) = [each for each in listed if "(fpm)" in each["text"]]
    assert f"/etc/php/{PHP_VERSION}/fpm/conf.d" in fpm["text"]
    assert f"phpenmod -v {PHP_VERSION} -s fpm mailorigin && systemctl restart {PHP_FPM_UNIT}" in fpm["remedy"]


def test_php_that_sends_no_mail_is_heard(make_site):
    site = make_site(two_vhosts())
    visit(site.shop, 20)
    visit(site.blog, 1)
    site.httpd.allow_log("Primary script unknown")
    site.shop.get("/nothing.php")
    all_well(site)
    facts = command(site)("status", "--json").json["php"]
    assert facts["silent"] == [] and facts["other_users"] == []
    assert {(each["version"], each["sapi"]) for each in facts["programs"]} >= {(PHP_VERSION, "fpm"), (PHP_VERSION, "cli")}


def test_a_pool_that_is_reloaded_without_it(make_site):
    site = make_site(two_vhosts())
    visit(site.shop, 3)
    all_well(site)
    with_plugin = site.fpm.ini.read_text()
    site.fpm.ini.write_text("".join(line for line in with_plugin.splitlines(True) if "mailorigin.so" not in line))
    site.fpm.reload()
    visit(site.shop, 5)
    missed(site, f"5 requests of {site.shop.full_name}, and its PHP never asked")
    site.fpm.ini.write_text(with_plugin)
    site.fpm.reload()
    visit(site.shop, 2)
    all_well(site)


def test_a_daemon_that_is_replaced_is_told_again(make_site):
    site = make_site(two_vhosts())
    visit(site.shop, 3)
    site.httpd.allow_log(r"\bMO\d{4}\b")
    before = site.httpd.daemon()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: [pid for pid in site.httpd.daemons() if pid != before], "a new daemon")

    def told():
        visit(site.shop, 1)
        return command(site)("status").status == 0

    for _ in range(3):
        wait_until(told, "the new daemon to be told")


def test_a_daemon_that_a_mail_finds_again_is_told_again(make_site):
    """By a worker that has told its predecessor, in the same request."""
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER, pool_lines="pm.max_children = 1")])
    mark = new_mark()
    flag = site.sendmail.spool / "tmp" / mark
    script = site.shop.script(SLOW.format(flag=flag, mark=mark))
    site.httpd.allow_log(r"\bMO\d{4}\b")
    before = site.httpd.daemon()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(site.shop.get, script.uri)
        wait_until(flag.with_suffix(".begun").exists, "the request")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: [pid for pid in site.httpd.daemons() if pid != before], "a new daemon")
        flag.with_suffix(".go").touch()
        assert answer.result().text == "bool(true)\n"
    time.sleep(2.1)  # so long a daemon that is new waits for PHP to find out (heard_vhosts.cc)
    page = site.shop.script(HELLO)
    assert site.shop.get(page.uri).text == "hello"
    wait_until(lambda: page.uri in site.shop.access.path.read_text(), "the request to be counted")
    assert about_php(site) == []


def test_requests_that_php_did_not_run(make_site):
    """php-fpm is not there: that is no missing extension."""
    site = make_site(two_vhosts())
    script = site.shop.script(HELLO)
    site.fpm.stop()
    site.httpd.allow_log("AH02454|AH01079")
    for _ in range(5):
        assert site.shop.get(script.uri).status == 503
    assert about_php(site) == []


@pytest.mark.parametrize("plugin", [True, False])
def test_php_inside_httpd(make_site, plugin):
    vhost = Vhost("shop", SHOP_UID, WITH_HEADER, run=INSIDE, run_as=False)
    site = make_site([vhost], mpm="prefork", modules=("php",), plugin=plugin)
    visit(site.shop, 4)
    if plugin:
        all_well(site)
    else:
        missed(site, f"4 requests of {site.shop.full_name}, and its PHP never asked")


def test_a_wrong_user(make_site):
    """Found by requests alone: nobody has to send a mail."""
    wrong = Vhost("shop", SHOP_UID, WITH_HEADER + f"  MailOriginRunAs #{BLOG_UID}\n", run_as=False)
    site = make_site([wrong, Vhost("blog", BLOG_UID, WITH_HEADER)])
    visit(site.shop, 2)
    visit(site.blog, 2)
    found = missed(site, f"{site.shop.full_name} is said to run as #{BLOG_UID}, and its PHP runs as #{SHOP_UID}")
    assert f"MailOriginRunAs #{SHOP_UID}" in found["remedy"]
    assert len(about_php(site)) == 1
    wrong.directives = WITH_HEADER + f"  MailOriginRunAs #{SHOP_UID}\n"
    site.configure()
    site.httpd.graceful()
    visit(site.shop, 2)
    all_well(site)


def probed(site):
    """What the site's own pools answer, by name; other servers of this machine have pools, too."""
    said = command(site)("status", "--probe", "--json").json
    pools = {site.fpm.socket(vhost.pool.name): vhost.short for vhost in site.vhosts}
    findings = [each for each in said["findings"] if any(str(socket) in each["text"] for socket in pools)]
    found = {pools[socket]: each["result"] for each in said["php"]["probes"] for socket in pools if each["listen"] == str(socket)}
    return found, findings, said


def test_a_mail_through_each_pool(make_site):
    """Each is refused, and no sendmail is started, whatever MailOriginSend says."""
    vhosts = two_vhosts(WITH_HEADER)
    vhosts.append(Vhost("off", 61903, "  MailOrigin Off\n"))
    vhosts.append(Vhost("narrow", 61904, WITH_HEADER, pool_settings={"open_basedir": "/var/www"}))
    vhosts.append(Vhost("silent", 61905, WITH_HEADER, pool_settings={"mailorigin.enabled": "0"}))
    site = make_site(vhosts)
    found, findings, said = probed(site)
    assert found == {"shop": "well", "blog": "well", "off": "off", "narrow": "unseen", "silent": "disabled"}
    assert [each["remedy"].split()[0] for each in findings] == ["mailorigin.enabled"]
    (master,) = [each for each in said["php"]["masters"] if each["configuration"] == f"{site.fpm.directory}/conf/php-fpm.conf"]
    assert master["extension"] == "loaded"
    assert {pool["name"] for pool in master["pools"]} == {vhost.pool.name for vhost in vhosts}
    assert not list(site.httpd.runtime_dir.glob("probe-*"))
    events = wait_until(lambda: [each for each in site.shop.json.entries() if each["reason"] == "probe"], "its event")
    assert [(each["verdict"], each["to"]) for each in events] == [("deny", "probe@mailorigin.invalid")]
    assert site.sendmail.messages() == []
    wait_until(lambda: command(site)("trace", events[0]["id"]).status == 0, "it to be stored")
    assert command(site)("top", "--json").json["rows"] == []


def test_pools_without_the_extension(make_site):
    site = make_site(two_vhosts(), plugin=False)
    found, findings, said = probed(site)
    assert found == {"shop": "no-extension", "blog": "no-extension"} and len(findings) == 2
    (master,) = [each for each in said["php"]["masters"] if each["configuration"] == f"{site.fpm.directory}/conf/php-fpm.conf"]
    assert master["extension"] == "missing"
    site.fpm.stop()


def test_a_title_that_a_user_chose(make_site):
    """Whoever starts a setuid program gives it any title, and root's user with it."""
    site = make_site(two_vhosts())

    def masters():
        return command(site)("status", "--json").json["php"]["masters"]

    before = masters()
    own = site.shop.write("own.conf", "[blog]\nuser = root\nlisten = /run/own.sock\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.setgid(SHOP_UID)
        os.setuid(SHOP_UID)
        os.execv("/usr/bin/su", [f"php-fpm: master process ({own.path})", "root"])
    try:
        title = Path(f"/proc/{pid}/cmdline")
        wait_until(lambda: title.read_bytes().startswith(b"php-fpm: master") and title.stat().st_uid == 0, "its title")
        assert masters() == before
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
