"""httpd as a tenant's deputy: what .htaccess makes it connect to is judged by the tenant's virtual host, and is its event.

mailorigind runs as a unit does, without the firewall beside it: the kernel would judge once more.
"""

import http.client
import re
import socket
import threading
from pathlib import Path

import pytest
from harness.command import Command
from harness.external import ExternalDaemon
from harness.httpd import free_port
from harness.mail_servers import CASE, POSTFIX_MASTER, NotHere, Postfix
from harness.mounts import bind, unmount
from harness.site import SHOP_UID, Site, Vhost, new_mark
from harness.waiting import wait_until

PROXIES = ("proxy_http", "proxy_scgi", "proxy_uwsgi", "proxy_ajp", "proxy_wstunnel", "proxy_balancer",
           "lbmethod_byrequests", "slotmem_shm", "proxy_ftp", "include")  # fmt: skip
DIALOGUE = "MAIL FROM:<me@shop.example>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n"


class MailServer:
    """Listens on every address, greets, and keeps what it is told."""

    def __init__(self):
        self.told = []
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                told = b""
                try:
                    connection.sendall(b"220 ready\r\n")
                    while DIALOGUE.encode() not in told and (more := connection.recv(65536)):
                        told += more
                except OSError:
                    pass
                self.told.append(told)

    def close(self):
        self._listener.close()


@pytest.fixture
def mail_server():
    made = MailServer()
    yield made
    made.close()


def own_address():
    """Of this machine, and none of its loopback ones; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


class ListeningPostfix(Postfix):
    """A real one, that takes mail on a port of the loopback address."""

    def __init__(self):
        self.port = free_port()
        self.master = f"{POSTFIX_MASTER}127.0.0.1:{self.port} inet n - n - - smtpd\n"
        super().__init__()

    def set_up(self):
        super().set_up()
        wait_until(self._listens, "Postfix to listen")

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def postfix():
    try:
        made = ListeningPostfix()
    except NotHere as why:
        pytest.skip(f"Postfix: {why}")
    yield made
    made.remove()


NAME = "mail-host.example"


@pytest.fixture(scope="module")
def named(installation):
    """The machine's own address has a name."""
    hosts = installation.directory("named") / "hosts"
    hosts.write_text(f"{Path('/etc/hosts').read_text()}\n{own_address()} {NAME}\n")
    hosts.chmod(0o644)
    bind(hosts, Path("/etc/hosts"))
    yield
    unmount(Path("/etc/hosts"))


LOG = "  MailOriginLog logs/{short}.json json\n"


@pytest.fixture
def make_proxy(make_site, mail_server):
    """A site of one host."""
    daemons = []

    def make(server, directives="", lines="", modules=PROXIES, daemon=True):
        site = make_site(
            [Vhost("shop", SHOP_UID, LOG + directives, run=lines)], modules=modules, daemon="external", start=False,
            server=f"MailOriginSmtpPorts {mail_server.port}\n{server}",
        )  # fmt: skip
        if daemon:
            daemons.append(ExternalDaemon(site.installation, site.httpd.runtime_dir, site.httpd.state_dir).start())
            site.daemon = daemons[-1].process.pid
        site.httpd.allow_log(r"MO0111|\bAH\d{5}: |\[proxy_\w+:error\]")
        return site.start()

    yield make
    for daemon in daemons:
        daemon.close()


def deputed(site, htaccess, dialogue=DIALOGUE, mark=""):
    """Posts a dialogue to a page of a tenant's directory with that .htaccess: the status."""
    site.shop.write("deputy/.htaccess", htaccess + "\n")
    page = site.shop.write("deputy/page.txt", "a page")
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"} if "ws://" in htaccess else {}
    return site.shop.get(
        f"{page.uri}?{mark}", "GET" if headers else "POST", headers=headers, body=None if headers else dialogue
    ).status


def event_of(site, mark):
    """The only one of that request, whose id is in its line of access_log."""
    event = site.shop.json.wait(mark)
    assert event["request_id"] in site.shop.access.wait(mark).split()[0].split(",")
    assert (event["kind"], event["verified"], event["vhost"]) == ("smtp", True, site.shop.full_name)
    assert event["docroot"] == str(site.shop.docroot) and event["client"] == "127.0.0.1"
    assert event["user"] == "www-data" and "/apache2" in event["exe"]
    return event


