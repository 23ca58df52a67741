"""The house of most tests: httpd and php-fpm with two virtual hosts under two uids."""

import http.client
import itertools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .fpm import SHARED_EXTENSIONS, Fpm, Pool
from .httpd import Httpd, free_port
from .logs import Log, json_log, logfmt_log
from .paths import PHP, PHP_EXTENSIONS
from .sendmail import Sendmail

SHOP_UID, BLOG_UID, OTHER_UID = 61001, 61002, 61003

VHOST = """
<VirtualHost 127.0.0.1:{port}>
  ServerName {name}
  DocumentRoot {docroot}
  CustomLog {dir}/logs/{short}.access "%^MO %a %>s \\"%r\\""
{run}
{directives}
</VirtualHost>
"""


def handled_by(handler):
    """Runs PHP by a handler."""
    return f'  <FilesMatch "\\.php$">\n    SetHandler "{handler}"\n  </FilesMatch>'


# Ways to run a virtual host's scripts. Those that name {socket} or {address} have a pool of php-fpm.
IN_POOL = handled_by("proxy:unix:{socket}|fcgi://localhost/")
INSIDE = handled_by("application/x-httpd-php")

ALL_FORMATS = """
  MailOriginLog logs/{short}.logfmt
  MailOriginLog logs/{short}.json json
  MailOriginLog logs/{short}.php php
"""

WITH_HEADER = ALL_FORMATS + "  MailOriginHeader On\n"

SERVER = """
MailOriginLog logs/server.json json
MailOriginLog logs/server.logfmt
"""

_marks = itertools.count(1)


def new_mark():
    """A word that no other mail of the run has; for subjects."""
    return f"mark{os.getpid()}x{next(_marks):05d}"


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


@dataclass(frozen=True)
class Script:
    path: Path
    uri: str

    def line_of(self, text):
        """The number of the only line that contains `text`."""
        numbers = [
            number for number, line in enumerate(self.path.read_text("utf-8", "surrogateescape").split("\n"), 1)
            if text in line
        ]
        assert len(numbers) == 1, f"{text!r} is in lines {numbers} of {self.path}"
        return numbers[0]


class Vhost:
    """One virtual host, its pool if `run` has one, its document root and its logs."""

    def __init__(
        self, short, uid, directives=ALL_FORMATS, pool_settings=None, run_as=True, pool_lines="", run=IN_POOL
    ):
        self.short = short
        self.name = f"{short}.example"
        self.uid = uid
        self.directives = directives + (f"  MailOriginRunAs #{uid}\n" if run_as else "")
        self.run_lines = run
        self.pool = None
        if "{socket}" in run or "{address}" in run:
            port = free_port() if "{address}" in run else None
            self.pool = Pool(short, uid, pool_settings or {}, pool_lines, port)
        self.site = None

    def attach(self, site):
        self.site = site
        self.docroot = site.directory / "www" / self.short
        self.docroot.mkdir(mode=0o755)
        logs = site.directory / "logs"
        self.json = json_log(logs / f"{self.short}.json")
        self.logfmt = logfmt_log(logs / f"{self.short}.logfmt")
        self.php = Log(logs / f"{self.short}.php")
        self.access = Log(logs / f"{self.short}.access")

    @property
    def full_name(self):
        """As events have it."""
        return f"{self.name}:{self.site.httpd.port}"

    def section(self):
        text = self.directives.replace("{short}", self.short)
        return (
            VHOST.replace("{name}", self.name)
            .replace("{run}", self.run_lines)
            .replace("{docroot}", str(self.docroot))
            .replace("{short}", self.short)
            .replace("{socket}", str(self.site.fpm.socket(self.short)))
            .replace("{address}", f"127.0.0.1:{self.pool and self.pool.port}")
            .replace("{directives}", text)
        )

    def write(self, name, code):
        """A file below the document root; bytes or text."""
        path = self.docroot / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(code if isinstance(code, bytes) else code.encode("utf-8", "surrogateescape"))
        return Script(path, f"/{name}")

    def script(self, code):
        """A page of its own name."""
        return self.write(f"{new_mark()}.php", code)

    def get(self, uri, method="GET", headers=None, body=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.site.httpd.port, timeout=timeout)
        try:
            connection.request(method, str(uri), body, {"Host": self.name, **(headers or {})})
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace"))
        finally:
            connection.close()

    def run(self, code, **request):
        """Writes a page, requests it, expects success."""
        answer = self.get(self.script(code).uri, **request)
        assert answer.status == 200, answer
        return answer

    def mail(self, subject=None, **request):
        """Sends one plain mail; its subject."""
        subject = subject or new_mark()
        answer = self.run(f"<?php var_dump(mail('to@example.org', '{subject}', 'body'));", **request)
        assert answer.text == "bool(true)\n", answer
        return subject

    def logged(self, mark):
        return bool(self.json.lines_with(mark))


