"""What somebody does who has an empty Debian, our packages and our docs, and what each step printed."""

import shlex
import time

# What is typed after `apt install`, beside our packages.
LATER = ("apache2", "php", "php-fpm", "wordpress", "mariadb-server", "postfix", "bsd-mailx", "openssl", "curl", "nftables")
PATIENCE = 600  # seconds: the longest that all of it may take
DATABASE = "CREATE DATABASE shop; CREATE USER shop@localhost IDENTIFIED BY 'secret'; GRANT ALL ON shop.* TO shop@localhost"

POOL = """[{site}]
user = {site}
group = {site}
listen = /run/php/{site}.sock
listen.owner = www-data
listen.group = www-data
pm = ondemand
pm.max_children = 5
"""
VHOST = """<VirtualHost *:80>
    ServerName {site}.example
    ServerAlias www.{site}.example
    DocumentRoot {docroot}
    <FilesMatch "\\.php$">
        SetHandler "proxy:unix:/run/php/{site}.sock|fcgi://localhost"
    </FilesMatch>
    <IfModule mailorigin_module>
        MailOriginRunAs {site}
        MailOriginLog /var/log/mailorigin/{site}.log
    </IfModule>
</VirtualHost>
"""
TLS = """    SSLEngine on
    SSLCertificateFile /etc/ssl/{site}.pem
    SSLCertificateKeyFile /etc/ssl/{site}.key
</VirtualHost>
"""
WORDPRESS = """<?php
define('DB_NAME', 'shop');
define('DB_USER', 'shop');
define('DB_PASSWORD', 'secret');
define('DB_HOST', 'localhost');
define('WP_CONTENT_DIR', '/var/lib/wordpress/wp-content');
"""


class Newcomer:
    """Types commands as root; `transcript` has each with its time and what it printed."""

    def __init__(self, machine):
        self.machine = machine
        self.began = time.monotonic()
        self.transcript = []

    def __call__(self, command, check=True):
        began = time.monotonic()
        said = self.machine("env", "DEBIAN_FRONTEND=noninteractive", "HOME=/root", "sh", "-c", command, check=False, patience=PATIENCE)
        self.transcript.append(f"# {command}    ({time.monotonic() - began:.1f} s, {said.status})\n{said.out}{said.err}")
        assert not check or said.status == 0, self.transcript[-1]
        return said.out

    def write(self, name, text, mode=0o644):
        self.transcript.append(f"# editor /{name}\n")
        self.machine.write(name, text, mode)

    def request(self, url, *fields):
        """As from a browser: by name, with TLS."""
        arguments = " ".join(f"--data-urlencode {shlex.quote(field)}" for field in fields)
        page = self(f"curl --silent --show-error --fail --insecure --connect-to ::127.0.0.1: {arguments} {shlex.quote(url)}")
        if page.startswith("<"):
            self.transcript[-1] = self.transcript[-1].partition("\n")[0] + "\na page\n"
        return page

    def seconds(self):
        return time.monotonic() - self.began
