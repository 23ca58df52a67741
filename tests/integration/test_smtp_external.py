"""From a firewall that httpd starts itself to one of a unit's, with MailOriginFirewall Off in the same step."""

import pytest
from harness.firewall import V4
from harness.guarded import SERVER, guarded_site, knock
from harness.site import SHOP_UID, Vhost

OFF = SERVER.replace("MailOriginFirewall On", "MailOriginFirewall Off") + "MailOriginDaemon external\n"


@pytest.fixture
def guarded(installation, ground):
    with guarded_site(installation, ground, "external", [Vhost("shop", SHOP_UID)]) as site:
        site.httpd.expect_log("MO0111: mailorigind does not take the policy")
        yield site


def pins(guarded):
    return sorted((guarded.ground.bpffs / "external").rglob("*-link"))


def test_httpds_own_one_hears_it_before_it_goes(guarded):
    guarded.httpd.allow_log("MO04")
    assert pins(guarded)
    guarded.configure(OFF)
    guarded.httpd.graceful()
    assert not pins(guarded)
    assert V4 in str(knock(guarded.shop, V4)[1].json)


def test_what_nobody_is_there_to_take_out_is_said(guarded):
    guarded.httpd.stop()
    assert pins(guarded)
    guarded.configure(OFF)
    guarded.httpd.expect_log("MO0111: mailorigin-firewall does not take the policy")
    guarded.httpd.start()