def two_vhosts(directives=WITH_HEADER, **options):
    """shop and blog, each logging in every format and adding X-Mail-Origin."""
    return [Vhost("shop", SHOP_UID, directives, **options), Vhost("blog", BLOG_UID, directives, **options)]


class Site:
    def __init__(
        self,
        installation,
        directory: Path,
        vhosts,
        server="",
        mpm="event",
        daemon="",
        ini=None,
        zend_extensions=(),
        modules=(),
        extensions=(),
        plugin=True,
    ):
        self.installation = installation
        self.directory = directory
        self.sendmail = Sendmail(directory)
        (directory / "www").mkdir()
        self.vhosts = vhosts
        for vhost in vhosts:
            vhost.attach(self)
            setattr(self, vhost.short, vhost)
        self.server_text = server
        self.httpd = Httpd(installation, directory, "", mpm=mpm, daemon=daemon, modules=modules)
        self.ini = {
            "sendmail_path": self.sendmail.command,
            "display_errors": "1",
            "html_errors": "0",
            "log_errors": "0",
            "memory_limit": "512M",
            "date.timezone": "UTC",
            "opcache.enable": "0",
            "mailorigin.socket": self.httpd.runtime_dir / "mailorigin.sock",
            # A loaded machine must not turn into unrecorded or refused mail.
            "mailorigin.timeout_ms": "10000",
            "mailorigin.patience_ms": "10000",
            **(ini or {}),
        }
        self.fpm = Fpm(
            directory,
            [vhost.pool for vhost in vhosts if vhost.pool],
            self.ini,
            extensions=(*extensions, installation.plugin) if plugin else extensions,
            zend_extensions=zend_extensions,
        )
        self.configure()
        self.server_json = json_log(directory / "logs/server.json")
        self.server_logfmt = logfmt_log(directory / "logs/server.logfmt")

    def configure(self, server=None):
        """Writes httpd.conf anew, from the vhosts and the server's own lines."""
        if server is not None:
            self.server_text = server
        self.httpd.write(self.server_text + "".join(vhost.section() for vhost in self.vhosts))

    def start(self):
        try:
            self.fpm.start()
            self.httpd.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        try:
            self.httpd.stop()
        finally:
            self.fpm.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is None:
            self.verify()

    def verify(self):
        """Fails on error_log lines that the test did not declare."""
        bad = self.httpd.undeclared()
        assert not bad, "error_log:\n" + "\n".join(bad)

    def php(self, uid, code, environment=None, settings=None, name=None, check=True):
        """Runs a script from a shell, as cron would: the finished process, and the script's path."""
        (self.directory / "home").mkdir(exist_ok=True)
        path = self.directory / "home" / (name or f"{new_mark()}.php")
        path.write_text(code)
        ini = {**self.ini, **(settings or {})}
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", PHP, "-n"]
        command += [f"-dextension_dir={PHP_EXTENSIONS}"]
        command += [f"-dextension={extension}" for extension in (*SHARED_EXTENSIONS, self.installation.plugin)]
        command += [f'-d{key}="{value}"' for key, value in ini.items() if not key.startswith("opcache")]
        done = subprocess.run(
            [*command, str(path)],
            env={"PATH": os.environ["PATH"], **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        if check:
            assert done.returncode == 0, done.stdout.decode(errors="replace")
        return done, path
