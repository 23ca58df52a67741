"""A balancer tries another pool where the first one's process is lost: one request, and two processes that run it."""

import pytest
from harness.httpd import free_port
from harness.site import SHOP_UID, WITH_HEADER, Vhost, handled_by, new_mark

BALANCER = ("slotmem_shm", "lbmethod_byrequests", "proxy_balancer")
MEMBERS = handled_by("proxy:balancer://pools/") + """
  <Proxy balancer://pools>
    BalancerMember fcgi://127.0.0.1:{first}
    BalancerMember fcgi://127.0.0.1:{spare} status=+H
  </Proxy>
"""
# The first pool's settings, and what becomes of its process after its mail.
LOST = {
    "killed": ({}, "", "posix_kill(getmypid(), 9);"),
    "limited": ({}, "request_terminate_timeout = 1s", "sleep(30);"),
}
PAGE = """<?php
mail('to@example.org', $_GET['mark'] . ini_get('user_agent'), 'body');
if (ini_get('user_agent') == '-first') {{ {loss} }}
echo 'done';
"""


def two_pools(make_site, strict, settings=None, lines="", first_port=None):
    spare = Vhost("spare", SHOP_UID, pool_settings={"user_agent": "-second"}, run=handled_by("proxy:fcgi://{address}"))
    shop = Vhost(
        "shop", SHOP_UID, WITH_HEADER + f"  MailOriginStrict {strict}\n",
        pool_settings={"user_agent": "-first", **(settings or {})}, pool_lines=lines, run=handled_by("proxy:fcgi://{address}"),
    )  # fmt: skip
    shop.run_lines = MEMBERS.format(first=first_port or shop.pool.port, spare=spare.pool.port)
    site = make_site([shop, spare], modules=BALANCER)
    site.httpd.allow_log(r"\bAH\d{5}: ")
    return site


def posted(site, loss):
    """The mark of a page's mail, and the ids that the access log has of its request."""
    mark = new_mark()
    page = site.shop.write("page.php", PAGE.format(loss=loss))
    site.shop.write(".htaccess", 'ProxyFCGISetEnvIf "true" FROM_HTACCESS "1"\n')
    answer = site.shop.get(f"{page.uri}?mark={mark}")
    assert (answer.status, answer.text) == (200, "done")
    return mark, site.shop.access.wait(mark).split()[0].split(",")


@pytest.mark.parametrize("strict", ["On", "Off"])
@pytest.mark.parametrize("way", LOST)
def test_both_processes_are_the_requests(make_site, way, strict):
    settings, lines, loss = LOST[way]
    site = two_pools(make_site, strict, settings, lines)
    mark, ids = posted(site, loss)
    events = [site.shop.json.wait(f"{mark}-{which}") for which in ("first", "second")]
    for event in events:
        assert (event["verified"], event["vhost"], event["site"]) == (True, site.shop.full_name, "shop.example"), event
        assert (event["entry"], event["uri"]) == (str(site.shop.docroot / "page.php"), f"/page.php?mark={mark}")
        assert "reason" not in event
    assert [event["request_id"] for event in events] == ids
    assert events[0]["pid"] != events[1]["pid"]
    assert [event["pool"] for event in events] == ["shop", "spare"]


def test_a_pool_that_is_not_there(make_site):
    """The access log has an id for each attempt, and the mail is of the last."""
    site = two_pools(make_site, "On", first_port=free_port())
    mark, ids = posted(site, "")
    event = site.shop.json.wait(f"{mark}-second")
    assert (event["verified"], event["request_id"], len(ids)) == (True, ids[1], 2)


def test_a_pool_that_is_well(make_site):
    site = two_pools(make_site, "On")
    mark, ids = posted(site, "")
    event = site.shop.json.wait(f"{mark}-first")
    assert (event["verified"], [event["request_id"]]) == (True, ids)
