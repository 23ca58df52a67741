"""Wrong arguments stop httpd -t, with a message that says which, where and what would do."""

import os
import re

import pytest
from harness.accounts import Accounts
from harness.command import Command
from harness.directives import OF_SERVER, OF_VHOSTS
from harness.httpd import Httpd
from harness.site import SHOP_UID, WITH_HEADER, Vhost, two_vhosts
from harness.waiting import wait_until

BAD = {
    # the line: what the message must say besides the directive
    "MailOrigin maybe": r"On.*Off",
    "MailOrigin": r"argument|On.*Off",
    "MailOriginLog": r"argument|target",
    "MailOriginLog a b c": r"argument|target",
    "MailOriginLog logs/x nosuchname": r"nosuchname",
    'MailOriginLog logs/x "%{nosuch}"': r"%\{nosuch\}.*time id host",
    'MailOriginLog logs/x "50% off"': r"%",
    'MailOriginLog logs/x "%{subject"': r"%\{subject",
    "MailOriginLog SYSLOG:nosuch": r"nosuch.*(mail|local0)",
    "MailOriginLog syslog:nosuch": r"nosuch.*(mail|local0)",
    'MailOriginLog "|"': r"command",
    'MailOriginLog ""': r"target|file",
    'MailOriginLogFormat "%{nosuch}" own': r"%\{nosuch\}.*time id host",
    'MailOriginLogFormat "%{id}"': r"argument|nickname",
    'MailOriginLogFormat "%{id}" json': r"json",
    "MailOriginHeader": r"argument|On.*Off",
    'MailOriginHeader X-Only-A-Name': r"On.*Off",
    'MailOriginHeader "X Blank" "%{id}"': r"X Blank",
    'MailOriginHeader "X-Colon:" "%{id}"': r"X-Colon:",
    'MailOriginHeader X-Origin "%{nosuch}"': r"%\{nosuch\}.*time id host",
    'MailOriginHeader bcc "%{id}"': r"'bcc'.*X-Mail-Origin",
    'MailOriginHeader Content-Type "%{id}"': r"'Content-Type'.*X-Mail-Origin",
    'MailOriginHeader X-A "%{id}"\nMailOriginHeader x-a "%{uid}"': r"'x-a' is given twice",
    'MailOriginHeader On\nMailOriginHeader x-mail-origin "%{uid}"': r"'x-mail-origin' is given twice",
    "MailOriginRunAs #": r"#.*",
    "MailOriginRunAs #12x": r"#12x",
    "MailOriginRunAs #4294967295": r"4294967295",
    "MailOriginRunAs #99999999999": r"99999999999",
    "MailOriginRunAs #-1": r"#-1",
    "MailOriginStrict sometimes": r"On.*Off",
    "MailOriginSend maybe": r"'maybe'.*allow, observe, hold, deny",
    "MailOriginSend allow deny": r"argument|allow",
    "MailOriginUnverified On": r"'On'.*allow, observe, deny",
    "MailOriginDenyScript": r"argument|expression",
    "MailOriginDenyScript /fine/ /a(b": r"/a\(b.*missing closing parenthesis at byte 4",
    "MailOriginLimit": r"rate",
    "MailOriginLimit many": r"'many'.*/second",
    "MailOriginLimit 0/hour": r"'0/hour'",
    "MailOriginLimit -5/hour": r"'-5/hour'",
    "MailOriginLimit 99999999999/hour": r"1000000000",
    "MailOriginLimit 5/hour burst=1 burst=2": r"burst= is given twice",
    "MailOriginLimit 5/hour per=moon": r"per=moon.*vhost, script, uid",
    "MailOriginLimit 5/hour speed=3": r"'speed'.*burst=",
    "MailOriginLimit none 5/hour": r"'none'",
    "MailOriginMaxRecipients 0": r"'0'",
    "MailOriginMaxRecipients -1": r"'-1'",
    "MailOriginMaxRecipients 1 2": r"'2' is not action=",
    "MailOriginSender a..b": r"'a\.\.b'.*domain",
    "MailOriginSender grüße.example": r"xn--",
    "MailOriginSocket": r"argument|path",
    "MailOriginSocket {dir}/run/s 0999": r"0999",
    "MailOriginSocket {dir}/run/s rwx": r"rwx",
    "MailOriginSocket {dir}/run/s 0666 more": r"argument|path",
    "MailOriginSocket /" + "x" * 120: r"107|108|long",
    "MailOriginUser nosuchuser": r"nosuchuser",
    "MailOriginUser root": r"root",
    "MailOriginUser #0": r"#0|root",
    "MailOriginDaemon {dir}/nosuch": r"nosuch.*(external|path|No such)",
    "MailOriginDaemon {dir}": r"external|path",
    "MailOriginRuntimeDir": r"argument|directory",
    "MailOriginStateDir a b": r"argument|directory",
    "MailOriginStore": r"argument|driver",
    "MailOriginStore On": r"'On' is neither Off nor followed by its parameters",
    "MailOriginStore sqlite3": r"neither Off nor followed by its parameters",
    "MailOriginStore mysql host=x": r"'mysql' is none of .* sqlite3, pgsql",
    "MailOriginStore sqlite3 {dir}/nosuch/mail.db": r"no directory .*/nosuch/; make it",
    "MailOriginStore sqlite3 {dir}": r"is no file",
    'MailOriginStore pgsql ""': r"'pgsql' is neither Off nor followed by its parameters",
    "MailOriginRetain 30": r"'30' is no number of days: 1d to 3650d",
    "MailOriginRetain 0d": r"'0d'",
    "MailOriginRetain 3651d": r"'3651d'",
    "MailOriginRetain 1w": r"'1w'",
    "MailOriginRetain 1d2": r"'1d2'",
    "MailOriginRetain -1d": r"'-1d'",
}

