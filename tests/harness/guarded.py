"""Servers on a firewall's ground: their connections to SMTP ports are judged, and nobody else's."""

import ctypes
import os
import subprocess
from contextlib import contextmanager

from .firewall import FIREWALL_UID
from .libc import CLONE_NEWNET, LIBC
from .site import Site

SERVER = f"""
MailOriginLog logs/server.json json
MailOriginFirewall On
MailOriginFirewallUser #{FIREWALL_UID}
"""

# Says what it was told: a greeting, or an errno value.
KNOCK = """<?php
function knock($host, $port) {
    $socket = @fsockopen($host, $port, $code, $text, 5);  // here
    return $socket ? fread($socket, 100) : $code;
}
echo json_encode(knock($_GET['host'], (int)$_GET['port']));
"""


@contextmanager
def staying(ground):
    """This process on the ground, and back."""
    netns = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        ground.enter()
        yield
    finally:
        (ground.cgroup.parent / "cgroup.procs").write_text("0")
        back = LIBC.setns(netns, CLONE_NEWNET)
        os.close(netns)
        assert back == 0, os.strerror(ctypes.get_errno())


@contextmanager
def guarded_site(installation, ground, name, vhosts, server=SERVER, prepare=lambda site: None, **options):
    """A site behind the firewall, its pools started after it, as at boot."""
    program = installation.firewall(f"--pin-dir {ground.bpffs / name} --cgroup {ground.cgroup}")
    with staying(ground):
        site = Site(installation, installation.directory(name), vhosts, server=server, **options)
        site.ground = ground
        prepare(site)
        try:
            site.httpd.start()
            site.fpm.start()
            yield site
        finally:
            try:
                site.stop()
            finally:
                subprocess.run([program, "--remove"], check=True, stdout=subprocess.DEVNULL)
        site.verify()


def knock(vhost, host, port=25, code=KNOCK):
    """The script, and its answer to a connection that it tries."""
    script = vhost.script(code)
    answer = vhost.get(f"{script.uri}?host={host}&port={port}")
    assert answer.status == 200, answer
    return script, answer


def event_of(vhost, script):
    return vhost.json.wait(f'"entry":"{script.path}"')
