"""Another user holds the lock of a worker's or of httpd's directory in /proc: who serves does not look below it."""

from contextlib import ExitStack

from harness.firewall import V4
from harness.guarded import KNOCK, SERVER, guarded_site
from harness.held_directory import held
from harness.site import BLOG_UID, SHOP_UID, Vhost
from harness.waiting import children_of

LOG = "  MailOriginLog logs/{short}.json json\n"
OVERRIDE = "  <Directory {docroot}>\n    AllowOverride All\n    Require all granted\n  </Directory>\n"


def test_connections_of_who_is_held_go_on(installation, ground):
    hosts = [
        Vhost("shop", SHOP_UID, LOG + "  MailOriginSmtp allow\n", pool_lines="pm.max_children = 1"),
        Vhost("blog", BLOG_UID, LOG + OVERRIDE),
    ]
    with guarded_site(installation, ground, "held", hosts, SERVER, modules=("proxy_http",)) as site:
        knocking = site.shop.script(KNOCK)
        site.blog.write("deputy/.htaccess", f"RewriteEngine On\nRewriteRule . http://{V4}:25/x [P]\n")
        deputy = site.blog.write("deputy/x.txt", "x")
        static = site.blog.write("plain.txt", "fine")
        workers = site.fpm.workers("shop")
        httpds = [pid for pid in children_of(site.httpd.process.pid) if pid != site.httpd.daemon()]
        assert workers and httpds
        with ExitStack() as stack:
            for pid in workers + httpds:
                stack.enter_context(held(f"/proc/{pid}"))
            for _ in range(2):
                assert V4 in site.shop.get(f"{knocking.uri}?host={V4}&port=25", timeout=15).json
            # More than httpd has threads: none of them stays.
            for _ in range(70):
                assert site.blog.get(deputy.uri, timeout=15).status == 403
            assert site.blog.get(static.uri, timeout=15).text == "fine"
        site.httpd.expect_log("MO0127")


def test_mail_of_who_is_held_goes_on(make_site):
    """Also the first of a worker, whose directory nobody has looked into."""
    site = make_site()
    with ExitStack() as stack:
        for pid in children_of(site.fpm.process.pid):
            stack.enter_context(held(f"/proc/{pid}"))
        mark = site.blog.mail()
    assert site.blog.json.wait(mark)["pool"] == "blog"