SERVER_ONLY = [f"{directive} {arguments}" for directive, arguments in OF_SERVER.items()]
EVERY = [f"{directive} {arguments}" for directive, arguments in {**OF_VHOSTS, **OF_SERVER}.items()]


@pytest.fixture(scope="module")
def checked(installation):
    """httpd -t over one directory."""
    directory = installation.directory("configuration")
    (directory / "home/shop").mkdir(parents=True)
    os.chown(directory / "home/shop", 61001, 61001)
    (directory / "home/link").symlink_to(directory / "home/shop/mail.log")
    httpd = Httpd(installation, directory, "")

    def check(text):
        httpd.write(text)
        return httpd.check(), httpd

    return check


@pytest.mark.parametrize("line", BAD)
def test_wrong_argument(checked, line):
    (status, said), httpd = checked(line + "\n")
    assert status != 0, said
    directive, _, arguments = line.partition(" ")
    assert directive in said
    assert re.search(BAD[line], said, re.S), said
    if directive != "MailOriginDaemon":  # looked at when all is read: its default is looked at too
        assert re.search(r"on line \d+ of .*httpd\.conf|httpd\.conf:\d+", said), said
    assert not httpd.runtime_dir.exists() and not httpd.state_dir.exists(), "-t has no effect"


@pytest.mark.parametrize("line", SERVER_ONLY)
def test_not_in_a_virtual_host(checked, line):
    (status, said), _ = checked(f"<VirtualHost 127.0.0.1:{{port}}>\n{line}\n</VirtualHost>\n")
    assert status != 0
    assert line.split()[0] in said
    assert "VirtualHost" in said


@pytest.mark.parametrize("line", EVERY)
def test_not_in_a_directory(checked, line):
    (status, said), _ = checked(f"<Directory /srv>\n{line}\n</Directory>\n")
    assert status != 0
    assert line.split()[0] in said


