"""A pool whose workers were there before the firewall."""

import pytest
from harness.firewall import V4
from harness.guarded import SERVER, guarded_site, knock
from harness.site import SHOP_UID, Vhost
from harness.waiting import wait_until

LOG = "  MailOriginLog logs/{short}.json json\n"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["usual", "elsewhere"])
def test_a_pool_that_is_older_than_the_firewall(installation, ground, elsewhere):
    """It is observed until a request of it has shown its context; then its host's rule holds. Wherever MailOriginSocket is."""
    server = SERVER + ("MailOriginSocket elsewhere/mailorigin.sock\n" if elsewhere else "")
    off = server.replace("MailOriginFirewall On", "MailOriginFirewall Off")
    hosts = [Vhost("shop", SHOP_UID, LOG, pool_lines="pm.max_children = 1")]

    def prepare(site):
        if elsewhere:
            (site.directory / "elsewhere").mkdir()
            usual, other = (str(each / "mailorigin.sock") for each in (site.httpd.runtime_dir, site.directory / "elsewhere"))
            site.fpm.ini.write_text(site.fpm.ini.read_text().replace(usual, other))

    with guarded_site(installation, ground, "older", hosts, off, prepare) as site:
        workers = site.fpm.workers("shop")
        _, answer = knock(site.shop, V4)
        assert V4 in answer.json
        site.configure(server)
        site.httpd.graceful()

        def known():
            knock(site.shop, V4)
            return [event for event in site.shop.json.entries() if event["verified"]]

        event = wait_until(known, "the old worker to be known by its request")[0]
        assert (event["verdict"], event["reason"]) == ("deny", "smtp")
        assert event["pid"] in workers
