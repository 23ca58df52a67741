"""Every directive of the module, with arguments that it takes."""

import re
import subprocess

from .paths import HTTPD

# In <VirtualHost> as well.
OF_VHOSTS = {
    "MailOrigin": "Off",
    "MailOriginDenyScript": "/uploads/",
    "MailOriginHeader": "On",
    "MailOriginLimit": "5/hour",
    "MailOriginLog": "logs/x",
    "MailOriginLogFormat": '"%{id}" own',
    "MailOriginMaxRecipients": "5",
    "MailOriginRunAs": "#1000",
    "MailOriginSend": "deny",
    "MailOriginSender": "vhost",
    "MailOriginSmtp": "allow",
    "MailOriginSmtpAllow": "192.0.2.1",
    "MailOriginSmtpLocal": "deny",
    "MailOriginStrict": "Off",
}

# In the server's own part alone.
OF_SERVER = {
    "MailOriginDaemon": "external",
    "MailOriginEximSocket": "Off",
    "MailOriginFirewall": "On",
    "MailOriginFirewallUser": "nobody",
    "MailOriginMailLog": "none",
    "MailOriginMilter": "/run/x/milter.sock",
    "MailOriginMilterOnFailure": "hold",
    "MailOriginMilterUser": "nobody",
    "MailOriginRetain": "7d",
    "MailOriginRuntimeDir": "/run/x",
    "MailOriginSmtpPorts": "25",
    "MailOriginSmtpUsers": "nobody",
    "MailOriginSocket": "/run/x.sock",
    "MailOriginStateDir": "/var/lib/x",
    "MailOriginStore": "Off",
    "MailOriginTrustedSubmitters": "nobody",
    "MailOriginUnrecorded": "hold",
    "MailOriginUnverified": "deny",
    "MailOriginUser": "nobody",
}


def of_module(httpd):
    """The names that httpd itself lists."""
    listed = subprocess.run([HTTPD, "-L", "-f", str(httpd.configuration)], capture_output=True, text=True, timeout=60)
    return set(re.findall(r"^(\w+) \(mod_mailorigin\.c\)$", listed.stdout, re.M))