def test_good(checked):
    """Every directive as an administrator would write it; -t opens and makes nothing."""
    text = """
MailOrigin On
MailOriginLogFormat "%{time} %{vhost} %{subject}" short
MailOriginLog logs/all.log
MailOriginLog "|/bin/cat" json
MailOriginLog syslog
MailOriginLog Syslog:LOCAL7 short
MailOriginHeader On
MailOriginStrict On
<VirtualHost 127.0.0.1:{port}>
  ServerName a.example
  MailOriginLog {dir}/logs/a.log php
  MailOriginLog logs/a2.log "%{id} %{to} 100%%"
  MailOriginHeader X-A "%{id}"
  MailOriginHeader X-B "%{vhost}"
  MailOriginRunAs www-data
  MailOriginStrict Off
</VirtualHost>
<VirtualHost 127.0.0.1:{port}>
  ServerName b.example
  MailOrigin Off
  MailOriginLog none
  MailOriginHeader none
  MailOriginRunAs #61001
</VirtualHost>
"""
    (status, said), httpd = checked(text)
    assert status == 0, said
    assert "Syntax OK" in said
    assert not httpd.runtime_dir.exists()
    assert not (httpd.directory / "logs/all.log").exists()


@pytest.fixture(scope="module")
def accounts_of_units(installation):
    users = {"mailorigin": 61901, "mailorigin-firewall": 61902}
    with Accounts(installation.root, installation.directory("units"), users) as made:
        yield made


UNFIT = {
    # lines: what -t says of them
    "MailOriginSocket {dir}/nosuch/s": r"MO0119: MailOriginSocket: '{dir}/nosuch/s': .*No such file",
    "MailOriginSocket {dir}/run/mo/below/s": r"MO0119: MailOriginSocket: .*No such file",
    "MailOriginSocket /tmp/s": r"MO0119: MailOriginSocket: .*/tmp: .*choose another directory",
    "MailOriginSocket {dir}/run/mo/key": r"MO0119: MailOriginSocket: .*another purpose",
    "MailOriginRuntimeDir {dir}/nosuch/mo": r"MO0121: MailOriginRuntimeDir: '{dir}/nosuch/mo': .*No such file",
    "MailOriginRuntimeDir {dir}/nosuch/mo\nMailOriginDaemon external": r"MO0121: MailOriginRuntimeDir: .*No such file",
    "MailOriginRuntimeDir /tmp": r"MO0121: MailOriginRuntimeDir: .*/tmp: .*choose another directory",
    "MailOriginLog {dir}/nosuch/mail.log": r"MO0128: MailOriginLog \(\S*httpd\.conf:\d+\): '{dir}/nosuch/mail\.log': {dir}/nosuch: No such file",
    "MailOriginLog {dir}/logs": r"MO0128: MailOriginLog .*: {dir}/logs: Is a directory",
    "MailOriginLog /tmp/mail.log": r"MO0128: MailOriginLog .*: /tmp: others may create files in it",
    "<VirtualHost 127.0.0.1:{port}>\nMailOriginLog {dir}/home/shop/mail.log\n</VirtualHost>":
        r"MO0128: MailOriginLog .*: {dir}/home/shop: must belong to root",
    "MailOriginLog {dir}/home/link": r"MO0128: MailOriginLog .*: {dir}/home/shop: must belong to root",
    "MailOriginUser www-data": r"MO0102: MailOriginUser: 'www-data' is httpd's own User.* of its own",
    "MailOriginRunAs #61900": r"MO0102: MailOriginUser: '#61900' is .* PHP of httpd\.example:\d+ runs as",
    "<VirtualHost 127.0.0.1:{port}>\nServerName a.example\nMailOriginRunAs #61900\n</VirtualHost>":
        r"MO0102: MailOriginUser: '#61900' is .* PHP of a\.example:\d+ runs as",
}


@pytest.mark.parametrize("lines", UNFIT)
def test_unfit(checked, lines):
    """What would stop httpd at its start, or a graceful restart, stops -t."""
    (status, said), httpd = checked(lines + "\n")
    assert status != 0, said
    assert re.search(UNFIT[lines].replace("{dir}", str(httpd.directory)), said), said


