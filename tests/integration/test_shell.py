"""PHP from cron or a shell: no request, no sealed context."""

import getpass
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from harness.httpd import free_port
from harness.paths import PHP
from harness.site import BLOG_UID, OTHER_UID, SHOP_UID, Vhost, new_mark
from harness.waiting import die_with_parent, end, wait_until
from harness.wire import VARIABLE

MAIL = "<?php\nvar_dump(mail('to@example.org', '{mark}', 'body'{more}));\n"


def send(site, uid, more="", **options):
    mark = new_mark()
    done, path = site.php(uid, MAIL.format(mark=mark, more=more), **options)
    assert done.stdout == b"bool(true)\n"
    return mark, path


@pytest.mark.parametrize("short", ["shop", "blog"])
def test_uid_of_one_vhost(site, short):
    vhost = getattr(site, short)
    mark, path = send(site, vhost.uid, more=", 'X-Mail-Origin: forged'")
    event = vhost.json.wait(mark)
    assert event["verified"] is False
    assert event["uid"] == vhost.uid
    assert event["gid"] == vhost.uid
    assert event["entry"] == str(path)
    assert (event["file"], event["line"]) == (str(path), 2)
    assert event["sapi"] == "cli"
    assert event["to"] == "to@example.org"
    # Nothing that only a sealed context could tell.
    assert not {"client", "method", "uri", "request_id"} & set(event)
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    assert vhost.logfmt.wait(mark)["verified"] == "false"
    barrier, _ = send(site, OTHER_UID)
    site.server_json.wait(barrier)
    assert not site.server_json.lines_with(mark)


def php_of_shop(site):
    settings = [f"-d{key}={value}" for key, value in site.ini.items() if key.startswith(("mailorigin", "sendmail"))]
    user = ["setpriv", f"--reuid={SHOP_UID}", f"--regid={SHOP_UID}", "--clear-groups"]
    return [*user, PHP, "-n", f"-dextension={site.installation.plugin}", *settings]


@pytest.mark.parametrize("where, name", [("-r", "Command line code"), ("stdin", "Standard input code")])
def test_code_without_a_file(site, where, name):
    mark = new_mark()
    code = f"mail('to@example.org', '{mark}', 'body');"
    command = [*php_of_shop(site), *(["-r", code] if where == "-r" else [])]
    subprocess.run(command, input=f"<?php {code}".encode(), check=True, timeout=30)
    event = site.shop.json.wait(mark)
    assert (event["verified"], event["uid"]) == (False, SHOP_UID)
    assert (event["file"], event["line"]) == (name, 1)
    # PHP says so of both.
    assert event["entry"] == "Standard input code"


def test_server_of_the_cli(site):
    """`php -S` is no httpd of ours: what it runs is its user's, without a request of ours."""
    mark, port = new_mark(), free_port()
    page = site.shop.script(f"<?php echo mail('to@example.org', '{mark}', 'body') ? 'sent' : 'not';")
    command = [*php_of_shop(site), "-S", f"127.0.0.1:{port}", "-t", str(site.shop.docroot)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, preexec_fn=die_with_parent, **quiet)

    def answer():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{page.uri}", timeout=30) as response:
                return response.read()
        except urllib.error.URLError as error:
            assert isinstance(error.reason, ConnectionRefusedError), error
            return None

    try:
        assert wait_until(answer, "php -S") == b"sent"
    finally:
        end(server)
    event = site.shop.json.wait(mark)
    assert (event["verified"], event["sapi"], event["uid"]) == (False, "cli-server", SHOP_UID)
    assert (event["entry"], event["file"]) == (str(page.path), str(page.path))


def test_uid_of_no_vhost(site):
    mark, path = send(site, OTHER_UID)
    event = site.server_json.wait(mark)
    assert event["verified"] is False
    assert event["uid"] == OTHER_UID
    assert event["entry"] == str(path)
    # The server has no MailOriginHeader.
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == []
    for vhost in site.vhosts:
        vhost.json.wait(vhost.mail())
        assert not vhost.logged(mark)


