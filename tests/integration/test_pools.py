"""The ways to hand a request to php-fpm: each names the script, the document root and the host."""

from urllib.parse import quote

import pytest
from harness.site import IN_POOL, SHOP_UID, WITH_HEADER, Site, Vhost, handled_by, new_mark

SCRIPTS = r'"^/(.*\.php(/.*)?)$"'
WAYS = {
    "SetHandler, socket": IN_POOL,
    "SetHandler, socket, no slash": handled_by("proxy:unix:{socket}|fcgi://localhost"),
    "SetHandler, TCP": handled_by("proxy:fcgi://{address}/"),
    "SetHandler, TCP, no slash": handled_by("proxy:fcgi://{address}"),
    "ProxyPassMatch, socket": f'  ProxyPassMatch {SCRIPTS} "unix:{{socket}}|fcgi://localhost{{docroot}}/$1"',
    "ProxyPassMatch, TCP": f'  ProxyPassMatch {SCRIPTS} "fcgi://{{address}}{{docroot}}/$1"',
    "ProxyPass": '  ProxyPass "/" "fcgi://{address}{docroot}/"',
    "RewriteRule": f'  RewriteEngine On\n  RewriteRule {SCRIPTS} "fcgi://{{address}}{{docroot}}/$1" [P]',
    "balancer": handled_by("proxy:balancer://pool")
    + "\n  <Proxy balancer://pool>\n    BalancerMember fcgi://{address}\n  </Proxy>",
}
BALANCER = ("slotmem_shm", "lbmethod_byrequests", "proxy_balancer")


@pytest.fixture(scope="module", params=WAYS)
def shop(request, installation):
    vhost = Vhost("shop", SHOP_UID, WITH_HEADER, run=WAYS[request.param])
    site = Site(installation, installation.directory(request.param), [vhost], modules=BALANCER)
    try:
        yield site.start().shop
        site.verify()
    finally:
        site.stop()


@pytest.mark.parametrize("path_info", ["", "/more", "/more/other.php/x"])
@pytest.mark.parametrize("name", ["page.php", "dir.php/page.php"])
def test_origin(shop, name, path_info):
    check_origin(shop, name, path_info)


@pytest.mark.parametrize("path_info", ["", "/m%20re/größe.php"])
@pytest.mark.parametrize("name", ["a directory/pa ge+1.php", "größe/50%.php"])
def test_names_that_are_encoded(site, name, path_info):
    """By ProxyPass and its kin such a script is not found at all."""
    check_origin(site.shop, name, quote(path_info))


def check_origin(shop, name, path_info):
    mark = new_mark()
    page = shop.write(f"{mark}/{name}", "<?php\nmail('to@example.org', $_GET['m'], 'body');")
    uri = quote(page.uri) + path_info + f"?m={mark}"
    assert shop.get(uri).status == 200
    event = shop.json.wait(f'"subject":"{mark}"')
    assert event["verified"] is True, event
    assert (event["vhost"], event["docroot"]) == (shop.full_name, str(shop.docroot))
    assert (event["entry"], event["file"], event["line"]) == (str(page.path), str(page.path), 2)
    assert event["uri"] == uri
    assert (event["sapi"], event["pool"], event["uid"]) == ("fpm-fcgi", "shop", SHOP_UID)
    assert event["request_id"] == shop.access.wait(f"m={mark}").split()[0]