LOCAL = {
    **{
        scheme: f'SetHandler "proxy:{scheme}://127.0.0.1:{{port}}"'
        for scheme in ("fcgi", "scgi", "uwsgi", "ajp", "http", "ws")
    },
    "[P]": "RewriteEngine On\nRewriteRule . fcgi://127.0.0.1:{port}/x [P]",
    "[P] over http": "RewriteEngine On\nRewriteRule . http://127.0.0.1:{port}/x [P]",
    "a name": 'SetHandler "proxy:fcgi://localhost:{port}"',
    "IPv6": 'SetHandler "proxy:fcgi://[::1]:{port}"',
    "mapped": 'SetHandler "proxy:fcgi://[::ffff:127.0.0.1]:{port}"',
    "unspecified": 'SetHandler "proxy:fcgi://0.0.0.0:{port}"',
    "short": 'SetHandler "proxy:fcgi://127.1:{port}"',
    "a number": 'SetHandler "proxy:fcgi://2130706433:{port}"',
    "credentials": 'SetHandler "proxy:http://me:80@127.0.0.1:{port}"',
    "a balancer": "RewriteEngine On\nRewriteRule . balancer://members/x [P]",
    "ErrorDocument": "ErrorDocument 404 /deputy/below/page.txt\nRedirect 404 /deputy/page.txt",
}


@pytest.fixture(scope="module")
def deputy(installation):
    """Denies connections to this host, and everything else by default."""
    server = MailServer()
    text = (
        f"MailOriginFirewall On\nMailOriginSmtpLocal deny\nMailOriginSmtpPorts {server.port}\n"
        f"<Proxy balancer://members>\nBalancerMember http://127.0.0.1:{server.port}\n</Proxy>\n"
    )
    host = Vhost("shop", SHOP_UID, LOG, run="")
    site = Site(installation, installation.directory("deputy"), [host], server=text, modules=PROXIES, daemon="external")
    site.mail_server = server
    daemon = ExternalDaemon(installation, site.httpd.runtime_dir, site.httpd.state_dir).start()
    try:
        yield site.start()
    finally:
        site.stop()
        daemon.close()
        server.close()


@pytest.mark.parametrize("way", LOCAL)
def test_refused(deputy, way):
    port, mark = deputy.mail_server.port, new_mark()
    htaccess = LOCAL[way].replace("{port}", str(port))
    deputy.shop.write("deputy/below/.htaccess", f'SetHandler "proxy:fcgi://127.0.0.1:{port}"\n')
    deputy.shop.write("deputy/below/page.txt", "")
    deputy.httpd.allow_log(r"MO0111|\bAH\d{5}: ")
    deputy.httpd.expect_log(r"MO0127: shop\.example:\d+: for /\S+ httpd was to connect, and does not, to \w+://\S*: MailOriginSmtpLocal \(\S+, event \w{26}\)$")
    assert deputed(deputy, htaccess, mark=mark) == (404 if way == "ErrorDocument" else 403)
    assert deputy.mail_server.told == []
    event = event_of(deputy, mark)
    assert (event["verdict"], event["reason"], event["dst_port"]) == ("deny", "smtp-local", port)
    assert event["dst"] == {"IPv6": "::1", "unspecified": "0.0.0.0"}.get(way, "127.0.0.1") or way == "a name"
    directory = deputy.shop.docroot / ("deputy/below" if way == "ErrorDocument" else "deputy")
    line = next(number for number, text in enumerate(htaccess.splitlines(), 1) if "roxy:" in text or "[P]" in text or "E" == text[0])
    assert (event["file"], event["line"]) == (f"{directory}/.htaccess", line)
    assert event["caller"] == f"{directory}/.htaccess:{line}"
    deputy.verify()


def test_one_event_for_a_request(deputy):
    """Whatever asks for it again: a page's subrequests here."""
    port, mark = deputy.mail_server.port, new_mark()
    deputy.httpd.allow_log(r"MO0111|\bAH\d{5}: |\[include:error\]")
    deputy.httpd.expect_log("MO0127: ")
    page = '<!--#include virtual="a.txt" -->' * 5
    deputy.shop.write("parts/page.shtml", page)
    deputy.shop.write(
        "parts/.htaccess",
        'Options +Includes\n<Files "page.shtml">\nSetOutputFilter INCLUDES\n</Files>\n'
        f'<Files "a.txt">\nSetHandler "proxy:http://127.0.0.1:{port}"\n</Files>\n',
    )
    deputy.shop.write("parts/a.txt", "")
    assert deputy.shop.get(f"/parts/page.shtml?{mark}").status == 200
    assert event_of(deputy, mark)["line"] == 6
    said = [line for line in deputy.httpd.said().splitlines() if "MO0127" in line and "/parts/a.txt" in line]
    assert len(said) == 1 and deputy.mail_server.told == []
    deputy.verify()


