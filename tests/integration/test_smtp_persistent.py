"""Two virtual hosts of one user in one worker: a connection that one may open is not there for the other."""

import errno
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness.firewall import V4
from harness.guarded import SERVER, guarded_site, knock
from harness.paths import PHP_EXTENSIONS
from harness.site import IN_POOL, SHOP_UID, Vhost

LOG = "  MailOriginLog logs/{short}.json json\n"

KEPT = """<?php
$flags = STREAM_CLIENT_CONNECT | STREAM_CLIENT_PERSISTENT;
$kept = FUNCTION;
echo json_encode($kept ? [getmypid(), @fwrite($kept, "NOOP\\r\\n"), fread($kept, 100)] : $code);
"""


@contextmanager
def two_hosts_in_one_worker(installation, ground, extensions=()):
    """`shop` may connect, `blog` may not."""
    lines = "pm.max_children = 1"
    hosts = [Vhost("shop", SHOP_UID, LOG + "  MailOriginSmtp allow\n", pool_lines=lines), Vhost("blog", SHOP_UID, LOG, run="")]

    def prepare(site):
        site.blog.run_lines = IN_POOL.replace("{socket}", str(site.fpm.socket("shop")))
        site.configure(SERVER)

    with guarded_site(installation, ground, "persistent", hosts, SERVER, prepare, extensions=extensions) as site:
        yield site


@pytest.mark.parametrize(
    "function",
    [
        "@pfsockopen($_GET['host'], (int)$_GET['port'], $code, $text, 5)",
        '@stream_socket_client("tcp://{$_GET[\'host\']}:{$_GET[\'port\']}", $code, $text, 5, $flags)',
    ],
    ids=["pfsockopen", "stream"],
)
def test_a_persistent_connection_ends_with_its_request(installation, ground, function):
    code = KEPT.replace("FUNCTION", function)
    with two_hosts_in_one_worker(installation, ground) as site:
        worker, written, greeting = knock(site.shop, V4, code=code)[1].json
        assert written == 6 and V4 in greeting
        assert knock(site.blog, V4, code=code)[1].json == errno.ECONNREFUSED
        # Another connection, and not for long either.
        assert knock(site.shop, V4, code=code)[1].json[0] == worker
        assert knock(site.blog, V4, code=code)[1].json == errno.ECONNREFUSED


# An extension's own pool of connections, which no hook of ours sees: where PHP has it.
POOLED = """<?php
$redis = new Redis;
echo json_encode($redis->pconnect($_GET['host'], (int)$_GET['port'], 2));
"""
# How many connections to port 25 are open in the worker's network namespace.
OPEN = """<?php
echo count(preg_grep('/ [0-9A-F]{8}:[0-9A-F]{4} [0-9A-F]{8}:0019 01 /', file('/proc/self/net/tcp')));
"""


@pytest.mark.parametrize("extension", [name for name in ("redis",) if Path(PHP_EXTENSIONS, f"{name}.so").exists()])
def test_whoever_opened_it(installation, ground, extension):
    with two_hosts_in_one_worker(installation, ground, ("igbinary", extension)) as site:
        before = site.blog.run(OPEN).json
        assert knock(site.shop, V4, code=POOLED)[1].json is True
        assert site.blog.run(OPEN).json == before
