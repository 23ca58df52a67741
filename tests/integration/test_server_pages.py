"""Pages about the whole server, which a tenant's .htaccess may not name: balancer-manager adds members for all hosts.

Of mod_jk, which is none of httpd's, its code says what names it knows. (Debian 12's mod_qos is not to be loaded: it lacks pcre.)
"""

import pytest
from harness.site import ALL_FORMATS, BLOG_UID, SHOP_UID, Site, Vhost

JK = """
JkShmFile {dir}/logs/jk.shm
JkLogFile {dir}/logs/jk.log
JkWorkerProperty worker.list=app,about
JkWorkerProperty worker.about.type=status
JkWorkerProperty worker.app.type=ajp13
JkWorkerProperty worker.app.port=9
"""
SERVER = """
TypesConfig /dev/null
<Proxy balancer://cluster>
  BalancerMember http://127.0.0.1:9
</Proxy>
"""
# The administrator's own, in each kind of section.
SECTIONS = """
  DirectoryIndex index.html below/page.txt
  <Location "/elsewhere">
    FallbackResource /below/page.txt
  </Location>
  <Location "/by-location">
    SetHandler balancer-manager
  </Location>
  <Files "by-file.txt">
    SetHandler balancer-manager
  </Files>
  <If "%{REQUEST_URI} == '/by-if.txt'">
    SetHandler balancer-manager
  </If>
  JkMount /by-jk/* app
"""
MODULES = (
    "proxy_http", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm", "status", "info", "ldap", "rewrite", "mime", "dir",
    "heartmonitor", "md", "jk",
)  # fmt: skip
WAYS = {
    "SetHandler": "SetHandler {page}",
    "by an expression": 'SetHandler "%{{tolower:{page}}}"',
    "RewriteRule": "RewriteEngine On\nRewriteRule . - [H={page}]",
    "AddHandler": "AddHandler {page} .txt",
    "ForceType": "ForceType {page}",
}
PAGES = (
    "balancer-manager", "server-status", "application/x-httpd-status", "server-info", "ldap-status", "heartbeat", "md-status",
    "jakarta-servlet",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(installation):
    """blog is without MailOriginStrict."""
    vhosts = [
        Vhost("shop", SHOP_UID, ALL_FORMATS + SECTIONS),
        Vhost("blog", BLOG_UID, ALL_FORMATS + "  MailOriginStrict Off\n"),
    ]
    made = Site(installation, installation.directory("pages"), vhosts, server=SERVER + JK, modules=MODULES)
    try:
        yield made.start()
        made.verify()
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def said_without_a_referer(site):
    site.httpd.allow_log("AH10187")


def status_of(vhost, htaccess, name="page.txt"):
    vhost.write(".htaccess", htaccess + "\n")
    return vhost.get(vhost.write(name, "a page").uri).status


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("way", WAYS)
def test_refused(site, way, page):
    site.httpd.expect_log(f"MO0146: MailOriginStrict: /page.txt is {page} by .htaccess, ")
    assert status_of(site.shop, WAYS[way].format(page=page)) == 403


@pytest.mark.parametrize("uri", ["/", "/elsewhere/page"], ids=["DirectoryIndex", "FallbackResource"])
@pytest.mark.parametrize("way", WAYS)
def test_refused_in_another_pages_place(site, way, uri):
    """The server's own configuration leads to a directory, and the .htaccess there is none of the request's."""
    (site.shop.docroot / ".htaccess").unlink(missing_ok=True)
    site.shop.write("below/page.txt", "a page")
    site.shop.write("below/.htaccess", WAYS[way].format(page="balancer-manager") + "\n")
    site.httpd.expect_log("MO0146: MailOriginStrict: /below/page.txt is balancer-manager by .htaccess, ")
    assert site.shop.get(uri).status == 403


@pytest.mark.parametrize(
    "htaccess", ["SetHandler balancer-manager", "SetHandler jakarta-servlet\nSetEnv JK_WORKER_NAME about"]
)
def test_not_strict(site, htaccess):
    assert status_of(site.blog, htaccess) == 200
    assert site.blog.get("/page.txt").text != "a page"


@pytest.mark.parametrize("handler", ["x-mapp-php5", "default-handler", "text/plain", "text/x-of-nobody"])
@pytest.mark.parametrize("way", WAYS)
def test_other_handlers_are_nobodys_business(site, way, handler):
    """What no module knows, an old host's PHP say, is served as ever."""
    assert status_of(site.shop, WAYS[way].format(page=handler)) == 200
    assert site.shop.get("/page.txt").text == "a page"


@pytest.mark.parametrize("name", ["by-location", "by-file.txt", "by-if.txt"])
def test_the_administrators_own(site, name):
    """Also where an .htaccess is in the way."""
    assert status_of(site.shop, "Options -Indexes", name) == 200
    assert "Load Balancer Manager" in site.shop.get(f"/{name}").text


def test_a_handler_from_before_htaccess(site):
    """JkMount gives it; whoever serves there is away."""
    status_of(site.shop, "Options -Indexes")
    site.httpd.allow_log("mod_jk|jk_")
    assert site.shop.get("/by-jk/page").status == 503


def test_what_the_server_gives_to_files(make_site):
    """By AddHandler: then it is a file's."""
    made = make_site(
        [Vhost("shop", SHOP_UID, ALL_FORMATS, run="")], modules=("jk", "mime"),
        server="TypesConfig /dev/null\nAddHandler jakarta-servlet .jsp\n" + JK,
    )  # fmt: skip
    assert status_of(made.shop, "SetHandler jakarta-servlet\nSetEnv JK_WORKER_NAME about") == 200
