"""Pages about the whole server, which a tenant's .htaccess may not name: balancer-manager adds members for all hosts."""

import pytest
from harness.site import ALL_FORMATS, BLOG_UID, SHOP_UID, Site, Vhost

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
"""
MODULES = ("proxy_http", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm", "status", "info", "ldap", "rewrite", "mime", "dir")
WAYS = {
    "SetHandler": "SetHandler {page}",
    "by an expression": 'SetHandler "%{{tolower:{page}}}"',
    "RewriteRule": "RewriteEngine On\nRewriteRule . - [H={page}]",
    "AddHandler": "AddHandler {page} .txt",
    "ForceType": "ForceType {page}",
}
PAGES = ("balancer-manager", "server-status", "application/x-httpd-status", "server-info", "ldap-status")


@pytest.fixture(scope="module")
def site(installation):
    """blog is without MailOriginStrict."""
    vhosts = [
        Vhost("shop", SHOP_UID, ALL_FORMATS + SECTIONS),
        Vhost("blog", BLOG_UID, ALL_FORMATS + "  MailOriginStrict Off\n"),
    ]
    made = Site(installation, installation.directory("pages"), vhosts, server=SERVER, modules=MODULES)
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
    site.httpd.expect_log(f"MO0146: MailOriginStrict: /page.txt is {page} by .htaccess: ")
    assert status_of(site.shop, WAYS[way].format(page=page)) == 403


@pytest.mark.parametrize("uri", ["/", "/elsewhere/page"], ids=["DirectoryIndex", "FallbackResource"])
@pytest.mark.parametrize("way", WAYS)
def test_refused_in_another_pages_place(site, way, uri):
    """The server's own configuration leads to a directory, and the .htaccess there is none of the request's."""
    (site.shop.docroot / ".htaccess").unlink(missing_ok=True)
    site.shop.write("below/page.txt", "a page")
    site.shop.write("below/.htaccess", WAYS[way].format(page="balancer-manager") + "\n")
    site.httpd.expect_log("MO0146: MailOriginStrict: /below/page.txt is balancer-manager by .htaccess: ")
    assert site.shop.get(uri).status == 403


def test_not_strict(site):
    assert status_of(site.blog, WAYS["SetHandler"].format(page="balancer-manager")) == 200


@pytest.mark.parametrize("name", ["by-location", "by-file.txt", "by-if.txt"])
def test_the_administrators_own(site, name):
    """Also where an .htaccess is in the way."""
    assert status_of(site.shop, "Options -Indexes", name) == 200
    assert "Load Balancer Manager" in site.shop.get(f"/{name}").text
