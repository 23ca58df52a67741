"""Two masters of php-fpm side by side, as hosts with several PHP versions have them."""

import errno

from harness.firewall import V4
from harness.fpm import Fpm, Pool
from harness.guarded import event_of, guarded_site, knock
from harness.site import BLOG_UID, SHOP_UID, Vhost, handled_by

LOG = "  MailOriginLog logs/{short}.json json\n"


def test_each_knows_its_requests(installation, ground):
    directory = "{dir}/second"
    run = handled_by(f"proxy:unix:{directory}/run/blog.sock|fcgi://localhost/")
    hosts = [Vhost("shop", SHOP_UID, LOG), Vhost("blog", BLOG_UID, LOG + "  MailOriginSmtp allow\n", run=run)]
    with guarded_site(installation, ground, "masters", hosts) as site:
        place = site.directory / "second"
        place.mkdir()
        second = Fpm(place, [Pool("blog", BLOG_UID)], site.ini, extensions=(installation.plugin,))
        assert second.socket("blog") == place / "run/blog.sock"
        second.start()
        try:
            for _ in range(3):
                script, answer = knock(site.shop, V4)
                assert answer.json == errno.ECONNREFUSED
                assert event_of(site.shop, script)["verified"] is True
                script, answer = knock(site.blog, V4)
                assert V4 in answer.json
                event = event_of(site.blog, script)
                assert (event["verdict"], event["verified"], event["uid"]) == ("allow", True, BLOG_UID)
        finally:
            second.stop()
