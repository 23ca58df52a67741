"""A pool whose workers were there before the firewall."""

from harness.firewall import V4
from harness.guarded import SERVER, guarded_site, knock
from harness.site import SHOP_UID, Vhost
from harness.waiting import children_of, wait_until

LOG = "  MailOriginLog logs/{short}.json json\n"


def test_a_pool_that_is_older_than_the_firewall(installation, ground):
    """It is observed until a request of it has shown its context; then its host's rule holds."""
    off = SERVER.replace("MailOriginFirewall On", "MailOriginFirewall Off")
    hosts = [Vhost("shop", SHOP_UID, LOG, pool_lines="pm.max_children = 1")]
    with guarded_site(installation, ground, "older", hosts, off) as site:
        workers = children_of(site.fpm.process.pid)
        _, answer = knock(site.shop, V4)
        assert V4 in answer.json
        site.configure(SERVER)
        site.httpd.graceful()

        def known():
            knock(site.shop, V4)
            return [event for event in site.shop.json.entries() if event["verified"]]

        event = wait_until(known, "the old worker to be known by its request")[0]
        assert (event["verdict"], event["reason"]) == ("deny", "smtp")
        assert event["pid"] in workers