def test_root(site):
    mark, _ = send(site, 0)
    event = site.server_json.wait(mark)
    assert event["uid"] == 0
    assert event["user"] == getpass.getuser() == "root"


@pytest.fixture
def account(make_site):
    """A hosting account: one user with two sites."""
    directives = "  MailOriginLog logs/{short}.json json\n  MailOriginHeader On\n"
    return make_site([Vhost("shop", SHOP_UID, directives), Vhost("blog", SHOP_UID, directives)])


def test_user_of_two_sites(account):
    """What it sends without a request is the site's that holds the script, else the first one's."""
    site = account
    mark, path = send(site, SHOP_UID)
    event = site.shop.json.wait(mark)
    assert (event["verified"], event["vhost"], event["entry"]) == (False, site.shop.full_name, str(path))
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]

    mark = new_mark()
    script = site.blog.write("cron.php", MAIL.format(mark=mark, more=""))
    subprocess.run([*php_of_shop(site), str(script.path)], check=True, timeout=30, stdout=subprocess.DEVNULL)
    event = site.blog.json.wait(mark)
    assert (event["verified"], event["vhost"], event["entry"]) == (False, site.blog.full_name, str(script.path))
    # Their requests are told apart by their contexts.
    for vhost in site.vhosts:
        assert vhost.json.wait(vhost.mail())["vhost"] == vhost.full_name


def test_directory_of_two_sites(account):
    """Code that is in no file is the site's in whose directory it was started."""
    site = account
    for vhost in site.vhosts:
        mark = new_mark()
        command = [*php_of_shop(site), "-r", f"mail('to@example.org', '{mark}', 'body');"]
        subprocess.run(command, check=True, timeout=30, cwd=vhost.docroot)
        event = vhost.json.wait(mark)
        assert (event["vhost"], event["site"]) == (vhost.full_name, vhost.name)


@pytest.mark.parametrize("by", ["link", "target", "directory"])
def test_document_root_that_is_a_link(make_site, by):
    """PHP and the kernel name a script and a directory without links; httpd.conf may have one."""
    directives = "  MailOriginLog logs/{short}.json json\n"
    vhosts = [Vhost("shop", SHOP_UID, directives), Vhost("blog", SHOP_UID, directives)]
    site = make_site(vhosts, start=False)
    release = site.directory / "www/release-17"
    site.blog.docroot.rename(release)
    site.blog.docroot.symlink_to(release)
    site.start()
    mark = new_mark()
    script = site.blog.write("cron.php", MAIL.format(mark=mark, more=""))
    path = {"link": script.path, "target": release / "cron.php", "directory": "cron.php"}[by]
    subprocess.run([*php_of_shop(site), str(path)], check=True, timeout=30, stdout=subprocess.DEVNULL, cwd=release)
    assert site.blog.json.wait(mark)["vhost"] == site.blog.full_name


def test_site_is_all_its_ports(make_site):
    """Equal limits count once, whichever port it is, and cron as well; its rules are the stricter of its ports'."""
    site = make_site(
        [Vhost("shop", SHOP_UID, "  MailOriginLog logs/{short}.json json\n  MailOriginLimit 2/day\n")], start=False
    )
    port = free_port()
    other = site.shop.section().replace("{port}", str(port)).replace("shop.example", "SHOP.example")
    other = other.replace("  MailOriginLimit", "  MailOriginMaxRecipients 1\n  MailOriginLimit")
    site.configure(f"Listen 127.0.0.1:{port}\n{other}")
    status, said = site.httpd.check()
    assert status == 0 and "one site, and differ in MailOriginMaxRecipients: " in said, said
    site.start()
    page = site.shop.script("<?php echo mail($_GET['to'], $_GET['subject'], 'body') ? 'sent' : 'not';")

    def request(at, to="a@example.org"):
        mark = new_mark()
        query = urllib.parse.urlencode({"to": to, "subject": mark})
        asked = urllib.request.Request(f"http://127.0.0.1:{at}{page.uri}?{query}", headers={"Host": "shop.example"})
        with urllib.request.urlopen(asked, timeout=30) as response:
            return response.read(), site.shop.json.wait(mark)

    # Without a request nothing says which port it is: the stricter rules hold, and use up nothing.
    mark = new_mark()
    script = site.shop.write("cron.php", f"<?php var_dump(mail('a@example.org, b@example.org', '{mark}', 'body'));")
    refused = subprocess.run([*php_of_shop(site), str(script.path)], check=True, timeout=30, capture_output=True)
    assert b"bool(false)" in refused.stdout
    assert site.shop.json.wait(mark)["reason"] == "max-recipients"

    assert request(site.httpd.port)[0] == b"sent"
    sent, event = request(port)
    assert (sent, event["vhost"], event["site"]) == (b"sent", f"SHOP.example:{port}", "shop.example")
    for at in (site.httpd.port, port):
        sent, event = request(at)
        assert (sent[-3:], event["reason"]) == (b"not", "limit")