FIT = {
    # lines: the warning of -t, if there is one
    "MailOriginSocket {dir}/run/mo/s": None,
    "MailOriginRuntimeDir {dir}/run/mo/\nMailOriginSocket {dir}/run/mo/s": None,
    "MailOriginRuntimeDir /tmp/mo": None,
    "MailOriginLog SYSLOG": None,
    'MailOriginHeader X-A "%{id}"\nMailOriginHeader Off\nMailOriginHeader X-A "%{id}"': None,
    "MailOriginRunAs nosuchuser":
        r"MO0129: MailOriginRunAs \(\S*httpd\.conf:\d+\): 'nosuchuser' is not a user of this machine: httpd\.example:\d+ is judged",
    "<VirtualHost 127.0.0.1:{port}>\nServerName a.example\nMailOriginRunAs gone\n</VirtualHost>":
        r"MO0129: MailOriginRunAs .* 'gone' .*: a\.example:\d+ is judged",
    "MailOriginRunAs root": r"MO0120: httpd\.example:\d+ runs PHP as root",
    "MailOriginDaemon external\nMailOriginRunAs #61900": r"MO0107: .*: MailOriginStateDir, MailOriginUser\n",
    "MailOriginDaemon external\nMailOriginSocket {dir}/run/s":
        r"MO0107: .*: MailOriginSocket, MailOriginStateDir, MailOriginUser\n",
}


@pytest.mark.parametrize("lines", FIT)
def test_fit(checked, lines):
    (status, said), httpd = checked(lines + "\n")
    assert status == 0, said
    assert re.search(FIT[lines], said) if FIT[lines] else "MO0" not in said, said
    assert not httpd.runtime_dir.exists()


HOST = "<VirtualHost 127.0.0.1:{port}>\nServerName a.example\nDocumentRoot {dir}/www/a\nMailOriginRunAs #61001\n%s\n</VirtualHost>\n"
CGI = {
    # lines of a virtual host with MailOriginRunAs: what -t says of CGI without suexec
    "": None,
    "<Directory {dir}/www>\nOptions +ExecCGI\n</Directory>": r"Options ExecCGI in {dir}/www/a\)",
    "<Directory {dir}/www/a/cgi>\nOptions All\n</Directory>": r"Options ExecCGI in {dir}/www/a/cgi\)",
    "<Directory {dir}/www/*>\nOptions Includes\n</Directory>": r"Options Includes in {dir}/www/a\)",
    "<Directory {dir}/www/a>\nOptions IncludesNoExec\n</Directory>": None,
    "<Directory {dir}/www>\nOptions ExecCGI\n</Directory>\n<Directory {dir}/www/a>\nOptions None\n</Directory>": None,
    "<Directory {dir}/other>\nOptions ExecCGI\n</Directory>": None,
    "<Directory {dir}/www/a>\nAllowOverride All\n</Directory>": r"AllowOverride Options in {dir}/www/a\)",
    "<Directory {dir}/www/a>\nAllowOverride Options=ExecCGI\n</Directory>": r"AllowOverride Options in {dir}/www/a\)",
    "<Directory {dir}/www/a>\nAllowOverride FileInfo Options=Indexes\n</Directory>": None,
    '<DirectoryMatch "/www/a/">\nOptions ExecCGI\n</DirectoryMatch>': r"Options ExecCGI in {dir}/www/a\)",
    "<Location /cgi>\nOptions +ExecCGI\n</Location>": r"Options in <Location /cgi>\)",
    "ScriptAlias /cgi-bin/ {dir}/www/a/cgi-bin/": r"ScriptAlias to {dir}/www/a/cgi-bin/\)",
    "ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/": None,
}


