"""A pool whose workers were there before the firewall."""

import errno

from harness.firewall import V4
from harness.guarded import SERVER, event_of, guarded_site, knock
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

        def refused():
            return knock(site.shop, V4)[1].json == errno.ECONNREFUSED

        wait_until(refused, "the old worker to be judged by its host's rule")
        script, _ = knock(site.shop, V4)
        event = event_of(site.shop, script)
        assert (event["verdict"], event["verified"]) == ("deny", True)
        assert event["pid"] in workers
