"""mailorigind as a socket-activated unit would run it: sockets first, the daemon on top of them."""

import fcntl
import os
import signal
import socket
import subprocess

from .httpd import DAEMON_UID
from .waiting import die_with_parent, end


class ExternalDaemon:
    """Holds the listening sockets as systemd does; the daemon may come and go below them."""

    def __init__(self, installation, runtime_dir, state_dir, listen=True):
        self._installation = installation
        self._runtime_dir = runtime_dir
        self._state_dir = state_dir
        self.process = None
        self.console = runtime_dir.parent.parent / "logs/daemon.console"
        self._sockets = []
        if listen:
            self.listen()

    def listen(self):
        self._runtime_dir.mkdir(mode=0o755, exist_ok=True)
        for name, mode in (("mailorigin.sock", 0o666), ("control.sock", 0o600)):
            path = self._runtime_dir / name
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            before = os.umask(0o777 & ~mode)
            listener.bind(str(path))
            os.umask(before)
            listener.listen(128)
            self._sockets.append(listener)

    def start(self):
        high = [fcntl.fcntl(listener, fcntl.F_DUPFD, 100 + at) for at, listener in enumerate(self._sockets)]
        moves = " ".join(f"{3 + at}<&{fd} {fd}<&-" for at, fd in enumerate(high))
        self.process = subprocess.Popen(
            [
                "/bin/bash", "-c", f'exec {moves}; LISTEN_PID=$$ exec "$@"', "bash", str(self._installation.daemon),
                "--user", f"#{DAEMON_UID}",
                "--state-dir", str(self._state_dir),
                "--runtime-dir", str(self._runtime_dir),
            ],
            env={"LISTEN_FDS": "2", "LISTEN_FDNAMES": "question:control", "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.console, "ab"),
            preexec_fn=die_with_parent,
            pass_fds=high,
        )
        for descriptor in high:
            os.close(descriptor)
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            end(self.process, number)
            self.process = None

    def close(self):
        self.stop()
        for listener in self._sockets:
            listener.close()
        self._sockets = []
