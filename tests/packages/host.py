"""A booted web host with two sites that send mail, and what came of each mail."""

import email
import re

from harness.waiting import wait_until

SITES = ("shop", "blog")
LOG = "var/log/mailorigin/mail.log"
SPOOL = "var/spool/sent"
APT = 300  # seconds

VHOST = """<VirtualHost *:80>
    ServerName {0}.example
    DocumentRoot /srv/{0}
    <Directory /srv/{0}>
        Require all granted
    </Directory>
</VirtualHost>
"""
PAGE = "<?php echo mail('to@example.org', $_GET['mark'], 'body') ? 'sent' : 'refused';"
SENDMAIL = f'#!/bin/sh\nexec cat >"$(mktemp /{SPOOL}/XXXXXXXXXX)"\n'


class Host:
    def __init__(self, machine):
        self.machine = machine
        self.php = next((machine.root / "etc/php").iterdir()).name

    def set_up_sites(self, sendmail=SENDMAIL):
        """As their administrator has them, who knows nothing of MailOrigin."""
        machine = self.machine
        for site in SITES:
            machine.write(f"etc/apache2/sites-available/{site}.conf", VHOST.format(site))
            machine.write(f"srv/{site}/mail.php", PAGE)
        if sendmail:
            machine.write("usr/sbin/sendmail", sendmail, 0o755)
            machine("mkdir", "--mode=1777", f"/{SPOOL}")
        machine("a2enmod", "proxy_fcgi", "setenvif")
        machine("a2enconf", f"php{self.php}-fpm")
        machine("a2ensite", *SITES)
        machine("systemctl", "restart", "apache2")

    def apt(self, *arguments):
        """dpkg's question about a file that was edited is answered as it proposes: the file stays."""
        return self.machine("apt-get", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef", *arguments, patience=APT)

    def install(self, packages, *options):
        """apt install ./*.deb"""
        return self.apt("install", *options, *(f"/packages/{path.name}" for path in packages.files))

    def install_what_they_need(self, packages):
        """What apt would bring along: not ours, and not always gone with ours, where apt sees another use of it."""
        said = self.install(packages, "--simulate").out
        self.apt("install", *(name for name in re.findall(r"^Inst (\S+)", said, re.M) if name not in packages.names))

    def main_pid(self, unit):
        return self.machine("systemctl", "show", "--property=MainPID", "--value", unit).out.strip()

    def ask(self, site, mark):
        url = f"http://127.0.0.1/mail.php?mark={mark}"
        return self.machine("curl", "--silent", "--show-error", "--max-time", "20", "--header", f"Host: {site}.example", url, check=False).out

    def messages(self):
        """Each message that was sent, by its subject; one that is being written has none yet."""
        found = {}
        for path in (self.machine.root / SPOOL).iterdir():
            message = email.message_from_bytes(path.read_bytes())
            if message["Subject"]:
                found.setdefault(message["Subject"], []).append(message)
        return found

    def events(self, name=LOG):
        """Each event of a log: its fields that have no blanks."""
        lines = self.machine.read(name).splitlines()
        return [dict(re.findall(r"(\w+)=([^ ]+)", line)) for line in lines]

    def send(self, site, mark):
        """One mail of a site: the message, and its event or None."""
        assert self.ask(site, mark) == "sent"
        [message] = wait_until(lambda: self.messages().get(mark), f"the message {mark}")
        return message

    def event(self, mark, name=LOG):
        def found():
            return [event for event in self.events(name) if event.get("subject") == mark]

        [event] = wait_until(found, f"the event {mark}")
        return event

    def status(self):
        return self.machine("mailorigin", "--json", "status", check=False).json

    def traces(self):
        """Every file, but in what the system records of any package; there, and of directories, what has our name."""
        own = ["/proc", "/sys", "/dev", "/tmp", "/packages", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/logrotate", "/var/lib/php", "/var/lib/ucf",
               "/var/cache", "/var/log", "/var/tmp", "/run/systemd", f"/{SPOOL}", "/run/enough"]  # fmt: skip
        pruned = [word for path in own for word in ("-path", path, "-prune", "-o")]
        files = self.machine("find", "/", *pruned, "(", "!", "-type", "d", "-o", "-name", "*mailorigin*", ")", "-print").out
        return set((files + self.machine("find", "/var/log", "/var/lib/php", "-name", "*mailorigin*").out).splitlines())


class Sending:
    """Requests mails of both sites one after the other while something else happens."""

    LOOP = """
import http.client, itertools, os, sys
for number in itertools.count():
    if os.path.exists("/run/enough"):
        break
    site, mark = ("shop", "blog")[number % 2], f"{sys.argv[1]}-{number}"
    try:
        connection = http.client.HTTPConnection("127.0.0.1", timeout=20)
        connection.request("GET", f"/mail.php?mark={mark}", headers={"Host": f"{site}.example"})
        said = connection.getresponse().read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        said = type(error).__name__
    print(mark, said if said in ("sent", "refused") else "failed", flush=True)
"""

    def __init__(self, machine, mark):
        self._machine = machine
        self._process = machine.start("python3", "-c", self.LOOP, mark)

    def end(self):
        """What each request came to: {mark: "sent", "refused" or "failed"}; a server that is away is "failed"."""
        self._machine("touch", "/run/enough")  # a signal would end nsenter alone
        out, err = self._process.communicate(timeout=30)
        assert err == "", err
        return dict(line.split(" ") for line in out.splitlines())