def test_child_process_of_a_worker(site):
    """A script that a page starts is its vhost's, never a neighbour's."""
    mark, inner = new_mark(), new_mark()
    child = site.shop.write("child.inc", f"<?php mail('to@example.org', '{inner}', 'body');")
    options = " ".join(
        f"-d{name}='{value}'" for name, value in site.ini.items() if name.startswith(("mailorigin", "sendmail"))
    )
    command = f"{PHP} -n -d extension={site.installation.plugin} {options} {child.path}"
    site.shop.run(
        f"<?php mail('to@example.org', '{mark}', 'body'); "
        f'echo shell_exec("{command}");'
    )
    event = site.shop.json.wait(inner)
    assert event["uid"] == SHOP_UID
    assert event["sapi"] == "cli"
    # Same vhost either way, by its uid alone if the context did not reach the child.
    assert not site.blog.logged(inner)


def test_a_garbled_context_in_the_environment(site):
    mark, _ = send(site, BLOG_UID, environment={VARIABLE: "nonsense"})
    event = site.blog.json.wait(mark)
    assert event["verified"] is False
    assert event["reason"] == "malformed"
    assert event["verdict"] == "allow"


def test_many_processes_at_once(site):
    """Each script from cron opens its own connection; none waits for another."""
    mark = new_mark()
    code = f"""<?php
for ($i = 0; $i < 8; $i++) {{
    if (pcntl_fork() == 0) {{
        mail('to@example.org', '{mark}-' . $i . '-a', 'body');
        mail('to@example.org', '{mark}-' . $i . '-b', 'body');
        exit(0);
    }}
}}
mail('to@example.org', '{mark}-p', 'body');
while (pcntl_waitpid(-1, $status) > 0);
"""
    done, _ = site.php(SHOP_UID, code)
    assert done.stdout == b""
    marks = [f"{mark}-{i}-{part}" for i in range(8) for part in "ab"] + [f"{mark}-p"]
    site.shop.json.wait_for(marks)
    events = [event for event in site.shop.json.entries() if mark in event["subject"]]
    assert len(events) == 17
    assert len({event["pid"] for event in events}) == 9
    assert len({event["id"] for event in events}) == 17


def test_fork_after_the_first_mail(site):
    """A connection belongs to the process that opened it; a child's mail carries the child's pid."""
    mark = new_mark()
    code = f"""<?php
mail('to@example.org', '{mark}-parent', 'body');
if (($child = pcntl_fork()) == 0) {{
    mail('to@example.org', '{mark}-child', 'body');
    exit(0);
}}
pcntl_waitpid($child, $status);
mail('to@example.org', '{mark}-after', 'body');
echo getmypid(), ' ', $child;
"""
    done, _ = site.php(SHOP_UID, code)
    parent, child = (int(number) for number in done.stdout.split())
    pids = {part: site.shop.json.wait(f"{mark}-{part}")["pid"] for part in ("parent", "child", "after")}
    assert pids == {"parent": parent, "child": child, "after": parent}
