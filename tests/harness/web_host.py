"""A machine under systemd with one site, shop.example, that sends mail: set up and asked as README says."""

import json

from .machine import RELAY
from .paths import PHP_CONFIGURATION, PHP_FPM_UNIT
from .waiting import wait_until

SOCKETS = ("mailorigind.socket", "mailorigind-control.socket")
REFUSED = "111"

SITE = """ServerName web.example
<VirtualHost *:80>
    ServerName shop.example
    DocumentRoot /srv/shop
    <Directory /srv/shop>
        Require all granted
    </Directory>
    <FilesMatch "\\.php$">
        SetHandler "proxy:unix:/run/php/shop.sock|fcgi://shop"
    </FilesMatch>
    <IfModule mailorigin_module>
        MailOriginRunAs shop
        MailOriginLog ${APACHE_LOG_DIR}/shop-mail.json json
    </IfModule>
</VirtualHost>
"""
POOL = """[shop]
user = shop
group = shop
listen = /run/php/shop.sock
listen.owner = www-data
pm = static
pm.max_children = 1
php_admin_value[sendmail_path] = /bin/true
"""
PAGES = {
    "mail.php": "<?php var_dump(mail('to@example.org', 's', 'b'));",
    "connect.php": f"<?php @fsockopen('{RELAY}', 25, $number, $text, 5); echo $number;",
}
# A connection is complete when systemd has not even accepted it.
RELAY_SOCKET = "[Socket]\nListenStream=25\n[Install]\nWantedBy=sockets.target\n"
RELAY_SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n"


def set_up_site(machine, units=()):
    """Boots it, with httpd and PHP that know nothing of MailOrigin yet, and with these units, {name: text}, beside them."""
    machine.write("etc/apache2/sites-enabled/shop.conf", SITE)
    machine.write(PHP_CONFIGURATION.relative_to("/") / "fpm/pool.d/shop.conf", POOL)
    for name, text in PAGES.items():
        machine.write(f"srv/shop/{name}", text)
    for name, text in {"relay.socket": RELAY_SOCKET, "relay.service": RELAY_SERVICE, **dict(units)}.items():
        machine.write(f"etc/systemd/system/{name}", text)
    machine.boot()
    machine("useradd", "--system", "--no-create-home", "shop")
    machine("a2enmod", "mpm_event", "authz_core", "proxy_fcgi")
    machine("systemctl", "enable", "--now", "relay.socket", PHP_FPM_UNIT, "apache2", *units)


def install(machine):
    """What README says, on a machine whose httpd and PHP have run without MailOrigin so far."""
    assert connect(machine) == "0"
    machine("systemd-sysusers")
    machine("systemd-tmpfiles", "--create")
    machine("systemctl", "daemon-reload")
    machine("systemctl", "enable", "--now", *SOCKETS)
    assert machine("systemctl", "is-active", "mailorigind", check=False).out == "inactive\n"
    machine("a2enmod", "mailorigin")
    machine("phpenmod", "mailorigin")
    machine("apachectl", "configtest")
    machine("systemctl", "reload", "apache2")
    machine("systemctl", "restart", PHP_FPM_UNIT)
    wait_until(lambda: httpd_is_well(machine), "httpd to hand over its policy")
    set_firewall(machine, "On")
    machine("systemctl", "enable", "--now", "mailorigin-firewall")
    wait_until(lambda: status(machine)["firewall"].get("mode") == "on", "the firewall")
    machine("systemctl", "restart", PHP_FPM_UNIT)


def set_firewall(machine, mode):
    machine.write("etc/apache2/conf-enabled/firewall.conf", f"MailOriginFirewall {mode}\n")
    machine("systemctl", "reload", "apache2")


def status(machine):
    return machine("mailorigin", "--json", "status", check=False).json


def findings(machine):
    """Without what comes of this machine's accounts."""
    return [each["text"] for each in status(machine)["findings"] if "account" not in each["text"]]


def httpd_is_well(machine):
    return status(machine).get("httpd", {}).get("connected")


def ask(machine, page):
    return machine("curl", "--silent", "--show-error", "--header", "Host: shop.example", f"http://127.0.0.1/{page}.php").out


def connect(machine):
    return ask(machine, "connect")


def last_event(machine, kind):
    def found():
        events = [json.loads(line) for line in machine.read("var/log/apache2/shop-mail.json").splitlines()]
        return [event for event in events if event["kind"] == kind]

    return wait_until(found, f"an event of kind {kind}")[-1]


def process(machine, unit):
    """What /proc/PID/status says of a unit's main process."""
    pid = machine("systemctl", "show", "--property=MainPID", "--value", unit).out.strip()
    return dict(line.split(":\t", 1) for line in machine("cat", f"/proc/{pid}/status").out.splitlines() if ":\t" in line)
