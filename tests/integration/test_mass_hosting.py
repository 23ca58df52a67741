"""One virtual host for many sites: mod_vhost_alias, home directories, Alias."""

import pytest
from harness.accounts import give
from harness.paths import PHP
from harness.site import BLOG_UID, SERVER, SHOP_UID, WITH_HEADER, Site, Vhost, new_mark

MODULES = ("vhost_alias", "userdir", "cgid", "suexec")
MASS = WITH_HEADER + "  ServerAlias *.mass.example\n  VirtualDocumentRoot {dir}/www/hosts/%0\n  MailOriginLimit 3/day\n"
HOMES = WITH_HEADER + "  UserDir public_html\n  Alias /tools {dir}/www/tools\n  MailOriginLimit 3/day\n"
HOMES_ACCESS = """
<Directory {homes}>
Require all granted
AllowOverride All
</Directory>
<Directory {homes}/*/public_html/cgi-bin>
Options +ExecCGI
SetHandler cgi-script
</Directory>
ScriptSock {dir}/run/cgid
"""
PAGE = "<?php\nvar_dump(@mail('to@example.org', $_GET['m'], 'body'));"


@pytest.fixture(scope="module")
def module_site(installation, accounts):
    hosts = [
        Vhost("mass", SHOP_UID, MASS, run_as=False),
        Vhost("homes", SHOP_UID, HOMES, run_as=False),
    ]
    site = Site(
        installation,
        installation.directory("mass"),
        hosts,
        server=SERVER + HOMES_ACCESS.replace("{homes}", str(accounts.homes)),
        modules=MODULES,
    )
    for directory in ("www/hosts", "www/tools"):
        (site.directory / directory).mkdir()
    try:
        yield site.start()
    finally:
        site.stop()


def send(vhost, uri, sent=True, host=None):
    """Lets the page at `uri` send; the event."""
    mark = new_mark()
    answer = vhost.get(f"{uri}?m={mark}", headers={"Host": host or vhost.name})
    assert answer.text == f"bool({str(sent).lower()})\n", answer
    event = vhost.json.wait(mark)
    assert event["verified"] is True, event
    assert event["vhost"] == vhost.full_name
    return event


def virtual_host(site, name):
    """A page in a document root that is there because its name is."""
    docroot = site.directory / "www/hosts" / name
    docroot.mkdir()
    (docroot / "page.php").write_text(PAGE)
    return docroot


def test_vhost_alias(site):
    for name in ("one.mass.example", "two.mass.example"):
        docroot = virtual_host(site, name)
        event = send(site.mass, "/page.php", host=name)
        assert event["docroot"] == str(docroot)
        assert (event["entry"], event["file"]) == (str(docroot / "page.php"), str(docroot / "page.php"))


def test_limits_under_vhost_alias(site):
    """Each document root has an allowance of its own, and no spelling of a name makes another."""
    for name in ("busy.mass.example", "quiet.mass.example"):
        virtual_host(site, name)
    port = site.httpd.port
    for host in ("busy.mass.example", "BUSY.mass.example", f"Busy.Mass.Example:{port}"):
        assert send(site.mass, "/page.php", host=host)["docroot"].endswith("/hosts/busy.mass.example")
    for host in ("busy.mass.example", "bUSy.mass.example", "busy.mass.example.", f"busy.mass.example.:{port}"):
        assert send(site.mass, "/page.php", False, host)["reason"] == "limit"
    send(site.mass, "/page.php", host="quiet.mass.example")


def test_home_directories(site, accounts):
    for user in ("shop", "blog"):
        page = accounts.homes / user / "public_html/page.php"
        page.parent.mkdir(exist_ok=True)
        page.write_text(PAGE)
        event = send(site.homes, f"/~{user}/page.php")
        assert (event["docroot"], event["entry"]) == (str(page.parent), str(page))
    # A limit is each home directory's own.
    send(site.homes, "/~shop/page.php")
    send(site.homes, "/%7eshop/page.php")
    assert send(site.homes, "/~shop/page.php", sent=False)["reason"] == "limit"
    # By way of its directory, too.
    (accounts.homes / "blog/public_html/.htaccess").write_text("DirectoryIndex page.php\n")
    event = send(site.homes, "/~blog/")
    assert event["docroot"] == str(accounts.homes / "blog/public_html")
    assert event["entry"] == str(accounts.homes / "blog/public_html/page.php")


def test_programs_in_home_directories(site, accounts):
    """suexec runs them as their user, whatever the virtual host's own is."""
    options = "".join(
        f" -d{name}='{value}'" for name, value in site.ini.items() if name.startswith(("mailorigin", "sendmail"))
    )
    mark = new_mark()
    directory = accounts.homes / "blog/public_html/cgi-bin"
    directory.mkdir(parents=True)
    program = directory / "send"
    (directory / "send.inc").write_text(f"<?php mail('to@example.org', '{mark}', 'body');")
    program.write_text(
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
        f"{PHP} -n -dextension={site.installation.plugin}{options} send.inc && id -u\n"
    )
    program.chmod(0o755)
    give(accounts.homes / "blog/public_html", BLOG_UID)
    assert site.homes.get("/~blog/cgi-bin/send").text == f"{BLOG_UID}\n"
    event = site.homes.json.wait(mark)
    assert event["verified"] is True, event
    assert (event["vhost"], event["docroot"]) == (site.homes.full_name, str(directory.parent))
    assert (event["entry"], event["sapi"]) == (str(program), "cli")
    assert (event["uid"], event["suexec_uid"], event["user"]) == (BLOG_UID, BLOG_UID, "blog")
    assert event["request_id"] == site.homes.access.wait("cgi-bin/send").split()[0]


def test_alias(site):
    page = site.directory / "www/tools/page.php"
    page.write_text(PAGE)
    event = send(site.homes, "/tools/page.php")
    assert (event["docroot"], event["entry"]) == (str(site.homes.docroot), str(page))