# SSI and ScriptAlias are mod_cgi's alone.
@pytest.mark.parametrize(
    ("module", "lines"),
    [("cgid", lines) for lines in CGI] + [("fcgid", lines) for lines in CGI if "Includes" not in lines and "ScriptAlias" not in lines],
)
@pytest.mark.parametrize("suexec", [False, True])
def test_cgi_without_suexec(installation, accounts_of_units, lines, suexec, module):
    """It would run as httpd's user, whatever MailOriginRunAs says."""
    directory = installation.directory("cgi")
    (directory / "www/a").mkdir(parents=True)
    httpd = Httpd(installation, directory, "", modules=(module, "include", "suexec"))
    text = httpd.configuration.read_text().replace("AllowOverride All", "AllowOverride None")
    own = lines + ("\nSuexecUserGroup #61901 #61901" if suexec else "")
    httpd.configuration.write_text(text + httpd.fill("MailOriginUser #61909\n" + HOST % own))
    status, said = httpd.check()
    assert status == 0, said
    if CGI[lines] and not suexec:
        assert re.search(r"MO0130: .*: a\.example:\d+ \(" + CGI[lines].replace("{dir}", str(directory)), said), said
    else:
        assert "MO0130" not in said, said


@pytest.mark.parametrize("override", ["None", "FileInfo", "All", "None\nAllowOverrideList Redirect", "None\nAllowOverrideList luahookfixups"])
@pytest.mark.parametrize("module", ["lua", "include"])
def test_code_of_htaccess_inside_httpd(installation, override, module):
    """A tenant's Lua would run where the key is."""
    httpd = Httpd(installation, installation.directory("inside"), "", modules=(module,))
    text = httpd.configuration.read_text().replace("AllowOverride All", f"AllowOverride {override}")
    httpd.configuration.write_text(text)
    status, said = httpd.check()
    assert status == 0, said
    named = override in ("FileInfo", "All") or "luahook" in override
    assert ("MO0140: mod_lua is loaded" in said) == (module == "lua" and named), said


def test_start_names_the_directive(make_site):
    """What -t cannot see: somebody's file in the socket's place."""
    site = make_site(start=False)
    taken = site.directory / "taken"
    taken.write_text("")
    site.configure(site.server_text + f"MailOriginSocket {taken}\n")
    assert site.httpd.check()[0] == 0
    assert f"MO0109: MailOriginSocket: {taken}: exists and is not a socket" in site.httpd.failed_start()
    site.httpd.allow_log(".")


def test_user_of_the_unit(installation, checked, accounts_of_units):
    """MailOriginDaemon external: the account that comes with the unit is nobody's to run PHP as."""
    for user, number in (("mailorigin", "MO0102"), ("mailorigin-firewall", "MO0124")):
        (status, said), _ = checked(f"MailOriginDaemon external\nMailOriginRunAs {user}\n")
        assert status != 0 and re.search(rf"{number}: .*'{user}' is the user that PHP of httpd\.example:\d+ runs as", said), said


@pytest.mark.parametrize("line", EVERY)
def test_not_in_htaccess(site, line):
    site.shop.write("locked/.htaccess", line + "\n")
    script = site.shop.write("locked/page.php", "<?php echo 'reached';")
    answer = site.shop.get(script.uri)
    assert answer.status == 500
    site.httpd.expect_log(rf"{line.split()[0]} not allowed here")


def test_socket_below_a_directory_of_others(make_site):
    """Whoever may rename the socket's directory could answer in the daemon's place."""
    site = make_site(start=False)
    exposed = site.directory / "exposed"
    exposed.mkdir()
    exposed.chmod(0o777)
    site.configure(site.server_text + f"MailOriginSocket {exposed}/mailorigin.sock\n")
    said = site.httpd.failed_start()
    assert re.search(rf"MO\d{{4}}: .*{exposed}", said), said
    site.httpd.allow_log(".")


def test_extra_socket(make_site):
    """One more socket, inside a chroot say, with a mode of its own."""
    site = make_site(start=False)
    jail = site.directory / "jail"
    jail.mkdir()
    site.configure(
        site.server_text
        + f"MailOriginSocket {site.httpd.runtime_dir}/mailorigin.sock\nMailOriginSocket {jail}/mail.sock 0660\n"
    )
    site.start()
    assert (jail / "mail.sock").stat().st_mode & 0o777 == 0o660
    assert (site.httpd.runtime_dir / "mailorigin.sock").stat().st_mode & 0o777 == 0o666
    site.shop.json.wait(site.shop.mail())
    done, _ = site.php(0, "<?php mail('to@example.org', 'through the jail', 'b');", settings={"mailorigin.socket": jail / "mail.sock"})
    assert site.server_json.wait("through the jail")["uid"] == 0


