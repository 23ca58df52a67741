"""A web host: a site behind the firewall, and a mail server, on the mailers' machine."""

import os
import subprocess
from pathlib import Path

from harness.firewall import FIREWALL_UID, Ground
from harness.guarded import staying
from harness.mounts import bind, unmount
from harness.paths import PHP_EXTENSIONS
from harness.site import SERVER, SHOP_UID, WITH_HEADER, Site, Vhost

EXTENSIONS = ("dom", "xml", "xmlreader", "xmlwriter", "simplexml", "intl", "pdo", "pdo_sqlite", "mysqlnd", "mysqli", "iconv",
              "tokenizer", "fileinfo", "pcntl")  # fmt: skip
FIREWALL = f"""
MailOriginFirewall On
MailOriginFirewallUser #{FIREWALL_UID}
MailOriginSmtpLocal allow
"""
RUNTIME_DIR = Path("/run/mailorigin")  # where mailorigin-sendmail looks if nobody says otherwise


class HostsGround(Ground):
    """Where the firewall is: in the network namespace that this process has already, which nobody else listens in."""

    def _start_listeners(self):
        self.netns = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _end_listeners(self):
        os.close(self.netns)


class Host:
    def __init__(self, installation, machine, server):
        installation.built("milter/mailorigin-milter")
        self.ground = HostsGround()
        self._firewall = installation.firewall(f"--pin-dir {self.ground.bpffs / 'mailers'} --cgroup {self.ground.cgroup}")
        self.site = Site(
            installation, installation.directory("mailers"), [Vhost("shop", SHOP_UID, WITH_HEADER)],
            ini={"sendmail_path": "/usr/sbin/sendmail -t -i", "include_path": ".:/usr/share/php"},
            extensions=[name for name in EXTENSIONS if (PHP_EXTENSIONS / f"{name}.so").exists()],
        )  # fmt: skip
        self.server = server(machine, self.site.httpd.runtime_dir)
        self.site.configure(SERVER + FIREWALL + self.server.directives)

    def start(self):
        with staying(self.ground):
            self.site.httpd.start()
            self.site.fpm.start()
            RUNTIME_DIR.mkdir(exist_ok=True)
            bind(self.site.httpd.runtime_dir, RUNTIME_DIR)
            self.server.start()
        return self

    def stop(self):
        self.server.stop()
        self.site.stop()
        if RUNTIME_DIR.is_mount():
            unmount(RUNTIME_DIR)
        subprocess.run([self._firewall, "--remove"], check=True, stdout=subprocess.DEVNULL)
        self.ground.remove()
