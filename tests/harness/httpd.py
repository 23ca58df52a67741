"""A real httpd, started from the configuration that a test gives."""

import os
import pwd
import re
import signal
import socket
import subprocess
from pathlib import Path

from .installation import Installation
from .paths import HTTPD, HTTPD_MODULES, MOD_PHP
from .waiting import PATIENCE, alive, children_of, die_with_parent, end, kill, processes_named_by, wait_until

DAEMON_UID = 61900
MODULES = (
    "authz_core authz_host alias dir env headers setenvif rewrite proxy proxy_fcgi"  # mime needs a file
).split()
OTHER_FILES = {"php": MOD_PHP, "mpm_itk": "mpm_itk.so"}
MPM_SETTINGS = {
    "event": "StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nMinSpareThreads 1\nMaxSpareThreads 32",
    "worker": "StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nMinSpareThreads 1\nMaxSpareThreads 32",
    "prefork": "StartServers 2\nMinSpareServers 1\nMaxSpareServers 4\nMaxRequestWorkers 8",
}

_LINE = re.compile(r"^\[[^\]]+\] \[(?P<module>[^:\]]*):(?P<level>[a-z]+)[0-9]*\] ")
_BAD_LEVELS = {"warn", "error", "crit", "alert", "emerg"}
_OURS = re.compile(r"\[mailorigin:|\bMO\d{4}\b")
# What is said when nothing is wrong (MO0305: of each refused mail), and what the event MPM says of a connection that is
# still open when it stops, or that its main thread and a worker close at once then.
_NORMAL = (
    r"\[mailorigin:(info|debug)\]", r"\bMO0110: ", r"\bMO0407: ", r"\bMO0125: ", r"\bAH03093: ",
    r"\bMO0305: ", r"\(9\)Bad file descriptor: AH00468: ",
)  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Httpd:
    """`text` is the test's own configuration; `{dir}` and `{port}` in it are filled in.

    `daemon` is the argument of MailOriginDaemon; None leaves out every line of MailOrigin's, the
    LoadModule included. One more LoadModule goes into `modules` by its name; "php" is mod_php, with
    {dir}/conf/php.ini.
    """

    def __init__(
        self,
        installation: Installation,
        directory: Path,
        text: str,
        mpm="event",
        daemon="",
        modules=(),
        user="www-data",
    ):
        self.installation = installation
        self.directory = directory
        self.port = free_port()
        self.mpm = mpm
        self.process = None
        for name in ("conf", "logs", "run", "www"):
            (directory / name).mkdir(exist_ok=True)
        self.error_log = directory / "logs/error_log"
        self.configuration = directory / "conf/httpd.conf"
        self.runtime_dir = directory / "run/mo"
        self.state_dir = directory / "state"
        self._own_lines = daemon is not None
        self._daemon = daemon or installation.daemon
        self._modules = (f"mpm_{mpm}", *MODULES, *modules)
        self._user = user
        self._expected = []
        self._checked = 0
        self.write(text)

    def write(self, text):
        """Replaces the test's own part of the configuration."""
        self.configuration.write_text(self._preamble() + self.fill(text))

    def fill(self, text):
        return text.replace("{dir}", str(self.directory)).replace("{port}", str(self.port))

    def _preamble(self):
        files = {name: OTHER_FILES.get(name, f"mod_{name}.so") for name in self._modules}
        lines = [f"LoadModule {name}_module {HTTPD_MODULES}/{file}" for name, file in files.items()]
        if "php" in files:
            lines.append(f"PHPIniDir {self.directory}/conf")
        if self._own_lines:
            lines += [
                f"LoadModule mailorigin_module {self.installation.module}",
                f"MailOriginRuntimeDir {self.runtime_dir}",
                f"MailOriginStateDir {self.state_dir}",
                f"MailOriginUser #{DAEMON_UID}",
                f"MailOriginDaemon {self._daemon}",
            ]
        lines += [
            f"ServerRoot {self.directory}",
            f"DefaultRuntimeDir {self.directory}/run",
            "ServerName httpd.example",
            f"PidFile {self.directory}/run/httpd.pid",
            f"ScoreBoardFile {self.directory}/run/scoreboard",
            f"User {self._user}",
            f"Group {self._user}",
            f"Listen 127.0.0.1:{self.port}",
            f"ErrorLog {self.error_log}",
            "LogLevel notice",
            MPM_SETTINGS[self.mpm],
            "GracefulShutdownTimeout 3",
            f"<Directory {self.directory}/www>\nRequire all granted\nAllowOverride All\n</Directory>",
        ]
        return "\n".join(lines) + "\n"

    # ---- running

    def check(self):
        """`httpd -t`: its exit status and what it printed."""
        done = subprocess.run(
            [HTTPD, "-t", "-f", str(self.configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    def launch(self):
        """Starts the process; it may well end at once (see start)."""
        assert self.process is None
        self.process = subprocess.Popen(
            [HTTPD, "-DFOREGROUND", "-f", str(self.configuration)],
            env={"PATH": os.environ["PATH"], "PHP_INI_SCAN_DIR": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "logs/httpd.console", "wb"),
            start_new_session=True,  # prefork signals its whole process group
            preexec_fn=die_with_parent,
        )
        return self

    def start(self):
        before = self._generations()
        self.launch()
        wait_until(lambda: self._running(before), "httpd's start")
        return self

    def failed_start(self):
        """Starts what must not start; what it said."""
        self.launch()
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.stop()
        assert status != 0, "httpd ended, but with status 0"
        return self.said()

    def said(self):
        console = self.directory / "logs/httpd.console"
        return "".join(
            path.read_text(errors="replace") for path in (console, self.error_log) if path.exists()
        )

    def _generations(self):
        text = self.error_log.read_text(errors="replace") if self.error_log.exists() else ""
        return len(re.findall(r"configured -- resuming normal operations", text))

    def _running(self, before):
        if self.process.poll() is not None:
            raise AssertionError(f"httpd ended with {self.process.returncode}:\n{self.said()}")
        return self._generations() > before and self._serves()

    def _serves(self):
        """Whether a child has become the user, mpm-itk's too: httpd says that it goes on a little before."""
        own = pwd.getpwnam(self._user).pw_uid
        for child in self.children():
            try:
                if os.stat(f"/proc/{child}").st_uid == own:
                    return True
            except FileNotFoundError:
                pass
        return False

    def _signal(self, number):
        before = self._generations()
        self.process.send_signal(number)
        wait_until(lambda: self._running(before), f"httpd to go on after signal {number}")

    def graceful(self):
        self._signal(signal.SIGUSR1)

    def restart(self):
        self._signal(signal.SIGHUP)

    def stop(self):
        """Stops httpd and sees its daemon go with it."""
        if self.process is None:
            return
        daemons = self.daemons()
        try:
            end(self.process, signal.SIGTERM)
            if self._own_lines and self._daemon != "external":
                wait_until(lambda: not any(map(alive, daemons)) and not self.daemons(), "the daemon to go with httpd")
        finally:
            self.process = None
            if self._daemon != "external":
                kill(self.daemons())

    def children(self):
        return children_of(self.process.pid)

    def daemons(self):
        """Process ids of this httpd's mailorigind: none, one, or two while one replaces the other."""
        return processes_named_by(str(self.runtime_dir), "mailorigind")

    def daemon(self):
        """The one daemon, once there is exactly one."""
        return wait_until(lambda: (lambda pids: len(pids) == 1 and pids[0])(self.daemons()), "one mailorigind")

    def listening(self, path=None):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            try:
                probe.connect(str(path or self.runtime_dir / "mailorigin.sock"))
            except OSError:
                return False
        return True

    # ---- error_log

    def expect_log(self, pattern):
        """Declares error_log lines that the running test causes; at least one must come."""
        self._expected.append([re.compile(pattern), False])

    def allow_log(self, pattern):
        """Declares error_log lines that may or may not come."""
        self._expected.append([re.compile(pattern), True])

    def wait_log(self, pattern):
        """Declares a line and waits for it."""
        self.expect_log(pattern)
        return wait_until(
            lambda: [line for line in self._new_lines() if re.search(pattern, line)], f"error_log: {pattern}"
        )[-1]

    def _new_lines(self):
        if not self.error_log.exists():
            return []
        with open(self.error_log, "rb") as log:
            log.seek(self._checked)
            return log.read().decode(errors="replace").splitlines()

    def undeclared(self):
        """Lines since the last call that somebody should have declared; forgets the declarations."""
        bad = []
        for line in self._new_lines():
            matched = False
            for expectation in self._expected:
                if expectation[0].search(line):
                    expectation[1] = matched = True
            head = _LINE.match(line)
            noisy = head is None or head["level"] in _BAD_LEVELS or _OURS.search(line)
            if noisy and not matched and not any(re.search(normal, line) for normal in _NORMAL):
                bad.append(line)
        bad += [f"never came: {pattern.pattern}" for pattern, seen in self._expected if not seen]
        self._checked = self.error_log.stat().st_size if self.error_log.exists() else 0
        self._expected = []
        return bad

    def alive(self):
        return self.process is not None and alive(self.process.pid)