def test_off(make_site):
    """MailOrigin Off: no header, no line, and mail() works as ever."""
    vhosts = two_vhosts()
    vhosts[0].directives = WITH_HEADER + "  MailOrigin Off\n  MailOriginRunAs #61001\n"
    site = make_site(vhosts)
    mark = site.shop.mail()
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == []
    shell = f"{mark}-shell"
    site.php(61001, f"<?php mail('to@example.org', '{shell}', 'b');")
    assert site.sendmail.wait(shell).header("X-Mail-Origin") == []
    site.blog.json.wait(site.blog.mail())
    barrier, = [f"{mark}-barrier"]
    site.php(61003, f"<?php mail('to@example.org', '{barrier}', 'b');")
    site.server_json.wait(barrier)
    assert site.shop.json.raw() == b""
    assert not site.server_json.lines_with(shell)
    assert len(site.server_json.lines()) == 1


def test_off_for_the_server_on_for_one(make_site):
    vhosts = two_vhosts()
    vhosts[1].directives = WITH_HEADER + "  MailOrigin On\n  MailOriginRunAs #61002\n"
    site = make_site(vhosts, server="MailOrigin Off\nMailOriginLog logs/server.json json\n")
    silent, loud = site.shop.mail(), site.blog.mail()
    assert site.blog.json.wait(loud)["verified"] is True
    assert site.sendmail.wait(silent).header("X-Mail-Origin") == []
    assert site.shop.json.raw() == b""


HEADERS = {
    "inherited": ("", {"X-Server": ["{id}"]}),
    "replaced": ('  MailOriginHeader X-Own "%{vhost}"\n', {"X-Own": ["{vhost}"]}),
    "off": ("  MailOriginHeader Off\n", {}),
    "none": ("  MailOriginHeader none\n", {}),
    "several": ('  MailOriginHeader On\n  MailOriginHeader X-Own "%{uid}"\n', {"X-Mail-Origin": ["{id}"], "X-Own": ["{uid}"]}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header_merge(make_site, name):
    lines, expected = HEADERS[name]
    vhosts = two_vhosts()
    vhosts[0].directives = "  MailOriginLog logs/shop.json json\n" + lines
    site = make_site(vhosts, server='MailOriginHeader X-Server "%{id}"\n')
    mark = site.shop.mail()
    event, message = site.shop.json.wait(mark), site.sendmail.wait(mark)
    found = {name: message.header(name) for name in ("X-Server", "X-Own", "X-Mail-Origin") if message.header(name)}
    assert found == {
        name: [value.format(**{key: event.get(key, "") for key in ("id", "vhost", "uid")}) for value in values]
        for name, values in expected.items()
    }


def test_user_that_is_gone(make_site):
    """The host goes on, as one whose user is not known; error_log and status say so."""
    vhosts = two_vhosts()
    vhosts[0] = Vhost("shop", SHOP_UID, WITH_HEADER + "  MailOriginRunAs gone\n", run_as=False)
    site = make_site(vhosts)
    site.httpd.expect_log(r"MO0129: MailOriginRunAs .*'gone' is not a user of this machine: shop\.example:\d+ is judged")
    assert site.shop.json.wait(site.shop.mail())["verified"] is True
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    # A log that httpd has just handed over is behind for a moment.
    said = wait_until(lambda: (said := mailorigin("status", "--json")).json["logs"]["behind"] == 0 and said, "its logs")
    status = said.json
    assert said.status == 1
    assert [(each["reason"], each["vhosts"]) for each in status["weak_vhosts"]] == [("no-run-as", [site.shop.full_name])]
    assert status["missing_users"] == [{"vhost": site.shop.full_name, "user": "gone"}]
    (found,) = status["findings"]
    assert f"this machine does not have, of {site.shop.full_name} (gone)" in found["text"]
    assert mailorigin("policy", site.shop.full_name, "--json").json["vhosts"][0]["user"] == "gone"
