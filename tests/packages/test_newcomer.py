"""From an empty Debian to a WordPress whose password mail carries its origin, with README and docs alone; and back.

In the order of this file. build/tests/newcomer-RELEASE.txt has what was typed, how long it took and what it printed.
"""

import re

import pytest
from harness.paths import PROJECT
from harness.waiting import wait_until
from newcomer import DATABASE, PATIENCE, POOL, TLS, VHOST, WORDPRESS, Newcomer

SITES = {"shop": "/usr/share/wordpress", "blog": "/srv/blog", "forum": "/srv/forum"}
PAGE = "<?php echo mail('owner@shop.example', 'from the page', 'body') ? 'sent' : 'refused';"


@pytest.fixture(scope="module")
def someone(empty_machine, request):
    made = Newcomer(empty_machine)
    yield made
    release = empty_machine.read("etc/os-release").split("VERSION_CODENAME=")[1].split()[0]
    file = PROJECT / "build/tests" / f"newcomer-{release}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(made.transcript) + f"\n{made.seconds():.0f} s in all\n")


def test_our_packages_come_first(someone):
    """README's command, on a host that has no httpd yet."""
    someone("cd /packages && apt install -y ./*.deb")
    assert someone("systemctl is-active apache2 mailorigind.socket mailorigin-firewall") == "active\n" * 3


def test_what_it_is_to_run(someone):
    someone("apt install -y apache2 php php-fpm wordpress mariadb-server postfix bsd-mailx openssl curl nftables")
    someone("postconf -e 'mydestination = shop.example, localhost' inet_interfaces=loopback-only && systemctl restart postfix")


def test_three_sites(someone):
    php = someone("ls /etc/php").strip()
    someone("useradd --create-home owner")
    for site, docroot in SITES.items():
        someone(f"useradd --system --no-create-home {site} && mkdir -p {docroot}")
        someone.write(f"etc/php/{php}/fpm/pool.d/{site}.conf", POOL.format(site=site))
        someone(f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={site}.example -keyout /etc/ssl/{site}.key -out /etc/ssl/{site}.pem")
        plain = VHOST.format(site=site, docroot=docroot)
        tls = plain.replace("*:80", "*:443").replace("</VirtualHost>\n", TLS.format(site=site))
        someone.write(f"etc/apache2/sites-available/{site}.conf", plain + tls)
    for site in ("blog", "forum"):
        someone.write(f"srv/{site}/contact.php", PAGE)
    someone.write("etc/apache2/conf-available/sites.conf", "<Directory /usr/share/wordpress>\n    Require all granted\n</Directory>\n<Directory /srv>\n    Require all granted\n</Directory>\n")
    someone("a2enmod ssl proxy_fcgi setenvif && a2enconf sites && a2ensite shop blog forum")
    someone(f"systemctl restart php{php}-fpm")
    someone("apachectl configtest && systemctl restart apache2")


def test_wordpress(someone):
    someone(f"mariadb --execute {DATABASE!r}")
    someone.write("etc/wordpress/config-shop.example.php", WORDPRESS)
    someone("chown root:shop /etc/wordpress/config-shop.example.php && chmod 640 /etc/wordpress/config-shop.example.php")
    said = someone.request(
        "https://shop.example/wp-admin/install.php?step=2", "weblog_title=Shop", "user_name=owner", "admin_password=a long secret",
        "admin_password2=a long secret", "pw_weak=1", "admin_email=owner@shop.example", "blog_public=0", "Submit=Install",
    )  # fmt: skip
    assert "Success!" in said


def test_the_password_mail_has_its_origin(someone):
    someone.request("https://shop.example/wp-login.php?action=lostpassword", "user_login=owner")
    mailbox = someone.machine.root / "var/mail/owner"
    mail = wait_until(lambda: re.search(r"^(?:.+\n)*Subject: \[Shop\] Password Reset\n(?:.+\n)*", mailbox.read_text(), re.M) if mailbox.exists() else None, "the mail")[0]
    [event] = re.findall(r"^X-Mail-Origin: (\w+)$", mail, re.M)
    line = someone(f"grep id={event} /var/log/mailorigin/shop.log")
    assert " verified=true " in line and " vhost=shop.example:443 " in line and " user=shop " in line and "/wp-login.php" in line, line
    wait_until(lambda: "/wp-login.php" in someone(f"mailorigin trace {event}", check=False), "the store to have it")


def test_the_other_sites_do_as_well(someone):
    for site in ("blog", "forum"):
        for scheme in ("http", "https"):
            assert someone.request(f"{scheme}://{site}.example/contact.php") == "sent"
        log = someone.machine.root / f"var/log/mailorigin/{site}.log"
        wait_until(lambda log=log: log.exists() and log.read_text().count(" verified=true ") == 2, f"the mails of {site}")


def test_all_is_well_within_the_time(someone):
    said = someone("mailorigin status")  # which fails where something is to be done
    assert ".example:" not in said, said  # httpd's own site alone has a weaker guarantee
    assert someone.seconds() < PATIENCE


def test_purge_leaves_no_trace(someone):
    someone("apt purge -y '*mailorigin*'")
    own = "/proc /sys/fs/cgroup /packages /var/cache/apt /var/lib/systemd /run/systemd /var/lib/apt/listchanges"
    pruned = " -o ".join(f"-path {path} -prune" for path in own.split())
    assert someone(f"find / {pruned} -o -name '*mailorigin*' -print") == ""
    assert someone("getent passwd | grep mailorigin; getent group | grep mailorigin; nft list tables | grep mailorigin", check=False) == ""
    assert sorted(someone("grep -rl --exclude='*-' mailorigin /etc", check=False).split()) == [f"/etc/apache2/sites-available/{site}.conf" for site in sorted(SITES)]
    someone("apachectl configtest")
    assert someone("systemctl is-active apache2") == "active\n"
    assert someone.request("https://blog.example/contact.php") == "sent"
    assert someone("systemctl list-units --all --no-legend '*mailorigin*'") == ""
