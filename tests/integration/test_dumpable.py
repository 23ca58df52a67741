"""Pools whose workers are open to their own scripts: said once, in PHP's log and in syslog."""

import re

from harness.site import BLOG_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark

OPEN = "process.dumpable = yes\npm.max_requests = 3"
PAGE = "<?php var_dump((bool) @fopen('/proc/self/mem', 'r')); mail('to@example.org', $_GET['m'], 'body');"


def said(lines, pool):
    return len([line for line in lines if re.search(rf"MO0304: pool '{pool}': .*process\.dumpable", line)])


def test_said_once(make_site, syslog):
    site = make_site(
        [Vhost("shop", SHOP_UID, WITH_HEADER, pool_lines=OPEN), Vhost("blog", BLOG_UID, WITH_HEADER)]
    )
    site.httpd.expect_log("MO0304: pool 'shop'")
    before = said(syslog.lines, "shop")
    for generation in (1, 2):
        pids = set()
        # More than three requests each: other workers come, and say nothing.
        for vhost in site.vhosts:
            script = vhost.script(PAGE)
            for _ in range(12):
                mark = new_mark()
                is_open = vhost.get(f"{script.uri}?m={mark}").text
                assert is_open == f"bool({str(vhost is site.shop).lower()})\n"
                event = vhost.json.wait(mark)
                assert event["verified"] is True
                pids.add(event["pid"])
        assert len(pids) > 4
        in_error_log = site.httpd.error_log.read_text().splitlines()
        assert (said(in_error_log, "shop"), said(in_error_log, "blog")) == (generation, 0)
        assert (said(syslog.lines, "shop") - before, said(syslog.lines, "blog")) == (generation, 0)
        if generation == 1:
            site.fpm.reload()
