"""php-fpm in a chroot, with a socket of ours inside it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.site import SERVER, SHOP_UID, WITH_HEADER, Site, Vhost, new_mark

SOCKET = "/run/mailorigin.sock"  # as the pool sees it
RUN = '  ProxyPassMatch "^/(.*\\.php(/.*)?)$" "unix:{socket}|fcgi://localhost/www/$1"'
PROGRAMS = ("sh", "cat", "chmod", "mktemp", "mv")  # that the stand-in for sendmail needs


def furnish(jail):
    """Programs, and the libraries that they need, at their own paths."""
    for program in PROGRAMS:
        path = Path("/bin", program)
        listed = subprocess.run(["ldd", path], capture_output=True, check=True).stdout.decode()
        for file in (str(path), *re.findall(r"(/\S+) \(0x", listed)):
            copy = jail / file[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)


@pytest.fixture(scope="module")
def shop(installation):
    directory = installation.directory("chroot")
    jail = directory / "jail"
    vhost = Vhost(
        "shop",
        SHOP_UID,
        WITH_HEADER + "  MailOriginLimit 2/day per=script\n",
        pool_settings={"mailorigin.socket": SOCKET},
        pool_lines=f"chroot = {jail}\nchdir = /\n",
        run=RUN,
    )
    # In addition to the usual one, which a line of one's own replaces.
    sockets = f"MailOriginSocket run/mo/mailorigin.sock\nMailOriginSocket jail{SOCKET}\n"
    site = Site(installation, directory, [vhost], server=SERVER + sockets)
    furnish(jail)
    (jail / "run").mkdir()
    vhost.docroot = Path(shutil.move(vhost.docroot, jail / "www"))
    # Sendmail's script is where it would be without the chroot.
    (jail / str(directory)[1:]).mkdir(parents=True)
    shutil.move(site.sendmail.program, jail / str(site.sendmail.program)[1:])
    site.sendmail.spool = Path(shutil.move(site.sendmail.spool, jail / str(site.sendmail.spool)[1:]))
    site.configure()
    try:
        yield site.start().shop
        site.verify()
    finally:
        site.stop()


def test_origin(shop):
    mark = new_mark()
    page = shop.script(f"<?php\nmail('to@example.org', '{mark}', 'body');\necho json_encode([posix_getuid(), getmypid()]);")
    answer = shop.get(f"{page.uri}/more?x=1")
    event = shop.json.wait(mark)
    assert answer.json == [SHOP_UID, event["pid"]]
    assert event["verified"] is True, event
    assert (event["vhost"], event["docroot"]) == (shop.full_name, str(shop.docroot))
    # As the pool is asked for it, and as it sees it.
    inside = f"/www/{page.path.name}"
    assert (event["entry"], event["file"], event["line"]) == (inside, inside, 2)
    assert (event["uid"], event["sapi"], event["pool"]) == (SHOP_UID, "fpm-fcgi", "shop")
    assert event["uri"] == f"{page.uri}/more?x=1"
    assert shop.site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_it_is_a_chroot(shop):
    outside = shop.site.directory / "conf/httpd.conf"
    assert outside.exists()
    assert shop.run(f"<?php var_dump(file_exists('{outside}'));").text == "bool(false)\n"


def test_tenant_cannot_take_the_sockets_place(shop):
    code = f"<?php var_dump(@unlink('{SOCKET}'), @rename('/run', '/gone'), @file_put_contents('/run/own', ''));"
    assert shop.run(code).text == "bool(false)\n" * 3


def test_path_info_makes_no_other_script(shop):
    """httpd sees no file there: it has to tell by the name where the script's ends."""
    page = shop.script("<?php var_dump(@mail('to@example.org', 'subject', 'body'));")
    answers = [shop.get(page.uri + more).text for more in ("/1", "/2/x.php", "/3", "")]
    assert answers == ["bool(true)\n"] * 2 + ["bool(false)\n"] * 2


def test_the_socket_outlives_a_graceful_restart(shop):
    for _ in range(2):
        shop.site.httpd.graceful()
        mark = shop.mail()
        assert shop.json.wait(mark)["verified"] is True
