"""Two virtual hosts of one user in one worker: a connection that one may open is not there for the other."""

import errno

import pytest
from harness.firewall import V4
from harness.guarded import SERVER, guarded_site, knock
from harness.site import IN_POOL, SHOP_UID, Vhost

LOG = "  MailOriginLog logs/{short}.json json\n"

KEPT = """<?php
$flags = STREAM_CLIENT_CONNECT | STREAM_CLIENT_PERSISTENT;
$kept = FUNCTION;
echo json_encode($kept ? [getmypid(), @fwrite($kept, "NOOP\\r\\n"), fread($kept, 100)] : $code);
"""


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
    hosts = [Vhost("shop", SHOP_UID, LOG + "  MailOriginSmtp allow\n", pool_lines="pm.max_children = 1"), Vhost("blog", SHOP_UID, LOG, run="")]

    def prepare(site):
        site.blog.run_lines = IN_POOL.replace("{socket}", str(site.fpm.socket("shop")))
        site.configure(SERVER)

    with guarded_site(installation, ground, "persistent", hosts, SERVER, prepare) as site:
        worker, written, greeting = knock(site.shop, V4, code=code)[1].json
        assert written == 6 and V4 in greeting
        assert knock(site.blog, V4, code=code)[1].json == errno.ECONNREFUSED
        # Another connection, and not for long either.
        assert knock(site.shop, V4, code=code)[1].json[0] == worker
        assert knock(site.blog, V4, code=code)[1].json == errno.ECONNREFUSED