@pytest.mark.parametrize("others", ["Require ip 127.0.0.1", 'SetHandler "proxy:fcgi://127.0.0.1:9000"'], ids=["a client", "a backend"])
@pytest.mark.parametrize("size", [0, 300_000])
def test_a_hidden_line_is_not_anothers(deputy, others, size):
    """Who writes into a directory below hides where httpd is led: the file above is not blamed."""
    port, mark = deputy.mail_server.port, new_mark()
    deputy.httpd.allow_log(r"MO0111|\bAH\d{5}: ")
    deputy.httpd.expect_log(r"MO0127: \S+ for /above/own/page.txt .*: MailOriginSmtpLocal \(event \w{26}\)$")
    deputy.shop.write("above/.htaccess", others)
    deputy.shop.write("above/own/.htaccess", "# much\n" * (size // 7) + 'SetEnvIf X-To (.+) TO=$1\nSetHandler "%{reqenv:TO}"\n')
    page = deputy.shop.write("above/own/page.txt", "")
    assert deputy.shop.get(f"{page.uri}?{mark}", headers={"X-To": f"proxy:fcgi://127.0.0.1:{port}"}).status == 403
    assert not {"file", "line", "caller"} & set(event_of(deputy, mark)) and deputy.mail_server.told == []
    deputy.verify()


def test_traced(deputy):
    """From the id in error_log to the line of .htaccess."""
    port, mark = deputy.mail_server.port, new_mark()
    deputy.httpd.allow_log(r"MO0111|\bAH\d{5}: ")
    deputy.httpd.expect_log("MO0127: ")
    assert deputed(deputy, f'SetHandler "proxy:fcgi://127.0.0.1:{port}"', mark=mark) == 403
    event = event_of(deputy, mark)
    mailorigin = Command(deputy.installation, deputy.httpd.runtime_dir)
    traced = wait_until(lambda: (said := mailorigin("trace", event["id"], "--json").json)["found"] and said, "the store")
    assert traced["event"]["caller"] == f"{deputy.shop.docroot}/deputy/.htaccess:1"
    assert any(mark in line for line in traced["request"]["access_log"]), traced


OUTSIDE = 'SetHandler "proxy:fcgi://{address}:{port}"'
BY_NAME = 'SetHandler "proxy:fcgi://{name}:{port}"'
RULES = {
    # the server's lines, the host's, what .htaccess says: whether it connects; the event's verdict and reason
    "denied": ("MailOriginFirewall On\n", "", OUTSIDE, False, "deny smtp"),
    "redirected": ("MailOriginFirewall On\n", "  MailOriginSmtp redirect 127.0.0.1:25\n", OUTSIDE, False, "deny smtp"),
    "allowed": ("MailOriginFirewall On\n", "  MailOriginSmtp allow\n", OUTSIDE, True, "allow smtp"),
    "allowed by name": ("MailOriginFirewall On\n", "  MailOriginSmtp allow\n", BY_NAME, True, "allow smtp"),
    "observed": ("MailOriginFirewall On\n", "  MailOriginSmtp observe\n", OUTSIDE, True, "observe smtp"),
    "observed by name": ("MailOriginFirewall On\n", "  MailOriginSmtp observe\n", BY_NAME, True, "observe smtp"),
    "listed": ("MailOriginFirewall On\n", "  MailOriginSmtpAllow {address}\n", OUTSIDE, True, "allow smtp-allow"),
    "listed by name": ("MailOriginFirewall On\n", "  MailOriginSmtpAllow {name}\n", OUTSIDE, True, "allow smtp-allow"),
    "another port listed": ("MailOriginFirewall On\n", "  MailOriginSmtpAllow {address}:1\n", OUTSIDE, False, "deny smtp"),
    "listed for the server": (
        "MailOriginFirewall On\nMailOriginSmtpAllow {address}\n", "  MailOriginSmtpAllow none\n", OUTSIDE, False, "deny smtp",
    ),
    "observing": ("MailOriginFirewall observe\n", "", OUTSIDE, True, "observe smtp"),
    "no firewall": ("", "", OUTSIDE, True, None),
    "MailOrigin Off": ("MailOriginFirewall On\n", "  MailOrigin Off\n", OUTSIDE, True, None),
    "local by default": ("MailOriginFirewall On\n", "", 'SetHandler "proxy:fcgi://127.0.0.1:{port}"', True, "observe smtp-local"),
    "no such name": ("MailOriginFirewall On\n", "  MailOriginSmtp allow\n", 'SetHandler "proxy:fcgi://no.such.invalid:{port}"', False, None),
}


@pytest.mark.parametrize("case", RULES)
def test_rules(make_proxy, mail_server, named, case):
    server, directives, htaccess, connects, judged = RULES[case]
    filled = [
        text.replace("{address}", own_address()).replace("{name}", NAME).replace("{port}", str(mail_server.port))
        for text in (server, directives, htaccess)
    ]
    site = make_proxy(filled[0], filled[1])
    mark = new_mark()
    status = deputed(site, filled[2], mark=mark)
    assert bool(mail_server.told) is connects or (status >= 500 and connects), (status, mail_server.told)
    if not connects:
        assert mail_server.told == [] and status == (403 if judged else 502)
    if not judged:
        assert not site.shop.json.lines_with(mark)
        return
    if not judged.startswith("allow"):
        site.httpd.expect_log(r"MO0127: .*: MailOriginSmtp(Local)? \(")
    event = event_of(site, mark)
    assert f"{event['verdict']} {event['reason']}" == judged
    assert (event["file"], event["line"]) == (f"{site.shop.docroot}/deputy/.htaccess", 1)
    assert event["entry"] == f"{site.shop.docroot}/deputy/page.txt"


ALLOWED = "MailOriginFirewall On\nMailOriginSmtpLocal allow\n"
DENIED = "MailOriginFirewall On\nMailOriginSmtpLocal deny\n"


def test_a_blocked_site(make_proxy, mail_server):
    """`mailorigin block` goes before what is configured; so does one of the .htaccess itself."""
    site = make_proxy(ALLOWED)
    mailorigin = Command(site.installation, site.httpd.runtime_dir)
    site.httpd.allow_log("MO026[89]")
    handler = f'SetHandler "proxy:fcgi://127.0.0.1:{mail_server.port}"'
    for subject in (f"site:{site.shop.name}", f"script:{site.shop.docroot}/deputy/.htaccess", "client:127.0.0.1"):
        assert mailorigin("block", subject).status == 0
        site.httpd.expect_log(r"MO0127: .*: mailorigin block \(")
        mark = new_mark()
        assert deputed(site, handler, mark=mark) == 403 and mail_server.told == []
        event = event_of(site, mark)
        assert (event["verdict"], event["reason"]) == ("deny", "blocked") and event["block"].startswith(subject)
        mailorigin("unblock", "--all")
    deputed(site, handler)
    wait_until(lambda: mail_server.told, "httpd to connect again")


def test_other_ports_are_nobodys_business(make_proxy):
    """A backend on a port of its own, by .htaccess: no rule, no line."""
    port = free_port()
    site = make_proxy(DENIED)
    assert deputed(site, f'SetHandler "proxy:fcgi://127.0.0.1:{port}"') == 503
    assert not re.search("MO0127", site.httpd.said())


def test_a_request_line_that_names_a_mail_server(make_proxy, mail_server, named):
    """mod_proxy_ftp would connect to what it names, whatever was judged."""
    site = make_proxy("MailOriginFirewall On\n")
    site.shop.write("deputy/.htaccess", f"RewriteEngine On\nRewriteRule . ftp://127.0.0.1:{free_port()}/x [P]\n")
    page = site.shop.write("deputy/page.txt", "a page")
    connection = http.client.HTTPConnection("127.0.0.1", site.httpd.port, timeout=10)
    connection.request("GET", f"http://{NAME}:{mail_server.port}{page.uri}")
    assert connection.getresponse().status >= 500  # nobody listens there
    connection.close()
    assert mail_server.told == []


def test_a_balancer_of_the_server(make_proxy, mail_server):
    """Each member is judged when its turn comes, whatever the balancer is called."""
    site = make_proxy(
        "MailOriginFirewall On\nMailOriginSmtpLocal deny\n",
        lines=f"  <Proxy balancer://both>\n    BalancerMember fcgi://127.0.0.1:{mail_server.port}\n  </Proxy>\n"
        "  ProxyPass /all balancer://both\n",
    )
    site.httpd.expect_log("MO0127: ")
    mark = new_mark()
    assert site.shop.get(f"/all/x?{mark}", "POST", body=DIALOGUE).status == 403
    assert mail_server.told == []
    # No .htaccess has said so.
    assert not {"file", "line", "caller", "entry"} & set(event_of(site, mark))


@pytest.mark.parametrize("rule", ["allow", "deny"])
@pytest.mark.parametrize("scheme", ["fcgi", "uwsgi"])
def test_real_mail_server(make_proxy, postfix, scheme, rule):
    """Postfix makes mail of what a tenant posts, unless httpd does not go there."""
    site = make_proxy(f"MailOriginSmtpPorts {postfix.port}\nMailOriginFirewall On\nMailOriginSmtpLocal {rule}\n")
    dialogue = (
        "\r\nMAIL FROM:<me@shop.example>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n"
        f"{CASE}: 0\r\n\r\nspam\r\n.\r\nQUIT\r\n"
    )
    mark = new_mark()
    status = deputed(site, f'SetHandler "proxy:{scheme}://127.0.0.1:{postfix.port}"', dialogue, mark)
    event = event_of(site, mark)
    assert (event["verdict"], event["reason"], event["dst_port"]) == (rule, "smtp-local", postfix.port)
    assert event["caller"] == f"{site.shop.docroot}/deputy/.htaccess:1"
    if rule == "allow":
        queue = wait_until(lambda: postfix.empty_queue(30), "Postfix to queue it")
        assert queue[0].recipients == [b"you@example.org"]
        return
    site.httpd.expect_log("MO0127: .*MailOriginSmtpLocal")
    assert status == 403 and postfix.empty_queue(30) == {}


LDAP = ("ldap", "authn_core", "auth_basic", "authz_user", "authnz_ldap")


def signed_in(site, url, mark=""):
    """Asks for a page whose .htaccess has users looked up there: the status."""
    site.shop.write("members/.htaccess", f'AuthType Basic\nAuthName x\nAuthBasicProvider ldap\nAuthLDAPURL "{url}"\nRequire valid-user\n')
    page = site.shop.write("members/page.txt", "a page")
    return site.shop.get(f"{page.uri}?{mark}", headers={"Authorization": "Basic bWU6bWU="}, timeout=60).status


@pytest.mark.parametrize("hosts", ["127.0.0.1:{port}", "localhost:{port}", "127.0.0.1:1 [::1]:{port}", "127.1:{port}"])
def test_directory_server(make_proxy, mail_server, hosts):
    """AuthLDAPURL makes httpd connect as well."""
    site = make_proxy(DENIED, modules=LDAP)
    site.httpd.allow_log(r"authnz_ldap|\[ldap:")
    for _ in range(2):
        mark = new_mark()
        site.httpd.expect_log(r"MO0127: shop\.example:\d+: for /members/page\.txt httpd was to connect, and does not, to ldap://\S+: MailOriginSmtpLocal")
        assert signed_in(site, "ldap://" + hosts.replace("{port}", str(mail_server.port)) + "/dc=x?uid", mark) == 500
        assert mail_server.told == []
        event = event_of(site, mark)
        assert (event["verdict"], event["reason"], event["dst_port"]) == ("deny", "smtp-local", mail_server.port)
        assert event["caller"] == f"{site.shop.docroot}/members/.htaccess:4"
        site.httpd.graceful()


def test_allowed_directory_server(make_proxy, mail_server):
    """Elsewhere, and where the rules have it, mod_ldap connects as ever."""
    site = make_proxy(ALLOWED, modules=LDAP)
    site.httpd.allow_log(r"authnz_ldap|\[ldap:")
    mark = new_mark()
    signed_in(site, f"ldap://localhost:{mail_server.port}/dc=x?uid", mark)
    wait_until(lambda: mail_server.told, "mod_ldap to connect")
    assert event_of(site, mark)["verdict"] == "allow"
